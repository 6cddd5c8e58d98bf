"""The panel Models under Lift: who does what, where the user has a wish, and what each of them lacks."""

import bpy

from ..operators.lift_providers import ProviderFacts, providers
from ..revision_blender.scene.properties import PROVIDER_KINDS
from .base import SidebarPanel, settings_column
from .wording import sentences


class REVISION_PT_providers(SidebarPanel, bpy.types.Panel):
    bl_idname = "REVISION_PT_providers"
    bl_label = "Models"
    bl_parent_id = "REVISION_PT_lift"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, chosen = self.layout, context.scene.revision.providers
        sentences(layout, "Empty: chosen for this machine, the bundled way where nothing else is installed", icon="INFO")
        column = settings_column(layout)
        for kind in PROVIDER_KINDS:
            column.prop(chosen, kind)
            fact = _fact(kind, getattr(chosen, kind).strip())
            if fact is not None and not fact.can_run:
                sentences(column, fact.missing, icon="ERROR")
        if providers.asking:
            layout.label(text="Looking at the models", icon="SORTTIME")
        else:
            layout.operator("revision.look_at_models", icon="VIEWZOOM")
        if providers.why:
            sentences(layout, providers.why, icon="ERROR")
        _draw_list(layout)


def _fact(kind: str, name: str) -> ProviderFacts | None:
    return next((fact for fact in providers.facts.get(kind, ()) if fact.name == name), None)


def _draw_list(layout: bpy.types.UILayout) -> None:
    """What there is, kind by kind: what it lacks, and where its weights come from."""
    for kind, facts in providers.facts.items():
        if not facts:
            continue
        box = layout.box()
        box.label(text=kind.title())
        for fact in facts:
            row = box.row()
            row.label(text=fact.name + (f", {fact.size:.0f} MB" if fact.size else ""), icon="CHECKMARK" if fact.can_run else "X")
            if fact.where.startswith("http"):
                row.operator("wm.url_open", text="", icon="URL").url = fact.where
            if not fact.can_run:
                sentences(box, fact.missing)
            if fact.licence:
                sentences(box, fact.licence, icon="BLANK1")


classes = (REVISION_PT_providers,)
register, unregister = bpy.utils.register_classes_factory(classes)
