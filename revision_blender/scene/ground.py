"""The floor of a take: a grid of lines at z = 0, which hides nothing and renders nowhere."""

import bpy
import numpy as np

_HALF = 2.0  # metres
_STEP = 0.5


def new_ground(name: str) -> bpy.types.Object:
    """A grid object of edges only, linked to no scene yet; it cannot be selected by accident."""
    ticks = np.arange(-_HALF, _HALF + _STEP / 2, _STEP)
    lines = [((x, -_HALF, 0.0), (x, _HALF, 0.0)) for x in ticks] + [((-_HALF, y, 0.0), (_HALF, y, 0.0)) for y in ticks]
    vertices = [point for line in lines for point in line]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices, [(2 * index, 2 * index + 1) for index in range(len(lines))], [])
    ground = bpy.data.objects.new(name, mesh)
    ground.display_type = "WIRE"
    ground.hide_render = ground.hide_select = True
    return ground
