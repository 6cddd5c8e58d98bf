"""What can be chosen about a motion file before it comes in."""

from math import radians
from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty

from ..revision_blender.motion.files.motion_file import ReadOptions
from ..revision_blender.scene.keys import KeyOptions
from .arrivals import ImportChoice
from .body_shelf import body_items

_METRES_A_DEGREE = 0.01  # what the root's place may be off beside the joints' error
_TIMINGS = (
    ("EXACT", "Every Frame", "A key at each frame of the file, between the scene's frames where the rates differ"),
    ("WHOLE", "Whole Frames", "Resampled to whole frames of the scene"),
)


class MotionImportOptions:
    """Mix-in: what can be chosen about a motion file, in the file browser and in the dialog after a drop alike."""

    body: EnumProperty(
        name="Body",
        items=body_items,
        description="The body that BVH, AMC and DeepMimic skeletons are brought to; SMPL files name their own",
    )
    timing: EnumProperty(name="Keys", items=_TIMINGS, default="EXACT")
    reduce: BoolProperty(name="Fewest Keys", default=False, description="Only as many keys as the error below needs, for editing by hand")
    error_degrees: FloatProperty(
        name="Error",
        min=0.01,
        max=20.0,
        default=0.5,
        precision=2,
        description="Degrees that a joint may be off where keys are left out; the body's place a centimetre a degree",
    )
    clean_contacts: BoolProperty(
        name="Clean Contacts", default=False, description="Feet that touch the floor stay where they are; the pose changes by millimetres"
    )
    at_current: BoolProperty(
        name="Start at Current Frame", default=False, description="Otherwise the motion starts at the scene's first frame"
    )
    fit_range: BoolProperty(name="Extend Frame Range", default=False, description="The scene's frame range grows to hold the motion")
    take_camera: BoolProperty(name="Use the File's Camera", default=True, description="A camera in the file becomes the scene's")
    fps: FloatProperty(
        name="Rate",
        min=0.0,
        max=1000.0,
        default=0.0,
        description="Frames a second of files that do not say; 0: what such files usually have",
    )

    def draw_options(self, layout: bpy.types.UILayout) -> None:
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "body")
        layout.prop(self, "clean_contacts")
        column = layout.column(heading="Time")
        column.prop(self, "timing")
        column.prop(self, "at_current")
        column.prop(self, "fit_range")
        column.prop(self, "fps")
        column = layout.column()
        column.prop(self, "reduce")
        row = column.row()
        row.active = self.reduce
        row.prop(self, "error_degrees")
        layout.prop(self, "take_camera")

    def choice(self, scene: bpy.types.Scene, path: Path, people: tuple[str, ...] | None) -> ImportChoice:
        start = float(scene.frame_current if self.at_current else scene.frame_start)
        read = ReadOptions(people=people, fps=self.fps or None, body=self.body or "open_human", clean_contacts=self.clean_contacts)
        error = self.error_degrees if self.reduce else None
        keys = KeyOptions(
            resample=self.timing == "WHOLE",
            error=None if error is None else radians(error),
            root_error=None if error is None else _METRES_A_DEGREE * error,
            extend_scene_range=self.fit_range,
        )
        return ImportChoice(path, read, keys, start, self.take_camera)

    def option_values(self) -> dict[str, object]:
        """The options as keyword arguments, to hand them on from one operator to the other."""
        return {name: getattr(self, name) for name in MotionImportOptions.__annotations__}
