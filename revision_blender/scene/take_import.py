"""Importing a clip in small steps: everything is built outside the scene and linked in one last step."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import bpy
import numpy as np

from ..motion.axes import T_blender_world
from ..motion.bodies.body_model import BodyModel
from ..motion.bodies.shelf import BodyShelf
from ..motion.bodies.stand_in import StandIn
from ..motion.clip import BodyTrack, Clip, ObjectTrack
from ..motion.resample import sampled
from . import marks, objects, take_body
from .background import attach
from .camera import new_camera, use_picture_size
from .errors import SceneError
from .ground import new_ground
from .keys import EVERY_FRAME, KeyOptions
from .presence import key_presence, show_by
from .removal import remove
from .rigs import rig, template
from .rigs.bone_shapes import remove_unused_shapes
from .take_motion import motion_steps, timed
from .take_record import Array, find_take, find_takes, mark_collection
from .timing import key_frames, scene_fps, split_frame, whole_frames


@dataclass(eq=False)
class TakeBuild:
    """What has been made so far, to be linked at the end or removed on failure."""

    clip: Clip
    take_id: str
    name: str
    frames: Array
    T_blender_world: Array
    provenance: Mapping[str, str | float | int]
    role: str
    keys: KeyOptions
    camera_given: bool
    objects: list[bpy.types.Object] = field(default_factory=list)
    actions: list[bpy.types.Action] = field(default_factory=list)

    def keep(self, thing: bpy.types.Object, role: str, track_id: str = "") -> bpy.types.Object:
        thing[marks.TAKE], thing[marks.ROLE] = self.take_id, role
        if track_id:
            thing[marks.TRACK] = track_id
        self.objects.append(thing)
        return thing


def body_model_of(track: BodyTrack, models: Mapping[str, BodyModel]) -> BodyModel:
    """The body model that a track names: one given, or a bundled one. Raises BodyModelError where it is neither."""
    return models[track.model] if track.model in models else BodyShelf(None).load(track.model)


def body_steps(build: TakeBuild, track: BodyTrack, model: BodyModel, title: str) -> Iterator[str]:
    """A rig and its skinned body with their motion, a small step at a time."""
    joints = take_body.rest_joints(model, track.betas)
    armature = build.keep(rig.new_rig(f"{title} rig", model, joints), "rig", track.track_id)
    rig.mark_rig(armature, track)
    yield f"{title}: bones"
    body = build.keep((yield from template.new_body(model, template.template_folder())), "body", track.track_id)
    take_body.dress(body, armature, track, model, f"{title} body")
    yield f"{title}: shape"
    working = yield from motion_steps(armature, track, build.frames, build.T_blender_world, build.role, build.provenance, build.keys)
    build.actions += [working, working[marks.ORIGINAL]]
    key_presence(body, working, track, build.frames, build.keys)
    show_by(armature, body, working)
    build.actions += take_body.give_expression(body, *timed(track, build.frames, build.keys), build.role, build.provenance)
    yield f"{title}: motion"


def object_steps(build: TakeBuild, track: ObjectTrack, title: str, number: int) -> Iterator[str]:
    """A box and its points with their motion. number: the object's place among those of its take."""
    box, points = objects.new_object(title, track, build.T_blender_world, number)
    build.keep(box, "box", track.track_id)
    build.keep(points, "points", track.track_id)
    working = objects.give_motion(box, points, track, build.frames, build.T_blender_world, build.role, build.provenance, build.keys)
    build.actions += [working, working[marks.ORIGINAL]]
    key_presence(points, working, track, build.frames, build.keys)
    show_by(box, points, working)
    yield f"{title}: object"


def _camera(build: TakeBuild) -> bpy.types.Object:
    camera, frames = build.clip.camera, build.frames
    if build.keys.resample:
        frames, at = whole_frames(build.frames)
        poses = np.tile(np.eye(4), (len(at), 1, 1))
        poses[:, :3, :3], poses[:, :3, 3] = sampled(camera.T_world_camera[:, :3, :3], camera.T_world_camera[:, :3, 3], at)
        camera = replace(camera, T_world_camera=poses)
    made = build.keep(new_camera(f"{build.name} camera", camera, build.T_blender_world, frames), "camera")
    if made.animation_data is not None:
        build.actions.append(made.animation_data.action)
    return made


def _link(scene: bpy.types.Scene, build: TakeBuild, start_frame: float) -> None:
    collection = bpy.data.collections.new(build.name)
    mark_collection(collection, build.clip, build.take_id, start_frame, build.keys, build.camera_given)
    for thing in build.objects:
        collection.objects.link(thing)
    first = build.camera_given and not any(take.camera_given for take in find_takes(scene))
    scene.collection.children.link(collection)
    if first:  # the first clip of pictures makes the scene look through its camera at their size; others leave the scene alone
        scene.camera = next(thing for thing in build.objects if thing[marks.ROLE] == "camera")
        use_picture_size(scene, build.clip.camera.width, build.clip.camera.height)
    if build.keys.extend_scene_range:
        scene.frame_start = min(scene.frame_start, split_frame(build.frames[0])[0])
        scene.frame_end = max(scene.frame_end, math.ceil(build.frames[-1] - 1e-4))


def take_back(build: TakeBuild) -> None:
    """Takes back what an import made that did not come to its end."""
    for thing in build.objects:
        data = thing.data
        remove(thing)
        if data is not None and data.users == 0:
            remove(data)
    remove(*build.actions)
    remove_unused_shapes()


def _steps(
    scene: bpy.types.Scene,
    build: TakeBuild,
    background: Sequence[Path],
    models: Mapping[str, BodyModel],
    stand_ins: Mapping[str, StandIn],
    start: float,
) -> Iterator[str]:
    clip = build.clip
    for track in clip.bodies:
        title = build.name if len(clip.bodies) == 1 else f"{build.name} {track.track_id}"
        yield from body_steps(build, track, body_model_of(track, models), title)
        if track.track_id in stand_ins:
            build.objects[-2][marks.STAND_IN] = stand_ins[track.track_id].to_json()
    for number, thing in enumerate(track for track in clip.tracks if isinstance(track, ObjectTrack)):
        yield from object_steps(build, thing, f"{build.name} {thing.track_id}", number)
    attach(_camera(build), background, clip.fps, scene_fps(scene), start)
    build.keep(new_ground(f"{build.name} floor"), "ground")
    yield "camera and floor"
    _link(scene, build, start)


def import_clip(
    scene: bpy.types.Scene,
    clip: Clip,
    *,
    take_id: str,
    name: str,
    start_frame: float = 1.0,
    background: Sequence[Path] = (),
    role: str = "lift",
    provenance: Mapping[str, str | float | int] | None = None,
    models: Mapping[str, BodyModel] | None = None,
    stand_ins: Mapping[str, StandIn] | None = None,
    keys: KeyOptions = EVERY_FRAME,
    camera_given: bool = True,
) -> Iterator[str]:
    """Brings a clip into the scene as a new take, a small step (at most about 30 ms) at each ``next``, yielding words.

    start_frame: scene frame of the clip's time 0. background: the clip's pictures in order, shown behind the camera.
    role: what the motion is called. provenance: how it was made, written on the actions. models: body models by name
    beside the bundled one. stand_ins: by track id, what the shown body stands in for. keys: how the motion is keyed.
    camera_given: whether the clip's camera is its own; one that only frames the motion never becomes the scene's.
    Mode, selection, active object, frame, rate and range stay; the first take with a camera of its own also sets the scene's
    camera and picture size. The scene gets the take in the last step: a generator that is closed or fails before leaves nothing
    behind. Raises SceneError where a take of that id is there already or where undo removed what was being built.
    """
    if find_take(scene, take_id) is not None:
        raise SceneError(f"A take with id {take_id} is in the scene already.")
    frames = key_frames(clip.n_frames, clip.fps, scene_fps(scene), start_frame)
    build = TakeBuild(clip, take_id, name, np.asarray(frames), T_blender_world(clip), provenance or {}, role, keys, camera_given)
    try:
        yield from _steps(scene, build, background, models or {}, stand_ins or {}, start_frame)
    except ReferenceError as error:
        raise SceneError("The import was interrupted by an undo; press Fetch Again in Jobs.") from error
    except BaseException:
        take_back(build)
        raise
