"""Clips with their truth, read from a dataset folder (``docs/training.md``) or rendered, and which of them begin with the same picture.

Everything here is read, never written. What a model is measured on must be held out: other motions, looks and backgrounds than trained on.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.errors import InputError
from backend.progress import Progress
from revision_blender.motion.clip import BodyTrack, Clip
from revision_blender.motion.clip_file import load_clip


@dataclass(frozen=True, eq=False)
class Shown:
    """One clip with its truth. frames: ``(F, H, W, 3)`` uint8. labels: ``(F, H, W)`` uint8. clip: what moves in it."""

    name: str
    frames: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    clip: Clip

    @property
    def person(self) -> BodyTrack | None:
        """The only person, where the clip shows one person and nothing else."""
        alone = len(self.clip.tracks) == 1 and len(self.clip.bodies) == 1
        return self.clip.bodies[0] if alone and self.clip.bodies[0].family == "smpl" else None


def read_clips(folder: Path, names: Sequence[str] | None = None) -> tuple[Shown, ...]:
    """The clips of a dataset, all or those named, in the dataset's order.

    Raises InputError where the folder is no dataset, or frames, labels and motion of a clip do not fit together.
    """
    if not (folder / "dataset.json").is_file():
        raise InputError(
            f"{folder} holds no dataset.json; give the folder of a dataset (python -m backend train renders --out writes one)."
        )
    if (folder / "packed" / "names.json").is_file():
        return _packed(folder, names)
    wanted = sorted(path.name for path in (folder / "clips").iterdir() if path.is_dir()) if names is None else names
    return tuple(_shown(folder, name, *_pictures(folder / "clips" / name)) for name in wanted)


def rendered(count: int, size: int, frames: int, fps: float, progress: Progress) -> tuple[Shown, ...]:
    """The first ``count`` held-out clips, made anew: whole scenes, a few more where the last one is not needed whole."""
    from backend.training.renders.scenes import Format, scene

    form = Format(size=size, frames=frames, fps=fps)
    scenes = progress.each((scene(seed, "held_out", form) for seed in range(-(-count // form.clips))), -(-count // form.clips), "Rendering")
    return tuple(Shown(clip.name, clip.frames, clip.labels, clip.clip) for clips in scenes for clip in clips)


def names_of(folder: Path) -> tuple[str, ...]:
    """The names of a dataset's clips in its order."""
    packed = folder / "packed" / "names.json"
    if packed.is_file():
        return tuple(json.loads(packed.read_text(encoding="utf-8")))
    return tuple(sorted(path.name for path in (folder / "clips").iterdir() if path.is_dir()))


def _packed(folder: Path, names: Sequence[str] | None) -> tuple[Shown, ...]:
    place = {name: index for index, name in enumerate(names_of(folder))}
    frames, labels = (np.load(folder / "packed" / f"{part}.npy", mmap_mode="r", allow_pickle=False) for part in ("frames", "labels"))
    missing = [name for name in names or () if name not in place]
    if missing:
        raise InputError(f"{folder} has no clip {missing[0]!r}; it holds {len(place)} others.")
    chosen = list(place) if names is None else list(names)
    return tuple(_shown(folder, name, np.array(frames[place[name]]), np.array(labels[place[name]])) for name in chosen)


def _shown(folder: Path, name: str, frames: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Shown:
    clip = load_clip(folder / "clips" / name / "clip.npz")
    if frames.shape[:3] != labels.shape or len(frames) != clip.n_frames:
        raise InputError(f"clip {name} of {folder} has frames {frames.shape}, labels {labels.shape} and {clip.n_frames} frames of motion.")
    return Shown(name, frames, labels, clip)


def _pictures(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    from PIL import Image

    frames, labels = (
        np.stack([np.asarray(Image.open(path).convert(mode)) for path in sorted((folder / part).glob("*.png"))])
        for part, mode in (("frames", "RGB"), ("labels", "L"))
    )
    return frames, labels


def families(shown: Sequence[Shown]) -> tuple[tuple[int, ...], ...]:
    """Indices of clips that begin with the same picture, byte for byte, in order of first appearance."""
    members: dict[bytes, list[int]] = defaultdict(list)
    for index, one in enumerate(shown):
        members[one.frames[0].tobytes()].append(index)
    return tuple(tuple(group) for group in members.values())
