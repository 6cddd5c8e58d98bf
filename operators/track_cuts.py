"""Merge and Split: two tracks of one subject become one, one track of two subjects becomes two."""

from collections.abc import Iterator

import bpy
from bpy.props import StringProperty

from ..revision_blender.motion.bodies.body_model import BodyModel
from ..revision_blender.scene.errors import SceneError
from ..revision_blender.scene.lifted_tracks import free_track_name, track_row, track_rows
from ..revision_blender.scene.lifted_tracks_cuts import cut_track, merge_tracks, root_shift
from ..revision_blender.scene.lifted_tracks_pieces import cut, merged
from ..revision_blender.scene.marks import MODEL
from ..revision_blender.scene.properties import RevisionTake
from ..revision_blender.scene.subjects import clip_frame
from ..revision_blender.scene.take import Take
from . import pump
from .body_shelf import shelf
from .lifted_files import clips_on_disk, keep_edited
from .tracks import OfTracks, chosen_track


def _models(take: Take) -> dict[str, BodyModel]:
    """Of the take's rigs, by name."""
    names = {str(rig.get(MODEL, "")) for _track, name, _body in take.bodies if (rig := bpy.data.objects.get(name)) is not None}
    return {name: shelf().load(name) for name in names if name in shelf().names()}


def _run(steps: Iterator[str]) -> None:
    for _words in steps:
        pass
    pump.redraw_sidebars()


class REVISION_OT_merge_tracks(OfTracks, bpy.types.Operator):
    """Makes one track of two: each frame's motion comes from the one that was seen better there; the other is deleted"""

    bl_idname = "revision.merge_tracks"
    bl_label = "Merge Into Track"

    track: StringProperty(name="Track", options={"SKIP_SAVE"}, description="The one that stays")
    other: StringProperty(name="Other", options={"SKIP_SAVE"}, description="The one that goes")

    def work(self, context: bpy.types.Context, entry: RevisionTake, take: Take) -> None:
        kept = self.track or chosen_track(context, take)
        clips, models, other = clips_on_disk(entry), _models(take), self.other
        shift = root_shift(clips["lift"], kept, other, models) if "lift" in clips else None
        _run(merge_tracks(context.scene, take, kept, other, models))
        if shift is not None:
            keep_edited(entry, lambda clip: merged(clip, kept, other, shift))
        context.scene.revision.track_name = kept


class REVISION_OT_split_track(OfTracks, bpy.types.Operator):
    """Cuts the chosen track at this frame: from here on it is a track of its own, and neither is trusted where the other is"""

    bl_idname = "revision.split_track"
    bl_label = "Split Here"

    track: StringProperty(name="Track", options={"SKIP_SAVE"})

    def work(self, context: bpy.types.Context, entry: RevisionTake, take: Take) -> None:
        scene = context.scene
        name = self.track or chosen_track(context, take)
        frame = clip_frame(scene, entry, take.n_frames)
        if frame == 0:
            raise SceneError(f"{name} begins at this frame; go to the first frame of the part that is to be another track.")
        later = free_track_name(take, name)
        _run(cut_track(scene, take, name, frame, later, _models(take)))
        keep_edited(entry, lambda clip: cut(clip, name, frame, later))


def mergeable(take: Take, name: str) -> tuple[str, ...]:
    """The tracks that can be merged with this one: of the same kind, on the same body."""
    if not name:
        return ()
    row = track_row(take, name)
    return tuple(other.track_id for other in track_rows(take) if other != row and (other.kind, other.body) == (row.kind, row.body))


classes = (REVISION_OT_merge_tracks, REVISION_OT_split_track)
register, unregister = bpy.utils.register_classes_factory(classes)
