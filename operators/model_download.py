"""Download Model: asks first, with licence and size; then it is a job like any other, with a bar and a cancel button."""

import textwrap

import bpy
from bpy.props import BoolProperty

from ..revision_blender.video_model.published import TOKENS_PAGE, gated_words, page_of, published_model
from . import asking, chosen_model, reasons
from .pressing import can_press, submit

_WIDTH = 460  # pixels at interface scale 1
_LETTERS = 72  # a line of the dialog holds at least so many


class REVISION_OT_download_model(bpy.types.Operator):
    """Downloads the chosen video model from the model hub, after you have accepted its licence; cancelled downloads go on where they stopped"""

    bl_idname = "revision.download_model"
    bl_label = "Download Model"

    accept_licence: BoolProperty(
        name="I have read the licence and accept it", description="Nothing is downloaded otherwise", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_press(cls, reasons.why_not_download(context.scene))

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_props_dialog(self, width=_WIDTH, title="Download Video Model", confirm_text="Download")

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        seen = chosen_model.view(context.scene.revision)
        if seen is None:
            layout.label(text="The model is being looked at")
            return
        _lines(layout, seen.state.licence, "TEXT")
        _lines(
            layout, f"It goes into {chosen_model.download_folder(seen.state.name)}, where other programs find it as well.", "FILE_FOLDER"
        )
        if seen.state.kind == "incomplete":
            _lines(layout, seen.state.words, "INFO")
        row = layout.row()
        row.operator("wm.url_open", text="Open Its Page", icon="URL").url = page_of(seen.state.name)
        published = published_model(seen.state.name)
        if published is not None and published.gated:
            row.operator("wm.url_open", text="Open Your Tokens", icon="URL").url = TOKENS_PAGE
            _lines(layout, gated_words(seen.state.name), "LOCKED")
        layout.prop(self, "accept_licence")

    def execute(self, context: bpy.types.Context) -> set[str]:
        if not self.accept_licence:
            self.report({"WARNING"}, "Nothing was downloaded: the licence has to be accepted first")
            return {"CANCELLED"}
        return submit(self, context.scene, asking.model)


def _lines(layout: bpy.types.UILayout, text: str, icon: str) -> None:
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(textwrap.wrap(text, _LETTERS)):
        column.label(text=line, icon=icon if number == 0 else "BLANK1")


classes = (REVISION_OT_download_model,)
register, unregister = bpy.utils.register_classes_factory(classes)
