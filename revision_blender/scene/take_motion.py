"""Motion for a take's bodies: each result is an action of its own, and hand edits go to a working copy of it."""

from collections.abc import Iterator, Mapping

import bpy

from ..motion.clip import BodyTrack, Clip
from . import actions, marks
from .errors import SceneError
from .provenance import Provenance, write_provenance
from .rigs.expressions import joint_shifts
from .rigs.poses import channels_of
from .rigs.rig import rest_of, write_motion
from .take_record import Array, Take, the_object
from .timing import key_frames, scene_fps


def give_motion(
    rig: bpy.types.Object, track: BodyTrack, frames: Array, T_blender_world: Array, role: str, provenance: Provenance
) -> bpy.types.Action:
    """Keys ``track`` on ``rig`` at scene ``frames`` ``(F,)``: one action that stays as it is, and the copy that the rig moves by.

    The copy is where the animator's edits land; comparing both tells which keys are theirs. Returns the copy.
    """
    channels = channels_of(track, rest_of(rig), T_blender_world, joint_shifts(rig, track.expression))
    original, slot = write_motion(rig, f"{rig.name} {role} original", frames, channels)
    original[marks.ROLE], original[marks.TRACK] = role, track.track_id
    original[marks.CONFIDENCE] = [float(value) for value in track.confidence.ravel()]
    write_provenance(original, provenance)
    working, slot = actions.working_copy(original, f"{rig.name} {role}")
    working[marks.ORIGINAL] = original
    actions.assign(rig, working, slot)
    return working


def _check(take: Take, clip: Clip) -> dict[str, BodyTrack]:
    tracks = {track.track_id: track for track in clip.bodies}
    missing = [track_id for track_id, _, _ in take.bodies if track_id not in tracks]
    if missing:
        raise SceneError(f"The new motion has no track {missing[0]!r}, which the take has; lift the clip again.")
    if clip.n_frames != take.n_frames or abs(clip.fps - take.fps) > 1e-6:
        raise SceneError(
            f"The new motion has {clip.n_frames} frames at {clip.fps:g} a second, the take {take.n_frames} at {take.fps:g}; "
            "import it as a take of its own."
        )
    return tracks


def apply_motion(
    scene: bpy.types.Scene, take: Take, clip: Clip, *, role: str, provenance: Mapping[str, str | float | int] | None = None
) -> Iterator[str]:
    """Gives the take's bodies the motion of ``clip`` (the same tracks, frames and world) in new actions named after
    ``role`` ("lift", "raw", "refined"), one body a step, yielding words. What moved them before stays in the file.

    provenance: how the motion was made, written on the actions. Raises SceneError where tracks or frames differ.
    """
    tracks = _check(take, clip)
    frames = key_frames(take.n_frames, take.fps, scene_fps(scene), take.start_frame)
    for track_id, rig_name, _ in take.bodies:
        rig = the_object(rig_name, "rig")
        give_motion(rig, tracks[track_id], frames, take.T_blender_world, role, provenance or {})
        yield f"{role}: {rig_name}"
    # A new action shows only after an evaluation; nothing else in the scene has changed.
    scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)
