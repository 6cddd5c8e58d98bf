"""The panel Refine: how the motion is made plausible, what is pinned, and how the result compares with what was there."""

import bpy

from ..operators import change_graphs, pin_counts, reasons
from ..revision_blender.scene.ghosts import ghost_role
from ..revision_blender.scene.motions import TITLES, roles_of, shown_action, shown_role
from ..revision_blender.scene.properties import RevisionSettings
from ..revision_blender.scene.take import Take, find_take
from .base import SidebarPanel, button, settings_column, under_way
from .wording import sentences

GRAPH_SCALE = 8.0  # of a row's height


class REVISION_PT_refine(SidebarPanel, bpy.types.Panel):
    bl_idname = "REVISION_PT_refine"
    bl_label = "Refine"
    bl_order = 6

    def draw(self, context: bpy.types.Context) -> None:
        settings: RevisionSettings = context.scene.revision
        entry = settings.take()
        take = find_take(context.scene, entry.take_id) if entry is not None else None
        _draw_method(settings_column(self.layout), settings, entry.prompt if entry is not None else "")
        if take is not None:
            _draw_pins(self.layout, context.scene, take)
        button(self.layout, "revision.refine", reasons.why_not_refine(context.scene), icon="MOD_SMOOTH")
        under_way(self.layout, context.scene, "refine")
        if take is not None and len(roles_of(take)) > 1:
            _draw_comparison(self.layout, take)


def _draw_method(column: bpy.types.UILayout, settings: RevisionSettings, prompt: str) -> None:
    column.prop(settings, "refine_strength", slider=True)
    column.prop(settings, "refine_method")
    if settings.refine_method == "prior":
        column.row(heading="Motion").prop(settings, "refine_auto")
        if not settings.refine_auto:
            column.prop(settings, "refine_motion", text=" ", slider=True)
        column.prop(settings, "refine_words")
        if prompt and not settings.refine_words.strip():
            sentences(column, f"As the take says: {prompt}", icon="BLANK1")
        column.row(heading="Feet").prop(settings, "refine_polish")
    row = column.row(heading="Keep")
    row.prop(settings, "refine_first", text="First")
    row.prop(settings, "refine_last", text="Last")


def _draw_pins(layout: bpy.types.UILayout, scene: bpy.types.Scene, take: Take) -> None:
    sentences(layout, pin_counts.sentence(scene, take), icon="PINNED")
    column = layout.column(align=True)
    row = column.row(align=True)
    row.operator("revision.pin_pose", text="Pin Pose")
    row.operator("revision.pin_place", text="Pin Hand/Foot").span = "FRAME"
    row = column.row(align=True)
    if scene.use_preview_range:
        row.operator("revision.pin_place", text="Over Preview Range").span = "PREVIEW"
    row.operator_menu_enum("revision.clear_pins", "what", text="Clear Pins")


def _draw_comparison(layout: bpy.types.UILayout, take: Take) -> None:
    """Which motion plays, which haunts it, and what refining changed."""
    shown, ghost = shown_role(take), ghost_role(take)
    box = layout.box()
    row = box.row(align=True)
    for role in roles_of(take):
        row.operator("revision.play_motion", text=TITLES[role], depress=role == shown).role = role
    text = f"Ghost: {TITLES.get(ghost, ghost)}" if ghost else "Ghost"
    box.operator("revision.ghost", text=text, depress=bool(ghost), icon="GHOST_ENABLED").role = ""
    changes = change_graphs.changes_of(shown_action(take))
    if changes is not None:
        box.template_icon(change_graphs.graphs.icon(changes), scale=GRAPH_SCALE)
        for line in change_graphs.words_of(changes):
            sentences(box, line)
        sentences(box, "Over the frames: grey before, orange after", icon="BLANK1")


classes = (REVISION_PT_refine,)
register, unregister = bpy.utils.register_classes_factory(classes)
