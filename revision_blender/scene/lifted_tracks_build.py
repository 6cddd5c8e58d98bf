"""Tracks that come to a take later: one that was lifted again, or the second part of one that was cut. The others stay as they are."""

import re
from collections.abc import Iterator, Mapping

import bpy
import numpy as np

from ..motion.bodies.body_model import BodyModel
from ..motion.clip import BodyTrack, Clip, ObjectTrack, Track
from . import marks, take_body
from .box_motion import box_motion
from .errors import SceneError
from .ghosts import hide_ghost
from .lifted_tracks import all_of, remove_all, remove_track, set_order, track_rows
from .lifted_tracks_pieces import track_in
from .motions import play
from .provenance import Provenance
from .removal import remove
from .rigs import rig as rigs
from .rigs import shape_keys, template
from .take_import import TakeBuild, body_model_of, body_steps, object_steps, take_back
from .take_motion import track_steps
from .take_record import Take, find_take, the_object
from .timing import key_frames, scene_fps

Models = Mapping[str, BodyModel]
_NUMBERED = re.compile(r"\.\d{3}$")


def add_track(
    scene: bpy.types.Scene,
    take: Take,
    clip: Clip,
    track: Track,
    role: str,
    provenance: Provenance,
    models: Models | None = None,
    instead_of: tuple[bpy.types.ID, ...] = (),
) -> Iterator[str]:
    """Builds one more track of ``clip`` into the take's collection, a small step at each ``next``; nothing stays of one that fails.

    instead_of: what goes when the new track comes, in the last step.
    """
    frames = np.asarray(key_frames(take.n_frames, take.fps, scene_fps(scene), take.start_frame))
    build = TakeBuild(clip, take.take_id, take.collection_name, frames, take.T_blender_world, provenance, role, take.keys, True)
    title = f"{take.collection_name} {track.track_id}"
    try:
        if isinstance(track, BodyTrack):
            yield from body_steps(build, track, body_model_of(track, models or {}), title)
        else:
            yield from object_steps(build, track, title, len(take.objects))
        collection = bpy.data.collections.get(take.collection_name)
        if collection is None:
            raise SceneError("The take is no longer in the scene; undo its deletion and try again.")
        remove_all(instead_of)
        for thing in build.objects:
            thing.name = _NUMBERED.sub("", thing.name)  # the name may be free by now
            collection.objects.link(thing)
    except ReferenceError as error:
        raise SceneError("The work was interrupted by an undo; press the button again.") from error
    except BaseException:
        take_back(build)
        raise
    set_order(take, [*(known for known in take.order if known != track.track_id), track.track_id])


def is_part_of(track_id: str, name: str) -> bool:
    """Whether a track is the one of that name, or what it is called after a cut of the clip ("person_1 shot 2")."""
    return track_id == name or track_id.startswith(f"{name} shot ")


def replace_track(
    scene: bpy.types.Scene,
    take_id: str,
    name: str,
    clip: Clip,
    raw: Clip,
    provenance: Provenance,
    models: Models | None = None,
) -> Iterator[str]:
    """Brings one track that was lifted again into its take: on the rig that is there where the body is the same, else on a new one.

    clip, raw: the whole take's, of which only this track is looked at. Motions that it had stay in the file where its rig does.
    Raises SceneError where the take is gone or its frames are others.
    """
    try:
        yield from _replace(scene, take_id, name, clip, raw, provenance, models or {})
    except ReferenceError as error:
        raise SceneError("The lift was interrupted by an undo; press Fetch Again in Jobs.") from error


def _replace(
    scene: bpy.types.Scene, take_id: str, name: str, clip: Clip, raw: Clip, provenance: Provenance, models: Models
) -> Iterator[str]:
    take = _found(scene, take_id)
    if clip.n_frames != take.n_frames:
        raise SceneError(f"The lift has {clip.n_frames} frames, the take {take.n_frames}; lift the whole clip again.")
    hide_ghost(take)
    fresh = [track for track in clip.tracks if is_part_of(track.track_id, name)]
    for row in track_rows(take):
        if is_part_of(row.track_id, name) and row.track_id not in {track.track_id for track in fresh}:
            remove_track(take, row.track_id)
    for track in fresh:
        yield from _replaced(scene, take_id, track, clip, raw, provenance, models)
    set_order(_found(scene, take_id), [track.track_id for track in clip.tracks])
    # A new action shows only after an evaluation.
    scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)


def _found(scene: bpy.types.Scene, take_id: str) -> Take:
    take = find_take(scene, take_id)
    if take is None:
        raise SceneError("The take that was lifted is no longer in the scene; undo its deletion, then press Fetch Again.")
    return take


def _replaced(
    scene: bpy.types.Scene, take_id: str, track: Track, clip: Clip, raw: Clip, provenance: Provenance, models: Models
) -> Iterator[str]:
    take = _found(scene, take_id)
    there = any(row.track_id == track.track_id for row in track_rows(take))
    kept = there and _fits(take, track)
    if kept and isinstance(track, BodyTrack):
        yield from _reshape_body(take, track, body_model_of(track, models))
    elif kept and isinstance(track, ObjectTrack):
        _resize_box(take, track)
    else:
        yield from add_track(scene, take, clip, track, "lift", provenance, models, all_of(take, track.track_id))
    take, before = _found(scene, take_id), track_in(raw, track.track_id)
    if before is not None and _fits(take, before):
        yield from track_steps(scene, take, before, "raw", provenance, take.keys)
    if kept:
        yield from track_steps(scene, take, track, "lift", provenance, take.keys)
    else:
        play(scene, take, "lift", track.track_id)


def _fits(take: Take, track: Track) -> bool:
    """Whether what the track moves on is what the scene has for it."""
    if isinstance(track, ObjectTrack):
        return any(track_id == track.track_id for track_id, _, _ in take.objects)
    rig = next((bpy.data.objects.get(rig) for track_id, rig, _ in take.bodies if track_id == track.track_id), None)
    return rig is not None and rig.get(marks.MODEL) == track.model and marks.STAND_IN not in rig


def _reshape_body(take: Take, track: BodyTrack, model: BodyModel) -> Iterator[str]:
    """A new skin in the new shape on the rig that is there; earlier motions go on meaning what they did."""
    _track_id, rig_name, body_name = next(body for body in take.bodies if body[0] == track.track_id)
    rig, old = the_object(rig_name, "rig"), the_object(body_name, "body")
    shape = shape_keys.betas_of(old)
    if len(shape) >= len(track.betas) and np.abs(shape - model.checked_betas(track.betas)[: len(shape)]).max(initial=0.0) < 1e-6:
        return
    body = yield from template.new_body(model, template.template_folder())
    collections, mesh = list(old.users_collection), old.data
    remove(old, mesh)
    take_body.dress(body, rig, track, model, body_name)
    body[marks.TAKE], body[marks.ROLE], body[marks.TRACK] = take.take_id, "body", track.track_id
    for collection in collections:
        collection.objects.link(body)
    yield f"{rig_name}: shape"
    rigs.fit_rest(rig, model, take_body.rest_joints(model, track.betas), take.T_blender_world)
    rig[marks.BETAS] = [float(value) for value in track.betas]


def _resize_box(take: Take, track: ObjectTrack) -> None:
    """The box shows the new size; earlier motions move it at that size."""
    _track_id, box_name, _points = next(thing for thing in take.objects if thing[0] == track.track_id)
    box, half = the_object(box_name, "box"), box_motion(track, take.T_blender_world).half
    box.scale = half
    box[marks.SIZE_OF_BOX] = [*(float(extent) for extent in track.size), *(float(value) for value in half)]
    box[marks.LABEL] = track.label
