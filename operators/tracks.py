"""The tracks of the take, one by one: choosing, renaming, deleting, lifting again, and as something else."""

import bpy
from bpy.props import EnumProperty, StringProperty

from ..revision_blender.motion.bodies.body_model import identity_of, joints_of
from ..revision_blender.motion.clip import BodyTrack, Clip
from ..revision_blender.motion.errors import RevisionError
from ..revision_blender.motion.subjects import Box, Prompt
from ..revision_blender.scene import subjects
from ..revision_blender.scene.lifted_tracks import remove_track, rename_track, track_of_object, track_row, track_rows
from ..revision_blender.scene.lifted_tracks_pieces import renamed, track_in, without
from ..revision_blender.scene.presence import frames_there
from ..revision_blender.scene.properties import RevisionTake
from ..revision_blender.scene.subject_properties import KINDS
from ..revision_blender.scene.take import Take
from . import asking, asking_lift, reasons
from .body_shelf import shelf
from .lifted_files import clips_on_disk, keep_edited
from .pressing import can_press, submit
from .take_edits import TakeEdit

_MARGIN = 0.12  # of a box about projected joints: flesh lies around them


def chosen_track(context: bpy.types.Context, take: Take) -> str:
    """The track that the buttons work on: the active object's, else the one clicked in the list, else the first."""
    of_active = track_of_object(take, context.active_object)
    names = [row.track_id for row in track_rows(take)]
    last = context.scene.revision.track_name
    return of_active or (last if last in names else names[0] if names else "")


class OfTracks(TakeEdit):
    """Mix-in: works on a lifted take."""

    def edit(self, context: bpy.types.Context) -> str:
        entry, take = asking.lifted(context.scene)
        self.work(context, entry, take)
        return ""


class REVISION_OT_choose_track(OfTracks, bpy.types.Operator):
    """Chooses this track, and selects its rig or box"""

    bl_idname = "revision.choose_track"
    bl_label = "Choose Track"

    track: StringProperty(name="Track")

    def edit(self, context: bpy.types.Context) -> str:
        """Says where a track is that is not on this frame: what is hidden there cannot be selected."""
        _entry, take = asking.lifted(context.scene)
        row = track_row(take, self.track)
        context.scene.revision.track_name = row.track_id
        layer, holder = context.view_layer, bpy.data.objects.get(row.holder)
        if holder is None or holder.name not in layer.objects or context.mode != "OBJECT":
            return ""
        for thing in layer.objects:
            thing.select_set(thing == holder)
        layer.objects.active = holder
        if not holder.hide_viewport:
            return ""
        frames = take.scene_frames(context.scene)[frames_there(take, holder)]
        return f"{row.track_id} is not on this frame but between {frames[0]:g} and {frames[-1]:g}" if len(frames) else ""


class REVISION_OT_rename_track(OfTracks, bpy.types.Operator):
    """Gives the chosen track another name, in the scene and in its lift"""

    bl_idname = "revision.rename_track"
    bl_label = "Rename Track"

    track: StringProperty(name="Track", options={"HIDDEN", "SKIP_SAVE"})
    name: StringProperty(name="Name", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        try:
            self.track = self.track or chosen_track(context, asking.lifted(context.scene)[1])
        except RevisionError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.name = self.track
        return context.window_manager.invoke_props_dialog(self)

    def work(self, context: bpy.types.Context, entry: RevisionTake, take: Take) -> None:
        old = self.track or chosen_track(context, take)
        new = rename_track(take, old, self.name)
        keep_edited(entry, lambda clip: renamed(clip, old, new))
        context.scene.revision.track_name = new
        subject = next((subject for subject in entry.subjects if subject.name == old), None)
        if subject is not None:
            subject.name = new


class REVISION_OT_delete_track(OfTracks, bpy.types.Operator):
    """Takes the chosen track out of the scene, with its rig or box and its motions; what was shown of it stays in the list of subjects"""

    bl_idname = "revision.delete_track"
    bl_label = "Delete Track"

    track: StringProperty(name="Track", options={"SKIP_SAVE"})

    def work(self, context: bpy.types.Context, entry: RevisionTake, take: Take) -> None:
        name = self.track or chosen_track(context, take)
        remove_track(take, name)
        keep_edited(entry, lambda clip: without(clip, name))


class _Again:
    """Mix-in: a further lift of one track."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_press(cls, reasons.why_not_again(context.scene))


class REVISION_OT_lift_again(_Again, bpy.types.Operator):
    """Lifts this one track again, with what is shown of it now; the camera, the floor and the other tracks stay as they are"""

    bl_idname = "revision.lift_again"
    bl_label = "Lift Again"

    track: StringProperty(name="Track", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        return submit(self, context.scene, lambda scene: asking_lift.lift_again(scene, self._name(context)))

    def _name(self, context: bpy.types.Context) -> str:
        _entry, take = asking.lifted(context.scene)
        name = self.track or chosen_track(context, take)
        if not name:
            raise RevisionError("The take has no track; show a subject and press Lift.")
        return name


class REVISION_OT_track_kind(_Again, bpy.types.Operator):
    """Lifts the chosen track again as a person, an animal or an object"""

    bl_idname = "revision.track_kind"
    bl_label = "Lift as"
    bl_options = {"UNDO"}  # not REGISTER: adjusting it afterwards would ask the backend again

    track: StringProperty(name="Track", options={"HIDDEN", "SKIP_SAVE"})
    kind: EnumProperty(name="Kind", items=KINDS, default="object")

    def execute(self, context: bpy.types.Context) -> set[str]:
        return submit(self, context.scene, lambda scene: self._ask(context, scene))

    def _ask(self, context: bpy.types.Context, scene: bpy.types.Scene):  # noqa: ANN202 -- a ticket and what builds its request
        entry, take = asking.lifted(scene)
        row = track_row(take, self.track or chosen_track(context, take))
        subject = next((subject for subject in entry.subjects if subject.name == row.track_id), None)
        if subject is None or not len(subject.shown):
            subject = subjects.show(entry, shown_from_lift(clips_on_disk(entry).get("lift"), row.track_id, self.kind))
        subject.kind = self.kind
        return asking_lift.lift_again(scene, row.track_id)


def shown_from_lift(clip: Clip | None, name: str, kind: str) -> Prompt:
    """A box about a lifted track on the frame on which it is surest, as if it had been drawn. Raises RevisionError."""
    track = track_in(clip, name) if clip is not None else None
    if clip is None or track is None:
        raise RevisionError(f"Nothing is shown of {name}: add it to the subjects, draw a box around it and press Lift Again.")
    if isinstance(track, BodyTrack):
        places = joints_of(identity_of(shelf().load(track.model), track.betas), track.rotations, track.translation)
        frame = int(track.confidence.mean(axis=1).argmax())
    else:
        places, frame = track.points, int(track.confidence.argmax())
    pixels = clip.camera.project(places)[0][frame]
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    margin = _MARGIN * (high - low) + 1.0
    size = (float(clip.camera.width), float(clip.camera.height))
    ends = [min(max(float(value), 0.0), size[index % 2]) for index, value in enumerate((*(low - margin), *(high + margin)))]
    box: Box = (ends[0], ends[1], ends[2], ends[3])
    if box[0] >= box[2] or box[1] >= box[3]:
        raise RevisionError(f"{name} is not in the picture where it is surest: draw a box around it and press Lift Again.")
    return Prompt(name, kind, frame, box)  # type: ignore[arg-type] -- one of KINDS


classes = (
    REVISION_OT_choose_track,
    REVISION_OT_rename_track,
    REVISION_OT_delete_track,
    REVISION_OT_lift_again,
    REVISION_OT_track_kind,
)
register, unregister = bpy.utils.register_classes_factory(classes)
