"""What the joints of a skeleton are to its body: hips, spine, arms, legs, whatever they are called.

A role names the joint where a part begins: ``thigh`` is the hip joint, ``shank`` the knee, ``foot`` the ankle, ``upper_arm``
the shoulder, ``forearm`` the elbow, ``hand`` the wrist. Of several joints at one place the deepest carries the part. On an
animal the arms are the front legs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .capture import Capture

LIMB_PARTS = ("clavicle", "upper_arm", "forearm", "hand", "thigh", "shank", "foot", "toe")
NEEDED_PARTS = ("upper_arm", "forearm", "thigh", "shank")
SIDES = ("left", "right")
FINGERS = ("thumb", "index", "middle", "ring", "pinky")


@dataclass(frozen=True)
class Roles:
    """Joint numbers of a capture.

    hips: the joint that moves the trunk. spine: the joints above it up to the one that carries the arms. neck: from the first
    joint of the neck to the head. tail: from its first joint. limbs: "left_thigh" and so on to joints (``LIMB_PARTS``).
    ends: role to the joint where the part ends. fingers: "left_index" to its joints from the palm out.
    by_name: whether the joints' names said so, or their places.
    """

    hips: int
    spine: tuple[int, ...]
    neck: tuple[int, ...]
    limbs: Mapping[str, int]
    ends: Mapping[str, int] = field(default_factory=dict)
    fingers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    tail: tuple[int, ...] = ()
    by_name: bool = True

    @property
    def trunk(self) -> tuple[int, ...]:
        """From the hips up to the joint that carries the arms."""
        return (self.hips, *self.spine)


def carrier(capture: Capture, joint: int, towards: int | None) -> int:
    """The deepest joint at the place of ``joint`` on the way to ``towards``: its rotation is the part's."""
    if towards is None or towards == joint:
        return joint
    for below in capture.path(towards, joint):
        if below == towards or not capture.is_at_parents_place(below):
            break
        joint = below
    return joint


def is_above(capture: Capture, upper: int, lower: int) -> bool:
    """Whether ``upper`` is an ancestor of ``lower``."""
    return upper in capture.path(int(capture.parents[lower])) if capture.parents[lower] >= 0 else False


def meeting(capture: Capture, a: int, b: int) -> int:
    """The lowest joint that is an ancestor of both, or one of them."""
    above = set(capture.path(a))
    return next(joint for joint in reversed(capture.path(b)) if joint in above)
