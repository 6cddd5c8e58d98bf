"""What a take's things evaluate to at given scene frames: posed bones, boxes with their points, the camera."""

from collections.abc import Iterable
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from .kept_values import kept_values
from .objects import points_now
from .rigs.poses import RigRest
from .rigs.rig import rest_of
from .sampling import go_to, only_these
from .standing import even_scale
from .take_record import Array, Take, the_object


@dataclass(frozen=True, eq=False)
class Readings:
    """Evaluated matrices at ``N`` scene frames, in Blender's world. bones: by rig name ``(N, J, 4, 4)``, object scale taken
    out. boxes: by box name ``(N, 4, 4)``. points: by point mesh name ``(N, 21, 3)``. camera: ``(N, 4, 4)``, None without one."""

    bones: dict[str, Array]
    boxes: dict[str, Array]
    points: dict[str, Array]
    camera: Array | None

    def part(self, which: slice) -> "Readings":
        """The readings of some of the frames."""
        bones, boxes, points = ({name: found[which] for name, found in rows.items()} for rows in (self.bones, self.boxes, self.points))
        return Readings(bones, boxes, points, None if self.camera is None else self.camera[which])


@dataclass(frozen=True, eq=False)
class _Rig:
    """A rig to read. places: ``(J,)`` where its joints stand among all its pose bones."""

    holder: bpy.types.Object
    places: NDArray[np.int64]


def rests_of(take: Take) -> dict[str, RigRest]:
    """Rest poses by rig name. Raises SceneError where a rig is gone."""
    return {rig_name: rest_of(the_object(rig_name, "rig")) for _, rig_name, _ in take.bodies}


class Reader:
    """The things of a take, found once, to be read at many frames. Raises SceneError where one is gone."""

    def __init__(self, take: Take, rests: dict[str, RigRest]) -> None:
        self.rigs = {name: self._rig(name, rest) for name, rest in rests.items()}
        self.boxes = {name: the_object(name, "box") for _, name, _ in take.objects}
        self.points = {name: the_object(name, "points") for _, _, name in take.objects}
        self.camera = the_object(take.camera_name, "camera") if take.camera_name or take.camera_given else None

    @staticmethod
    def _rig(name: str, rest: RigRest) -> _Rig:
        holder = the_object(name, "rig")
        return _Rig(holder, np.array([holder.pose.bones.find(bone) for bone in rest.names], dtype=np.int64))

    @property
    def things(self) -> list[bpy.types.Object]:
        cameras = [] if self.camera is None else [self.camera]
        return [rig.holder for rig in self.rigs.values()] + [*self.boxes.values(), *self.points.values(), *cameras]

    def now(self, depsgraph: bpy.types.Depsgraph) -> Readings:
        """One frame, ``N`` = 1: what ``depsgraph`` holds."""

        def matrix_of(thing: bpy.types.Object) -> Array:
            return np.array(thing.evaluated_get(depsgraph).matrix_world, dtype=np.float64)

        return Readings(
            {name: _bones(rig, depsgraph)[None] for name, rig in self.rigs.items()},
            {name: matrix_of(box)[None] for name, box in self.boxes.items()},
            {name: points_now(points, depsgraph)[None] for name, points in self.points.items()},
            None if self.camera is None else matrix_of(self.camera)[None],
        )

    def as_shown(self, scene: bpy.types.Scene) -> Readings:
        """The current frame with unkeyed changes; what is hidden there, which Blender does not evaluate, as it is keyed."""
        layer = scene.view_layers[0] if bpy.context.scene != scene else bpy.context.view_layer
        layer.update()
        shown, hidden = self.now(layer.depsgraph), {thing.name for thing in self.things if thing.hide_viewport}
        if not hidden:
            return shown
        keyed = self.at(scene, [scene.frame_current_final])

        def merged(rows: dict[str, Array], others: dict[str, Array]) -> dict[str, Array]:
            return {name: others[name] if name in hidden else row for name, row in rows.items()}

        camera = keyed.camera if self.camera is not None and self.camera.name in hidden else shown.camera
        return Readings(merged(shown.bones, keyed.bones), merged(shown.boxes, keyed.boxes), merged(shown.points, keyed.points), camera)

    def at(self, scene: bpy.types.Scene, frames: Iterable[float]) -> Readings:
        """At scene ``frames``, edits, constraints, drivers and all; the user's frame and unkeyed poses are not touched."""
        with kept_values(scene), only_these(scene, self.things) as passing:
            return _stacked([self.now(go_to(passing, frame)) for frame in frames])


def _bones(rig: _Rig, depsgraph: bpy.types.Depsgraph) -> Array:
    """``(J, 4, 4)`` in Blender's world, lengths as without the object's scale (places are scaled)."""
    evaluated = rig.holder.evaluated_get(depsgraph)
    bones = evaluated.pose.bones
    flat = np.empty(16 * len(bones), dtype=np.float32)
    bones.foreach_get("matrix", flat)
    posed = np.swapaxes(flat.reshape(-1, 4, 4)[rig.places], -1, -2).astype(np.float64)  # stored column after column
    M_world_rig = np.array(evaluated.matrix_world, dtype=np.float64)
    scale = even_scale(M_world_rig, rig.holder.name)
    placed = M_world_rig @ posed
    placed[:, :3, :3] /= scale
    return placed


def _stacked(rows: list[Readings]) -> Readings:
    def joined(of: list[dict[str, Array]]) -> dict[str, Array]:
        return {name: np.concatenate([row[name] for row in of]) for name in of[0]}

    cameras = [row.camera for row in rows if row.camera is not None]
    return Readings(
        joined([row.bones for row in rows]),
        joined([row.boxes for row in rows]),
        joined([row.points for row in rows]),
        np.concatenate(cameras) if cameras else None,
    )
