"""The dataset folder (docs/training.md): clips as frames and label images, read from PNG files or from a packed copy of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.errors import InputError
from revision_blender.masks.labels import PART_LABELS

VERSION = 1
FACTS_FILE = "dataset.json"
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class DatasetFacts:
    """fps: of every clip. size: width and height in pixels. frames: how many in a row the model is trained on; clips may be longer."""

    fps: float
    size: tuple[int, int]
    frames: int


@dataclass(frozen=True)
class TrainingClip:
    """frames ``(F, H, W, 3)``, labels ``(F, H, W)`` of ``masks.labels``, as long as the dataset says."""

    name: str
    frames: Bytes
    labels: Bytes


class ClipFolder:
    """The clips of one dataset folder, in the order of their names. The packed copy is used where there is one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts = read_facts(folder)
        packed = folder / "packed"
        self._packed = _Packed(packed, self.facts) if (packed / "names.json").is_file() else None
        self.names: Sequence[str] = self._packed.names if self._packed else clip_names(folder)
        if not self.names:
            raise InputError(f"{folder / 'clips'} holds no clips; make some, or name another dataset folder.")

    def __len__(self) -> int:
        return len(self.names)

    def clip(self, index: int, rng: np.random.Generator) -> TrainingClip:
        """A stretch of ``facts.frames`` frames; of longer clips a random one. Raises InputError for what cannot be read or does not fit."""
        name, wanted = self.names[index], self.facts.frames
        length = self._packed.length if self._packed else frame_count(self.folder / "clips" / name)
        if length < wanted:
            raise InputError(f"the clip {name} has {length} frames; {wanted} are needed. Leave it out, or make it again.")
        first = int(rng.integers(0, length - wanted + 1))
        if self._packed:
            return TrainingClip(name, *self._packed.stretch(index, first, wanted))
        return TrainingClip(name, *_read_stretch(self.folder / "clips" / name, first, self.facts))


class _Packed:
    """The same pixels in two arrays on disk, mapped into memory: a clip is read without decoding a picture."""

    def __init__(self, folder: Path, facts: DatasetFacts) -> None:
        self.frames: Any = _mapped(folder / "frames.npy")
        self.labels: Any = _mapped(folder / "labels.npy")
        self.names = _names(folder / "names.json")
        width, height = facts.size
        n = len(self.names)
        if self.frames.shape[:1] + self.frames.shape[2:] != (n, height, width, 3) or self.labels.shape != self.frames.shape[:4]:
            raise InputError(
                f"{folder} holds frames of shape {self.frames.shape} and labels of shape {self.labels.shape} for {n} clips of "
                f"{width} x {height} px; pack the dataset again."
            )
        self.length = self.frames.shape[1]

    def stretch(self, index: int, first: int, n: int) -> tuple[Bytes, Bytes]:
        return np.array(self.frames[index, first : first + n]), np.array(self.labels[index, first : first + n])


def read_facts(folder: Path) -> DatasetFacts:
    """What ``dataset.json`` says. Raises InputError with the value that is wrong."""
    file = folder / FACTS_FILE
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read ({error}); name a dataset folder, as docs/training.md describes it.") from error
    if not isinstance(values, dict) or values.get("version") != VERSION:
        raise InputError(f"{file} is not of version {VERSION}; make the dataset again with this version of the project.")
    fps, size, frames = values.get("fps"), values.get("size"), values.get("frames")
    if not isinstance(fps, int | float) or isinstance(fps, bool) or not 0.0 < fps <= 240.0:
        raise InputError(f"{file}: fps is {fps!r}; a rate above 0 and up to 240 is needed.")
    if not isinstance(size, list) or len(size) != 2 or not all(type(side) is int and 8 <= side <= 8192 for side in size):
        raise InputError(f"{file}: size is {size!r}; [width, height] in pixels is needed.")
    if type(frames) is not int or not 2 <= frames <= 256:
        raise InputError(f"{file}: frames is {frames!r}; a whole number from 2 to 256 is needed.")
    return DatasetFacts(float(fps), (size[0], size[1]), frames)


def clip_names(folder: Path) -> list[str]:
    """Names of the folders under ``clips``, sorted."""
    clips = folder / "clips"
    return sorted(entry.name for entry in clips.iterdir() if entry.is_dir()) if clips.is_dir() else []


def frame_count(clip: Path) -> int:
    """Frames numbered from 00000 without a gap."""
    count = 0
    while (clip / "frames" / f"{count:05d}.png").is_file():
        count += 1
    return count


def read_picture(file: Path, size: tuple[int, int], *, gray: bool) -> Bytes:
    """``(H, W)`` or ``(H, W, 3)`` RGB. Raises InputError for a missing or damaged file, another size, a picture of another kind."""
    picture = cv2.imread(str(file), cv2.IMREAD_UNCHANGED) if file.is_file() else None
    if picture is None:
        raise InputError(f"{file} is missing or no picture; make the clip again.")
    shape = (size[1], size[0]) if gray else (size[1], size[0], 3)
    if picture.dtype != np.uint8 or picture.shape != shape:
        raise InputError(
            f"{file} is {picture.dtype} of shape {picture.shape}; uint8 of shape {shape} is needed. Save it as 8-bit {'gray' if gray else 'RGB'}."
        )
    return np.asarray(picture if gray else picture[..., ::-1], np.uint8)  # files of colour are read as BGR


def _read_stretch(clip: Path, first: int, facts: DatasetFacts) -> tuple[Bytes, Bytes]:
    numbers = range(first, first + facts.frames)
    frames = np.stack([read_picture(clip / "frames" / f"{number:05d}.png", facts.size, gray=False) for number in numbers])
    labels = np.stack([read_picture(clip / "labels" / f"{number:05d}.png", facts.size, gray=True) for number in numbers])
    if labels.max() >= len(PART_LABELS):
        raise InputError(f"{clip / 'labels'} holds label {labels.max()}; the table ends at {len(PART_LABELS) - 1}. Make the clip again.")
    return frames, labels


def _mapped(file: Path) -> Any:
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read ({error}); pack the dataset again.") from error
    if array.dtype != np.uint8:
        raise InputError(f"{file} holds {array.dtype}; uint8 is needed. Pack the dataset again.")
    return array


def _names(file: Path) -> list[str]:
    names = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{file} is no list of names; pack the dataset again.")
    return names
