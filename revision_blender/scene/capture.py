"""Reading edited motion back out of the scene: the evaluated pose at the clip's times, and which keys are the animator's.

Keys are 32-bit numbers: places come back within 1e-5 m up to about 80 m from Blender's origin, rotations within 1e-4 rad anywhere.
A rig that is scaled evenly keeps its joints' rotations and its root's place; a body's size is its shape's, not the scale's.
"""

from collections.abc import Iterator
from dataclasses import replace

import bpy
import numpy as np
from numpy.typing import NDArray

from ..motion.bodies.stand_in import StandIn, restored
from ..motion.camera import Camera
from ..motion.clip import BodyTrack, Clip, GroundPlane, ObjectTrack, Pins, Track
from ..motion.files.framing import framing_camera
from . import marks, objects
from .camera import camera_of
from .pins import UserKeys, box_keys, user_keys
from .place_pins import places_of
from .presence import kept_confidence
from .readings import Reader, Readings, rests_of
from .rigs.expressions import expression_of, joint_shifts
from .rigs.poses import RigRest, track_motion
from .rigs.shape_keys import betas_of
from .take_record import Array, Take, the_object
from .timing import scene_fps


def _motion(rig_name: str, readings: Readings, rest: RigRest, expression: Array | None, take: Take) -> tuple[Array, Array]:
    shifts = joint_shifts(the_object(rig_name, "rig"), expression)
    return track_motion(readings.bones[rig_name], rest, take.T_blender_world, None if shifts is None else shifts[:, 0])


def _body(take: Take, body: tuple[str, str, str], readings: Readings, rest: RigRest, frames: Array) -> BodyTrack:
    track_id, rig_name, mesh_name = body
    rig, mesh = the_object(rig_name, "rig"), the_object(mesh_name, "body")
    expression = expression_of(mesh, frames)
    rotations, translation = _motion(rig_name, readings, rest, expression, take)
    betas, given = betas_of(mesh), len(rig[marks.BETAS])
    betas = betas if betas[given:].any() else betas[:given]  # the model has more components than the clip gave
    confidence = kept_confidence(rig, *rotations.shape[:2])
    return BodyTrack(track_id, rig[marks.FAMILY], rig[marks.MODEL], betas, rotations, translation, confidence, expression)


def _own_body(rig_name: str, track: BodyTrack) -> BodyTrack:
    """The track on the body it came with, where another stands in for it in the scene."""
    stored = the_object(rig_name, "rig").get(marks.STAND_IN)
    return track if stored is None else restored(track, StandIn.from_json(stored))


def _object(take: Take, thing: tuple[str, str, str], readings: Readings) -> ObjectTrack:
    track_id, box, points = thing
    return objects.track_of(track_id, the_object(box, "box"), readings.boxes[box], readings.points[points], take.T_blender_world)


def _camera(take: Take, readings: Readings, ground: GroundPlane, tracks: tuple[BodyTrack | ObjectTrack, ...]) -> Camera:
    """The take's camera; where one that only framed the motion was deleted, another such."""
    if readings.camera is not None:
        return camera_of(the_object(take.camera_name, "camera"), take.width, take.height, readings.camera, take.T_blender_world)
    places = [track.translation if isinstance(track, BodyTrack) else track.points.reshape(-1, 3) for track in tracks]
    up = "z" if ground.normal[2] > 0.9 else "y"
    return framing_camera(up, np.concatenate([*places, np.zeros((0, 3))]), tracks[0].n_frames, (take.width, take.height))


def _shown(scene: bpy.types.Scene, take: Take, readings: Readings, rests: dict[str, RigRest], frames: Array) -> Clip:
    """The clip on the bodies that the scene shows."""
    T = take.T_blender_world
    ground = GroundPlane(T[:3, :3].T @ np.array([0.0, 0.0, 1.0]), -T[:3, :3].T @ T[:3, 3])
    bodies = tuple(_body(take, body, readings, rests[body[1]], frames) for body in take.bodies)
    things = tuple(_object(take, thing, readings) for thing in take.objects)
    return Clip(take.fps, _camera(take, readings, ground, bodies + things), ground, _ordered(take, bodies + things))


def _own(take: Take, clip: Clip) -> Clip:
    """The clip on the bodies that its tracks came with."""
    rig_of = {track_id: rig for track_id, rig, _ in take.bodies}
    return clip.with_tracks(
        tuple(_own_body(rig_of[track.track_id], track) if isinstance(track, BodyTrack) else track for track in clip.tracks)
    )


def _ordered(take: Take, tracks: tuple[Track, ...]) -> tuple[Track, ...]:
    """As the clip had them when it came."""
    order = take.track_ids
    return tuple(sorted(tracks, key=lambda track: order.index(track.track_id)))


def capture_clip(scene: bpy.types.Scene, take: Take, *, own_bodies: bool = True) -> Clip:
    """The take as it moves now, edits, constraints and all, at the clip's times and in the clip's world.

    own_bodies: a track that another body stands in for comes back on its own body, as files want it; else on the body that
    the scene shows, which is installed. The user's frame and unkeyed poses are not touched. Raises SceneError where a rig or
    the camera is gone, or where an
    object's scale is such that no body motion can hold it.
    """
    rests, frames = rests_of(take), take.scene_frames(scene)
    clip = _shown(scene, take, Reader(take, rests).at(scene, frames), rests, frames)
    return _own(take, clip) if own_bodies else clip


def capture_pose(scene: bpy.types.Scene, take: Take, frame: float | None = None) -> Clip:
    """A clip of one frame: the pose at scene ``frame``; as it shows, unkeyed changes included, at the current frame or ``None``.

    On the bodies that the scene shows. Use: the target pose of the last frame. Raises SceneError as ``capture_clip``.
    """
    rests, now = rests_of(take), scene.frame_current_final
    if frame is not None and abs(frame - now) > 1e-4:
        at = np.array([frame])
        return _shown(scene, take, Reader(take, rests).at(scene, at), rests, at)
    return _shown(scene, take, Reader(take, rests).as_shown(scene), rests, np.array([now]))


def _nearest(frames: Array, scene: bpy.types.Scene, take: Take) -> NDArray[np.int64]:
    """The clip frame nearest to each scene frame; -1 outside the clip."""
    clip_frames = np.rint((np.asarray(frames) - take.start_frame) / scene_fps(scene) * take.fps).astype(np.int64)
    return np.where((clip_frames >= 0) & (clip_frames < take.n_frames), clip_frames, -1)


def captured_pins(scene: bpy.types.Scene, take: Take) -> tuple[Pins, ...]:
    """What the animator keyed or pinned: keys no program wrote, keys whose value is not what was imported, places of hands and feet.

    A key between two clip frames pins the nearer one (``capture_for_refine`` then takes the pose from the key's time).
    """
    bodies = (_pins(scene, take, track_id, user_keys(the_object(rig_name, "rig"))) for track_id, rig_name, _ in take.bodies)
    return (*bodies, *_box_pins(scene, take))


def _box_pins(scene: bpy.types.Scene, take: Take) -> Iterator[Pins]:
    """Of the objects that have any: a box is pinned as a whole."""
    for track_id, box_name, _ in take.objects:
        hit = _nearest(box_keys(the_object(box_name, "box")), scene, take)
        translation = np.zeros(take.n_frames, dtype=np.bool_)
        translation[hit[hit >= 0]] = True
        if translation.any():
            yield Pins(track_id, translation[:, None].copy(), translation)


def _pins(scene: bpy.types.Scene, take: Take, track_id: str, keys: UserKeys) -> Pins:
    joints = np.zeros((take.n_frames, len(keys.rotation)), dtype=np.bool_)
    translation = np.zeros(take.n_frames, dtype=np.bool_)
    for joint, frames in enumerate(keys.rotation):
        hit = _nearest(frames, scene, take)
        joints[hit[hit >= 0], joint] = True
    hit = _nearest(keys.location, scene, take)
    translation[hit[hit >= 0]] = True
    return Pins(track_id, joints, translation, places_of(scene, take, track_id, len(keys.rotation)))


def capture_for_refine(scene: bpy.types.Scene, take: Take) -> tuple[Clip, tuple[Pins, ...]]:
    """The clip, on the bodies that the scene shows, and the pins that a refiner needs, agreeing with each other.

    As ``capture_clip`` and ``captured_pins``; but a joint pinned by a key that lies between two clip frames has, at the
    pinned frame, the rotation of the key's own time, so that the animator's pose is what gets kept.
    """
    rests, grid = rests_of(take), take.scene_frames(scene)
    keys = {track_id: user_keys(the_object(rig_name, "rig")) for track_id, rig_name, _ in take.bodies}
    extra = np.unique(np.concatenate([frames for own in keys.values() for frames in (*own.rotation, own.location)] or [np.empty(0)]))
    extra = extra[_nearest(extra, scene, take) >= 0]
    readings = Reader(take, rests).at(scene, np.concatenate([grid, extra]))
    clip, later = _shown(scene, take, readings.part(slice(0, len(grid))), rests, grid), readings.part(slice(len(grid), None))
    tracks = tuple(
        _snapped(scene, take, track, keys[track.track_id], later, rests, extra) if isinstance(track, BodyTrack) else track
        for track in clip.tracks
    )
    pins = tuple(_pins(scene, take, track_id, own) for track_id, own in keys.items())
    return clip.with_tracks(tracks), (*pins, *_box_pins(scene, take))


def _snapped(
    scene: bpy.types.Scene, take: Take, track: BodyTrack, keys: UserKeys, later: Readings, rests: dict[str, RigRest], extra: Array
) -> BodyTrack:
    """The track with the poses of the keys' own times. later: what was read at the scene frames ``extra``, rising."""
    _, rig_name, mesh_name = next(body for body in take.bodies if body[0] == track.track_id)
    if not len(extra):
        return track
    rotations, translation = _motion(rig_name, later, rests[rig_name], expression_of(the_object(mesh_name, "body"), extra), take)
    grid = take.scene_frames(scene)
    new_rotations, new_translation = track.rotations.copy(), track.translation.copy()

    def hits(frames: Array) -> list[tuple[int, int]]:
        inside = frames[_nearest(frames, scene, take) >= 0]
        nearest = _nearest(inside, scene, take)
        order = np.argsort(-np.abs(inside - grid[nearest]))  # of two keys near one clip frame the nearer is written last
        return [(int(nearest[index]), int(np.searchsorted(extra, inside[index]))) for index in order]

    for joint, frames in enumerate(keys.rotation):
        for frame, sample in hits(frames):
            new_rotations[frame, joint] = rotations[sample, joint]
    for frame, sample in hits(keys.location):
        new_translation[frame] = translation[sample]
    return replace(track, rotations=new_rotations, translation=new_translation)
