"""A captured motion of any skeleton: what BVH, ASF/AMC and DeepMimic files have in common.

The one form from which motions are brought to a body (``onto_body``). World coordinates are the file's own: its axes are kept,
and ``up`` says which of them points up.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import MotionFileError
from ..files.motion_file import Up

Array = NDArray[np.floating]

UP = {"y": np.array([0.0, 1.0, 0.0]), "z": np.array([0.0, 0.0, 1.0])}
COINCIDENT = 1e-3  # of the skeleton's size: joints closer than this are at one place


@dataclass(frozen=True, eq=False)
class Capture:
    """``F`` frames of a skeleton of ``J`` joints; a parent comes before its children, joint 0 is the only root.

    names: of the joints. parents: ``(J,)``, the root's is -1. rest: ``(J, 3)`` places where no joint is turned, root at 0.
    rotations: ``(F, J, 3, 3)`` R_world_joint, identity in the rest pose. places: ``(F, J, 3)`` in the world. Lengths are
    metres once ``unit`` is; before, the file's. fps: frames a second. up: the axis of the world that points up.
    """

    names: tuple[str, ...]
    parents: NDArray[np.int64]
    rest: Array
    rotations: Array
    places: Array
    fps: float
    up: Up = "y"

    def __post_init__(self) -> None:
        frames, joints = len(self.rotations), len(self.names)
        if frames < 1 or joints < 1:
            raise MotionFileError(f"the capture has {frames} frames of {joints} joints; at least one of each is needed")
        if self.rotations.shape != (frames, joints, 3, 3) or self.places.shape != (frames, joints, 3) or self.rest.shape != (joints, 3):
            raise MotionFileError(f"the capture's arrays do not fit its {frames} frames and {joints} joints; read the file again")

    @property
    def n_frames(self) -> int:
        return len(self.rotations)

    @property
    def up_world(self) -> Array:
        """``(3,)`` unit vector."""
        return UP[self.up]

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Each joint's children, in the file's order."""
        found: list[list[int]] = [[] for _ in self.names]
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                found[int(parent)].append(joint)
        return tuple(tuple(row) for row in found)

    @cached_property
    def lengths(self) -> Array:
        """``(J,)`` length of the bone from the parent, the root's 0."""
        offsets = self.rest - self.rest[np.maximum(self.parents, 0)]
        return np.where(self.parents < 0, 0.0, np.linalg.norm(offsets, axis=-1))

    @cached_property
    def size(self) -> float:
        """The longest way from the root to a leaf: lengths are judged against it."""
        reach = np.zeros(len(self.names))
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                reach[joint] = reach[parent] + self.lengths[joint]
        return float(reach.max())

    def path(self, joint: int, ancestor: int = -1) -> tuple[int, ...]:
        """The joints from below ``ancestor`` down to ``joint``; from the root where the ancestor is not above it."""
        way = []
        at = joint
        while at not in (-1, ancestor):
            way.append(at)
            at = int(self.parents[at])
        return tuple(reversed(way))

    def is_at_parents_place(self, joint: int) -> bool:
        """Whether a joint's bone has no length worth speaking of."""
        return bool(self.lengths[joint] < COINCIDENT * self.size)

    def in_unit(self, metres: float) -> "Capture":
        """The same with its lengths multiplied by ``metres``."""
        return replace(self, rest=self.rest * metres, places=self.places * metres)

    def turned_up(self, up: Up) -> "Capture":
        return replace(self, up=up)


def rest_places(parents: NDArray[np.integer], offsets: Array) -> Array:
    """``(J, 3)`` rest places from offsets ``(J, 3)`` to the parents; roots at 0."""
    rest = np.zeros((len(parents), 3))
    for joint, parent in enumerate(parents):
        if parent >= 0:
            rest[joint] = rest[parent] + offsets[joint]
    return rest


def posed_places(parents: NDArray[np.integer], rest: Array, world: Array, root: Array) -> Array:
    """``(F, J, 3)`` places of rigid bones turned by ``world`` ``(F, J, 3, 3)``, the root at ``root`` ``(F, 3)``."""
    places = np.empty(world.shape[:-1])
    for joint, parent in enumerate(parents):
        if parent < 0:
            places[:, joint] = root
        else:
            places[:, joint] = places[:, parent] + world[:, parent] @ (rest[joint] - rest[parent])
    return places
