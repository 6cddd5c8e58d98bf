"""The person picker: a list with a tick for everybody, of a motion file or of a lift."""

import bpy
from bpy.props import BoolProperty, StringProperty


class RevisionPersonChoice(bpy.types.PropertyGroup):
    """One person, animal or thing in the picker."""

    track_id: StringProperty()
    words: StringProperty()
    use: BoolProperty(name="Import", default=True, description="Whether this one comes into the scene")


def list_choices(choices: bpy.types.bpy_prop_collection, found: list[tuple[str, str]]) -> None:
    """Fills a picker with names and words about them, everybody ticked."""
    choices.clear()
    for name, words in found:
        item = choices.add()
        item.name = item.track_id = name
        item.words = words


def draw_choices(layout: bpy.types.UILayout, choices: bpy.types.bpy_prop_collection) -> None:
    column = layout.column(align=True)
    column.use_property_split = False
    for choice in choices:
        row = column.split(factor=0.55)
        row.prop(choice, "use", text=choice.track_id)
        row.label(text=choice.words)


def chosen(choices: bpy.types.bpy_prop_collection) -> tuple[str, ...]:
    return tuple(choice.track_id for choice in choices if choice.use)


classes = (RevisionPersonChoice,)
register, unregister = bpy.utils.register_classes_factory(classes)
