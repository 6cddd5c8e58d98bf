"""How far a person's joints go: swing and twist limits of SMPL's joints, and what lies beyond brought back.

A joint's rotation from the rest pose (arms out, palms down) is split into a twist about its own bone and a swing of the bone.
The swing is limited by an ellipse whose four half axes are the ranges of the two anatomical movements, the twist by an interval.
Ranges start from the clinical norms of the American Academy of Orthopaedic Surgeons and of Boone and Azen (1979), and are
widened to what dancers and gymnasts reach; where SMPL's joint does the work of several (collars, three spine joints, toes), by the
share that the joint can take. They say what is possible, not what is usual.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..rotation import axis_angle_from_matrix, matrix_from_axis_angle

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Limit:
    """Degrees. axis: the bone's direction at rest ("x", "y", "z"; a sign has no meaning). first, second: (least, most) turn about
    the next two axes in the order x, y, z; twist: (least, most) turn about the bone. All for the left side; the right mirrors."""

    axis: str
    first: tuple[float, float]
    second: tuple[float, float]
    twist: tuple[float, float]


# Left side. About x: positive bends forward and down (a raised thigh is negative). About y: positive turns the front to the left.
# About z: positive raises the left arm. Bones of legs, trunk and neck lie along y, those of arms along x, of feet along z.
LIMITS: dict[str, Limit] = {
    "hip": Limit("y", (-150.0, 60.0), (-60.0, 95.0), (-75.0, 75.0)),
    "knee": Limit("y", (-15.0, 165.0), (-40.0, 40.0), (-50.0, 50.0)),
    "ankle": Limit("z", (-50.0, 70.0), (-50.0, 50.0), (-50.0, 50.0)),
    "foot": Limit("z", (-75.0, 50.0), (-20.0, 20.0), (-20.0, 20.0)),
    "spine1": Limit("y", (-40.0, 60.0), (-40.0, 40.0), (-40.0, 40.0)),
    "spine2": Limit("y", (-40.0, 50.0), (-40.0, 40.0), (-40.0, 40.0)),
    "spine3": Limit("y", (-40.0, 50.0), (-40.0, 40.0), (-40.0, 40.0)),
    "neck": Limit("y", (-60.0, 60.0), (-45.0, 45.0), (-70.0, 70.0)),
    "head": Limit("y", (-50.0, 50.0), (-40.0, 40.0), (-60.0, 60.0)),
    "collar": Limit("x", (-45.0, 45.0), (-30.0, 60.0), (-45.0, 45.0)),
    "shoulder": Limit("x", (-150.0, 100.0), (-120.0, 130.0), (-120.0, 120.0)),
    "elbow": Limit("x", (-165.0, 25.0), (-110.0, 110.0), (-120.0, 120.0)),
    "wrist": Limit("x", (-50.0, 60.0), (-100.0, 100.0), (-90.0, 90.0)),
}
_AXES = {"x": (0, 1, 2), "y": (1, 0, 2), "z": (2, 0, 1)}  # bone, first, second
# Mirroring across the sagittal plane keeps turns about x and negates those about y and z.
_MIRROR = (1.0, -1.0, -1.0)


def limit_of(name: str) -> tuple[Limit, bool] | None:
    """The limit of a joint by its SMPL name, and whether it is on the right; None for joints without one (root, fingers, face)."""
    side, _, part = name.partition("_")
    if side in ("left", "right") and part in LIMITS:
        return LIMITS[part], side == "right"
    return (LIMITS[name], False) if name in LIMITS else None


def within_limits(name: str, rotations: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Rotations ``(F, 3, 3)`` R_parent_joint with what lies beyond brought to the nearest possible, and ``(F,)`` where that was.

    Rotations that are possible come back as they are.
    """
    excess = beyond(name, rotations)
    over = excess > 1e-6
    if not over.any():
        return rotations, over
    found = limit_of(name)
    assert found is not None
    swing, twist, order, ranges = _movements(*found, rotations[over])
    swing = swing / np.maximum(_reach(swing, ranges[:2]), 1.0)[:, None]
    twist = np.clip(twist, ranges[2][0], ranges[2][1])
    result = rotations.copy()
    result[over] = _composed(swing, twist, order)
    return result, over


def beyond(name: str, rotations: Array) -> Array:
    """``(F,)`` radians by which rotations ``(F, 3, 3)`` exceed the joint's limits, 0 within."""
    found = limit_of(name)
    if found is None:
        return np.zeros(len(rotations))
    swing, twist, _, ranges = _movements(*found, rotations)
    size = np.linalg.norm(swing, axis=-1)
    swung = size - size / np.maximum(_reach(swing, ranges[:2]), 1.0)
    return swung + np.maximum(twist - ranges[2][1], 0.0) + np.maximum(ranges[2][0] - twist, 0.0)


def _movements(limit: Limit, right: bool, rotations: Array) -> tuple[Array, Array, tuple[int, int, int], Array]:
    """Swing ``(F, 2)`` and twist ``(F,)`` in radians, the axes' order, and ranges ``(3, 2)``: first, second, twist."""
    order = _AXES[limit.axis]
    bone = order[0]
    sign = np.array(_MIRROR)[[order[1], order[2], order[0]]] if right else np.ones(3)
    ranges = np.radians(np.array([limit.first, limit.second, limit.twist], dtype=np.float64))
    ranges = np.sort(np.asarray(ranges * sign[:, None], dtype=np.float64), axis=1)
    axis_angle = axis_angle_from_matrix(rotations)
    half = 0.5 * np.linalg.norm(axis_angle, axis=-1)
    # the twist about the bone's own axis: q = swing * twist, where twist keeps q's part along the bone
    scale = np.where(half > 1e-9, np.sin(half) / np.maximum(2.0 * half, 1e-12), 0.5)
    twist = 2.0 * np.arctan2(axis_angle[:, bone] * scale, np.cos(half))
    twist = (twist + np.pi) % (2.0 * np.pi) - np.pi
    about = np.zeros_like(axis_angle)
    about[:, bone] = -twist
    swing = axis_angle_from_matrix(rotations @ matrix_from_axis_angle(about))
    return swing[:, [order[1], order[2]]], twist, order, ranges


def _reach(swing: Array, ranges: Array) -> Array:
    """``(F,)``: 1 on the ellipse, more beyond."""
    half_axes = np.where(swing < 0.0, -ranges[:, 0], ranges[:, 1])
    return np.linalg.norm(swing / np.maximum(half_axes, 1e-6), axis=-1)


def _composed(swing: Array, twist: Array, order: tuple[int, int, int]) -> Array:
    axis, about = np.zeros((2, len(twist), 3))
    axis[:, [order[1], order[2]]] = swing
    about[:, order[0]] = twist
    return matrix_from_axis_angle(axis) @ matrix_from_axis_angle(about)
