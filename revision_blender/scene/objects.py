"""Things that are neither person nor animal: a keyed box (an empty) and a mesh of the track's 21 points that goes with it.

The points live in the box's own space. What they do beside the box's motion is keyed on shape keys, one a point and axis,
so that any clip comes back exactly, any length keys in bulk, and all of it follows when the animator moves the box.
"""

from collections.abc import Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from ..masks.labels import FIRST_OBJECT, N_OBJECT_LABELS
from ..motion.clip import N_OBJECT_POINTS, ObjectTrack
from ..motion.resample import sampled
from ..motion.rotation import continuous_quaternions, matrix_from_quaternion, quaternion_from_matrix
from . import actions, marks
from .box_motion import CENTRE, BoxMotion, box_motion
from .decimation import thinned
from .errors import SceneError
from .keys import EVERY_FRAME, Channel, KeyOptions, write_keys
from .motions import newest_version
from .presence import kept_confidence
from .provenance import Provenance, write_provenance
from .timing import whole_frames

Array = NDArray[np.floating]

_CONTOUR = 16
_REACH = 100.0  # half extents that a point goes at value 1 of its key; Blender holds values within 10
_STILL = 1e-7  # half extents: points that move less from the box have no shape keys


def _names() -> tuple[str, ...]:
    points = [f"contour {index:02d}" for index in range(_CONTOUR)] + [f"corner {index}" for index in range(CENTRE - _CONTOUR)]
    return tuple(f"{point} {axis}" for point in points for axis in "xyz")


KEY_NAMES = _names()  # of the shape keys, 3 a point in the track's order; the centre is the box's own place


def new_object(name: str, track: ObjectTrack, T_blender_world: Array, number: int) -> tuple[bpy.types.Object, bpy.types.Object]:
    """A box and its point mesh, linked to no scene yet, without motion. number: the object's place among those of its take,
    which decides its part label."""
    motion = box_motion(track, T_blender_world)
    box = bpy.data.objects.new(f"{name} box", None)
    box.empty_display_type, box.empty_display_size = "CUBE", 1.0
    box.rotation_mode = "QUATERNION"
    box.location, box.rotation_quaternion, box.scale = motion.location[0], motion.quaternions[0], motion.half
    box[marks.SIZE_OF_BOX] = [*(float(extent) for extent in track.size), *(float(half) for half in motion.half)]
    box[marks.LABEL] = track.label
    points = bpy.data.objects.new(f"{name} points", _mesh(f"{name} points", motion.points[0], FIRST_OBJECT + number % N_OBJECT_LABELS))
    points.parent = box
    return box, points


def _mesh(name: str, points: Array, label: int) -> bpy.types.Mesh:
    """The contour as one face with its part label, the corners as a frame, the centre alone."""
    mesh = bpy.data.meshes.new(name)
    corners = [(_CONTOUR + index, _CONTOUR + (index + 1) % 4) for index in range(4)]
    mesh.from_pydata([tuple(point) for point in points], corners, [tuple(range(_CONTOUR))])
    labels = mesh.attributes.new(marks.LABEL_ATTRIBUTE, "INT", "FACE")
    labels.data.foreach_set("value", np.full(1, label, dtype=np.int32))
    mesh.update()
    return mesh


def _basis(points: bpy.types.Object) -> Array:
    """``(21, 3)`` the resting points as Blender keeps them. Raises SceneError where the mesh was edited into another."""
    mesh = points.data
    if len(mesh.vertices) != N_OBJECT_POINTS:
        raise SceneError(
            f"The mesh {points.name!r} has {len(mesh.vertices)} points, {N_OBJECT_POINTS} are an object's; undo the edit of its vertices."
        )
    found = np.empty(3 * N_OBJECT_POINTS, dtype=np.float32)
    keys = mesh.shape_keys
    if keys is None:
        mesh.vertices.foreach_get("co", found)
    else:
        keys.reference_key.points.foreach_get("co", found)
    return found.reshape(-1, 3).astype(np.float64)


def _add_shape_keys(points: bpy.types.Object, basis: Array) -> None:
    points.shape_key_add(name="Basis", from_mix=False)
    for number, name in enumerate(KEY_NAMES):
        moved = basis.ravel().copy()
        moved[number] += _REACH
        key = points.shape_key_add(name=name, from_mix=False)
        key.slider_min, key.slider_max = -10.0, 10.0
        key.points.foreach_set("co", moved.astype(np.float32))


def _resampled(motion: BoxMotion, at: Array) -> BoxMotion:
    turned, location = sampled(matrix_from_quaternion(motion.quaternions), motion.location, at)
    before = np.floor(at).astype(np.int64)
    after = np.minimum(before + 1, len(motion.points) - 1)
    points = motion.points[before] + (motion.points[after] - motion.points[before]) * (at - before)[:, None, None]
    return BoxMotion(location, continuous_quaternions(quaternion_from_matrix(turned)), motion.half, points)


def _point_channels(points: bpy.types.Object, motion: BoxMotion) -> list[Channel]:
    """The points' own motion; nothing where they only go with the box and no earlier motion needed more."""
    basis = _basis(points)
    own = (motion.points - basis)[:, :CENTRE].reshape(len(motion.points), -1) / _REACH
    if np.abs(own).max() * _REACH < _STILL and points.data.shape_keys is None:
        return []
    if points.data.shape_keys is None:
        _add_shape_keys(points, basis)
    blocks = points.data.shape_keys.key_blocks
    return [Channel(f'key_blocks["{name}"].value', own[:, [number]], "Points") for number, name in enumerate(KEY_NAMES) if name in blocks]


def give_motion(
    box: bpy.types.Object,
    points: bpy.types.Object,
    track: ObjectTrack,
    frames: Array,
    T_blender_world: Array,
    role: str,
    provenance: Provenance,
    options: KeyOptions = EVERY_FRAME,
) -> bpy.types.Action:
    """Keys ``track`` on a box and its points, its frames at scene ``frames`` ``(F,)``, as ``take_motion.give_motion`` keys a rig:
    one action, with a slot for the box and one for the points, that stays as it is, and the copy that they move by."""
    motion = box_motion(track, T_blender_world, np.array(box.get(marks.SIZE_OF_BOX, [1.0] * 6), dtype=np.float64)[3:])
    at = frames
    if options.resample:
        at, between = whole_frames(frames)
        motion = _resampled(motion, between)
    rows = (
        Channel("location", motion.location, "Box", measure="place"),
        Channel("rotation_quaternion", motion.quaternions, "Box", measure="rotation"),
    )
    original, slot = actions.new_action(f"{box.name} {role} original", box)
    write_keys(actions.channelbag(original, slot, ensure=True), at, thinned(rows, at, options))
    _give_points(original, points, at, _point_channels(points, motion))
    original[marks.ROLE], original[marks.TRACK] = role, track.track_id
    if marks.TAKE in box:
        original[marks.TAKE] = box[marks.TAKE]
    original[marks.VERSION] = newest_version(box, track.track_id, role) + 1
    original[marks.CONFIDENCE] = np.ascontiguousarray(track.confidence, dtype=np.float64)
    write_provenance(original, provenance)
    working, slot = actions.working_copy(original, f"{box.name} {role}")
    working[marks.ORIGINAL] = original
    actions.assign(box, working, slot)
    if len(working.slots) > 1:
        actions.assign(points.data.shape_keys, working, working.slots[1])
    return working


def _give_points(action: bpy.types.Action, points: bpy.types.Object, frames: Array, rows: Sequence[Channel]) -> None:
    if rows:
        slot = action.slots.new(id_type="KEY", name=points.name)
        write_keys(actions.channelbag(action, slot, ensure=True), frames, rows)


def points_now(points: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> Array:
    """``(21, 3)`` evaluated, in Blender's world. Raises SceneError where the mesh has other points than the track's."""
    evaluated = points.evaluated_get(depsgraph)
    vertices = evaluated.data.vertices
    if len(vertices) != N_OBJECT_POINTS:
        raise SceneError(
            f"The mesh {points.name!r} has {len(vertices)} points, {N_OBJECT_POINTS} are an object's; turn off the modifier or undo the "
            "edit that changed them."
        )
    found = np.empty(3 * N_OBJECT_POINTS, dtype=np.float32)
    vertices.foreach_get("co", found)
    matrix = np.array(evaluated.matrix_world, dtype=np.float64)
    return found.reshape(-1, 3).astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]


def track_of(track_id: str, box: bpy.types.Object, M_world_box: Array, points_blender: Array, T_blender_world: Array) -> ObjectTrack:
    """The object as it moves in the scene. M_world_box: ``(F, 4, 4)``. points_blender: ``(F, 21, 3)`` in Blender's world.

    The extents are those that the box has in the first frame.
    """
    points = (points_blender - T_blender_world[:3, 3]) @ T_blender_world[:3, :3]
    stored = np.array(box.get(marks.SIZE_OF_BOX, [2.0] * 3 + [1.0] * 3), dtype=np.float64)
    stretched = np.linalg.norm(M_world_box[0, :3, :3], axis=0) / stored[3:]
    stretched[np.abs(stretched - 1.0) < 1e-6] = 1.0  # 32-bit rounding
    return ObjectTrack(track_id, str(box.get(marks.LABEL, "")), stored[:3] * stretched, points, kept_confidence(box, len(points), 1)[:, 0])
