"""Takes: one clip in the scene, as a collection with a rig and a skinned mesh a body, a camera and a floor.

Everything is found again by custom properties (``marks``), never by kept references.
"""

import json
import math
from dataclasses import asdict, dataclass, replace

import bpy
import numpy as np
from numpy.typing import NDArray

from ..motion.axes import T_blender_world
from ..motion.clip import Clip
from . import marks
from .errors import SceneError
from .keys import EVERY_FRAME, KeyOptions
from .timing import key_frames, scene_fps

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Take:
    """A clip as it stands in the scene, read from the scene at this moment.

    bodies: (track id, rig's name, mesh's name) each. objects: (track id, box's name, point mesh's name) each. start_frame: scene frame of the clip's time 0, may have a fraction.
    T_blender_world: ``(4, 4)`` the clip's world to Blender's. width, height: the clip's picture, pixels. camera_given: whether its
    camera is the clip's own, not one that only frames the motion. keys: how its motion is keyed. order: the clip's track ids.
    """

    take_id: str
    collection_name: str
    camera_name: str
    bodies: tuple[tuple[str, str, str], ...]
    fps: float
    n_frames: int
    start_frame: float
    T_blender_world: Array
    width: int
    height: int
    objects: tuple[tuple[str, str, str], ...] = ()
    camera_given: bool = True
    keys: KeyOptions = EVERY_FRAME
    order: tuple[str, ...] = ()

    def scene_frames(self, scene: bpy.types.Scene) -> NDArray[np.float64]:
        """``(F,)`` scene frames, with fractions, of the clip's frames."""
        return key_frames(self.n_frames, self.fps, scene_fps(scene), self.start_frame)

    @property
    def track_ids(self) -> tuple[str, ...]:
        """Its tracks in the order that a clip of the take has them."""
        place = {track_id: number for number, track_id in enumerate(self.order)}
        held = [track_id for track_id, *_ in (*self.bodies, *self.objects)]
        return tuple(sorted(held, key=lambda track_id: place.get(track_id, len(place))))

    def at_rate(self, fps: float) -> "Take":
        """The same seconds at another rate: its curves have values between the clip's frames. The last frame where it falls on one."""
        if abs(fps - self.fps) < 1e-6:
            return self
        return replace(self, fps=fps, n_frames=math.floor((self.n_frames - 1) / self.fps * fps + 1e-6) + 1)


def _objects_of(collection: bpy.types.Collection, role: str) -> dict[str, bpy.types.Object]:
    found = [thing for thing in collection.all_objects if thing.get(marks.ROLE) == role]
    return {thing.get(marks.TRACK, ""): thing for thing in found}


def _read(collection: bpy.types.Collection) -> Take:
    rigs, bodies = _objects_of(collection, "rig"), _objects_of(collection, "body")
    cameras = _objects_of(collection, "camera")
    boxes, points = _objects_of(collection, "box"), _objects_of(collection, "points")
    return Take(
        take_id=str(collection[marks.TAKE]),
        collection_name=collection.name,
        camera_name=next(iter(cameras.values())).name if cameras else "",
        bodies=tuple((track_id, rig.name, bodies[track_id].name) for track_id, rig in rigs.items() if track_id in bodies),
        fps=float(collection[marks.FPS]),
        n_frames=int(collection[marks.N_FRAMES]),
        start_frame=float(collection[marks.START_FRAME]),
        T_blender_world=np.array(collection[marks.WORLD], dtype=np.float64).reshape(4, 4),
        width=int(collection[marks.SIZE][0]),
        height=int(collection[marks.SIZE][1]),
        objects=tuple((track_id, box.name, points[track_id].name) for track_id, box in boxes.items() if track_id in points),
        camera_given=bool(collection.get(marks.CAMERA_GIVEN, True)),
        order=tuple(json.loads(collection.get(marks.ORDER, "[]"))),
        keys=KeyOptions(**json.loads(collection.get(marks.KEYS, "{}"))),
    )


def find_takes(scene: bpy.types.Scene) -> tuple[Take, ...]:
    """All takes of the scene, in the order of its collections."""
    return tuple(_read(collection) for collection in _collections(scene))


def _collections(scene: bpy.types.Scene) -> list[bpy.types.Collection]:
    return [collection for collection in scene.collection.children_recursive if marks.TAKE in collection]


def find_take(scene: bpy.types.Scene, take_id: str) -> Take | None:
    """The take of that id, or ``None`` where the scene has none (never imported, deleted, or undone)."""
    return next((_read(collection) for collection in _collections(scene) if collection[marks.TAKE] == take_id), None)


def mark_collection(
    collection: bpy.types.Collection,
    clip: Clip,
    take_id: str,
    start_frame: float,
    keys: KeyOptions = EVERY_FRAME,
    camera_given: bool = True,
) -> None:
    """Writes on the collection what makes it a take."""
    collection[marks.TAKE], collection[marks.FPS] = take_id, float(clip.fps)
    collection[marks.N_FRAMES], collection[marks.START_FRAME] = clip.n_frames, float(start_frame)
    collection[marks.ORDER] = json.dumps([track.track_id for track in clip.tracks])
    collection[marks.KEYS], collection[marks.CAMERA_GIVEN] = json.dumps(asdict(keys)), camera_given
    collection[marks.SIZE] = [clip.camera.width, clip.camera.height]
    collection[marks.WORLD] = [float(value) for value in T_blender_world(clip).ravel()]


def the_object(name: str, what: str) -> bpy.types.Object:
    """The object of that name; SceneError in plain words where it is gone."""
    found = bpy.data.objects.get(name)
    if found is None:
        raise SceneError(f"The take's {what} {name!r} is no longer in this file; undo its deletion or lift the clip again.")
    return found
