"""The panel Jobs: what is under way, how far it is, and how it ended; newest first."""

import bpy

from ..operators.session import current
from ..operators.tickets import Ticket
from .base import SidebarPanel, progress
from .wording import sentences

_SHOWN = 8
_ICONS = {"WAITING": "SORTTIME", "RUNNING": "PLAY", "PLACING": "IMPORT", "DONE": "CHECKMARK", "FAILED": "ERROR", "CANCELLED": "X"}


class REVISION_PT_jobs(SidebarPanel, bpy.types.Panel):
    bl_idname = "REVISION_PT_jobs"
    bl_label = "Jobs"
    bl_order = 9

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        tickets = [ticket for ticket in current().tickets.values() if ticket.scene_uid == context.scene.session_uid][::-1]
        if not tickets:
            layout.label(text="No jobs yet")
        for ticket in tickets[:_SHOWN]:
            _draw_job(layout.box(), ticket)
        if len(tickets) > _SHOWN:
            layout.label(text=f"and {len(tickets) - _SHOWN} earlier ones")
        if any(ticket.ended for ticket in tickets):
            layout.operator("revision.dismiss_ended", icon="TRASH")


def _draw_job(box: bpy.types.UILayout, ticket: Ticket) -> None:
    row = box.row()
    row.label(text=ticket.title, icon=_ICONS[ticket.status])
    operator = "revision.dismiss_job" if ticket.ended else "revision.cancel_job"
    row.operator(operator, text="", icon="TRASH" if ticket.ended else "X", emboss=False).job_id = ticket.job_id
    if not ticket.ended:
        progress(box, ticket)
    elif ticket.message:
        sentences(box, ticket.message)
    if ticket.kept:
        box.operator("revision.fetch_again", icon="FILE_REFRESH").job_id = ticket.job_id


classes = (REVISION_PT_jobs,)
register, unregister = bpy.utils.register_classes_factory(classes)
