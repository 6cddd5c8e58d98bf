"""The panel Tracks under Lift: what was lifted, and what can be done with one of it."""

import bpy

from ..operators import reasons
from ..operators.track_cuts import mergeable
from ..operators.tracks import chosen_track
from ..revision_blender.scene.lifted_tracks import track_rows
from ..revision_blender.scene.take import Take, find_take
from .base import SidebarPanel
from .lift import ICONS
from .wording import sentences


def _chosen_take(context: bpy.types.Context) -> Take | None:
    entry = context.scene.revision.take()
    return find_take(context.scene, entry.take_id) if entry is not None else None


class REVISION_PT_tracks(SidebarPanel, bpy.types.Panel):
    bl_idname = "REVISION_PT_tracks"
    bl_label = "Tracks"
    bl_parent_id = "REVISION_PT_lift"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        entry = context.scene.revision.take()
        return entry is not None and not reasons.why_not_lifted(context.scene)

    def draw(self, context: bpy.types.Context) -> None:
        take, layout = _chosen_take(context), self.layout
        rows = track_rows(take) if take is not None else ()
        if take is None or not rows:
            layout.label(text="The take has no tracks", icon="INFO")
            return
        chosen = chosen_track(context, take)
        column = layout.column(align=True)
        for row in rows:
            depressed = row.track_id == chosen
            line, holder = column.row(align=True), bpy.data.objects.get(row.holder)
            line.active = holder is not None and not holder.hide_viewport  # pale where it is not on this frame
            line.operator("revision.choose_track", text=row.track_id, icon=ICONS[row.kind], depress=depressed).track = row.track_id
        _draw_buttons(layout, take, chosen)
        reason = reasons.why_not_again(context.scene)
        if reason:
            sentences(layout, f"Lift Again: {reason[:1].lower()}{reason[1:]}", icon="INFO")


def _draw_buttons(layout: bpy.types.UILayout, take: Take, chosen: str) -> None:
    column = layout.column(align=True)
    row = column.row(align=True)
    row.operator("revision.lift_again", icon="FILE_REFRESH").track = chosen
    row.operator_menu_enum("revision.track_kind", "kind", text="Lift as")
    row = column.row(align=True)
    row.operator("revision.rename_track", text="Rename", icon="GREASEPENCIL").track = chosen
    row.operator("revision.delete_track", text="Delete", icon="TRASH").track = chosen
    row = column.row(align=True)
    row.operator("revision.split_track", icon="UNLINKED").track = chosen
    part = row.row(align=True)
    part.enabled = bool(mergeable(take, chosen))
    part.menu("REVISION_MT_merge", text="Merge With", icon="LINKED")


class REVISION_MT_merge(bpy.types.Menu):
    """The tracks that can become one with the chosen one"""

    bl_idname = "REVISION_MT_merge"
    bl_label = "Merge With"

    def draw(self, context: bpy.types.Context) -> None:
        take = _chosen_take(context)
        chosen = chosen_track(context, take) if take is not None else ""
        for other in mergeable(take, chosen) if take is not None else ():
            entry = self.layout.operator("revision.merge_tracks", text=other)
            entry.track, entry.other = chosen, other


classes = (REVISION_PT_tracks, REVISION_MT_merge)
register, unregister = bpy.utils.register_classes_factory(classes)
