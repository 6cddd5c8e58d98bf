"""What all panels of the ReVision tab share."""

import bpy

from ..operators.session import current
from ..operators.tickets import Ticket
from .wording import duration, sentences

_TELL_HOW_IT_WENT = ("coarse", "fine", "lift", "refine")
PREVIEW_SCALE = 8.0  # of a row's height


class SidebarPanel:
    """Mix-in: a panel of the tab ReVision in the 3D viewport's sidebar."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "ReVision"


def button(layout: bpy.types.UILayout, operator: str, reason: str, *, icon: str = "NONE", text: str | None = None) -> None:
    """A large button, and under it why it is greyed out."""
    column = layout.column()
    row = column.row()
    row.scale_y = 1.3
    if text is None:
        row.operator(operator, icon=icon)
    else:
        row.operator(operator, icon=icon, text=text)
    if reason:
        sentences(column, reason, icon="INFO")


def progress(layout: bpy.types.UILayout, ticket: Ticket) -> None:
    """The bar of a job that is under way, what it is doing, and how long that may take."""
    placing = ticket.status == "PLACING"  # how far that is, nobody knows
    layout.progress(factor=ticket.fraction, text="Into the scene" if placing else f"{ticket.fraction:.0%}", type="BAR")
    left = f", {duration(ticket.seconds_left)}" if ticket.seconds_left is not None else ""
    sentences(layout, (ticket.words or "in the queue") + left)


def under_way(layout: bpy.types.UILayout, scene: bpy.types.Scene, kind: str) -> None:
    """The newest job of a stage, under the button that started it: how far it is, how its clip looks so far, how it went. Jobs lists all."""
    uid = scene.session_uid
    session = current()
    tickets = [ticket for ticket in session.tickets.values() if ticket.kind == kind and ticket.scene_uid == uid]
    if not tickets:
        return
    ticket = tickets[-1]
    if not ticket.ended:
        progress(layout.column(), ticket)
        icon = session.previews.icon(ticket.job_id)
        if icon:
            layout.template_icon(icon, scale=PREVIEW_SCALE)
    elif ticket.status == "DONE" and kind in _TELL_HOW_IT_WENT and ticket.message:
        sentences(layout, ticket.message, icon="CHECKMARK")


def settings_column(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """A column of properties with their names at the left."""
    layout.use_property_split = True
    layout.use_property_decorate = False
    return layout.column()
