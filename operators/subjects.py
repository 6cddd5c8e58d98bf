"""The list of subjects: adding, removing, taking back what is shown on a frame, going to where one is shown."""

import bpy
from bpy.props import EnumProperty, IntProperty

from ..revision_blender.motion.errors import RevisionError
from ..revision_blender.scene import subjects
from ..revision_blender.scene.errors import SceneError
from ..revision_blender.scene.properties import RevisionTake
from ..revision_blender.scene.subject_properties import KINDS, RevisionSubject
from . import reasons
from .clip_frames import frame_now
from .pressing import can_press


def entry_and_subject(scene: bpy.types.Scene) -> tuple[RevisionTake, RevisionSubject]:
    """What boxes and clicks are drawn for. Raises SceneError."""
    entry = scene.revision.take()
    if entry is None:
        raise SceneError("There is no clip in this scene; generate a coarse clip or load footage first.")
    subject = subjects.chosen(entry)
    if subject is None:
        raise SceneError("No subject is chosen; add a person, an animal or an object in Lift.")
    return entry, subject


class _OfSubjects:
    """Mix-in: greyed out without a clip; what goes wrong is reported in one sentence and changes nothing."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_press(cls, reasons.why_not_shown(context.scene))

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            self.work(context)
        except RevisionError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        redraw_views(context)
        return {"FINISHED"}


def redraw_views(context: bpy.types.Context) -> None:
    """What is shown is drawn over the viewports."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


class REVISION_OT_add_subject(_OfSubjects, bpy.types.Operator):
    """Adds a subject to show: draw a box around it, or click on it, on a frame where it is well seen"""

    bl_idname = "revision.add_subject"
    bl_label = "Add Subject"

    kind: EnumProperty(name="Kind", items=KINDS, default="object")

    def work(self, context: bpy.types.Context) -> None:
        subjects.add(context.scene.revision.take(), self.kind)


class REVISION_OT_remove_subject(_OfSubjects, bpy.types.Operator):
    """Takes the chosen subject and all that is shown of it off the list; tracks that were lifted stay"""

    bl_idname = "revision.remove_subject"
    bl_label = "Remove Subject"

    def work(self, context: bpy.types.Context) -> None:
        entry, _subject = entry_and_subject(context.scene)
        subjects.remove(entry, entry.subject_index)


class REVISION_OT_forget_shown(_OfSubjects, bpy.types.Operator):
    """Takes back the box and the clicks of the chosen subject on this frame"""

    bl_idname = "revision.forget_shown"
    bl_label = "Clear This Frame"

    def work(self, context: bpy.types.Context) -> None:
        entry, subject = entry_and_subject(context.scene)
        if not subjects.forget(subject, frame_now(context.scene, entry)):
            raise SceneError(f"Nothing of {subject.name} is shown on this frame; go to one on which it is.")


class REVISION_OT_go_to_shown(_OfSubjects, bpy.types.Operator):
    """Goes to the next or last frame on which the chosen subject is shown"""

    bl_idname = "revision.go_to_shown"
    bl_label = "Go to Shown Frame"
    bl_options = set()

    step: IntProperty(name="Step", default=1, description="1: forward, -1: back")

    def work(self, context: bpy.types.Context) -> None:
        scene = context.scene
        entry, subject = entry_and_subject(scene)
        frames = sorted(subjects.scene_frame(scene, entry, shown.frame) for shown in subject.shown)
        ahead = [frame for frame in (frames if self.step > 0 else frames[::-1]) if (frame - scene.frame_current) * self.step > 0]
        if not ahead:
            raise SceneError(f"{subject.name} is shown on no {'later' if self.step > 0 else 'earlier'} frame.")
        scene.frame_set(ahead[0])


classes = (REVISION_OT_add_subject, REVISION_OT_remove_subject, REVISION_OT_forget_shown, REVISION_OT_go_to_shown)
register, unregister = bpy.utils.register_classes_factory(classes)
