"""Which pixel of the first frame colours which place of the body, and what colours the places it does not show."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import diags
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from backend.engines.reproject.cutout import Cutout
from backend.engines.reproject.fitting import mesh_laplacian
from backend.engines.reproject.puppet import MIRRORED, OWN, PAINTED, Layer
from backend.raster.rasteriser import Fragments, rasterise
from revision_blender.motion.camera import Camera

Array = NDArray[np.floating]
F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

OCCLUSION_STEP = 0.06  # metres: a nearer surface this far in front may leave its colours on the farther one's rim
KNOWN = 0.5  # trust above which a vertex's own pixel is believed when others are painted from it


def mirror_vertices(v_template: Array) -> NDArray[np.intp]:
    """``(V,)`` for each vertex of the rest pose, the one nearest to its mirror image (the body's left is +x)."""
    return np.asarray(cKDTree(v_template).query(v_template * np.array([-1.0, 1.0, 1.0]))[1])


def textured(points: Array, faces: NDArray[np.int32], weights: F32, mirror: NDArray[np.intp], camera: Camera, cutout: Cutout) -> Layer:
    """The bodies with their colours. points: ``(V, 3)`` first frame's camera. mirror: ``(V,)`` vertex of the other side."""
    fragments = rasterise(points, faces, camera.focal, camera.center, camera.width, camera.height)
    shown = np.zeros(len(faces), bool)
    shown[np.unique(fragments.face[fragments.covered])] = True
    seen = np.zeros(len(points), bool)
    seen[faces[shown]] = True
    laplacian = mesh_laplacian(faces, len(points))
    pixels = points[:, :2] / np.maximum(points[:, 2:], 1e-6) * camera.focal + camera.center
    watch = _occluders(points, pixels, faces, fragments)
    own = seen * _facing(points, faces) * (watch == np.arange(len(points))) * _sampled(cutout.alpha, pixels)
    own = np.minimum(own, _smoothed(own, faces, 4))
    borrowed = own[mirror] * (1.0 - _smoothed(seen.astype(float), faces, 6))
    colours = _painted(own, mirror, _sampled(cutout.colours, pixels), laplacian)
    mode = np.where(shown, OWN, np.where((own[mirror] > KNOWN)[faces].all(axis=1), MIRRORED, PAINTED)).astype(np.uint8)
    source = np.stack([points, points[mirror]]).astype(np.float32)
    trust = np.stack([own, borrowed]).astype(np.float32)
    return Layer(points, faces, weights, source, trust, colours, mode, seen.astype(np.float32), watch)


def _facing(points: Array, faces: NDArray[np.int32]) -> Array:
    """``(V,)`` 1 where the surface looks at the camera, 0 where it is seen at a grazing angle."""
    a, b, c = (points[faces[:, corner]] for corner in range(3))
    normals = np.zeros_like(points)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], np.cross(b - a, c - a))
    length = np.linalg.norm(normals, axis=1) * np.linalg.norm(points, axis=1)
    cosine = np.abs((normals * points).sum(axis=1)) / np.maximum(length, 1e-12)
    return _smoothstep(0.15, 0.5, cosine)


def _occluders(points: Array, pixels: Array, faces: NDArray[np.int32], fragments: Fragments) -> NDArray[np.intp]:
    """``(V,)`` a vertex of what is drawn clearly nearer within a few pixels; the vertex itself where nothing is."""
    height, width = fragments.face.shape
    reach = max(1, round(max(height, width) / 300))
    x = np.clip(np.floor(pixels[:, 0]), 0, width - 1).astype(int)
    y = np.clip(np.floor(pixels[:, 1]), 0, height - 1).astype(int)
    watch = np.arange(len(points))
    nearest = points[:, 2] - OCCLUSION_STEP
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            v, u = np.clip(y + dy, 0, height - 1), np.clip(x + dx, 0, width - 1)
            face = fragments.face[v, u]
            depth = np.where(face >= 0, fragments.depth[v, u], np.inf)
            nearer = depth < nearest
            watch = np.where(nearer, faces[np.maximum(face, 0), 0], watch)
            nearest = np.where(nearer, depth, nearest)
    return watch


def _painted(own: Array, mirror: NDArray[np.intp], sampled: F32, laplacian: object) -> F32:
    """Vertex colours: the picture's where it can be trusted, the mirror side's next, smoothly carried on elsewhere."""
    known, borrowed = own > KNOWN, (own[mirror] > KNOWN) & (own <= KNOWN)
    colours = np.where(borrowed[:, None], sampled[mirror], sampled)
    anchor = known * 10.0 + borrowed * 2.0 + 1e-6
    mean = sampled[known].mean(axis=0) if known.any() else sampled.mean(axis=0)
    colours = np.where((known | borrowed)[:, None], colours, mean)
    return splu((laplacian + diags(anchor)).tocsc()).solve((anchor[:, None] * colours).astype(np.float64)).astype(np.float32)


def _smoothed(values: Array, faces: NDArray[np.int32], rounds: int) -> Array:
    """Vertex values averaged over their faces, again and again."""
    count = np.bincount(faces.ravel(), minlength=len(values))
    for _ in range(rounds):
        mean = values[faces].mean(axis=1)
        values = np.bincount(faces.ravel(), np.repeat(mean, 3), minlength=len(values)) / np.maximum(count, 1)
    return values


def _sampled(image: F32, pixels: Array, how: int = cv2.INTER_LINEAR) -> F32:
    """An image at pixel places ``(N, 2)``, the border repeated."""
    places = np.clip(pixels - 0.5, -1e4, 1e4).astype(np.float32)
    values = [
        cv2.remap(image, part[:, None, 0], part[:, None, 1], how, borderMode=cv2.BORDER_REPLICATE)
        for part in np.array_split(places, len(places) // 30000 + 1)
    ]
    return np.concatenate(values)[:, 0]


def _smoothstep(low: float, high: float, x: Array) -> Array:
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)
