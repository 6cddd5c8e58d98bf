"""Control bones: handles and poles for the limbs. They deform nothing, carry no joint mark and start switched off.

The chain is the body's own two bones. A bone's tail need not lie on the next joint (axes come from the mean shape), so the
constraint sits on a third, rigid one that ends there exactly. The end joint takes over the handle's rotation. An animal's leg
has one joint more: its handle is the paw, a second handle turns the bone over the paw about it, and the leg above follows.
"""

from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from .bones import BoneRest
from .limbs import Limb, limbs_of_family

Array = NDArray[np.floating]

_POLE_DISTANCE = 0.6  # of the limb's length, from the middle joint
_POLE_DISTANCE_OF_ANIMALS = 0.35  # front and back poles look at each other under the belly
_POLE_LENGTH = 0.1  # of the limb's length
_NUDGE = np.radians(0.2)  # the solver cannot bend a limb that is straighter than 0.1 degrees; it bends this one
_SIDEWAYS = 0.9  # how unwilling the middle joint is to bend about other axes than its hinge, 0 to 1


@dataclass(frozen=True, eq=False)
class ControlRest:
    """A control bone at rest. parent: a bone's name, empty for none."""

    bone: BoneRest
    parent: str


def pole_angle(limb: Limb) -> float:
    """Radians: where the pole is seen from the upper bone, from its local x axis about its y axis: ahead or behind."""
    return np.pi / 2 if limb.forward else -np.pi / 2


def pole_direction(limb: Limb, R_upper: Array) -> Array:
    """``(..., 3)`` the direction in which the constraint looks for the pole. R_upper: ``(..., 3, 3)`` axes of the upper bone."""
    return R_upper[..., :, 2] if limb.forward else -R_upper[..., :, 2]


def pole_distance(limb: Limb) -> float:
    """How far the pole stands from the limb, in lengths of the limb."""
    return _POLE_DISTANCE_OF_ANIMALS if limb.foot else _POLE_DISTANCE


def _pointing(name: str, head: Array, tail: Array, axes: Array) -> BoneRest:
    """A bone from head to tail, rolled as ``axes`` as near as can be."""
    along = tail - head
    length = float(np.linalg.norm(along))
    y = along / length if length > 1e-6 else axes[:, 1]
    x = axes[:, 0] - y * (axes[:, 0] @ y)
    if np.linalg.norm(x) < 1e-3:
        x = np.cross(y, axes[:, 2])
    x = x / np.linalg.norm(x)
    return BoneRest(name, -1, head, max(length, 0.01), np.stack([x, y, np.cross(x, y)], axis=1))


def _limb_bones(limb: Limb, bones: dict[str, BoneRest]) -> list[ControlRest]:
    upper, lower, end = bones[limb.upper], bones[limb.lower], bones[limb.end]
    size = float(np.linalg.norm(lower.head - upper.head) + np.linalg.norm(end.head - lower.head))
    tip = bones[limb.foot] if limb.foot else end
    handle = BoneRest(limb.handle, -1, tip.head, max(tip.length, 0.2 * size), tip.R_armature_bone)
    away = pole_direction(limb, upper.R_armature_bone)
    pole = BoneRest(limb.pole, -1, lower.head + away * pole_distance(limb) * size, _POLE_LENGTH * size, np.eye(3))
    made = [ControlRest(handle, ""), ControlRest(pole, "")]
    made.append(ControlRest(_pointing(limb.reach, lower.head, end.head, lower.R_armature_bone), limb.lower))
    if limb.foot:
        made.append(ControlRest(_pointing(limb.lift, tip.head, end.head, end.R_armature_bone), limb.handle))
        made.append(ControlRest(BoneRest(limb.goal, -1, end.head, end.length, end.R_armature_bone), limb.lift))
    return made


def control_bones(family: str, bones: tuple[BoneRest, ...]) -> tuple[ControlRest, ...]:
    """The control bones of a body at rest, parents before children."""
    by_name = {bone.name: bone for bone in bones}
    return tuple(made for limb in limbs_of_family(family, tuple(by_name)) for made in _limb_bones(limb, by_name))


def set_up_controls(rig: bpy.types.Object, limbs: tuple[Limb, ...]) -> None:
    """Switches, locks, constraints and their native drivers on a rig that has the control bones."""
    for limb in limbs:
        _add_switch(rig, limb)
        _lock(rig, limb)
        _constrain(rig, limb)


def _add_switch(rig: bpy.types.Object, limb: Limb) -> None:
    rig[limb.switch] = rig[limb.nudge] = 0.0
    ui = rig.id_properties_ui(limb.switch)
    ui.update(
        min=0.0, max=1.0, soft_min=0.0, soft_max=1.0, default=0.0, description=f"{limb.title}: 0 turned bone by bone, 1 by the handle"
    )


def _lock(rig: bpy.types.Object, limb: Limb) -> None:
    for name in (*limb.handles, *limb.hidden):
        posed = rig.pose.bones[name]
        posed.rotation_mode = "QUATERNION"
        posed.lock_scale = (True, True, True)
        rig.data.bones[name].use_deform = False
    pole = rig.pose.bones[limb.pole]
    pole.lock_rotation, pole.lock_rotation_w = (True, True, True), True
    if limb.lift:
        rig.pose.bones[limb.lift].lock_location = (True, True, True)
    for name in limb.hidden:
        rig.data.bones[name].hide_select = True
    reach, lower = rig.pose.bones[limb.reach], rig.pose.bones[limb.lower]
    reach.lock_ik_x = reach.lock_ik_y = reach.lock_ik_z = True
    lower.ik_stiffness_y = lower.ik_stiffness_z = _SIDEWAYS


def _constrain(rig: bpy.types.Object, limb: Limb) -> None:
    bend = rig.pose.bones[limb.reach].constraints.new("IK")
    bend.target = bend.pole_target = rig
    bend.subtarget, bend.pole_subtarget = limb.goal, limb.pole
    bend.pole_angle, bend.chain_count, bend.use_stretch = pole_angle(limb), 3, False
    added = [(limb.reach, bend), (limb.end, _copy_rotation(rig, limb.end, limb.goal))]
    if limb.foot:
        added.append((limb.foot, _copy_rotation(rig, limb.foot, limb.handle)))
    for bone, constraint in added:
        constraint.name = "ReVision IK"
        _drive(rig, bone, constraint, (limb.switch,))
    _drive(rig, limb.lower, _nudge(rig, limb), (limb.switch, limb.nudge))


def _copy_rotation(rig: bpy.types.Object, bone: str, source: str) -> bpy.types.Constraint:
    copied = rig.pose.bones[bone].constraints.new("COPY_ROTATION")
    copied.target, copied.subtarget = rig, source
    return copied


def _nudge(rig: bpy.types.Object, limb: Limb) -> bpy.types.Constraint:
    """Starts the solver with the middle joint bent a little more than its own channels say, towards the pole.

    Only where the limb is straight: elsewhere the solver would not come back to the very same pose.
    """
    nudge = rig.pose.bones[limb.lower].constraints.new("TRANSFORM")
    nudge.name = "ReVision Nudge"
    nudge.target, nudge.subtarget = rig, limb.pole
    nudge.target_space = nudge.owner_space = "LOCAL"
    nudge.map_from, nudge.map_to, nudge.mix_mode_rot = "LOCATION", "ROTATION", "AFTER"
    nudge.to_min_x_rot = nudge.to_max_x_rot = -_NUDGE if limb.forward else _NUDGE
    return nudge


def _drive(rig: bpy.types.Object, bone: str, constraint: bpy.types.Constraint, switches: tuple[str, ...]) -> None:
    """The constraint's influence is the least of the rig's properties ``switches``."""
    constraint.influence = 0.0
    driver = rig.driver_add(f'pose.bones["{bone}"].constraints["{constraint.name}"].influence').driver
    driver.type = "MIN"
    for switch in switches:
        variable = driver.variables.new()
        variable.type = "SINGLE_PROP"
        variable.targets[0].id = rig
        variable.targets[0].data_path = f'["{switch}"]'
