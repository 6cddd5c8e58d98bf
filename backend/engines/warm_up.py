"""Compiles what numba compiles, before the first job waits for it; afterwards numba's cache on disk holds it."""

import numpy as np

from backend.engines.reproject.compose import composed
from backend.engines.reproject.cutout import cut_out
from backend.engines.reproject.inpaint import filled
from backend.engines.reproject.puppet import OWN, Layer
from backend.engines.reproject.render import draw, texture_of
from backend.raster.kernels import paint
from backend.raster.rasteriser import barycentrics, interpolate, rasterise
from revision_blender.motion.camera import static_camera


def warm_up() -> None:
    """The rasteriser and the reproject engine on one triangle and a small picture: seconds the first time, then a moment."""
    points, faces = np.array([[-0.5, -0.5, 2.0], [0.5, -0.5, 2.0], [0.0, 0.5, 2.0]]), np.array([[0, 1, 2]], np.int32)
    camera = static_camera(64, 64, 64.0, 1)
    fragments = rasterise(points, faces, camera.focal, camera.center, 64, 64)
    weights = barycentrics(fragments, points, faces, camera.focal, camera.center)
    interpolate(fragments, weights, faces, points)
    paint(fragments.face, np.ones(1, np.uint8), np.zeros((64, 64), np.uint8))
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    cutout = cut_out(picture, fragments.covered)
    ones, source = np.ones(3, np.float32), np.stack([points, points]).astype(np.float32)
    mode, colours = np.full(1, OWN, np.uint8), np.zeros((3, 3), np.float32)
    layer = Layer(points, faces, np.ones((3, 1), np.float32), source, np.stack([ones, ones]), colours, mode, ones, np.arange(3))
    drawn = draw(layer, points, ones, ones, True, texture_of(cutout, camera), camera)
    composed(drawn, drawn, filled(picture, cutout.hole))
