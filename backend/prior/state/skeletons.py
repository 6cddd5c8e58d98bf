"""Which joint hangs on which, where a body touches the floor, and how its rest pose stands, for the three kinds of motion."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from backend.prior.state.take import Kind
from revision_blender.motion.skeletons import SMAL, SMPL

_BODY_JOINTS = 22
_PARENTS: dict[Kind, tuple[int, ...]] = {
    "human": tuple(int(parent) for parent in SMPL.parents[:_BODY_JOINTS]),
    "animal": tuple(int(parent) for parent in SMAL.parents),
    "object": (-1,),
}


@dataclass(frozen=True)
class Touch:
    """A point of the body that can stand on the floor: it is carried by ``joint``, at ``along`` times the rest offset of ``toward``.

    Where ``toward`` is None it is the joint's own place.
    """

    joint: int
    toward: int | None = None
    along: tuple[float, float, float] = (0.0, 0.0, 0.0)


_HEEL = (0.0, 1.0, -0.25)  # of the offset from ankle to toes: as deep as the toes, a quarter of their distance behind the ankle
_TOUCHES: dict[Kind, tuple[Touch, ...]] = {
    "human": (Touch(10), Touch(7, 10, _HEEL), Touch(11), Touch(8, 11, _HEEL)),
    "animal": tuple(Touch(SMAL.index(f"{side}_{end}_foot")) for end in ("front", "back") for side in ("left", "right")),
    "object": (Touch(0), Touch(0), Touch(0), Touch(0)),
}


def parents_of(kind: Kind) -> tuple[int, ...]:
    """Each joint's parent, -1 for the root: SMPL's 22 body joints, SMAL's 35, an object's box."""
    return _PARENTS[kind]


def touches_of(kind: Kind) -> tuple[Touch, ...]:
    """The four points whose contacts are told: left toe, left heel, right toe, right heel, or an animal's feet (see ``Predicted``)."""
    return _TOUCHES[kind]


def upright(kind: Kind, like: Tensor) -> Float[Tensor, "3 3"]:
    """Rest axes from those of a body that stands (x left, y up, z ahead): the identity for people; SMAL rests with z up and x ahead."""
    rows = [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]] if kind == "animal" else torch.eye(3).tolist()
    return like.new_tensor(rows)
