"""The motions that renders are made of, and which of them are held out."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.bodies.body_model import OPEN_HUMAN
from revision_blender.motion.errors import ClipError
from revision_blender.motion.npz_file import read_npz
from revision_blender.motion.resample import sampled
from revision_blender.motion.rotation import matrix_from_axis_angle

Array = NDArray[np.floating]
Kind = Literal["human", "animal"]
Split = Literal["train", "held_out"]

BANK = OPEN_HUMAN.parent / "render_motions.npz"
QUANTUM = np.pi / 32767.0  # radians a step of the stored axis-angle vectors
_MAX_BYTES = 64 * 2**20
HELD_OUT = frozenset(
    ("walking_22", "walking_51", "walking_5", "running_3", "jumping_5", "soccer_5", "basketball_5", "directing_traffic_4", "basketball_signal_5",
     "humanoid3d_spinkick", "humanoid3d_dance_b", "humanoid3d_zombie_walk", "humanoid3d_jog", "dog3d_pace")
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Motion:
    """A recorded motion, y up, the floor at 0. rotations: ``(F, J, 3, 3)`` R_parent_joint. translation: ``(F, 3)`` metres, SMPL's way.

    group: shared by near-repeats of each other, the unit of the held-out split.
    """

    name: str
    group: str
    kind: Kind
    fps: float
    rotations: Array
    translation: Array

    @property
    def seconds(self) -> float:
        return (len(self.rotations) - 1) / self.fps

    def window(self, start: float, n_frames: int, fps: float) -> tuple[Array, Array]:
        """Rotations and translation of ``n_frames`` from ``start`` seconds on; held at the motion's ends."""
        return sampled(self.rotations, self.translation, (start + np.arange(n_frames) / fps) * self.fps)


@cache
def bank(path: Path = BANK) -> tuple[Motion, ...]:
    """All motions of the bank; ``ClipError`` where its file cannot be read."""
    stored = read_npz(path, max_bytes=_MAX_BYTES, error=ClipError, what="motion bank", text=True)
    try:
        return (*_unpacked(stored, "human"), *_unpacked(stored, "animal"))
    except (KeyError, ValueError, IndexError) as error:
        raise ClipError(f"the motion bank {path.name} is damaged ({error}); install the add-on again") from error


def motions_of(split: Split, kind: Kind, path: Path = BANK) -> tuple[Motion, ...]:
    """The motions of one kind that may be used for training, or those that never are."""
    return tuple(motion for motion in bank(path) if motion.kind == kind and (motion.group in HELD_OUT) == (split == "held_out"))


def _unpacked(stored: Mapping[str, NDArray[Any]], kind: Kind) -> list[Motion]:
    rotations = matrix_from_axis_angle(stored[f"{kind}.rotations"].astype(np.float64) * float(stored["quantum"]))
    translation, starts = stored[f"{kind}.translation"].astype(np.float64), stored[f"{kind}.starts"]
    names = zip(stored[f"{kind}.names"], stored[f"{kind}.groups"], strict=True)
    return [
        Motion(
            str(name),
            str(group),
            kind,
            float(stored["fps"]),
            rotations[starts[row] : starts[row + 1]],
            translation[starts[row] : starts[row + 1]],
        )
        for row, (name, group) in enumerate(names)
    ]
