"""The panels Part Masks and Generate Fine: from the rig to the final clip."""

import bpy

from ..operators import estimate, reasons
from ..revision_blender.scene.part_masks.mask_preview import name_of
from ..revision_blender.scene.properties import RevisionSettings
from .base import SidebarPanel, button, settings_column, under_way
from .video_model import draw_estimate, draw_following
from .wording import sentences


class REVISION_PT_masks(SidebarPanel, bpy.types.Panel):
    bl_idname = "REVISION_PT_masks"
    bl_label = "Part Masks"
    bl_order = 7

    def draw(self, context: bpy.types.Context) -> None:
        settings: RevisionSettings = context.scene.revision
        settings_column(self.layout).prop(settings, "mask_method")
        entry = settings.take()
        if entry is not None and entry.final_fps:
            sentences(self.layout, f"At {entry.final_fps:g} frames a second, the rate of the final video", icon="INFO")
        button(self.layout, "revision.render_masks", reasons.why_not_masks(context.scene), icon="MOD_MASK")
        under_way(self.layout, context.scene, "masks")
        image = bpy.data.images.get(name_of(entry.name)) if entry is not None and entry.masks else None
        if image is not None:
            preview = image.preview_ensure()
            if preview is not None and preview.icon_id:
                self.layout.template_icon(preview.icon_id, scale=6.0)
            self.layout.label(text=image.name, icon="IMAGE_DATA")


class REVISION_PT_fine(SidebarPanel, bpy.types.Panel):
    bl_idname = "REVISION_PT_fine"
    bl_label = "Generate Fine"
    bl_order = 8

    def draw(self, context: bpy.types.Context) -> None:
        settings: RevisionSettings = context.scene.revision
        settings_column(self.layout).prop(settings, "engine")
        if settings.engine == "svd":
            draw_following(self.layout, settings)
            draw_estimate(self.layout, estimate.fine(context.scene))
        button(self.layout, "revision.generate_fine", reasons.why_not_fine(context.scene), icon="RENDER_ANIMATION")
        under_way(self.layout, context.scene, "fine")


classes = (REVISION_PT_masks, REVISION_PT_fine)
register, unregister = bpy.utils.register_classes_factory(classes)
