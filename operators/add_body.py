"""Add > Armature > ReVision Body: a body of the shelf at rest, to be posed and animated by hand."""

import uuid
from pathlib import Path

import bpy
import numpy as np
from bpy.props import EnumProperty

from ..revision_blender.motion.bodies.body_data import BodyModel
from ..revision_blender.motion.bodies.body_model import identity_of
from ..revision_blender.motion.bodies.shape_presets import shape_presets
from ..revision_blender.motion.clip import BodyTrack, Clip
from ..revision_blender.motion.errors import RevisionError
from ..revision_blender.motion.files.framing import floor, framing_camera
from ..revision_blender.motion.files.motion_file import MotionFile, ReadOptions
from ..revision_blender.motion.rotation import matrix_from_axis_angle
from ..revision_blender.scene.keys import KeyOptions
from ..revision_blender.scene.timing import scene_fps
from . import asking
from .arrivals import Arrival, ImportChoice, place
from .body_shelf import body_items, shelf

_MEAN = "MEAN"
_TIGHT = 1e-4  # radians and metres: a body at rest keeps one key at either end
_R_Y_UP = {"smal": matrix_from_axis_angle(np.array([-np.pi / 2.0, 0.0, 0.0])) @ matrix_from_axis_angle(np.array([0.0, 0.0, -np.pi / 2.0]))}


def _shapes(self: bpy.types.OperatorProperties, _context: bpy.types.Context) -> list[tuple[str, str, str]]:
    global _shape_items  # noqa: PLW0603 -- Blender keeps no reference to the strings of an enumeration that is made anew at each redraw
    named = shape_presets(shelf(), self.body)
    _shape_items = [(_MEAN, "Mean", "The middle of all shapes"), *((name, name.title(), "") for name in named)]
    return _shape_items


_shape_items: list[tuple[str, str, str]] = []


def resting(model: BodyModel, betas: np.ndarray, fps: float, n_frames: int) -> Clip:
    """A clip of one body at rest on the ground of a y-up world, over its origin, facing +z."""
    identity = identity_of(model, betas)
    R_world_model = _R_Y_UP.get(model.family, np.eye(3))
    root = identity.joints_rest[0]
    lowest = float(((identity.v_shaped - root) @ R_world_model.T)[:, 1].min())
    rotations = np.tile(np.eye(3), (n_frames, model.n_joints, 1, 1))
    rotations[:, 0] = R_world_model
    translation = np.tile(np.array([0.0, -lowest, 0.0]) - root, (n_frames, 1))
    track = BodyTrack("body", model.family, model.name, betas, rotations, translation, np.ones(rotations.shape[:2]))
    return Clip(fps, framing_camera("y", translation + root, n_frames), floor("y"), (track,))


class REVISION_OT_add_body(bpy.types.Operator):
    """Adds a person or an animal at rest, with the rig and the shape keys of an imported one"""

    bl_idname = "revision.add_body"
    bl_label = "ReVision Body"
    bl_options = {"UNDO"}

    body: EnumProperty(name="Body", items=body_items)
    shape: EnumProperty(name="Shape", items=_shapes)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            self._add(context.scene)
        except RevisionError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}

    def _add(self, scene: bpy.types.Scene) -> None:
        model = shelf().load(self.body)
        betas = shape_presets(shelf(), self.body).get(self.shape, np.zeros(min(model.n_betas, 16)))
        fps = scene_fps(scene)
        clip = resting(model, betas, fps, scene.frame_end - scene.frame_start + 1)
        name = asking.free_name(scene.revision, self.body if self.shape == _MEAN else self.shape)
        choice = ImportChoice(Path(self.body), ReadOptions(), KeyOptions(error=_TIGHT), float(scene.frame_start))
        arrival = Arrival(choice, MotionFile(clip, "a body of the shelf", camera_given=False), {model.name: model}, {})
        for _words in place(scene, arrival, name, str(uuid.uuid4())):
            pass


def _menu(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    self.layout.operator(REVISION_OT_add_body.bl_idname, icon="ARMATURE_DATA")


classes = (REVISION_OT_add_body,)
_register_classes, _unregister_classes = bpy.utils.register_classes_factory(classes)


def register() -> None:
    _register_classes()
    bpy.types.VIEW3D_MT_armature_add.append(_menu)


def unregister() -> None:
    bpy.types.VIEW3D_MT_armature_add.remove(_menu)
    _unregister_classes()
