"""Start and Stop of the backend, and the colour button."""

import bpy

from ..revision_blender.scene.colour import use_standard, view_transform_note
from .backend_link import State
from .pressing import can_press
from .session import current


class REVISION_OT_start_backend(bpy.types.Operator):
    """Joins the backend that runs on this machine, or starts one; it goes on when Blender is closed"""

    bl_idname = "revision.start_backend"
    bl_label = "Start"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        session = current()
        running = session.link.state in (State.RUNNING, State.STARTING)
        return can_press(cls, "It runs already" if running else session.why_no_backend())

    def execute(self, _context: bpy.types.Context) -> set[str]:
        current().start_backend()
        return {"FINISHED"}


class REVISION_OT_stop_backend(bpy.types.Operator):
    """Ends the backend; unfinished jobs stay in its list and go on when it is started again"""

    bl_idname = "revision.stop_backend"
    bl_label = "Stop"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return can_press(cls, "" if current().link.client is not None else "The backend is not running")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        current().stop_backend()
        return {"FINISHED"}


class REVISION_OT_use_standard_view(bpy.types.Operator):
    """Sets the scene's view transform to Standard, which shows and renders clips in their own colours"""

    bl_idname = "revision.use_standard_view"
    bl_label = "Use Standard"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_press(cls, "" if view_transform_note(context.scene) else "The clips are shown in their own colours")

    def execute(self, context: bpy.types.Context) -> set[str]:
        use_standard(context.scene)
        return {"FINISHED"}


classes = (REVISION_OT_start_backend, REVISION_OT_stop_backend, REVISION_OT_use_standard_view)
register, unregister = bpy.utils.register_classes_factory(classes)
