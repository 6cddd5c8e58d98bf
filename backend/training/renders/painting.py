"""A clip as pictures: surfaces with a colour a face, lit by one light, a soft shadow on the floor, before a still background."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.raster.part_masks import part_masks
from backend.raster.rasteriser import blank, rasterise
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import Clip

Array = NDArray[np.floating]
F32 = NDArray[np.float32]

FINER = 2  # samples a pixel, each way
AMBIENT = 0.6


@dataclass(frozen=True, eq=False)
class Skin:
    """What is painted. vertices: ``(F, V, 3)`` world metres. faces: ``(T, 3)``. colours: ``(T, 3)`` in [0, 1]."""

    vertices: Array
    faces: NDArray[np.integer]
    colours: F32


@dataclass(frozen=True, eq=False)
class Light:
    """towards: ``(3,)`` unit vector to the light in world coordinates. shadow: how much of the light the floor loses below a body."""

    towards: Array
    shadow: float


def painted(clip: Clip, skin: Skin, light: Light, background: F32) -> NDArray[np.uint8]:
    """``(F, H, W, 3)`` RGB. background: ``(FINER H, FINER W, 3)`` in [0, 1]; the camera stands still."""
    camera = clip.camera.resized(clip.camera.width * FINER, clip.camera.height * FINER)
    canvas = blank(camera.width, camera.height)
    frames = np.empty((clip.n_frames, clip.camera.height, clip.camera.width, 3), np.uint8)
    for frame, points in enumerate(camera.to_camera(skin.vertices)):
        picture = background * (1.0 - light.shadow * _shadow(clip, skin.vertices[frame], camera, frame))[..., None]
        seen = rasterise(points, skin.faces, camera.focal, camera.center, camera.width, camera.height, canvas)
        faces = seen.face[seen.covered]
        picture[seen.covered] = skin.colours[faces] * _lit(skin.vertices[frame], skin.faces[faces], light)[:, None]
        small = picture.reshape(clip.camera.height, FINER, clip.camera.width, FINER, 3).mean(axis=(1, 3))
        frames[frame] = np.round(np.clip(small, 0.0, 1.0) * 255.0).astype(np.uint8)
    return frames


def labelled(clip: Clip) -> NDArray[np.uint8]:
    """``(F, H, W)`` part labels, as every other part of the product draws them."""
    return part_masks(clip)


def _lit(vertices: Array, corners: NDArray[np.integer], light: Light) -> F32:
    """``(N,)`` brightness of faces: Lambert's law over an ambient share; a face's inner side is never seen on a closed body."""
    a, b, c = (vertices[corners[:, index]] for index in range(3))
    normal = np.cross(b - a, c - a)
    cosine = (normal @ light.towards) / np.maximum(np.linalg.norm(normal, axis=1), 1e-12)
    return (AMBIENT + (1.0 - AMBIENT) * 1.3 * np.maximum(cosine, 0.0)).astype(np.float32)


def _shadow(clip: Clip, vertices: Array, camera: Camera, frame: int) -> F32:
    """``(H, W)`` in [0, 1]: a soft disc on the floor below the body."""
    floor = vertices - clip.ground.height(vertices)[:, None] * clip.ground.normal
    T = camera.T_camera_world[frame]
    feet = floor @ T[:3, :3].T + T[:3, 3]
    shadow = np.zeros((camera.height, camera.width), np.float32)
    if feet[:, 2].min() <= 0.1:
        return shadow
    pixels = feet[:, :2] / feet[:, 2:] * camera.focal + camera.center
    hull = cv2.convexHull(np.clip(pixels, -4000.0, 4000.0).astype(np.float32)).astype(np.int32)
    cv2.fillConvexPoly(shadow, hull, (1.0,))
    return np.asarray(cv2.GaussianBlur(shadow, (0, 0), 0.012 * camera.height), np.float32)
