"""Pinned places: an empty says where a hand or foot has to be, and over which frames. Moving the empty moves the place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..motion.skeletons import SMAL, SMPL
from . import marks
from .errors import SceneError
from .removal import remove
from .rigs.limbs import limbs_of
from .rigs.rest_pose import rest_of
from .take_record import Array, Take
from .timing import scene_fps

PIN = "pin"  # the role of the empties
_PLACED = {"smpl": 22, "smplh": 22, "smplx": 22, "smal": SMAL.n_joints}  # joints that a refiner can bring to a place
_SIZE = 0.045  # metres
_HANDS = frozenset(SMPL.index(name) for name in ("left_wrist", "right_wrist"))
_FEET = frozenset(SMPL.index(name) for name in ("left_ankle", "right_ankle", "left_foot", "right_foot"))


@dataclass(frozen=True, eq=False)
class PlacePin:
    """joint: its number in the track. first, last: scene frames. place: ``(3,)`` metres in Blender's world."""

    name: str
    track_id: str
    joint: int
    first: float
    last: float
    place: Array


def place_pins(take: Take) -> tuple[PlacePin, ...]:
    """All pinned places of the take, as their empties stand now."""
    return tuple(
        PlacePin(
            thing.name,
            str(thing.get(marks.TRACK, "")),
            int(thing.get(marks.JOINT, -1)),
            *(float(frame) for frame in thing.get(marks.SPAN, (0.0, 0.0))),
            np.array((thing.matrix_world if _is_held(thing) else thing.matrix_basis).translation, dtype=np.float64),
        )
        for thing in _empties(take)
    )


def _is_held(thing: bpy.types.Object) -> bool:
    """Whether something else decides where it is; otherwise its own location is newer than its matrix."""
    return thing.parent is not None or len(thing.constraints) > 0


def _empties(take: Take) -> list[bpy.types.Object]:
    collection = bpy.data.collections.get(take.collection_name)
    return [] if collection is None else [thing for thing in collection.all_objects if thing.get(marks.ROLE) == PIN]


def joint_of_bone(rig: bpy.types.Object, bone: str) -> int:
    """The joint that a bone stands for: its own; a finger's or hand's wrist; the end of the limb whose handle it is.

    Raises SceneError for a bone that is no joint's.
    """
    limb = next((limb for limb in limbs_of(rig) if bone in (limb.handle, limb.reach, limb.goal)), None)
    wanted = rig.data.bones.get(limb.foot or limb.end if limb is not None else bone)
    if wanted is None or marks.JOINT not in wanted:
        raise SceneError(f"The bone {bone!r} is no joint of {rig.name}; select a wrist, an ankle, a foot, a paw or their handle.")
    joint, parents = int(wanted[marks.JOINT]), rest_of(rig).parents
    while joint >= _PLACED.get(str(rig.get(marks.FAMILY)), 22):
        joint = int(parents[joint])
    return joint


def pin_places(
    scene: bpy.types.Scene, take: Take, rig: bpy.types.Object, joints: Sequence[int], span: tuple[float, float]
) -> list[bpy.types.Object]:
    """Pins joints of ``rig`` where they are in the current frame, over the scene frames ``span``, both ends included.

    Pins of the same joint that it covers are replaced; those that reach beyond it are cut. Raises SceneError where the span misses
    the take or the rig is hidden, so that it has no place.
    """
    frames = take.scene_frames(scene)
    half = 0.5 * scene_fps(scene) / take.fps
    if span[1] < frames[0] - half or span[0] > frames[-1] + half:
        raise SceneError(f"The take lasts from frame {frames[0]:g} to {frames[-1]:g}; nothing can be pinned at {span[0]:g} to {span[1]:g}.")
    if rig.hide_viewport:
        raise SceneError(f"{rig.name} is hidden on this frame; go to a frame that shows it.")
    names, track_id = rest_of(rig).names, str(rig[marks.TRACK])
    posed = rig.evaluated_get(bpy.context.evaluated_depsgraph_get())
    made = []
    for joint in joints:
        _make_room(scene, take, track_id, joint, span)
        place = posed.matrix_world @ posed.pose.bones[names[joint]].matrix.translation
        made.append(_new_empty(take, track_id, joint, names[joint], span, place))
    return made


def _new_empty(
    take: Take, track_id: str, joint: int, joint_name: str, span: tuple[float, float], place: Sequence[float]
) -> bpy.types.Object:
    frames = f"{span[0]:g}" if span[0] == span[1] else f"{span[0]:g}-{span[1]:g}"
    empty = bpy.data.objects.new(f"Pin {joint_name} {frames}", None)
    empty.empty_display_type, empty.empty_display_size = "SPHERE", _SIZE
    empty.show_in_front = empty.show_name = True
    empty.color = (1.0, 0.55, 0.1, 1.0)
    empty.location = place
    empty[marks.ROLE], empty[marks.TAKE], empty[marks.TRACK] = PIN, take.take_id, track_id
    empty[marks.JOINT], empty[marks.SPAN] = joint, [float(frame) for frame in span]
    bpy.data.collections[take.collection_name].objects.link(empty)
    return empty


def _make_room(scene: bpy.types.Scene, take: Take, track_id: str, joint: int, span: tuple[float, float]) -> None:
    """One joint can be in one place at a time: earlier pins give way where the new one holds."""
    step = scene_fps(scene) / take.fps
    for thing in _empties(take):
        if (thing.get(marks.TRACK), thing.get(marks.JOINT)) != (track_id, joint):
            continue
        first, last = (float(frame) for frame in thing[marks.SPAN])
        if first >= span[0] and last <= span[1]:
            remove(thing)
        elif first < span[0] <= last:
            thing[marks.SPAN] = [first, span[0] - step]
        elif first <= span[1] < last:
            thing[marks.SPAN] = [span[1] + step, last]


def share_places(scene: bpy.types.Scene, take: Take, track_id: str, shares: Mapping[str, NDArray[np.bool_]]) -> None:
    """Gives a track's pinned places to other tracks of the take, each on its frames ``(F,)``; what nobody gets goes."""
    frames, half = take.scene_frames(scene), 0.5 * scene_fps(scene) / take.fps
    for thing in [thing for thing in _empties(take) if thing.get(marks.TRACK) == track_id]:
        first, last = (float(frame) for frame in thing[marks.SPAN])
        held = (frames >= first - half + 1e-6) & (frames <= last + half - 1e-6)
        spans = [(name, run) for name, mine in shares.items() for run in _runs(held & mine)]
        for (name, run), empty in zip(spans, [thing, *(_twin(thing) for _ in spans[1:])], strict=False):
            ends = np.flatnonzero(held)[[0, -1]]
            empty[marks.TRACK] = name
            empty[marks.SPAN] = [first if run[0] == ends[0] else frames[run[0]], last if run[1] == ends[1] else frames[run[1]]]
        if not spans:
            remove(thing)


def _runs(wanted: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last of each run of wanted frames."""
    at = np.flatnonzero(wanted)
    return [(int(run[0]), int(run[-1])) for run in np.split(at, np.flatnonzero(np.diff(at) > 1) + 1) if len(run)]


def _twin(thing: bpy.types.Object) -> bpy.types.Object:
    twin = thing.copy()
    for collection in thing.users_collection:
        collection.objects.link(twin)
    return twin


def clear_place_pins(take: Take) -> int:
    """Removes all pinned places of the take; how many there were."""
    found = _empties(take)
    remove(*found)
    return len(found)


def places_of(scene: bpy.types.Scene, take: Take, track_id: str, joints: int) -> NDArray[np.float64] | None:
    """``(F, J, 3)`` pinned places of a track in the clip's world, NaN where free; None where there are none at all."""
    mine = [pin for pin in place_pins(take) if pin.track_id == track_id and 0 <= pin.joint < joints]
    if not mine:
        return None
    places = np.full((take.n_frames, joints, 3), np.nan)
    frames, half = take.scene_frames(scene), 0.5 * scene_fps(scene) / take.fps
    turn, offset = take.T_blender_world[:3, :3], take.T_blender_world[:3, 3]
    for pin in mine:
        held = (frames >= pin.first - half + 1e-6) & (frames <= pin.last + half - 1e-6)
        places[held, pin.joint] = (pin.place - offset) @ turn
    return places


def words_of(pins: Sequence[PlacePin], family: str) -> list[str]:
    """ "1 pinned hand", "2 pinned feet" and so on, for a sentence."""
    if family == "smal":
        return [f"{len(pins)} pinned {'place' if len(pins) == 1 else 'places'}"] if pins else []
    hands, feet = (sum(pin.joint in which for pin in pins) for which in (_HANDS, _FEET))
    counted = ((hands, "hand", "hands"), (feet, "foot", "feet"), (len(pins) - hands - feet, "other place", "other places"))
    return [f"{count} pinned {one if count == 1 else many}" for count, one, many in counted if count]
