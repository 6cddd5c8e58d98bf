"""What retargeting is judged by: directions of bones, sliding of resting feet, change of joints, limits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..bodies.body_model import Identity, joints_of, world_rotations
from ..rotation import angle_between
from ..skeletons import skeleton_of
from .capture import Capture
from .contacts import Contacts
from .limits import beyond
from .retarget import Retargeted
from .roles import SIDES, Roles
from .sources import drive_of
from .targets import targets_of
from .turns import angles

Array = NDArray[np.floating]

# bones between the same anatomical places of both skeletons: role -> SMPL joints at its ends
_LIMBS = {"thigh": ("hip", "knee"), "shank": ("knee", "ankle"), "upper_arm": ("shoulder", "elbow"), "forearm": ("elbow", "wrist")}


@dataclass(frozen=True)
class Directions:
    """Degrees between source and result, ``(F,)`` each, by name.

    limbs: thighs, shanks, upper arms, forearms, as they point in the world. trunk: from the hips' to the shoulders' middle, from hip
    to hip, from shoulder to shoulder, as they point in the world; whatever differs between the two skeletons' builds is in it.
    turned: bones that begin or end elsewhere in the two skeletons (each joint of spine, neck and head, collars, feet): how far the
    result's part has been turned otherwise than the source's since the pose in which they match.
    """

    limbs: dict[str, Array]
    trunk: dict[str, Array]
    turned: dict[str, Array]

    def mean(self) -> float:
        """Over the world directions of limbs and trunk alike."""
        return float(np.mean([row.mean() for row in (*self.limbs.values(), *self.trunk.values())]))

    def worst(self) -> float:
        return float(max(row.max() for row in self.limbs.values()))


def directions(capture: Capture, roles: Roles, moved: Retargeted, identity: Identity) -> Directions:
    """How well the bones of a person's capture are kept."""
    joints = joints_of(identity, moved.rotations, moved.translation)
    number = skeleton_of(identity.model.family).index
    limbs = {}
    for side in SIDES:
        for role, (start, end) in _LIMBS.items():
            theirs = capture.places[:, roles.ends[f"{side}_{role}"]] - capture.places[:, roles.limbs[f"{side}_{role}"]]
            ours = joints[:, number(f"{side}_{end}")] - joints[:, number(f"{side}_{start}")]
            limbs[f"{side} {role}"] = np.degrees(angles(ours, theirs))
    hips = joints[:, number("left_hip")], joints[:, number("right_hip")]
    shoulders = joints[:, number("left_shoulder")], joints[:, number("right_shoulder")]
    return Directions(limbs, _trunk(capture, roles, hips, shoulders), _turned(capture, roles, moved, identity))


def _trunk(capture: Capture, roles: Roles, hips: tuple[Array, Array], shoulders: tuple[Array, Array]) -> dict[str, Array]:
    def theirs(part: str) -> tuple[Array, Array]:
        return capture.places[:, roles.limbs[f"left_{part}"]], capture.places[:, roles.limbs[f"right_{part}"]]

    their_hips, their_shoulders = theirs("thigh"), theirs("upper_arm")
    pairs = {
        "trunk": (sum(their_shoulders) - sum(their_hips), sum(shoulders) - sum(hips)),
        "hips": (their_hips[0] - their_hips[1], hips[0] - hips[1]),
        "shoulders": (their_shoulders[0] - their_shoulders[1], shoulders[0] - shoulders[1]),
    }
    return {name: np.degrees(angles(np.asarray(a), np.asarray(b))) for name, (a, b) in pairs.items()}


def _turned(capture: Capture, roles: Roles, moved: Retargeted, identity: Identity) -> dict[str, Array]:
    """Where a part is kept, result and source differ by one and the same rotation in all frames; how far each frame is from it."""
    family = identity.model.family
    world = world_rotations(identity.model.parents, moved.rotations)
    found = {}
    for target in targets_of(family):
        drive = None if target.how == "points" else drive_of(capture, roles, target)
        if drive is not None:
            between = np.swapaxes(drive.rotations(capture.rotations), -1, -2) @ world[:, target.joint]
            left, _, right = np.linalg.svd(np.median(between, axis=0))
            found[skeleton_of(family).names[target.joint]] = np.degrees(angle_between(left @ right, between))
    return found


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
