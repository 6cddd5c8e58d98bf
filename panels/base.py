"""What all panels of the ReVision tab share."""

import bpy

from .wording import sentences


class SidebarPanel:
    """Mix-in: a panel of the tab ReVision in the 3D viewport's sidebar."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "ReVision"


def button(layout: bpy.types.UILayout, operator: str, reason: str, *, icon: str = "NONE", text: str | None = None) -> None:
    """A large button, and under it why it is greyed out."""
    column = layout.column()
    row = column.row()
    row.scale_y = 1.3
    if text is None:
        row.operator(operator, icon=icon)
    else:
        row.operator(operator, icon=icon, text=text)
    if reason:
        sentences(column, reason, icon="INFO")


def settings_column(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """A column of properties with their names at the left."""
    layout.use_property_split = True
    layout.use_property_decorate = False
    return layout.column()
