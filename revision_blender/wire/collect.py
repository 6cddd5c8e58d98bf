"""A result that arrived becomes a decoded object and, for a video, a folder of PNG frames that is whole or not there."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .codec import Content, result_from
from .errors import WireError
from .events import Collected, Event, Refused
from .png import write_png
from .requests import VideoResult

_MARK = "revision_job.txt"  # inside a finished folder: whose frames these are


def deliver(job_id: str, content: Content, folder: Path | None, put: Callable[[Event], None]) -> None:
    """Tells Collected, or Refused with a sentence. Runs on a thread of its own, so that a cancel need not wait for pictures being written."""
    try:
        put(collected(job_id, content, folder))
    except (WireError, OSError) as error:
        put(Refused(job_id, str(error)))


def collected(job_id: str, content: Content, folder: Path | None) -> Collected:
    """Decodes and writes; raises WireError with a sentence, and then leaves nothing half done."""
    result = result_from(content)
    files: tuple[Path, ...] = ()
    if folder is not None and isinstance(result, VideoResult):
        files = write_frames(folder, result.frames, job_id)
    return Collected(job_id, content.kind, result, files)


def write_frames(folder: Path, frames: NDArray[np.uint8], job_id: str) -> tuple[Path, ...]:
    """Writes ``(F, H, W, 3)`` frames as ``frame_0000.png`` and on; returns their paths.

    Nothing is overwritten: a folder that holds this job's frames already is used as it is, and where another thing stands
    the new folder gets a number behind its name.
    """
    target = _free_name(folder, job_id)
    names = [f"frame_{index:04d}.png" for index in range(len(frames))]
    if not _holds(target, job_id):
        try:
            _write_folder(target, names, frames, job_id)
        except OSError as error:
            raise WireError(
                f"The frames cannot be written to {target}: {error.strerror or error}. Make room or save the file elsewhere, then press Fetch Again: the backend keeps the result."
            ) from error
    return tuple(target / name for name in names)


def _free_name(folder: Path, job_id: str) -> Path:
    number, candidate = 1, folder
    while candidate.exists() and not _is_empty(candidate) and not _holds(candidate, job_id):
        number += 1
        candidate = folder.with_name(f"{folder.name}-{number}")
    return candidate


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _holds(folder: Path, job_id: str) -> bool:
    mark = folder / _MARK
    return mark.is_file() and mark.read_text(encoding="utf-8").strip() == job_id


def _write_folder(target: Path, names: list[str], frames: NDArray[np.uint8], job_id: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    rough = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        for name, frame in zip(names, frames, strict=True):
            write_png(rough / name, frame)
        (rough / _MARK).write_text(job_id + "\n", encoding="utf-8")
        rough.chmod(0o755)
        if target.exists():
            target.rmdir()  # empty, or this raises; only POSIX renames over an empty folder
        rough.rename(target)
    except BaseException:
        shutil.rmtree(rough, ignore_errors=True)
        raise
