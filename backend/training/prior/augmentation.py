"""More motions from each one: its mirror image, another pace, another build. All stay physical: what stood still still does."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backend.prior.state.take import Take
from backend.training.prior.limbs import LEGS, OTHER_LIMBS, mirror_of
from backend.training.prior.resampling import sampled

Array = NDArray[np.floating]

# Which way is left: of people and of the world, x; of the animals' rest pose, y.
_MIRROR_X = np.diag([-1.0, 1.0, 1.0])
_MIRROR_Y = np.diag([1.0, -1.0, 1.0])
# An object's points: 16 of the outline, clockwise from its +x, then 4 corners, then the centre.
_OUTLINE, _CORNERS = 16, 4


def mirrored(take: Take) -> Take:
    """The take with left and right exchanged, in the world's x and in the body."""
    if take.kind == "object":
        return replace(
            take, rotations=_MIRROR_X @ take.rotations @ _MIRROR_X, root=take.root @ _MIRROR_X, points=_mirrored_points(take.points)
        )
    other = mirror_of(take.kind)
    body = _MIRROR_X if take.kind == "human" else _MIRROR_Y
    rotations = body @ take.rotations[:, other] @ body
    rotations[:, 0] = _MIRROR_X @ take.rotations[:, 0] @ body
    return replace(take, rotations=rotations, root=take.root @ _MIRROR_X, offsets=take.offsets[other] @ body)


def _mirrored_points(points: Array | None) -> Array | None:
    """What was clockwise is so again, and starts where it starts: on the other side, which is halfway round."""
    if points is None:
        return None
    outline = (_OUTLINE // 2 - np.arange(_OUTLINE)) % _OUTLINE
    return points[:, [*outline, *(_OUTLINE + np.array([1, 0, 3, 2])), _OUTLINE + _CORNERS]] @ _MIRROR_X


def stretched(take: Take, frames: int) -> Take:
    """All of the take in ``frames`` frames at the same clock: slower where these are more than it has, faster where fewer."""
    if frames == take.n_frames:
        return take
    at = np.linspace(0.0, take.n_frames - 1.0, frames)
    if take.points is None:
        rotations, root = sampled(take.rotations, take.root, at)
        return replace(take, rotations=rotations, root=root)
    rotations, places = sampled(take.rotations, np.concatenate([take.root[:, None], take.points], axis=1), at)
    return replace(take, rotations=rotations, root=places[:, 0], points=places[:, 1:])


def proportioned(take: Take, rng: np.random.Generator, spread: float) -> Take:
    """A body with other bone lengths in the same motion. spread: standard deviation of the logarithm of a limb's length.

    What stands on the floor keeps standing: the path grows with the legs, and all of an animal with one factor. Objects stay as they
    are, since gravity would not grow with them.
    """
    if take.kind == "object":
        return take
    factors = np.exp(spread * rng.standard_normal(4))
    scale = np.full(len(take.offsets), factors[0])
    if take.kind == "human":
        legs = [joint for limb in LEGS["human"] for joint in limb]
        arms = [joint for limb in OTHER_LIMBS["human"][:2] for joint in limb[1:]]
        scale[:] = factors[1]
        scale[legs], scale[arms], scale[[13, 14]] = factors[0], factors[2], factors[3]
    return replace(take, offsets=take.offsets * scale[:, None], root=take.root * factors[0])
