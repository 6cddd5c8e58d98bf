"""What the joints of a hand can do: bending, spreading and twisting, in radians about each bone's own axes.

Numbers are ours, from everyday ranges of motion. The axes come from the rest pose (flat hand, palm down): a bone's direction, the axis
about which it bends towards the palm, and the one about which it goes sideways. Left and right hands are treated alike: only the right
hand's bones are ever used, and a left hand is looked at in a mirror.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from backend.lifting.providers.mano_body import N_JOINTS, HandBones

Array = NDArray[np.floating]


@dataclass(frozen=True)
class FingerRange:
    """bend, spread, twist: lowest and highest angle. middle: the bend at rest. ease: radians off the middle that cost nothing much."""

    bend: tuple[float, float]
    spread: float
    twist: float
    middle: float
    ease: float


_KNUCKLE = FingerRange((-0.35, 1.65), 0.40, 0.12, 0.25, 0.7)
_SECOND = FingerRange((-0.10, 1.95), 0.06, 0.06, 0.35, 0.8)
_LAST = FingerRange((-0.20, 1.40), 0.06, 0.06, 0.25, 0.6)
_THUMB = (
    FingerRange((-0.6, 0.9), 0.9, 0.6, 0.1, 0.5),
    FingerRange((-0.3, 1.1), 0.3, 0.2, 0.2, 0.4),
    FingerRange((-0.4, 1.5), 0.1, 0.1, 0.2, 0.5),
)
_RANGES = (*(_KNUCKLE, _SECOND, _LAST) * 4, *_THUMB)  # of joints 1 to 15 in MANO's order: four fingers, then the thumb


@dataclass(frozen=True, eq=False)
class FingerLimits:
    """Of joints 1 to 15. axes: ``(15, 3, 3)`` columns: bend, spread, twist. low, high, middle, ease: ``(15, 3)`` radians."""

    axes: Float[NDArray[np.float64], "15 3 3"]
    low: Float[NDArray[np.float64], "15 3"]
    high: Float[NDArray[np.float64], "15 3"]
    middle: Float[NDArray[np.float64], "15 3"]
    ease: Float[NDArray[np.float64], "15 3"]


def finger_limits(bones: HandBones) -> FingerLimits:
    """The limits of a right hand with these bones."""
    low = np.array([[limits.bend[0], -limits.spread, -limits.twist] for limits in _RANGES])
    high = np.array([[limits.bend[1], limits.spread, limits.twist] for limits in _RANGES])
    middle = np.array([[limits.middle, 0.0, 0.0] for limits in _RANGES])
    ease = np.array([[limits.ease, max(0.6 * limits.spread, 0.05), max(0.6 * limits.twist, 0.05)] for limits in _RANGES])
    return FingerLimits(_axes(bones), low, high, middle, ease)


def _axes(bones: HandBones) -> Float[NDArray[np.float64], "15 3 3"]:
    wrist, index, little = bones.joints[0], bones.joints[1], bones.joints[7]
    palm = _unit(np.cross(index - wrist, little - wrist))  # out of the right hand's palm
    across = _unit(little - index)
    found = np.empty((N_JOINTS - 1, 3, 3))
    for joint in range(1, N_JOINTS):
        last = joint % 3 == 0
        after = bones.tips[(0, 1, 2, 4, 3, 0)[joint // 3]] if last else bones.joints[joint + 1]
        along = _unit(after - bones.joints[joint])
        inward = _unit(palm + across) if joint > 12 else palm  # the thumb bends across the palm
        bend = _unit(np.cross(along, inward))
        found[joint - 1] = np.stack([bend, np.cross(along, bend), along], axis=1)
    return found


def _unit(vector: Array) -> Array:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
