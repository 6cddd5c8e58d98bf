"""One motion in the prior's world, as numpy arrays: what readers, corruptions and filters speak.

The prior's world: metres, y up, the floor at y = 0. Its clock: ``FPS`` frames a second.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Kind = Literal["human", "animal", "object"]
KINDS: tuple[Kind, ...] = ("human", "animal", "object")

FPS = 30.0
N_JOINTS: dict[Kind, int] = {"human": 22, "animal": 35, "object": 1}  # SMPL's body joints, SMAL's, and the box


@dataclass(frozen=True, eq=False)
class Take:
    """A motion of ``F`` frames and ``J`` joints.

    rotations: ``(F, J, 3, 3)`` R_parent_joint; entry 0 is R_world_root (of an object: of its box, identity where unknown).
    root: ``(F, 3)`` the place of joint 0 (of an object: its centre), metres in the prior's world.
    offsets: ``(J, 3)`` each joint's rest place minus its parent's, metres; the root's is 0.
    points: ``(F, 21, 3)`` an object's points minus ``root``, metres in the world's axes; None for bodies.
    name, group, text: the file's, that of near-repeats (the unit of every split), and the words that say what is done.
    """

    kind: Kind
    fps: float
    rotations: Array
    root: Array
    offsets: Array
    points: Array | None = None
    name: str = ""
    group: str = ""
    text: str = ""

    @property
    def n_frames(self) -> int:
        return len(self.rotations)


@dataclass(frozen=True, eq=False)
class Damaged:
    """A take as a lifter or an editor left it.

    trust: ``(F, J)`` in [0, 1], 0 where a rotation is missing (its value there says nothing). root_trust: ``(F,)``, of the place.
    pinned: ``(F, J)`` bool and root_pinned: ``(F,)`` bool, entries that are known exactly and must come back bit for bit.
    """

    take: Take
    trust: Array
    root_trust: Array
    pinned: NDArray[np.bool_]
    root_pinned: NDArray[np.bool_]


def undamaged(take: Take) -> Damaged:
    """Everything trusted, nothing pinned."""
    frames, joints = take.rotations.shape[:2]
    return Damaged(take, np.ones((frames, joints)), np.ones(frames), np.zeros((frames, joints), dtype=bool), np.zeros(frames, dtype=bool))
