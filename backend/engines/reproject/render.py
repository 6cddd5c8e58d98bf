"""Draws a layer of the puppet: what each pixel sees, and its colour out of the first frame. No shading: the light is in the picture."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from backend.engines.reproject.cutout import Cutout
from backend.engines.reproject.puppet import MIRRORED, PAINTED, Layer
from backend.raster.rasteriser import Fragments, barycentrics, rasterise
from revision_blender.motion.camera import Camera

Array = NDArray[np.floating]
F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Texture:
    """The first frame to sample from, and how its camera projects. raw, clean: ``(H, W, 3)`` float32. alpha: ``(H, W)``."""

    raw: F32
    clean: F32
    alpha: F32
    focal: float
    center: Array


@dataclass(frozen=True, eq=False)
class Drawn:
    """colour: ``(H, W, 3)`` 0 to 255, NaN where nothing is. alpha: ``(H, W)``. inverse_depth: ``(H, W)`` 1 / metres."""

    colour: F32
    alpha: F32
    inverse_depth: F32


def texture_of(cutout: Cutout, camera: Camera) -> Texture:
    return Texture(cutout.picture.astype(np.float32), cutout.colours, cutout.alpha, camera.focal, camera.center)


def draw(layer: Layer, points: Array, moved: F32, keep: F32, opaque: bool, texture: Texture, camera: Camera) -> Drawn:
    """A layer at ``points`` ``(V, 3)`` of ``camera`` (one frame's camera coordinates).

    moved: ``(V,)`` 0 where a vertex stands before the background as in the first frame, 1 where it went away: own pixels are
    taken raw, with all that is about them, or clean. keep: ``(V,)`` opacity. opaque: whether the person's matte is ignored.
    """
    fragments: Fragments = rasterise(points, layer.faces, camera.focal, camera.center, camera.width, camera.height)
    weights = barycentrics(fragments, points, layer.faces, camera.focal, camera.center)
    colour = np.full((*fragments.face.shape, 3), np.nan, np.float32)
    alpha = np.zeros(fragments.face.shape, np.float32)
    corner_values = np.column_stack([layer.colours, layer.seen, moved, keep]).astype(np.float32)
    lens = np.array([texture.focal, texture.center[0], texture.center[1]])
    _shade(
        fragments.face, weights, layer.faces, layer.mode, layer.source, layer.trust, corner_values, opaque,
        texture.raw, texture.clean, texture.alpha, lens, colour, alpha,
    )  # fmt: skip
    return Drawn(colour, alpha, fragments.inverse_depth)


@njit(cache=True)
def _bilinear(image: F32, x: float, y: float) -> tuple[float, float, float]:
    """Colour at pixel coordinates (centres at one half), the border repeated."""
    height, width = image.shape[:2]
    x, y = min(max(x - 0.5, 0.0), width - 1.0), min(max(y - 0.5, 0.0), height - 1.0)
    x0, y0 = int(x), int(y)
    x1, y1 = min(x0 + 1, width - 1), min(y0 + 1, height - 1)
    fx, fy = x - x0, y - y0
    a, b, c, d = (1.0 - fx) * (1.0 - fy), fx * (1.0 - fy), (1.0 - fx) * fy, fx * fy
    return (
        a * image[y0, x0, 0] + b * image[y0, x1, 0] + c * image[y1, x0, 0] + d * image[y1, x1, 0],
        a * image[y0, x0, 1] + b * image[y0, x1, 1] + c * image[y1, x0, 1] + d * image[y1, x1, 1],
        a * image[y0, x0, 2] + b * image[y0, x1, 2] + c * image[y1, x0, 2] + d * image[y1, x1, 2],
    )


@njit(cache=True)
def _bilinear_gray(image: F32, x: float, y: float) -> float:
    height, width = image.shape
    x, y = min(max(x - 0.5, 0.0), width - 1.0), min(max(y - 0.5, 0.0), height - 1.0)
    x0, y0 = int(x), int(y)
    x1, y1 = min(x0 + 1, width - 1), min(y0 + 1, height - 1)
    fx, fy = x - x0, y - y0
    top = (1.0 - fx) * image[y0, x0] + fx * image[y0, x1]
    return (1.0 - fy) * top + fy * ((1.0 - fx) * image[y1, x0] + fx * image[y1, x1])


@njit(cache=True)
def _shade(
    face: I32, weights: F32, faces: I32, mode: U8, source: F32, trust: F32, values: F32, opaque: bool,
    raw: F32, clean: F32, matte: F32, lens: NDArray[np.float64], colour: F32, alpha: F32,
) -> None:  # fmt: skip
    """values: ``(V, 6)`` painted red, green, blue, seen, moved, keep."""
    height, width = face.shape
    mixed = np.zeros(6)
    place = np.zeros(3)
    for y in range(height):
        for x in range(width):
            index = face[y, x]
            if index < 0:
                continue
            mixed[:] = 0.0
            place[:] = 0.0
            trusted = 0.0
            side = 1 if mode[index] == MIRRORED else 0
            for corner in range(3):
                weight, vertex = weights[y, x, corner], faces[index, corner]
                for column in range(6):
                    mixed[column] += weight * values[vertex, column]
                for axis in range(3):
                    place[axis] += weight * source[side, vertex, axis]
                trusted += weight * trust[side, vertex]
            moved = mixed[4]
            if mode[index] == PAINTED:
                trusted = 0.0
            elif side == 0:
                trusted = (1.0 - moved) * mixed[3] + moved * trusted
            else:
                moved = 1.0
            u, v = place[0] / place[2] * lens[0] + lens[1], place[1] / place[2] * lens[0] + lens[2]
            r0, g0, b0 = _bilinear(raw, u, v)
            r1, g1, b1 = _bilinear(clean, u, v)
            own = 1.0 if opaque else _bilinear_gray(matte, u, v)
            share = (1.0 - moved) + moved * own  # the picture as it is, opaque, gives way to the person with their matte
            late = moved * own / max(share, 1e-6)
            colour[y, x, 0] = trusted * (r0 + late * (r1 - r0)) + (1.0 - trusted) * mixed[0]
            colour[y, x, 1] = trusted * (g0 + late * (g1 - g0)) + (1.0 - trusted) * mixed[1]
            colour[y, x, 2] = trusted * (b0 + late * (b1 - b0)) + (1.0 - trusted) * mixed[2]
            alpha[y, x] = mixed[5] * share
