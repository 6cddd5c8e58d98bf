"""A body's steps of an import: rig, skinned mesh with its shape, motion; and the joints after its shape was edited."""

import bpy
import numpy as np
from numpy.typing import NDArray

from ..motion.bodies.body_model import BodyModel
from ..motion.clip import BodyTrack
from . import actions, marks
from .motions import newest_version
from .provenance import Provenance, write_provenance
from .rigs import expressions, rig, shape_keys, template
from .take_record import Array


def rest_joints(model: BodyModel, betas: Array) -> NDArray[np.float64]:
    """``(J, 3)`` rest joints of the shape ``betas`` in the model's space, metres; no vertex is touched."""
    return model.joint_template + model.joint_shapedirs @ model.checked_betas(betas)


def dress(body: bpy.types.Object, armature: bpy.types.Object, track: BodyTrack, model: BodyModel, name: str) -> None:
    """Makes a fresh body (``template.new_body``) the one of ``track``: on its rig, in its shape, ready for its expressions."""
    template.give_rig(body, armature, name)
    shape_keys.set_shape(body, model, track.betas)
    if track.expression is not None and model.n_expressions:
        expressions.set_expression(body, model, track.expression)
    if model.n_expressions:
        expressions.keep_joint_directions(armature, model)


def give_expression(
    body: bpy.types.Object, track: BodyTrack, frames: Array, role: str, provenance: Provenance
) -> tuple[bpy.types.Action, ...]:
    """Keys the expressions of ``track`` on the body's shape keys at scene ``frames`` ``(F,)``, as ``give_motion`` keys its rig:
    an action that stays as it is, and the copy that the body moves by. Returns the copy and the original, or nothing where
    the track has no expression or the body no keys for it."""
    if track.expression is None or not expressions.expression_channels(body, track.expression):
        return ()
    original, _ = expressions.write_expression(body, f"{body.name} {role} original", frames, track.expression)
    original[marks.ROLE], original[marks.TRACK] = role, track.track_id
    if marks.TAKE in body:
        original[marks.TAKE] = body[marks.TAKE]
    original[marks.VERSION] = newest_version(body, track.track_id, role) + 1
    write_provenance(original, provenance)
    working, slot = actions.working_copy(original, f"{body.name} {role}")
    working[marks.ORIGINAL] = original
    actions.assign(body.data.shape_keys, working, slot)
    return working, original


def update_joints(armature: bpy.types.Object, body: bpy.types.Object, model: BodyModel, T_blender_world: Array) -> None:
    """Moves the rig's joints into the shape that the body's shape keys show, after the animator edited it; motion is kept.

    T_blender_world: ``(4, 4)`` of the rig's take. Raises BodyModelError where ``model`` is not the body's.
    """
    betas = shape_keys.betas_of(body)
    rig.fit_rest(armature, model, rest_joints(model, betas), T_blender_world)
    armature[marks.BETAS] = betas.tolist()
