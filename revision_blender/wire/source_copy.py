"""A versioned copy of the source that a detached backend runs from: an upgrade wipes the extension's own folder."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from .errors import WireError
from .protocol import VERSION

SOURCE = Path(__file__).resolve().parents[2]
PARTS = ("backend", "revision_blender")
SKIPPED = ("__pycache__", "scene")  # scene needs bpy, which the backend never has
KEEP_SECONDS = 7 * 24 * 3600.0
_USED = ".used"  # touched whenever a backend starts from the copy


def source_files(root: Path) -> Iterator[Path]:
    """The files that the backend needs below ``root``, relative to it, sorted."""
    for part in PARTS:
        for path in sorted((root / part).rglob("*")):
            inside = path.relative_to(root)
            if path.is_file() and not set(SKIPPED) & set(inside.parts) and path.suffix not in (".pyc", ".part"):
                yield inside


@cache
def source_hash(root: Path = SOURCE) -> str:
    """First 16 hex digits of the SHA-256 over names and contents; read once a process, as the code in memory was."""
    sha = hashlib.sha256()
    for inside in source_files(root):
        data = (root / inside).read_bytes()
        sha.update(f"{inside.as_posix()}\0{len(data)}\0".encode())
        sha.update(data)
    return sha.hexdigest()[:16]


def make_copy(root: Path, copies: Path) -> Path:
    """The copy of the source in ``root`` below ``copies``; made if it is not there, whole or not at all."""
    target = copies / f"{VERSION}-{source_hash(root)}"
    try:
        copies.mkdir(parents=True, exist_ok=True)
        if not target.is_dir():
            _copy(root, target)
        (target / _USED).touch()
    except OSError as error:
        raise WireError(
            f"The backend's files cannot be copied to {target}: {error.strerror or error}. Make room or check the folder's rights."
        ) from error
    return target


def _copy(root: Path, target: Path) -> None:
    rough = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        for inside in source_files(root):
            (rough / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / inside, rough / inside)
        os.replace(rough, target)
    except OSError:
        shutil.rmtree(rough, ignore_errors=True)
        if not target.is_dir():  # else another process was faster, with the same files
            raise


def prune_copies(copies: Path, keep: Path, now: float | None = None) -> list[Path]:
    """Removes copies that no backend started from for a week, and what an interrupted copy left behind."""
    gone = []
    for path in copies.iterdir():
        mark = path / _USED if (path / _USED).exists() else path
        if path != keep and path.is_dir() and (now or time.time()) - mark.stat().st_mtime > KEEP_SECONDS:
            shutil.rmtree(path, ignore_errors=True)
            gone.append(path)
    return gone
