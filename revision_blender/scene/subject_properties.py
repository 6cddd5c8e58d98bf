"""What the user shows of a clip's subjects, as Blender keeps it: saved in the .blend, undone with everything else."""

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, FloatProperty, FloatVectorProperty, IntProperty, StringProperty

from ..motion.subjects import MAX_NAME, ON

KINDS = (
    ("person", "Person", "A human body", "USER", 0),
    ("animal", "Animal", "An animal on four legs", "TRACKER", 1),
    ("object", "Object", "A thing: a box and the points of its outline", "CUBE", 2),
)


class RevisionClick(bpy.types.PropertyGroup):
    """A pixel of the subject, or beside it."""

    x: FloatProperty(description="Pixels from the picture's left")
    y: FloatProperty(description="Pixels from the picture's top")
    part: StringProperty(default=ON, description="One of motion.subjects.PARTS")


class RevisionShown(bpy.types.PropertyGroup):
    """A subject as it is shown on one frame of the clip."""

    frame: IntProperty(description="Counted from 0")
    has_box: BoolProperty()
    box: FloatVectorProperty(size=4, description="Left, top, right, bottom in pixels")
    clicks: CollectionProperty(type=RevisionClick)


def _name_given(subject: "RevisionSubject", _context: bpy.types.Context) -> None:
    """A name means one subject: where another has it, or none is left, a free one is made of it."""
    others = {other.name for other in _siblings(subject) if other != subject}
    wanted = subject.name.strip() or subject.kind
    names = (wanted if number == 0 else f"{wanted[: MAX_NAME - 5]}_{number + 1}" for number in range(len(others) + 1))
    free = next(name for name in names if name not in others)
    if subject.name != free:
        subject.name = free


def _siblings(subject: "RevisionSubject") -> bpy.types.bpy_prop_collection:
    """All subjects of the take that this one belongs to."""
    return subject.id_data.path_resolve(subject.path_from_id().rpartition("[")[0])


class RevisionSubject(bpy.types.PropertyGroup):
    """A person, animal or thing that the user shows the lifter."""

    name: StringProperty(name="Name", maxlen=MAX_NAME, update=_name_given, description="What its track is called")
    kind: EnumProperty(name="Kind", items=KINDS, default="object", description="What it is lifted to")
    label: StringProperty(
        name="What", maxlen=MAX_NAME, description="What it is, in a word: dog, horse, ball, chair. It tells the usual size and shape"
    )
    shown: CollectionProperty(type=RevisionShown)


classes = (RevisionClick, RevisionShown, RevisionSubject)
register, unregister = bpy.utils.register_classes_factory(classes)
