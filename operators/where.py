"""Where things lie: the extension's own folder, the backend's home, the results of a take."""

import os
import re
from pathlib import Path

import bpy

EXTENSION = __package__.rpartition(".")[0]
SOURCE = Path(__file__).resolve().parent.parent


def results_folder(take: str, stage: str, job_id: str) -> Path:
    """The folder for one result: beside the .blend, or in the extension's user folder while the file is unsaved."""
    return _results_root() / _file_name(take) / f"{stage}-{job_id[:8]}"


def _results_root() -> Path:
    if bpy.data.filepath:
        return Path(bpy.data.filepath).resolve().parent / "revision_results"
    if EXTENSION.startswith("bl_ext."):
        return Path(bpy.utils.extension_path_user(EXTENSION, path="results", create=True))
    return Path(bpy.utils.user_resource("DATAFILES", path="revision_results", create=True))


def _file_name(words: str) -> str:
    return re.sub(r"[^\w.-]+", "_", words).strip("._") or "take"


def stored(path: Path) -> str:
    """The path as the .blend keeps it: relative to the .blend where it lies beside or below it."""
    if bpy.data.filepath and path.is_relative_to(Path(bpy.data.filepath).resolve().parent):
        return bpy.path.relpath(str(path))
    return str(path)


def absolute(path: str) -> Path:
    """A stored or typed path, made absolute."""
    return Path(os.path.normpath(bpy.path.abspath(path)))


def confidence_folder(masks: Path) -> Path:
    """Where the confidence maps of the part masks in a folder lie."""
    return masks / "confidence"


def pngs(folder: str) -> tuple[Path, ...]:
    """The frames in a stored folder, in order."""
    return tuple(sorted(absolute(folder).glob("*.png"))) if folder else ()
