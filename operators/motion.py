"""Lift and Refine: from the video to a rig, and from the edited rig to plausible motion."""

import bpy

from . import asking, asking_lift, reasons
from .pressing import can_press, submit


class REVISION_OT_lift(bpy.types.Operator):
    """Finds people, and the animals and things that you show; animated bodies, boxes and a camera that matches the picture come into the scene"""

    bl_idname = "revision.lift"
    bl_label = "Lift"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_press(cls, reasons.why_not_lift(context.scene))

    def execute(self, context: bpy.types.Context) -> set[str]:
        return submit(self, context.scene, asking_lift.lift)


class REVISION_OT_refine(bpy.types.Operator):
    """Makes the motion plausible; the keys that you set stay exactly as they are, the motion before stays as an action"""

    bl_idname = "revision.refine"
    bl_label = "Refine"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_press(cls, reasons.why_not_refine(context.scene))

    def execute(self, context: bpy.types.Context) -> set[str]:
        return submit(self, context.scene, asking.refine)


classes = (REVISION_OT_lift, REVISION_OT_refine)
register, unregister = bpy.utils.register_classes_factory(classes)
