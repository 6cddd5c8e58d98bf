"""Evaluated poses of one rig at many frames, in armature space, constraints and drivers included."""

from collections.abc import Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from ..kept_values import kept_values
from ..sampling import go_to, only_these

Array = NDArray[np.floating]


def _matrices(rig: bpy.types.Object, names: Sequence[str], depsgraph: bpy.types.Depsgraph) -> Array:
    posed = rig.evaluated_get(depsgraph).pose.bones
    return np.array([posed[name].matrix for name in names], dtype=np.float64)


def poses_at(scene: bpy.types.Scene, rig: bpy.types.Object, names: Sequence[str], frames: Array) -> Array:
    """``(F, N, 4, 4)`` armature-space matrices of the bones ``names`` at scene ``frames`` ``(F,)``. Nothing of the user's changes."""
    with kept_values(scene), only_these(scene, [rig]) as passing:
        rows = [_matrices(rig, names, go_to(passing, float(frame))) for frame in frames]
    return np.stack(rows) if rows else np.empty((0, len(names), 4, 4))


def pose_now(scene: bpy.types.Scene, rig: bpy.types.Object, names: Sequence[str]) -> Array:
    """``(N, 4, 4)`` as it shows now, unkeyed changes included."""
    layer = bpy.context.view_layer if bpy.context.scene == scene else scene.view_layers[0]
    if rig.name not in layer.objects:
        with only_these(scene, [rig]) as passing:
            passing.view_layers[0].update()
            return _matrices(rig, names, passing.view_layers[0].depsgraph)
    layer.update()
    return _matrices(rig, names, layer.depsgraph)
