"""Add Body Model: an official SMPL, SMPL-H, SMPL-X or SMAL file joins the bodies that can be shown."""

from pathlib import Path

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ImportHelper

from ..revision_blender.motion.errors import RevisionError
from .body_shelf import shelf


class REVISION_OT_add_body_model(ImportHelper, bpy.types.Operator):
    """Converts an official SMPL, SMPL-H, SMPL-X or SMAL file (.pkl or .npz) once; Blender and the backend both use it from then on"""

    bl_idname = "revision.add_body_model"
    bl_label = "Add Body Model"

    filter_glob: StringProperty(default="*.pkl;*.npz", options={"HIDDEN"})
    name: StringProperty(
        name="Name", description="What motion files call it, such as smplx_neutral; empty: from the file", options={"SKIP_SAVE"}
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.window_manager.progress_begin(0, 1)
        try:
            name = shelf().add(Path(bpy.path.abspath(self.filepath)), self.name or None)
        except (RevisionError, OSError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        finally:
            context.window_manager.progress_end()
        self.report({"INFO"}, f"{name} is on the shelf: motions made for it are shown on it from now on")
        return {"FINISHED"}


classes = (REVISION_OT_add_body_model,)
register, unregister = bpy.utils.register_classes_factory(classes)
