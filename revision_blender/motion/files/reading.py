"""The door to all motion files: finds out what a file is, by its content first, and has the right reader read it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MotionFileError
from . import acclaim, amass, bvh_in, clip_in, deepmimic, gvhmr, phalp, tram, wham
from .clean_contacts import with_clean_contacts
from .motion_file import MotionFile, MotionSummary, Reader, ReadOptions

if TYPE_CHECKING:
    from ..bodies.shelf import BodyShelf

__all__ = ["READERS", "describe", "read_motion", "reader_of"]

# The first whose `matches` says yes reads the file.
READERS: tuple[Reader, ...] = (clip_in, amass, gvhmr, phalp, wham, tram, bvh_in, acclaim, deepmimic)
_RETARGETED = (bvh_in, acclaim, deepmimic)  # clean contacts while they retarget
_HEAD = 4096  # bytes of the file that `matches` is given
_TAKEN = ".npz (clip, AMASS, SMPL-X), .pkl (4D-Humans, PHALP, WHAM), .pt (GVHMR), a folder of TRAM, .bvh, .amc, .txt (DeepMimic)"

Progress = Callable[[float, str], None]


def reader_of(path: Path) -> Reader:
    """The reader for a file or folder; ``MotionFileError`` where there is none or the file cannot be opened."""
    head = _head(path)
    for reader in READERS:
        if reader.matches(path, head):
            return reader
    if path.is_dir():
        raise MotionFileError(f"the folder {path.name} holds no results of TRAM; name the files in it, such as {path.name}/*.bvh")
    raise MotionFileError(f"{path.name} is no motion file that is known; these are: {_TAKEN}")


def read_motion(path: Path, shelf: "BodyShelf", options: ReadOptions | None = None, progress: Progress | None = None) -> MotionFile:
    """Reads any motion file as a clip.

    shelf: the bodies that are installed. progress: told the part done, 0 to 1, and what is going on. Raises
    ``MotionFileError`` in one sentence for what cannot be read; nothing of a file is ever executed.
    """
    path, tell = Path(path), progress or (lambda _part, _words: None)
    reader = reader_of(path)
    tell(0.1, f"reading {path.name}")
    options = options or ReadOptions()
    found = reader.read(path, shelf, options)
    if options.clean_contacts and reader not in _RETARGETED:
        tell(0.7, "holding the feet on the floor")
        found = with_clean_contacts(found, shelf)
    tell(1.0, f"read {path.name}")
    return found


def describe(path: Path) -> MotionSummary:
    """Who moves in a file and for how long; needs no body. Errors as in ``read_motion``."""
    path = Path(path)
    return reader_of(path).summary(path)


def _head(path: Path) -> bytes:
    try:
        if path.is_dir():
            return b""
        with path.open("rb") as stream:
            return stream.read(_HEAD)
    except FileNotFoundError as reason:
        raise MotionFileError(f"there is no file at {path}; choose another one") from reason
    except OSError as reason:
        raise MotionFileError(f"{path} cannot be read ({reason.strerror or reason}); check the disk and the file's permissions") from reason
