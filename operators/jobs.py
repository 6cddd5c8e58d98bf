"""The job list's buttons, and the line in the status bar that a finished or failed job gets."""

import bpy
from bpy.props import StringProperty

from .session import current


class REVISION_OT_cancel_job(bpy.types.Operator):
    """Stops this job; what it has made so far is removed"""

    bl_idname = "revision.cancel_job"
    bl_label = "Cancel Job"

    job_id: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, _context: bpy.types.Context) -> set[str]:
        if self.job_id not in current().tickets:
            self.report({"WARNING"}, "This job has left the list")
            return {"CANCELLED"}
        current().cancel(self.job_id)
        return {"FINISHED"}


class REVISION_OT_fetch_again(bpy.types.Operator):
    """Puts this job's result into the scene after all; the backend has kept it"""

    bl_idname = "revision.fetch_again"
    bl_label = "Fetch Again"

    job_id: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, _context: bpy.types.Context) -> set[str]:
        ticket = current().tickets.get(self.job_id)
        if ticket is None or not ticket.kept:
            self.report({"WARNING"}, "The backend keeps no result of this job")
            return {"CANCELLED"}
        current().fetch_again(self.job_id)
        return {"FINISHED"}


class REVISION_OT_dismiss_job(bpy.types.Operator):
    """Takes this job off the list; its result stays where it is"""

    bl_idname = "revision.dismiss_job"
    bl_label = "Dismiss Job"

    job_id: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, _context: bpy.types.Context) -> set[str]:
        if self.job_id not in current().tickets:
            self.report({"WARNING"}, "This job has left the list")
            return {"CANCELLED"}
        current().dismiss(self.job_id)
        return {"FINISHED"}


class REVISION_OT_dismiss_ended(bpy.types.Operator):
    """Takes every finished, failed and cancelled job off the list; results stay where they are"""

    bl_idname = "revision.dismiss_ended"
    bl_label = "Clear Ended Jobs"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        for job_id in [ticket.job_id for ticket in current().tickets.values() if ticket.ended]:
            current().dismiss(job_id)
        return {"FINISHED"}


class REVISION_OT_tell(bpy.types.Operator):
    """Says something in the status bar"""

    bl_idname = "revision.tell"
    bl_label = "Tell"
    bl_options = {"INTERNAL"}

    words: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, _context: bpy.types.Context) -> set[str]:
        self.report({"WARNING"}, self.words)
        return {"FINISHED"}


classes = (REVISION_OT_cancel_job, REVISION_OT_fetch_again, REVISION_OT_dismiss_job, REVISION_OT_dismiss_ended, REVISION_OT_tell)
register, unregister = bpy.utils.register_classes_factory(classes)
