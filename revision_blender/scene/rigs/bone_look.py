"""What bones are drawn as, sized to the body: rings about its parts, thin ones about fingers, boxes and balls for handles."""

from dataclasses import dataclass
from functools import lru_cache

import bpy
import numpy as np
from numpy.typing import NDArray

from ...motion.bodies.body_model import BodyModel
from .bone_shapes import shape
from .bones import BoneRest, R_armature_model, rest_bones
from .limbs import Limb

Array = NDArray[np.floating]

_CLEAR = 1.12  # rings stand off the skin by this factor
_LEAST_POINTS = 8
_OF_LENGTH = (0.12, 1.6)  # a ring's radius stays between these fractions of its bone's length, whatever the skin says
_OF_LENGTH_WITHOUT_SKIN = 0.35


@dataclass(frozen=True)
class Look:
    """How one bone is drawn. place: in the bone's axes, metres. scale: along the shape's axes, metres. upright: whether these
    are the armature's axes at rest (z up, y to the back) and not the bone's. width: of its lines, pixels."""

    kind: str
    scale: tuple[float, float, float]
    place: tuple[float, float, float] = (0.0, 0.0, 0.0)
    width: float = 1.5
    upright: bool = False


@lru_cache(maxsize=4)
def _skin_sizes(model: BodyModel) -> Array:
    """``(J, 4)``: of each joint's skin in its bone's axes, the middle x, y, z and the radius about y; NaN where it has none."""
    bones = rest_bones(model, model.joint_template)
    points = model.v_template.astype(np.float64) @ R_armature_model(model.family).T
    owner = np.argmax(model.weights, axis=1)
    sizes = np.full((model.n_joints, 4), np.nan)
    for joint, bone in enumerate(bones):
        own = (points[owner == joint] - bone.head) @ bone.R_armature_bone
        if len(own) < _LEAST_POINTS:
            continue
        middle = (np.quantile(own, 0.05, axis=0) + np.quantile(own, 0.95, axis=0)) / 2
        sizes[joint, :3] = middle
        sizes[joint, 3] = np.quantile(np.hypot(*(own - middle)[:, [0, 2]].T), 0.9)
    return sizes


def _ring(bone: BoneRest, size: Array, leaf: bool) -> Look:
    """A ring about the bone's skin; about the middle of it where the bone has no child."""
    low, high = (fraction * bone.length for fraction in _OF_LENGTH)
    if not np.isfinite(size).all():
        radius = _OF_LENGTH_WITHOUT_SKIN * bone.length
        return Look("Ring", (radius,) * 3, (0.0, bone.length / 2, 0.0))
    radius = float(np.clip(size[3] * _CLEAR, low, high))
    along = float(size[1]) if leaf else float(np.clip(size[1], 0.25 * bone.length, 0.75 * bone.length))
    return Look("Ring", (radius,) * 3, (float(size[0]), along, float(size[2])))


def joint_looks(model: BodyModel, bones: tuple[BoneRest, ...]) -> dict[str, Look]:
    """How the bones of a body's joints are drawn."""
    sizes, leaves = _skin_sizes(model), ~np.isin(np.arange(len(bones)), model.parents)
    looks = {bone.name: _ring(bone, size, bool(leaf)) for bone, size, leaf in zip(bones, sizes, leaves, strict=True)}
    extent = float(np.ptp(model.v_template, axis=0).max())
    root = bones[0]
    looks[root.name] = Look("Root", ((0.2 if model.family == "smal" else 0.15) * extent,) * 3, width=2.0, upright=True)
    for bone, size in zip(bones, sizes, strict=True):
        looks[bone.name] = _special(bone, size, looks[bone.name], extent)
    return looks


def _special(bone: BoneRest, size: Array, plain: Look, extent: float) -> Look:
    name = bone.name
    if name in ("left_eye", "right_eye"):
        return Look("Ring", (0.008 * extent,) * 3, (0.0, 0.022 * extent, 0.0))
    if name == "jaw":
        x, y, z = size[:3] if np.isfinite(size).all() else (0.0, 0.03 * extent, 0.0)
        return Look("Ball", (0.008 * extent,) * 3, (float(x), float(y) + 0.035 * extent, float(z)))
    if name.endswith("_collar"):
        return Look("Strap", plain.scale, plain.place, upright=True)
    if name[-1:].isdigit() and any(finger in name for finger in ("index", "middle", "pinky", "ring", "thumb")):
        radius = min(plain.scale[0], 0.012 * extent)
        return Look("Ring", (radius,) * 3, plain.place, 1.0)
    return plain


@lru_cache(maxsize=4)
def _skin_boxes(model: BodyModel) -> dict[str, tuple[Array, Array]]:
    """By joint: least and greatest corner, metres from the joint, of the skin of it and of what hangs on it: of hands in the
    bone's axes, of all else in the armature's. Joints with too little skin are left out."""
    bones = rest_bones(model, model.joint_template)
    points = model.v_template.astype(np.float64) @ R_armature_model(model.family).T
    owner, under = np.argmax(model.weights, axis=1), np.eye(len(bones), dtype=np.bool_)
    for joint in range(1, len(bones)):
        under[:, joint] |= under[:, model.parents[joint]]
    boxes = {}
    for joint, bone in enumerate(bones):
        own = points[under[joint][owner]] - bone.head
        if len(own) >= _LEAST_POINTS:
            own = own @ bone.R_armature_bone if bone.name.endswith("_wrist") else own
            boxes[bone.name] = np.quantile(own, 0.01, axis=0), np.quantile(own, 0.99, axis=0)
    return boxes


def _box(model: BodyModel, bone: BoneRest, size: float) -> Look:
    """A box about a hand, foot or paw."""
    upright = not bone.name.endswith("_wrist")
    low, high = _skin_boxes(model).get(bone.name, (np.full(3, -0.2 * size), np.full(3, 0.2 * size)))
    half = np.clip((high - low) / 2 * _CLEAR, 0.08 * size, 0.8 * size)
    middle = (low + high) / 2
    place = bone.R_armature_bone.T @ middle if upright else middle
    return Look("Box", tuple(half.tolist()), tuple(place.tolist()), 2.5, upright)


def control_looks(limb: Limb, bones: dict[str, BoneRest], model: BodyModel) -> dict[str, Look]:
    """How a limb's handles are drawn. bones: all of the body's, by name."""
    end = bones[limb.foot or limb.end]
    size = float(np.linalg.norm(bones[limb.end].head - bones[limb.lower].head))
    looks = {limb.handle: _box(model, end, size), limb.pole: Look("Diamond", (0.1 * size,) * 3, width=2.0)}
    if limb.foot:
        over = float(np.linalg.norm(bones[limb.end].head - end.head))
        looks[limb.lift] = Look("Ring", (0.3 * size,) * 3, (0.0, over, 0.0), 2.0)
    return looks


def draw_as(rig: bpy.types.Object, looks: dict[str, Look]) -> None:
    """Gives bones their shapes."""
    shapes = {kind: shape(kind) for kind in {look.kind for look in looks.values()}}
    for name, look in looks.items():
        posed = rig.pose.bones[name]
        posed.custom_shape = shapes[look.kind]
        posed.use_custom_shape_bone_size = False
        posed.custom_shape_scale_xyz = look.scale
        posed.custom_shape_translation = look.place
        posed.custom_shape_wire_width = look.width
        if look.upright:
            posed.custom_shape_rotation_euler = rig.data.bones[name].matrix_local.to_3x3().inverted().to_euler()
        rig.data.bones[name].show_wire = True
