"""The extension's preferences: where the backend's Python and its home are, and the button that makes the environment."""

import bpy
from bpy.props import FloatProperty, StringProperty

from ..revision_blender.wire.paths import home_folder
from .environment import Making, making
from .session import current
from .settings import backend_choice
from .where import EXTENSION

_SHOWN_LINES = 6


class RevisionPreferences(bpy.types.AddonPreferences):
    bl_idname = EXTENSION

    python: StringProperty(
        name="Backend Python",
        subtype="FILE_PATH",
        description="A Python that has the backend's packages; empty for the environment made below",
    )
    home: StringProperty(name="Backend Home", subtype="DIR_PATH", description="Jobs, logs and environments; empty for the usual folder")
    idle_minutes: FloatProperty(
        name="Ends When Idle (Minutes)",
        min=1.0,
        max=1440.0,
        default=30.0,
        precision=0,
        description="Minutes without work until the backend ends itself",
    )

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        choice = backend_choice()
        found = current().link.python(choice.python, choice.home)
        layout.label(
            text=f"The backend runs on {found}" if found else "The backend's environment is missing", icon="CHECKMARK" if found else "ERROR"
        )
        layout.prop(self, "python")
        layout.prop(self, "home")
        layout.label(text=f"Backend home: {choice.home}" if self.home else f"Backend home: {home_folder()}")
        layout.prop(self, "idle_minutes")
        row = layout.row()
        row.operator("revision.make_environment")
        under_way = making()
        if under_way is not None:
            _draw_making(layout, under_way)
        elif not bpy.app.online_access:
            layout.label(text="Making it needs Allow Online Access in the System preferences", icon="INFO")


def _draw_making(layout: bpy.types.UILayout, under_way: Making) -> None:
    box = layout.box()
    if not under_way.over:
        row = box.row()
        row.progress(factor=under_way.fraction, text=f"{under_way.fraction:.0%}", type="BAR")
        row.operator("revision.cancel_environment", text="", icon="X")
    for line in list(under_way.lines)[-_SHOWN_LINES:]:
        box.label(text=line)


classes = (RevisionPreferences,)
register, unregister = bpy.utils.register_classes_factory(classes)
