"""The panels Source and Generate Coarse: what the video starts from."""

import bpy

from ..operators import estimate, reasons
from ..revision_blender.scene.colour import view_transform_note
from ..revision_blender.scene.properties import RevisionSettings
from ..revision_blender.scene.take import find_take
from .base import SidebarPanel, button, settings_column, under_way
from .video_model import draw_bucket, draw_estimate
from .wording import sentences


class REVISION_PT_source(SidebarPanel, bpy.types.Panel):
    bl_idname = "REVISION_PT_source"
    bl_label = "Source"
    bl_order = 1

    def draw(self, context: bpy.types.Context) -> None:
        settings: RevisionSettings = context.scene.revision
        self.layout.row().prop(settings, "source", expand=True)
        column = settings_column(self.layout)
        if settings.source == "PICTURE":
            _draw_picture(column, settings)
        else:
            _draw_footage(column, settings)


def _draw_picture(column: bpy.types.UILayout, settings: RevisionSettings) -> None:
    column.prop(settings, "picture")
    column.prop(settings, "prompt")
    if settings.engine == "svd":
        sentences(column, "Video models take no prompt: only the engine Reproject reads it", icon="INFO")
    column.prop(settings, "strength", slider=True)
    if settings.engine == "svd":
        draw_bucket(column, settings)
    column.prop(settings, "frames")
    column.prop(settings, "fps")
    column.prop(settings, "seed")
    column.prop(settings, "engine")


def _draw_footage(column: bpy.types.UILayout, settings: RevisionSettings) -> None:
    column.prop(settings, "footage")
    column.prop(settings, "footage_start")
    column.prop(settings, "footage_stride")
    column.prop(settings, "frames")
    column.prop(settings, "prompt")
    column.prop(settings, "engine")


class REVISION_PT_coarse(SidebarPanel, bpy.types.Panel):
    bl_idname = "REVISION_PT_coarse"
    bl_label = "Generate Coarse"
    bl_order = 2

    def draw(self, context: bpy.types.Context) -> None:
        scene, layout = context.scene, self.layout
        settings: RevisionSettings = scene.revision
        if settings.source == "FOOTAGE":
            button(layout, "revision.load_footage", reasons.why_not_footage(scene), icon="FILE_MOVIE")
            under_way(layout, scene, "decode")
        else:
            entry = settings.take()
            if entry is not None and find_take(scene, entry.take_id) is not None:
                layout.prop(settings, "aim_at_pose")
            if settings.engine == "svd":
                draw_estimate(layout, estimate.coarse(scene))
            button(layout, "revision.generate_coarse", reasons.why_not_coarse(scene), icon="RENDER_ANIMATION")
            under_way(layout, scene, "coarse")
        note = view_transform_note(scene)
        if note:
            box = layout.box()
            sentences(box, note, icon="COLOR")
            box.operator("revision.use_standard_view")


classes = (REVISION_PT_source, REVISION_PT_coarse)
register, unregister = bpy.utils.register_classes_factory(classes)
