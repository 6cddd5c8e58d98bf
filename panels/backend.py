"""The panel Backend: how it stands, in plain words."""

import bpy

from ..operators.backend_link import State
from ..operators.session import current
from ..operators.where import EXTENSION
from .base import SidebarPanel
from .wording import sentences

_ICONS = {
    State.OFF: "RADIOBUT_OFF", State.STARTING: "SORTTIME", State.RUNNING: "CHECKMARK", State.SILENT: "ERROR", State.FAILED: "CANCEL",
}  # fmt: skip


class REVISION_PT_backend(SidebarPanel, bpy.types.Panel):
    bl_idname = "REVISION_PT_backend"
    bl_label = "Backend"
    bl_order = 0

    def draw(self, _context: bpy.types.Context) -> None:
        session, layout = current(), self.layout
        link = session.link
        row = layout.row()
        row.label(text=link.state.value, icon=_ICONS[link.state])
        if link.client is not None or link.state is State.STARTING:
            row.operator("revision.stop_backend")
        else:
            row.operator("revision.start_backend")
        if link.why:
            sentences(layout, link.why, icon="ERROR")
        reason = session.why_no_backend()
        if reason:
            sentences(layout, reason, icon="INFO")
            layout.operator("preferences.addon_show", text="Open Preferences", icon="PREFERENCES").module = EXTENSION
        if session.trouble:
            sentences(layout, session.trouble, icon="ERROR")
        for engine in link.engines:
            usable = engine.coarse or engine.fine
            where = f" on {engine.device}" if usable else ""
            layout.label(text=f"{engine.name}{where}", icon="CHECKMARK" if usable else "X")
            if engine.why_not:
                sentences(layout, engine.why_not)


classes = (REVISION_PT_backend,)
register, unregister = bpy.utils.register_classes_factory(classes)
