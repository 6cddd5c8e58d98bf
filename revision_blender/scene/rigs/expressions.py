"""Expressions over time: keys on the values of a body's expression shape keys, and the joints that move with them.

SMPL-X takes its rest joints from the body that wears the expression, so a joint j of the face shifts by delta_j. An armature
has one rest pose; bone j must then be displaced by (I - R_j) delta_j in its parent's axes to skin the same.
"""

import bpy
import numpy as np
from numpy.typing import NDArray

from ...motion.bodies.body_model import BodyModel
from .. import actions, marks
from ..keys import Channel, write_keys
from .shape_keys import add_component, expression_name, fit_steps, value_path

Array = NDArray[np.floating]

_LEAST_SHIFT = 2e-6  # metres: joints that shift by less are left alone


def set_expression(body: bpy.types.Object, model: BodyModel, expression: Array) -> None:
    """Makes a fresh body ready for ``expression`` ``(F, E)``: keys for all its components that are used, large enough."""
    checked = model.checked_expression(expression)
    largest = np.abs(checked).max(axis=0, initial=0.0)
    blocks = body.data.shape_keys.key_blocks
    for number in np.flatnonzero(largest):
        if expression_name(int(number)) not in blocks:
            add_component(body, model, expression_name(int(number)), model.expressiondirs[:, :, number])
    present = [number for number in range(len(largest)) if expression_name(number) in blocks]
    steps = np.ones(len(largest))
    steps[present] = fit_steps(body, [expression_name(number) for number in present], largest[present])
    body[marks.EXPRESSIONS] = expression.shape[1]
    body[marks.EXPRESSION_STEPS] = steps.tolist()


def expression_channels(body: bpy.types.Object, expression: Array) -> list[Channel]:
    """What to key on the mesh's shape keys for ``expression`` ``(F, E)``; components that are 0 throughout are left out."""
    steps, blocks = _steps(body), body.data.shape_keys.key_blocks
    used = [number for number in range(expression.shape[1]) if expression[:, number].any() and expression_name(number) in blocks]
    return [Channel(value_path(expression_name(number)), expression[:, [number]] / steps[number], "Expression") for number in used]


def write_expression(
    body: bpy.types.Object, action_name: str, frames: Array, expression: Array
) -> tuple[bpy.types.Action, bpy.types.ActionSlot]:
    """A new action for the body's shape keys with a key at each of ``frames`` ``(F,)``; not assigned yet."""
    action, slot = actions.new_action(action_name, body.data.shape_keys, "KEY")
    write_keys(actions.channelbag(action, slot, ensure=True), frames, expression_channels(body, expression))
    return action, slot


def expression_of(body: bpy.types.Object, frames: Array) -> NDArray[np.float64] | None:
    """``(F, E)`` the expression at scene ``frames`` ``(F,)`` as the keys' curves have it; None for a body that has none."""
    keys = body.data.shape_keys
    names = {} if keys is None else {key.name: key for key in keys.key_blocks}
    steps = _steps(body)
    numbers = [number for number in range(len(steps)) if expression_name(number) in names]
    if not numbers:
        return None
    curves = {curve.data_path: curve for curve in actions.curves_of(keys)}
    values = np.zeros((len(frames), len(steps)))
    for number in numbers:
        key = names[expression_name(number)]
        curve = curves.get(value_path(key.name))
        shown = [key.value] if curve is None or curve.mute else [curve.evaluate(frame) for frame in frames]
        values[:, number] = 0.0 if key.mute else np.array(shown) * steps[number]
    used = np.flatnonzero(values.any(axis=0))
    count = max(int(body.get(marks.EXPRESSIONS, 0)), int(used[-1]) + 1 if len(used) else 0)
    return values[:, :count] if count else None


def _steps(body: bpy.types.Object) -> list[float]:
    stored = list(body.get(marks.EXPRESSION_STEPS, ()))
    return stored or [1.0] * sum(key.name.startswith("Expr ") for key in body.data.shape_keys.key_blocks)


def keep_joint_directions(rig: bpy.types.Object, model: BodyModel) -> None:
    """Writes on the rig how each expression component moves its rest joints, for ``joint_shifts``."""
    directions = model.joint_expressiondirs.transpose(2, 0, 1)  # (E, J, 3)
    rig[marks.EXPRESSION_JOINTS] = directions.ravel().tolist()


def joint_shifts(rig: bpy.types.Object, expression: Array | None) -> NDArray[np.float64] | None:
    """``(F, J, 3)`` how far each rest joint moves under ``expression`` ``(F, E)``, metres in the model's axes; None for not at all."""
    stored = rig.get(marks.EXPRESSION_JOINTS)
    if expression is None or stored is None or not expression.any():
        return None
    joints = sum(marks.JOINT in bone for bone in rig.data.bones)
    directions = np.array(stored, dtype=np.float64).reshape(-1, joints, 3)[: expression.shape[1]]
    shifts = np.einsum("fe,ejc->fjc", expression[:, : len(directions)], directions)
    shifts[:, np.abs(shifts).max(axis=(0, 2)) < _LEAST_SHIFT] = 0.0
    return shifts
