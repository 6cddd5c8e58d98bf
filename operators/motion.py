"""Lift and Refine: from the video to a rig, and from the edited rig to plausible motion."""

import bpy
from bpy.props import StringProperty

from ..revision_blender.motion.errors import RevisionError
from . import asking, asking_lift, reasons
from .person_choice import chosen
from .pressing import can_press, submit
from .session import current


class REVISION_OT_lift(bpy.types.Operator):
    """Finds people, and the animals and things that you show; animated bodies, boxes and a camera that matches the picture come into the scene"""

    bl_idname = "revision.lift"
    bl_label = "Lift"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_press(cls, reasons.why_not_lift(context.scene))

    def execute(self, context: bpy.types.Context) -> set[str]:
        return submit(self, context.scene, asking_lift.lift)


class REVISION_OT_place_found(bpy.types.Operator):
    """Brings the ticked ones of what the lift found into the scene; the others are left out of it, and of the lift it goes on from"""

    bl_idname = "revision.place_found"
    bl_label = "Place"

    tracks: StringProperty(name="Tracks", options={"SKIP_SAVE"}, description="Names, separated by commas; empty for the ticked ones")

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return can_press(cls, "" if current().found.first is not None else "No lift waits for a choice")

    def execute(self, context: bpy.types.Context) -> set[str]:
        named = tuple(name.strip() for name in self.tracks.split(",") if name.strip())
        try:
            current().place_found(named or chosen(context.window_manager.revision_found))
        except RevisionError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class REVISION_OT_refine(bpy.types.Operator):
    """Makes the motion plausible; the keys that you set stay exactly as they are, the motion before stays as an action"""

    bl_idname = "revision.refine"
    bl_label = "Refine"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_press(cls, reasons.why_not_refine(context.scene))

    def execute(self, context: bpy.types.Context) -> set[str]:
        return submit(self, context.scene, asking.refine)


classes = (REVISION_OT_lift, REVISION_OT_place_found, REVISION_OT_refine)
register, unregister = bpy.utils.register_classes_factory(classes)
