"""Generate Coarse, Load Footage, Generate Fine: the video engines' buttons."""

import bpy

from ..revision_blender.scene.properties import RevisionSettings
from . import asking, chosen_model, reasons
from .pressing import can_press, submit


class REVISION_OT_generate_coarse(bpy.types.Operator):
    """Makes a rough video from the picture; it comes as a strip in the sequencer"""

    bl_idname = "revision.generate_coarse"
    bl_label = "Generate Coarse"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_press(cls, reasons.why_not_coarse(context.scene))

    def execute(self, context: bpy.types.Context) -> set[str]:
        return submit(self, context.scene, asking.coarse)


class REVISION_OT_load_footage(bpy.types.Operator):
    """Takes frames of your own video in place of the coarse clip; they come as a strip in the sequencer"""

    bl_idname = "revision.load_footage"
    bl_label = "Load Footage"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_press(cls, reasons.why_not_footage(context.scene))

    def execute(self, context: bpy.types.Context) -> set[str]:
        return submit(self, context.scene, asking.footage)


class REVISION_OT_generate_fine(bpy.types.Operator):
    """Makes the final video from the first frame, the motion of the rig and its part masks; it comes as a strip above the coarse one"""

    bl_idname = "revision.generate_fine"
    bl_label = "Generate Fine"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_press(cls, reasons.why_not_fine(context.scene))

    def execute(self, context: bpy.types.Context) -> set[str]:
        return submit(self, context.scene, asking.fine)


class REVISION_OT_take_depths(bpy.types.Operator):
    """Sets the two noise levels to those that the slider Follow stands for with this model, to go on from there by hand"""

    bl_idname = "revision.take_depths"
    bl_label = "Take From Follow"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings: RevisionSettings = context.scene.revision
        depths = chosen_model.depths_by_slider(settings)
        settings.sigma_weak, settings.sigma_strong, settings.own_depths = depths.weak, depths.strong, True
        return {"FINISHED"}


classes = (REVISION_OT_generate_coarse, REVISION_OT_load_footage, REVISION_OT_generate_fine, REVISION_OT_take_depths)
register, unregister = bpy.utils.register_classes_factory(classes)
