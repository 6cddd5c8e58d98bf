"""Which pixel of the first frame colours which place of the body, and what colours the places it does not show."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, diags
from scipy.sparse.linalg import splu
from scipy.spatial import KDTree

from backend.engines.reproject.cutout import Cutout
from backend.engines.reproject.fitting import mesh_laplacian
from backend.engines.reproject.puppet import MIRRORED, OWN, PAINTED, Layer
from backend.raster.rasteriser import Fragments, rasterise
from revision_blender.masks.labels import FIRST_HUMAN, SMPL_JOINT_NAMES
from revision_blender.motion.camera import Camera

Array = NDArray[np.floating]
F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

OCCLUSION_STEP = 0.06  # metres: a nearer surface this far in front may leave its colours on the farther one's rim
KNOWN = 0.5  # trust above which a vertex's own pixel is believed when others are painted from it
FLATTENED = np.array([1.0, 1.0, 0.15])  # before and behind count little when looking for a vertex to borrow from
ONE_SIDED = tuple(FIRST_HUMAN + SMPL_JOINT_NAMES.index(name) for name in ("head", "neck"))
TOGETHER = 0.06  # metres in the rest pose


def mirror_vertices(v_template: Array) -> NDArray[np.intp]:
    """``(V,)`` for each vertex of the rest pose, the one nearest to its mirror image (the body's left is +x)."""
    return np.asarray(KDTree(v_template).query(v_template * np.array([-1.0, 1.0, 1.0]))[1])


@dataclass(frozen=True, eq=False)
class Skin:
    """What is known of the bodies' surfaces, ``V`` vertices of all bodies together.

    faces: ``(T, 3)``. weights: ``(V, J)``. mirror: ``(V,)`` the vertex of the other side. rest: ``(V, 3)`` metres, y up, +z ahead, the
    bodies apart. parts: ``(V,)`` part labels.
    """

    faces: NDArray[np.int32]
    weights: F32
    mirror: NDArray[np.intp]
    rest: Array
    parts: NDArray[np.uint8]


def textured(points: Array, skin: Skin, camera: Camera, cutout: Cutout) -> Layer:
    """The bodies with their colours. points: ``(V, 3)`` in the first frame's camera."""
    faces = skin.faces
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
    twin = _twins(own > KNOWN, skin)
    borrowed = own[twin] * (1.0 - _smoothed(seen.astype(float), faces, 6))
    colours = _painted(own, twin, _sampled(cutout.colours, pixels), laplacian)
    mode = np.where(shown, OWN, np.where(_lendable(own > KNOWN, twin, skin), MIRRORED, PAINTED)).astype(np.uint8)
    source = np.stack([points, points[twin]]).astype(np.float32)
    trust = np.stack([own, borrowed]).astype(np.float32)
    return Layer(points, faces, skin.weights, source, trust, colours, mode, seen.astype(np.float32), watch)


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


def _twins(known: Mask, skin: Skin) -> NDArray[np.intp]:
    """``(V,)`` whose colours a vertex may borrow: its mirror side's if known, else those before or behind it in the same part.

    A back is dressed as its front. Not head and neck: nobody wears a face behind; there the colours about it go on.
    """
    twin = skin.mirror.copy()
    lent = known | known[skin.mirror]
    flat = skin.rest * FLATTENED
    for part in np.unique(skin.parts):
        here = skin.parts == part
        if part in ONE_SIDED or not (here & lent).any():
            continue
        lenders = np.flatnonzero(here & lent)
        lost = np.flatnonzero(here & ~lent)
        nearest = lenders[KDTree(flat[lenders]).query(flat[lost])[1]]
        twin[lost] = np.where(known[nearest], nearest, skin.mirror[nearest])
    return twin


def _lendable(known: Mask, twin: NDArray[np.intp], skin: Skin) -> Mask:
    """``(T,)`` faces whose corners' twins are known and lie together, so that what is between them is the picture's too."""
    a, b, c = (skin.rest[twin[skin.faces[:, corner]]] for corner in range(3))
    spread = np.max([np.linalg.norm(p - q, axis=1) for p, q in ((a, b), (b, c), (c, a))], axis=0)
    return known[twin][skin.faces].all(axis=1) & (spread < TOGETHER)


def _painted(own: Array, twin: NDArray[np.intp], sampled: F32, laplacian: csc_matrix) -> F32:
    """Vertex colours: the picture's where it can be trusted, the twin's next, smoothly carried on elsewhere."""
    known, borrowed = own > KNOWN, (own[twin] > KNOWN) & (own <= KNOWN)
    colours = np.where(borrowed[:, None], sampled[twin], sampled)
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
    return np.concatenate(values)[:, 0].astype(np.float32)


def _smoothstep(low: float, high: float, x: Array) -> Array:
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)
