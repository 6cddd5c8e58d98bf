"""What retargeting is judged by: directions of bones, sliding of resting feet, change of joints, limits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..bodies.body_model import Identity, joints_of, world_rotations
from ..skeletons import skeleton_of
from .capture import Capture
from .contacts import Contacts
from .limits import beyond
from .retarget import Retargeted
from .roles import SIDES, Roles
from .turns import angles

Array = NDArray[np.floating]

# bones between the same anatomical places of both skeletons: role and role it ends at -> SMPL joints
_LIMBS = (("thigh", "shank", "hip", "knee"), ("shank", "foot", "knee", "ankle"), ("upper_arm", "forearm", "shoulder", "elbow"), ("forearm", "hand", "elbow", "wrist"))  # fmt: skip


@dataclass(frozen=True)
class Directions:
    """Degrees between source and result, by name: ``(F,)`` each.

    limbs: thighs, shanks, upper arms, forearms in the world. trunk: hips' middle to shoulders' middle, hip to hip, shoulder to
    shoulder, shoulders to head in the world. turned: bones that begin elsewhere in the two skeletons (each spine joint, neck, head,
    collars, feet): how far the result's part is turned from the source's, both counted from the reference pose.
    """

    limbs: dict[str, Array]
    trunk: dict[str, Array]

    def mean(self) -> float:
        return float(np.mean([row.mean() for row in (*self.limbs.values(), *self.trunk.values())]))

    def worst(self) -> float:
        return float(max(row.max() for row in (*self.limbs.values(), *self.trunk.values())))


def directions(capture: Capture, roles: Roles, moved: Retargeted, identity: Identity) -> Directions:
    """How well bones of a person's capture are kept."""
    joints = joints_of(identity, moved.rotations, moved.translation)
    number = skeleton_of(identity.model.family).index
    limbs = {}
    for side in SIDES:
        for role, end, a, b in _LIMBS:
            theirs = capture.places[:, roles.ends[f"{side}_{role}"]] - capture.places[:, roles.limbs[f"{side}_{role}"]]
            ours = joints[:, number(f"{side}_{b}")] - joints[:, number(f"{side}_{a}")]
            limbs[f"{side} {role}"] = np.degrees(angles(ours, theirs))
            assert end
    return Directions(limbs, _trunk(capture, roles, joints, number))


def _trunk(capture: Capture, roles: Roles, joints: Array, number) -> dict[str, Array]:  # noqa: ANN001
    def theirs(part: str) -> tuple[Array, Array]:
        return capture.places[:, roles.limbs[f"left_{part}"]], capture.places[:, roles.limbs[f"right_{part}"]]

    hips, shoulders = theirs("thigh"), theirs("upper_arm")
    ours_hips = joints[:, number("left_hip")], joints[:, number("right_hip")]
    ours_shoulders = joints[:, number("left_shoulder")], joints[:, number("right_shoulder")]
    pairs = {
        "trunk": (sum(shoulders) - sum(hips), sum(ours_shoulders) - sum(ours_hips)),
        "hips": (hips[0] - hips[1], ours_hips[0] - ours_hips[1]),
        "shoulders": (shoulders[0] - shoulders[1], ours_shoulders[0] - ours_shoulders[1]),
    }
    return {name: np.degrees(angles(*pair)) for name, pair in pairs.items()}


def slide(points: Array, contacts: Contacts, fps: float, normal: Array) -> float:
    """Mean millimetres that resting points ``(F, 2, 3, 3)`` move along the floor in a 30th of a second."""
    step = max(1, round(fps / 30.0))
    if len(points) <= step:
        return 0.0
    moved = points[step:] - points[:-step]
    moved = moved - (moved @ normal)[..., None] * normal
    steps = np.linalg.norm(moved, axis=-1) * (fps / 30.0 / step)
    rests = contacts.touching[step:] & contacts.touching[:-step]
    return 1e3 * float(steps[rests].mean()) if rests.any() else 0.0


def change(before: Array, after: Array) -> float:
    """Mean millimetres between joints ``(F, J, 3)``."""
    return 1e3 * float(np.linalg.norm(after - before, axis=-1).mean())


def frames_beyond(family: str, rotations: Array) -> NDArray[np.bool_]:
    """``(F,)`` whether any joint is beyond its limits by more than rounding."""
    names = skeleton_of(family).names
    excess = [beyond(name, rotations[:, joint]) for joint, name in enumerate(names)]
    return np.max(excess, axis=0) > 1e-4


def turned(identity: Identity, rotations: Array) -> Array:
    """``(F, J, 3, 3)`` R_world_joint."""
    return world_rotations(identity.model.parents, rotations)
