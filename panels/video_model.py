"""The panel Video Model under Source, and what engine svd adds to Generate Fine: which model, how fast, how closely it follows."""

import bpy

from ..operators import chosen_model, figures, reasons
from ..operators.session import current
from ..revision_blender.motion.errors import RevisionError
from ..revision_blender.scene.properties import OWN_FOLDER, RevisionSettings
from ..revision_blender.video_model.prediction import Prediction
from ..revision_blender.video_model.presets import preset_of
from ..revision_blender.video_model.published import gigabytes, page_of, published_model
from ..revision_blender.video_model.state import ModelState
from .base import SidebarPanel, button, settings_column, under_way
from .wording import sentences


class REVISION_PT_video_model(SidebarPanel, bpy.types.Panel):
    bl_idname = "REVISION_PT_video_model"
    bl_label = "Video Model"
    bl_parent_id = "REVISION_PT_source"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene.revision.engine == "svd"

    def draw(self, context: bpy.types.Context) -> None:
        settings: RevisionSettings = context.scene.revision
        layout = self.layout
        column = settings_column(layout)
        column.prop(settings, "model_choice")
        if settings.model_choice == OWN_FOLDER:
            column.prop(settings, "model_folder")
        _draw_state(layout, context.scene)
        settings_column(layout).prop(settings, "preset")
        sentences(layout, preset_of(settings.preset).words, icon="BLANK1")


def _draw_state(layout: bpy.types.UILayout, scene: bpy.types.Scene) -> None:
    """How the weights stand, and the next step where they are not there."""
    view = chosen_model.view(scene.revision)
    if view is None:
        layout.label(text="Looking at the model", icon="SORTTIME")
    elif current().job_of_kind(scene, "model") is not None:
        under_way(layout, scene, "model")
    elif view.state.downloadable:
        _draw_download(layout, scene, view.state)
    else:
        words = view.state.words[:1].upper() + view.state.words[1:]
        sentences(layout, words, icon="CHECKMARK" if view.state.found else "ERROR")
        if view.state.next_step:
            sentences(layout, view.state.next_step)


def _draw_download(layout: bpy.types.UILayout, scene: bpy.types.Scene, state: ModelState) -> None:
    """Size and licence, and the button, whose dialog says the rest."""
    published = published_model(state.name)
    if published is None or state.kind != "missing":
        sentences(layout, state.words, icon="ERROR")
    if published is not None:
        sentences(layout, f"{gigabytes(published.bytes)} to download once. {published.licence}", icon="IMPORT")
        if published.gated:
            sentences(layout, "For accounts of the model hub that have accepted the licence there.", icon="LOCKED")
    layout.operator("wm.url_open", text="Open Its Page", icon="URL").url = page_of(state.name)
    button(layout, "revision.download_model", reasons.why_not_download(scene), icon="IMPORT")


def draw_bucket(column: bpy.types.UILayout, settings: RevisionSettings) -> None:
    """What Motion means to the video model, under its slider."""
    view = chosen_model.view(settings)
    facts = view.state.facts if view is not None else None
    if facts is None:
        return
    if facts.fixed_bucket:
        sentences(column, f"This model knows one motion strength only (bucket {facts.buckets[0]})", icon="INFO")
    else:
        sentences(column, f"Motion bucket {facts.bucket(settings.strength)} of {facts.buckets[0]} to {facts.buckets[1]}", icon="BLANK1")


def draw_estimate(layout: bpy.types.UILayout, prediction: Prediction | None) -> None:
    """Above the button: how long it will take and how much memory, and what is done where that is scarce."""
    if prediction is None:
        return
    sentences(layout, figures.words_of(prediction), icon="TIME" if prediction.plan.fits else "ERROR")
    if prediction.plan.words:
        sentences(layout, prediction.plan.words)


def draw_following(layout: bpy.types.UILayout, settings: RevisionSettings) -> None:
    """How the final video follows the motion."""
    column = settings_column(layout)
    column.prop(settings, "follow_mode")
    if not chosen_model.may_hold(settings):
        return
    row = column.row()
    row.enabled = not settings.own_depths
    row.prop(settings, "follow", slider=True)
    try:
        depths = chosen_model.depths(settings)
    except RevisionError as error:
        sentences(layout, str(error), icon="ERROR")
        return
    sentences(layout, f"Begins at noise {depths.weak:.3g}, bodies held down to {depths.strong:.3g}", icon="BLANK1")


class REVISION_PT_depths(SidebarPanel, bpy.types.Panel):
    bl_idname = "REVISION_PT_depths"
    bl_label = "Own Depths"
    bl_parent_id = "REVISION_PT_fine"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        settings: RevisionSettings = context.scene.revision
        return settings.engine == "svd" and chosen_model.may_hold(settings)

    def draw_header(self, context: bpy.types.Context) -> None:
        self.layout.prop(context.scene.revision, "own_depths", text="")

    def draw(self, context: bpy.types.Context) -> None:
        settings: RevisionSettings = context.scene.revision
        column = settings_column(self.layout)
        column.enabled = settings.own_depths
        column.prop(settings, "sigma_weak")
        column.prop(settings, "sigma_strong")
        self.layout.operator("revision.take_depths")


classes = (REVISION_PT_video_model, REVISION_PT_depths)
register, unregister = bpy.utils.register_classes_factory(classes)
