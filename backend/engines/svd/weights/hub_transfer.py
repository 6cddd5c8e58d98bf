"""One file from the model hub into the hub client's cache: resumed within the file, checked by its hash, and there whole or not at all.

The hub's client (huggingface_hub 2) starts a file again when it was interrupted, which for gigabytes is not good enough, so the partial
file is ours; requests, redirects, retries and tokens are the client's.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import tqdm

from backend.errors import EngineError

BLOCK = 8_000_000  # bytes hashed at once
PART_SUFFIX = ".revision-part"
CHUNK = 1_000_000  # bytes between two reports; the client's own ten million would make cancelling slow on a slow line

constants.DOWNLOAD_CHUNK_SIZE = CHUNK

Told = Callable[[int], None]  # bytes more (less, where a server could not resume); may leave by an exception


@dataclass(frozen=True)
class HubFile:
    """name: inside the repository. bytes: its size. digest: SHA-256 of a large file; of a small one git's SHA-1, which has the size mixed in."""

    name: str
    bytes: int
    digest: str

    @property
    def large(self) -> bool:
        return len(self.digest) == 64


def fetched(file: HubFile, url: str, headers: dict[str, str], blobs: Path, told: Told) -> Path:
    """The file among ``blobs`` under its digest. A partial one left by an earlier try goes on where it stopped.

    Raises EngineError when the hash is another, and what the client raises (``HfHubHTTPError``, ``OSError``, httpx's errors).
    """
    whole = blobs / file.digest
    if whole.is_file() and whole.stat().st_size == file.bytes:
        told(file.bytes)
        return whole
    blobs.mkdir(parents=True, exist_ok=True)
    part = blobs / (file.digest + PART_SUFFIX)
    if part.exists() and part.stat().st_size > file.bytes:
        part.unlink()
    with part.open("ab") as stream:
        kept = stream.tell()
        told(kept)
        http_get(url, stream, resume_size=kept, headers=headers, expected_size=file.bytes, tqdm_class=_bar(told))
        stream.flush()
        os.fsync(stream.fileno())
    if digest_of(part, file.large) != file.digest:
        part.unlink()
        raise EngineError(f"{file.name} arrived damaged: its hash is not the one that the hub names. Download the model again.")
    os.replace(part, whole)
    return whole


def linked(blob: Path, place: Path) -> None:
    """The file under its name in a snapshot, as the hub's client leaves it: a relative link, or the file itself where there are no links."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_file() and place.stat().st_size == blob.stat().st_size:
        return
    place.unlink(missing_ok=True)
    try:
        place.symlink_to(os.path.relpath(blob, place.parent))
    except OSError:  # Windows without the right to make links
        os.replace(blob, place)


def digest_of(file: Path, large: bool) -> str:
    """SHA-256, or git's SHA-1 of a blob."""
    hasher = hashlib.sha256() if large else hashlib.sha1(b"blob %d\0" % file.stat().st_size, usedforsecurity=False)
    with file.open("rb") as stream:
        while block := stream.read(BLOCK):
            hasher.update(block)
    return hasher.hexdigest()


def _bar(told: Told) -> type[tqdm]:
    """The client shows progress on a bar of a class that it makes itself; this one shows nothing and tells."""

    class Bar(tqdm):
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **(options | {"disable": True}))

        def update(self, n: float | None = 1) -> bool | None:
            told(int(n or 0))
            return None

    return Bar
