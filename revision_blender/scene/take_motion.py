"""Motion for a take's bodies: each result is an action of its own, and hand edits go to a working copy of it."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace

import bpy
import numpy as np

from ..motion.clip import BodyTrack, Clip, ObjectTrack
from ..motion.resample import sampled
from . import actions, marks, objects
from .decimation import thinned_in_steps
from .errors import SceneError
from .keys import EVERY_FRAME, KeyOptions
from .motions import newest_version
from .presence import key_presence, show_by
from .provenance import Provenance, write_provenance
from .rigs.expressions import joint_shifts
from .rigs.ik_handles import settle_switches
from .rigs.poses import channels_of
from .rigs.rig import motion_rows, rest_of, write_rows
from .standing import seen_from, standing_of
from .steps import at_once
from .take_body import give_expression
from .take_record import Array, Take, the_object
from .timing import key_frames, scene_fps, whole_frames


def timed(track: BodyTrack, frames: Array, options: KeyOptions) -> tuple[BodyTrack, Array]:
    """What is keyed of ``track`` and at which scene frames: as it is, or resampled onto whole frames. frames: ``(F,)``."""
    if not options.resample:
        return track, frames
    whole, at = whole_frames(frames)
    rotations, translation = sampled(track.rotations, track.translation, at)
    nearest = np.rint(at).astype(np.int64)
    expression = None if track.expression is None else _between(track.expression, at)
    timed_track = replace(track, rotations=rotations, translation=translation, confidence=track.confidence[nearest], expression=expression)
    return timed_track, whole


def _between(values: Array, at: Array) -> Array:
    """``(F, E)`` at fractional frames ``at`` ``(N,)``, along straight lines."""
    before = np.floor(at).astype(np.int64)
    after = np.minimum(before + 1, len(values) - 1)
    return values[before] + (values[after] - values[before]) * (at - before)[:, None]


def motion_steps(
    rig: bpy.types.Object,
    track: BodyTrack,
    frames: Array,
    T_blender_world: Array,
    role: str,
    provenance: Provenance,
    options: KeyOptions = EVERY_FRAME,
    M_world_rig: Array | None = None,
) -> Generator[str, None, bpy.types.Action]:
    """Keys ``track`` on ``rig``, its frames at scene ``frames`` ``(F,)``: one action that stays as it is, and the copy that the
    rig moves by.

    The copy is where the animator's edits land; comparing both tells which keys are theirs. M_world_rig: ``(K, 4, 4)`` where
    the rig stands at the frames that get keys; ``None``: at the origin. Yields words while keys are thinned, and returns the copy.
    """
    keyed, at = timed(track, frames, options)
    rest, shifts = rest_of(rig), joint_shifts(rig, keyed.expression)
    place = T_blender_world
    if M_world_rig is not None:
        keyed = seen_from(keyed, T_blender_world, M_world_rig, rest.joints_smpl[0], None if shifts is None else shifts[:, 0])
        place = np.eye(4)
    rows = yield from thinned_in_steps(motion_rows(rig, channels_of(keyed, rest, place, shifts)), at, options)
    original, slot = write_rows(rig, f"{rig.name} {role} original", at, rows)
    original[marks.ROLE], original[marks.TRACK] = role, track.track_id
    if marks.TAKE in rig:
        original[marks.TAKE] = rig[marks.TAKE]
    original[marks.VERSION] = newest_version(rig, track.track_id, role) + 1
    original[marks.CONFIDENCE] = np.ascontiguousarray(track.confidence, dtype=np.float64).ravel()
    write_provenance(original, provenance)
    working, slot = actions.working_copy(original, f"{rig.name} {role}")
    working[marks.ORIGINAL] = rig[marks.ORIGINAL] = original
    actions.assign(rig, working, slot)
    settle_switches(rig)
    return working


def give_motion(
    rig: bpy.types.Object, track: BodyTrack, frames: Array, T_blender_world: Array, role: str, provenance: Provenance
) -> bpy.types.Action:
    """``motion_steps`` at once, every frame keyed at its own time."""
    return at_once(motion_steps(rig, track, frames, T_blender_world, role, provenance))


def _check(take: Take, clip: Clip) -> dict[str, BodyTrack | ObjectTrack]:
    tracks = {track.track_id: track for track in clip.tracks}
    missing = [track_id for track_id, _, _ in take.bodies if not isinstance(tracks.get(track_id), BodyTrack)]
    if missing:
        raise SceneError(f"The new motion has no track {missing[0]!r}, which the take has; lift the clip again.")
    if clip.n_frames != take.n_frames or abs(clip.fps - take.fps) > 1e-6:
        raise SceneError(
            f"The new motion has {clip.n_frames} frames at {clip.fps:g} a second, the take {take.n_frames} at {take.fps:g}; "
            "import it as a take of its own."
        )
    return tracks


def apply_motion(
    scene: bpy.types.Scene,
    take: Take,
    clip: Clip,
    *,
    role: str,
    provenance: Mapping[str, str | float | int] | None = None,
    keys: KeyOptions | None = None,
) -> Iterator[str]:
    """Gives the take's bodies and objects the motion of ``clip`` (the same tracks, frames and world) in new actions named after
    ``role`` ("lift", "raw", "refined"), one a step, yielding words. What moved them before stays in the file.

    provenance: how the motion was made, written on the actions. keys: how it is keyed; ``None``: as the take was. Rigs that
    were moved or parented stay where they are: the keys make up for it. Raises SceneError where tracks or frames differ.
    """
    try:
        yield from _applied(scene, take, _check(take, clip), role, provenance or {}, take.keys if keys is None else keys)
    except ReferenceError as error:
        raise SceneError("The new motion was interrupted by an undo; press Fetch Again in Jobs.") from error


def _applied(
    scene: bpy.types.Scene,
    take: Take,
    tracks: Mapping[str, BodyTrack | ObjectTrack],
    role: str,
    provenance: Provenance,
    options: KeyOptions,
) -> Iterator[str]:
    for track_id, _rig_name, _body_name in take.bodies:
        yield from track_steps(scene, take, tracks[track_id], role, provenance, options)
    for track_id, _box_name, _points_name in take.objects:
        if isinstance(tracks.get(track_id), ObjectTrack):
            yield from track_steps(scene, take, tracks[track_id], role, provenance, options)
    # A new action shows only after an evaluation; nothing else in the scene has changed.
    scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)


def track_steps(
    scene: bpy.types.Scene, take: Take, track: BodyTrack | ObjectTrack, role: str, provenance: Provenance, options: KeyOptions
) -> Iterator[str]:
    """Gives the one body or object of that track id a motion, in new actions; the scene has to be evaluated afterwards.

    Raises SceneError where the take has no such body or object.
    """
    frames = key_frames(take.n_frames, take.fps, scene_fps(scene), take.start_frame)
    if isinstance(track, BodyTrack):
        rig_name, body_name = _parts_of(take.bodies, track.track_id)
        rig, body = the_object(rig_name, "rig"), the_object(body_name, "body")
        standing = standing_of(scene, rig, whole_frames(frames)[0] if options.resample else frames)
        working = yield from motion_steps(rig, track, frames, take.T_blender_world, role, provenance, options, standing)
        key_presence(body, working, track, frames, options)
        show_by(rig, body, working)
        give_expression(body, *timed(track, frames, options), role, provenance)
        yield f"{role}: {rig_name}"
    else:
        box_name, points_name = _parts_of(take.objects, track.track_id)
        box, points = the_object(box_name, "box"), the_object(points_name, "points")
        working = objects.give_motion(box, points, track, frames, take.T_blender_world, role, provenance, options)
        key_presence(points, working, track, frames, options)
        show_by(box, points, working)
        yield f"{role}: {box_name}"


def _parts_of(things: tuple[tuple[str, str, str], ...], track_id: str) -> tuple[str, str]:
    found = next((names for known, *names in things if known == track_id), None)
    if found is None:
        raise SceneError(f"The take has no track {track_id!r} of that kind; lift the clip again.")
    return found[0], found[1]
