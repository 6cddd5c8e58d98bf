"""The limbs that can be posed by a handle at their end (inverse kinematics), by family, and the names of their handles."""

from dataclasses import dataclass

import bpy

from .. import marks
from ..errors import SceneError


@dataclass(frozen=True)
class Limb:
    """One limb. upper, lower: the joints that bend so that ``end`` reaches the handle. foot: an animal's paw under ``end``,
    else empty. forward: whether the middle joint points ahead (a knee) or back (an elbow)."""

    name: str
    upper: str
    lower: str
    end: str
    foot: str = ""
    forward: bool = False

    @property
    def title(self) -> str:
        return self.name.replace("_", " ").title()

    @property
    def switch(self) -> str:
        """Custom property of the rig: 0 for bones turned one by one, 1 for the handle."""
        return f"ik_{self.name}"

    @property
    def nudge(self) -> str:
        """Custom property of the rig: 1 where the limb is so straight that the solver needs help to bend it, else 0."""
        return f"ik_{self.name}_straight"

    @property
    def handle(self) -> str:
        return f"{self.name}_ik"

    @property
    def pole(self) -> str:
        """Bone that the elbow or knee points at."""
        return f"{self.name}_pole"

    @property
    def reach(self) -> str:
        """Hidden bone from the lower joint to the end joint; the constraint sits on it."""
        return f"{self.name}_reach"

    @property
    def lift(self) -> str:
        """An animal's handle for the bone over the paw; it turns about the paw."""
        return f"{self.name}_lift" if self.foot else ""

    @property
    def goal(self) -> str:
        """Bone that the end joint goes to."""
        return f"{self.name}_goal" if self.foot else self.handle

    @property
    def handles(self) -> tuple[str, ...]:
        """What the animator moves."""
        return (self.handle, self.pole, self.lift) if self.foot else (self.handle, self.pole)

    @property
    def hidden(self) -> tuple[str, ...]:
        return (self.reach, self.goal) if self.foot else (self.reach,)

    @property
    def joints(self) -> tuple[str, ...]:
        """The joints that the handles turn, parents first."""
        return (self.upper, self.lower, self.end, self.foot) if self.foot else (self.upper, self.lower, self.end)


def _person() -> tuple[Limb, ...]:
    arms = [Limb(f"{side}_hand", f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist") for side in ("left", "right")]
    legs = [Limb(f"{side}_foot", f"{side}_hip", f"{side}_knee", f"{side}_ankle", forward=True) for side in ("left", "right")]
    return (*arms, *legs)


def _animal() -> tuple[Limb, ...]:
    made = []
    for end, forward in (("front", False), ("back", True)):
        for side in ("left", "right"):
            leg = f"{side}_{end}_leg"
            made.append(Limb(f"{side}_{end}_foot", f"{leg}1", f"{leg}2", f"{leg}3", f"{side}_{end}_foot", forward))
    return tuple(made)


_PERSON, _ANIMAL = _person(), _animal()


def limbs_of_family(family: str, names: tuple[str, ...]) -> tuple[Limb, ...]:
    """The limbs of a family whose joints are all among ``names``."""
    there = set(names)
    return tuple(limb for limb in (_ANIMAL if family == "smal" else _PERSON) if there.issuperset(limb.joints))


def limbs_of(rig: bpy.types.Object) -> tuple[Limb, ...]:
    """The limbs of ``rig`` that have handles; none where the animator deleted them."""
    bones = rig.data.bones
    known = limbs_of_family(str(rig.get(marks.FAMILY, "smpl")), tuple(bone.name for bone in bones))
    return tuple(limb for limb in known if limb.switch in rig and all(name in bones for name in (*limb.handles, *limb.hidden)))


def limb_of(rig: bpy.types.Object, name: str) -> Limb:
    """The limb of that name; SceneError where the rig has none with handles."""
    limbs = limbs_of(rig)
    for limb in limbs:
        if limb.name == name:
            return limb
    known = ", ".join(limb.name for limb in limbs) or "none"
    raise SceneError(f"The rig {rig.name!r} has no handles for {name!r} (it has {known}); import the body again to get them back.")
