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
    """How one bone is drawn. scale, place: in the bone's axes, metres. width: of its lines, pixels."""

    kind: str
    scale: tuple[float, float, float]
    place: tuple[float, float, float] = (0.0, 0.0, 0.0)
    width: float = 1.5


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


def _ring(bone: BoneRest, size: Array, kind: str = "Ring", wider: float = 1.0) -> Look:
    low, high = (fraction * bone.length for fraction in _OF_LENGTH)
    if not np.isfinite(size).all():
        radius = _OF_LENGTH_WITHOUT_SKIN * bone.length
        return Look(kind, (radius,) * 3, (0.0, bone.length / 2, 0.0))
    radius = float(np.clip(size[3] * _CLEAR, low, high)) * wider
    place = (float(size[0]), float(np.clip(size[1], 0.25 * bone.length, 0.75 * bone.length)), float(size[2]))
    return Look(kind, (radius,) * 3, place)


def joint_looks(model: BodyModel, bones: tuple[BoneRest, ...]) -> dict[str, Look]:
    """How the bones of a body's joints are drawn."""
    sizes = _skin_sizes(model)
    looks = {bone.name: _ring(bone, size) for bone, size in zip(bones, sizes, strict=True)}
    extent = float(np.ptp(model.v_template, axis=0).max())
    root = bones[0]
    looks[root.name] = Look("Root", (0.16 * extent,) * 3, width=2.0)
    for bone, size in zip(bones, sizes, strict=True):
        looks[bone.name] = _special(bone, size, looks[bone.name], extent)
    return looks


def _special(bone: BoneRest, size: Array, plain: Look, extent: float) -> Look:
    name = bone.name
    if name in ("left_eye", "right_eye"):
        return Look("Ring", (0.008 * extent,) * 3, (0.0, 0.03 * extent, 0.0))
    if name == "jaw":
        depth = float(size[1]) if np.isfinite(size).all() else 0.05 * extent
        return Look("Ball", (0.012 * extent,) * 3, (0.0, depth + 0.035 * extent, 0.0))
    if name.endswith("_collar"):
        return Look("Strap", plain.scale, plain.place)
    if name[-1:].isdigit() and any(finger in name for finger in ("index", "middle", "pinky", "ring", "thumb")):
        radius = min(plain.scale[0], 0.012 * extent)
        return Look("Ring", (radius,) * 3, plain.place, 1.0)
    return plain


def control_looks(limb: Limb, bones: dict[str, BoneRest]) -> dict[str, Look]:
    """How a limb's handles are drawn. bones: all of the body's, by name."""
    end, lower = bones[limb.foot or limb.end], bones[limb.lower]
    size = float(np.linalg.norm(bones[limb.end].head - lower.head))
    half = np.array([0.18, 0.24, 0.10]) * size if limb.foot or limb.forward else np.array([0.22, 0.30, 0.12]) * size
    place = (0.0, min(end.length, 2 * float(half[1])) / 2, 0.0)
    looks = {limb.handle: Look("Box", tuple(half.tolist()), place, 2.5), limb.pole: Look("Diamond", (0.1 * size,) * 3, width=2.0)}
    if limb.foot:
        over = float(np.linalg.norm(bones[limb.end].head - end.head))
        looks[limb.lift] = Look("Strap", (0.25 * size,) * 3, (0.0, over, 0.0), 2.0)
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
        rig.data.bones[name].show_wire = True
