"""Reading edited motion back out of the scene: the evaluated pose at the clip's times, and which keys are the animator's."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import bpy
import numpy as np
from numpy.typing import NDArray

from ..motion.clip import BodyTrack, Clip, GroundPlane, Pins
from . import marks
from .camera import camera_of
from .kept_values import kept_values
from .pins import user_keys
from .rigs.poses import RigRest, track_motion
from .rigs.rig import rest_of
from .sampling import go_to, only_these
from .take_record import Array, Take, the_object
from .timing import scene_fps


@dataclass(frozen=True, eq=False)
class _Samples:
    """Evaluated object matrices at some scene frames. bones: by rig name ``(N, J, 4, 4)`` in Blender's world. camera: ``(N, 4, 4)``."""

    bones: dict[str, Array]
    camera: Array


def _bone_matrices(rig: bpy.types.Object, rest: RigRest, depsgraph: bpy.types.Depsgraph) -> Array:
    evaluated = rig.evaluated_get(depsgraph)
    posed = np.array([evaluated.pose.bones[name].matrix for name in rest.names], dtype=np.float64)
    return np.array(evaluated.matrix_world, dtype=np.float64) @ posed


def _read_now(take: Take, rests: dict[str, RigRest], depsgraph: bpy.types.Depsgraph) -> tuple[dict[str, Array], Array]:
    bones = {name: _bone_matrices(the_object(name, "rig"), rest, depsgraph) for name, rest in rests.items()}
    camera = the_object(take.camera_name, "camera").evaluated_get(depsgraph)
    return bones, np.array(camera.matrix_world, dtype=np.float64)


def _sample(scene: bpy.types.Scene, take: Take, rests: dict[str, RigRest], frames: Iterable[float]) -> _Samples:
    things = [the_object(name, "rig") for name in rests] + [the_object(take.camera_name, "camera")]
    with kept_values(scene), only_these(scene, things) as passing:
        rows = [_read_now(take, rests, go_to(passing, frame)) for frame in frames]
    return _Samples({name: np.stack([bones[name] for bones, _ in rows]) for name in rests}, np.stack([camera for _, camera in rows]))


def _rests(take: Take) -> dict[str, RigRest]:
    return {rig_name: rest_of(the_object(rig_name, "rig")) for _, rig_name, _ in take.bodies}


def _confidence(rig: bpy.types.Object, frames: int, joints: int) -> Array:
    action = rig.animation_data.action if rig.animation_data else None
    stored = action.get(marks.CONFIDENCE) if action is not None else None
    if stored is None or len(stored) != frames * joints:
        return np.ones((frames, joints))
    return np.array(stored, dtype=np.float64).reshape(frames, joints)


def _track(take: Take, track_id: str, rig_name: str, rest: RigRest, M_world_bone: Array) -> BodyTrack:
    rig = the_object(rig_name, "rig")
    rotations, translation = track_motion(M_world_bone, rest, take.T_blender_world)
    confidence = _confidence(rig, *rotations.shape[:2])
    betas = np.array(rig[marks.BETAS], dtype=np.float64)
    return BodyTrack(track_id, rig[marks.FAMILY], rig[marks.MODEL], betas, rotations, translation, confidence)


def _clip(take: Take, samples: _Samples, rests: dict[str, RigRest]) -> Clip:
    T = take.T_blender_world
    ground = GroundPlane(T[:3, :3].T @ np.array([0.0, 0.0, 1.0]), -T[:3, :3].T @ T[:3, 3])
    camera = camera_of(the_object(take.camera_name, "camera"), take.width, take.height, samples.camera, T)
    tracks = tuple(_track(take, track_id, rig, rests[rig], samples.bones[rig]) for track_id, rig, _ in take.bodies)
    return Clip(take.fps, camera, ground, tracks)


def capture_clip(scene: bpy.types.Scene, take: Take) -> Clip:
    """The take as it moves now, edits, constraints and all, at the clip's times and in the clip's world.

    The user's frame and unkeyed poses are not touched. Raises SceneError where a rig or the camera is gone.
    """
    rests = _rests(take)
    return _clip(take, _sample(scene, take, rests, take.scene_frames(scene)), rests)


def capture_pose(scene: bpy.types.Scene, take: Take, frame: float | None = None) -> Clip:
    """A clip of one frame: the pose at scene ``frame``; as it shows, unkeyed changes included, at the current frame or ``None``.

    Use: the target pose of the last frame. Raises SceneError where a rig or the camera is gone.
    """
    rests = _rests(take)
    if frame is not None and abs(frame - scene.frame_current_final) > 1e-4:
        return _clip(take, _sample(scene, take, rests, (frame,)), rests)
    layer = scene.view_layers[0] if bpy.context.scene != scene else bpy.context.view_layer
    layer.update()
    bones, camera = _read_now(take, rests, layer.depsgraph)
    return _clip(take, _Samples({name: matrices[None] for name, matrices in bones.items()}, camera[None]), rests)


def _nearest(frames: Array, scene: bpy.types.Scene, take: Take) -> NDArray[np.int64]:
    """The clip frame nearest to each scene frame; -1 outside the clip."""
    clip_frames = np.rint((np.asarray(frames) - take.start_frame) / scene_fps(scene) * take.fps).astype(np.int64)
    return np.where((clip_frames >= 0) & (clip_frames < take.n_frames), clip_frames, -1)


def captured_pins(scene: bpy.types.Scene, take: Take) -> tuple[Pins, ...]:
    """What the animator keyed: keys no program wrote, and keys whose value is not what was imported.

    A key between two clip frames pins the nearer one (``capture_for_refine`` then takes the pose from the key's time).
    """
    return tuple(_pins(scene, take, track_id, rig_name) for track_id, rig_name, _ in take.bodies)


def _pins(scene: bpy.types.Scene, take: Take, track_id: str, rig_name: str) -> Pins:
    keys = user_keys(the_object(rig_name, "rig"))
    joints = np.zeros((take.n_frames, len(keys.rotation)), dtype=np.bool_)
    translation = np.zeros(take.n_frames, dtype=np.bool_)
    for joint, frames in enumerate(keys.rotation):
        hit = _nearest(frames, scene, take)
        joints[hit[hit >= 0], joint] = True
    hit = _nearest(keys.location, scene, take)
    translation[hit[hit >= 0]] = True
    return Pins(track_id, joints, translation)


def capture_for_refine(scene: bpy.types.Scene, take: Take) -> tuple[Clip, tuple[Pins, ...]]:
    """The clip and the pins that a refiner needs, agreeing with each other.

    As ``capture_clip`` and ``captured_pins``; but a joint pinned by a key that lies between two clip frames has, at the
    pinned frame, the rotation of the key's own time, so that the animator's pose is what gets kept.
    """
    rests = _rests(take)
    grid = take.scene_frames(scene)
    extra = np.unique(np.concatenate([_key_times(rig_name) for _, rig_name, _ in take.bodies] or [np.empty(0)]))
    extra = extra[_nearest(extra, scene, take) >= 0]
    samples = _sample(scene, take, rests, np.concatenate([grid, extra]))
    on_grid = _Samples({name: matrices[: len(grid)] for name, matrices in samples.bones.items()}, samples.camera[: len(grid)])
    clip = _clip(take, on_grid, rests)
    tracks = tuple(_snapped(scene, take, track, samples, rests, extra) for track in clip.bodies)
    return clip.with_tracks(tracks), captured_pins(scene, take)


def _key_times(rig_name: str) -> Array:
    keys = user_keys(the_object(rig_name, "rig"))
    return np.concatenate([*keys.rotation, keys.location])


def _snapped(scene: bpy.types.Scene, take: Take, track: BodyTrack, samples: _Samples, rests: dict[str, RigRest], extra: Array) -> BodyTrack:
    rig_name = next(name for track_id, name, _ in take.bodies if track_id == track.track_id)
    rotations, translation = track_motion(samples.bones[rig_name][take.n_frames :], rests[rig_name], take.T_blender_world)
    keys, grid = user_keys(the_object(rig_name, "rig")), take.scene_frames(scene)
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
