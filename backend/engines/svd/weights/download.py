"""Downloads a video model from the hub into the hub client's own cache: only when asked, licence named first, progress, resume, hashes.

What is there already, from us or from other programs, is not downloaded again.
"""

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backend.engines.svd.weights.hub_transfer import HubFile, Told, fetched, linked
from backend.errors import EngineError, InputError
from backend.progress import Progress
from revision_blender.motion.whole_file import whole_file
from revision_blender.video_model.errors import ModelFileError
from revision_blender.video_model.files import INDEX_FILE, PARTS, examined
from revision_blender.video_model.hub_cache import BRANCH, repository_folder
from revision_blender.video_model.names import BUNDLED, kind_of
from revision_blender.video_model.published import gated_words, gigabytes, licence_words, page_of

SPARE_BYTES = 500_000_000  # left free on the disk


@dataclass(frozen=True)
class Repository:
    """What the hub says of a model. commit: of its main branch. files: those that the engine needs."""

    name: str
    commit: str
    files: tuple[HubFile, ...]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True)
class Downloaded:
    """folder: the snapshot. bytes: of the model. fetched: bytes that came over the network. seconds: it took."""

    folder: Path
    bytes: int
    fetched: int
    seconds: float


def download(
    name: str, accept_licence: bool, progress: Progress, *, endpoint: str | None = None, environ: Mapping[str, str] = os.environ
) -> Downloaded:
    """The model whole in the hub's cache. endpoint: of the hub, by default the client's own (HF_ENDPOINT).

    Raises InputError for a name that is not the hub's and while the licence is not accepted (its sentence names it), Cancelled, and
    EngineError for everything that can go wrong on the way, each with the next step; what has arrived is kept.
    """
    check_wanted(name, accept_licence)
    began = time.perf_counter()
    folder = repository_folder(name, environ)
    progress(0.0, f"Asking the hub for {name}")
    with _explained(name), _alone(folder, name):
        repository = survey(name, endpoint)
        _check_space(repository, folder)
        snapshot = folder / "snapshots" / repository.commit
        got = _fetch_all(repository, folder, snapshot, endpoint, progress.part(0.01, 0.99))
        progress(0.99, "Checking the model")
        examined(snapshot)
        _remember(folder, repository.commit)
    return Downloaded(snapshot, repository.bytes, got, time.perf_counter() - began)


def check_wanted(name: str, accept_licence: bool) -> None:
    """Raises InputError unless ``name`` is a repository of the hub whose licence was accepted."""
    if kind_of(name) != "hub":
        what = "comes with ReVision" if name == BUNDLED else "is no repository of the hub (OWNER/NAME)"
        raise InputError(f"{name or 'Nothing'} {what}; there is nothing to download.")
    if not accept_licence:
        raise InputError(f"{licence_words(name)} Accept it to download.")


def survey(name: str, endpoint: str | None = None) -> Repository:
    """What would be downloaded: half-precision weights where every part has them, else the full ones; never pickles."""
    from huggingface_hub import HfApi

    info = HfApi(endpoint=endpoint).model_info(name, files_metadata=True, timeout=30.0)
    siblings = {sibling.rfilename: sibling for sibling in info.siblings or []}
    files = []
    for wanted in wanted_files(name, tuple(siblings)):
        sibling = siblings[wanted]
        digest = sibling.lfs.sha256 if sibling.lfs is not None else sibling.blob_id
        if sibling.size is None or not digest or info.sha is None:
            raise EngineError(f"The hub names no size and hash of {wanted} in {name}; try again later.")
        files.append(HubFile(wanted, sibling.size, digest))
    return Repository(name, str(info.sha), tuple(files))


def wanted_files(name: str, there: tuple[str, ...]) -> tuple[str, ...]:
    """Of a repository's files those that the engine reads, and its licence. Raises EngineError when a part is missing."""
    weighted = [part.folder for part in PARTS if part.weights]
    for half in (True, False):
        weights = [file for file in there if file.endswith(".safetensors") and (".fp16" in file) == half]
        if all(any(file.startswith(f"{folder}/") for file in weights) for folder in weighted):
            break
    else:
        raise EngineError(f"{name} has no safetensors weights for {', '.join(weighted)}; choose another model ({page_of(name)}).")
    configs = [INDEX_FILE, *(f"{part.folder}/{part.config}" for part in PARTS)]
    missing = [file for file in configs if file not in there]
    if missing:
        raise EngineError(f"{name} has no {missing[0]}: it is no Stable Video Diffusion in diffusers layout. Choose another model.")
    weights = [file for file in weights if file.split("/")[0] in weighted]
    indices = [file for file in there if file.endswith(".json") and ".index." in file and (".fp16" in file) == half]
    papers = [file for file in there if file.upper().startswith(("LICENSE", "LICENCE", "NOTICE", "README", "REVISION.JSON"))]
    return (*configs, *papers, *indices, *sorted(weights))


def _fetch_all(repository: Repository, folder: Path, snapshot: Path, endpoint: str | None, progress: Progress) -> int:
    """Returns the bytes that came over the network."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.utils import build_hf_headers

    # no compression: the partial file is resumed by its bytes
    headers = build_hf_headers(library_name="revision-blender") | {"Accept-Encoding": "identity"}
    counter = _Counter(repository.bytes, progress)
    for file in repository.files:
        url = hf_hub_url(repository.name, file.name, revision=repository.commit, endpoint=endpoint)
        place = snapshot / file.name
        if not (place.is_file() and not place.is_symlink() and place.stat().st_size == file.bytes):
            linked(fetched(file, url, headers, folder / "blobs", counter.of(file)), place)
        counter.finish(file)
    return counter.fetched


class _Counter:
    """Bytes so far over all files, told as progress. fetched: those over the network."""

    def __init__(self, total: int, progress: Progress) -> None:
        self.total, self.progress = total, progress
        self.finished, self.current, self.fetched, self._calls = 0, 0, 0, 0

    def of(self, file: HubFile) -> Told:
        self.current, self._calls = 0, 0

        def told(more: int) -> None:
            self._calls += 1
            self.current += more
            self.fetched += max(more, 0) if self._calls > 1 else 0  # the first call tells what lay there already
            so_far = self.finished + self.current
            self.progress(so_far / max(self.total, 1), f"Downloading {file.name}, {gigabytes(so_far)} of {gigabytes(self.total)}")

        return told

    def finish(self, file: HubFile) -> None:
        self.finished += file.bytes


def _check_space(repository: Repository, folder: Path) -> None:
    there = sum(file.stat().st_size for file in (folder / "blobs").glob("*")) if (folder / "blobs").is_dir() else 0
    free = shutil.disk_usage(_existing(folder)).free
    needed = repository.bytes - there + SPARE_BYTES
    if repository.bytes > there and free < needed:
        raise EngineError(
            f"{repository.name} needs {gigabytes(needed)}, but {folder} has {gigabytes(free)} free. Make room, or set HF_HOME to a larger disk "
            "before the backend starts."
        )


def _existing(folder: Path) -> Path:
    return folder if folder.exists() else _existing(folder.parent)


def _remember(folder: Path, commit: str) -> None:
    """Only now, so that a snapshot that the reference names is whole."""
    (folder / "refs").mkdir(exist_ok=True)
    with whole_file(folder / "refs" / BRANCH) as stream:
        stream.write(commit.encode())


@contextmanager
def _alone(folder: Path, name: str) -> Iterator[None]:
    """Two downloads would write into one partial file."""
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "revision.lock", timeout=0):
            yield
    except Timeout as error:
        raise EngineError(f"{name} is being downloaded already; wait for that download, or cancel it.") from error


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """What goes wrong with the hub, as sentences with the next step."""
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, RepositoryNotFoundError

    try:
        yield
    except ModelFileError as error:
        raise EngineError(str(error)) from error
    except GatedRepoError as error:
        raise EngineError(f"The hub gives {name} only to accounts that accepted its licence. {gated_words(name)}") from error
    except RepositoryNotFoundError as error:
        raise EngineError(
            f"The hub has no model {name}, or it is private. Check the name; for a private one: {gated_words(name)}"
        ) from error
    except OfflineModeIsEnabled as error:
        raise EngineError("HF_HUB_OFFLINE forbids downloads; unset it and start the backend again.") from error
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "nothing"
        raise EngineError(
            gated_words(name)
            if status in (401, 403)
            else f"The hub answered {status} for {name}; try again later, it goes on where it stopped."
        ) from error
    except HFValidationError as error:
        raise EngineError(f"{name} is no name of a model on the hub (OWNER/NAME).") from error
    except OSError as error:
        raise EngineError(f"The download of {name} broke off ({error!s:.150}); download again, it goes on where it stopped.") from error
    except Exception as error:  # httpx's family has no common base in the standard library
        if type(error).__module__.partition(".")[0] not in {"httpx", "httpx2", "httpcore", "httpcore2"}:
            raise
        raise EngineError(
            f"The hub cannot be reached ({type(error).__name__}: {error!s:.120}). Check the connection and download again; it goes on where it stopped."
        ) from error
