"""Truth scenes as pictures: all figures by one z-buffer, lit by the sun, with soft shadows, before the backdrop."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.evaluation.lifting.backdrop import Eye, backdrop
from backend.evaluation.lifting.figures import Figure
from backend.raster.rasteriser import barycentrics, interpolate, rasterise

Array = NDArray[np.floating]
F32 = NDArray[np.float32]

FINER = 2  # drawn at this multiple, then averaged
SUN = np.array([0.45, 0.80, 0.55]) / np.linalg.norm([0.45, 0.80, 0.55])  # towards the light, floor coordinates
_SHADOW = 0.55


@dataclass(frozen=True, eq=False)
class _Mesh:
    """All figures as one. owner: ``(T,)`` figure of each face."""

    faces: NDArray[np.int64]
    owner: NDArray[np.int64]
    labels: NDArray[np.uint8]
    rest: Array
    smooth: NDArray[np.bool_]


def drawn(figures: tuple[Figure, ...], eyes: tuple[Eye, ...]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pictures ``(F, H, W, 3)`` uint8 sRGB, and which figure each pixel's centre sees ``(F, H, W)``: its number from 1, 0 for none."""
    mesh = _mesh(figures)
    first = eyes[0]
    frames = np.empty((len(eyes), first.height, first.width, 3), np.uint8)
    owners = np.empty((len(eyes), first.height, first.width), np.uint8)
    for frame, eye in enumerate(eyes):
        points = np.concatenate([figure.vertices[frame] for figure in figures])
        frames[frame] = _picture(figures, mesh, points, eye)
        owners[frame] = _owners(mesh, points, eye)
    return frames, owners


def alone(figure: Figure, eyes: tuple[Eye, ...]) -> NDArray[np.bool_]:
    """``(F, H, W)``: where the figure would be seen if nothing stood before it."""
    centre = np.array([eyes[0].width / 2.0, eyes[0].height / 2.0])
    return np.stack([
        rasterise((points - eye.place) @ eye.R_floor_camera, figure.faces, eye.focal, centre, eye.width, eye.height).covered
        for points, eye in zip(figure.vertices, eyes, strict=True)
    ])  # fmt: skip


def _mesh(figures: tuple[Figure, ...]) -> _Mesh:
    offsets = np.cumsum([0] + [figure.vertices.shape[1] for figure in figures[:-1]])
    faces = np.concatenate([figure.faces + offset for figure, offset in zip(figures, offsets, strict=True)])
    owner = np.repeat(np.arange(len(figures)), [len(figure.faces) for figure in figures])
    labels = np.concatenate([figure.labels for figure in figures])
    rest = np.concatenate([figure.rest for figure in figures])
    return _Mesh(faces, owner, labels, rest, np.array([figure.smooth for figure in figures]))


def _owners(mesh: _Mesh, points: Array, eye: Eye) -> NDArray[np.uint8]:
    centre = np.array([eye.width / 2.0, eye.height / 2.0])
    seen = rasterise((points - eye.place) @ eye.R_floor_camera, mesh.faces, eye.focal, centre, eye.width, eye.height)
    return np.where(seen.covered, mesh.owner[np.maximum(seen.face, 0)] + 1, 0).astype(np.uint8)


def _picture(figures: tuple[Figure, ...], mesh: _Mesh, points: Array, eye: Eye) -> NDArray[np.uint8]:
    fine = Eye(eye.place, eye.R_floor_camera, eye.focal * FINER, eye.width * FINER, eye.height * FINER)
    centre = np.array([fine.width / 2.0, fine.height / 2.0])
    picture = backdrop(fine)
    _cast_shadow(picture, points, mesh, fine)
    seen_by_eye = (points - fine.place) @ fine.R_floor_camera
    seen = rasterise(seen_by_eye, mesh.faces, fine.focal, centre, fine.width, fine.height)
    weights = barycentrics(seen, seen_by_eye, mesh.faces, fine.focal, centre)
    values = np.concatenate([normals(points, mesh.faces), mesh.rest], axis=1)
    inside = seen.covered
    face = seen.face[inside]
    attributes = interpolate(seen, weights, mesh.faces, values)[inside].astype(np.float64)
    normal = np.where(mesh.smooth[mesh.owner[face], None], attributes[:, :3], _face_normals(points, mesh.faces[face]))
    picture[inside] = _painted(figures, mesh, face, attributes[:, 3:]) * _light(normal)[:, None]
    small = cv2.resize(picture, (eye.width, eye.height), interpolation=cv2.INTER_AREA)
    return np.round(255.0 * np.clip(small, 0.0, 1.0) ** (1.0 / 2.2)).astype(np.uint8)


def _painted(figures: tuple[Figure, ...], mesh: _Mesh, face: NDArray[np.integer], rest: Array) -> Array:
    colours, owner = np.zeros((len(face), 3)), mesh.owner[face]
    for number, figure in enumerate(figures):
        own = owner == number
        colours[own] = figure.look.colours(mesh.labels[face[own]], rest[own])
    return colours


def _light(normal: Array) -> Array:
    normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    return 0.42 + 0.18 * normal[:, 1] + 0.75 * np.maximum(normal @ SUN, 0.0)


def _cast_shadow(picture: F32, points: Array, mesh: _Mesh, eye: Eye) -> None:
    flat = points - (points[:, 1] / SUN[1])[:, None] * SUN
    centre = np.array([eye.width / 2.0, eye.height / 2.0])
    covered = rasterise((flat - eye.place) @ eye.R_floor_camera, mesh.faces, eye.focal, centre, eye.width, eye.height).covered
    soft = cv2.GaussianBlur(covered.astype(np.float32), (0, 0), 2.0 * FINER)
    picture *= 1.0 - _SHADOW * soft[..., None]


def _face_normals(points: Array, corners: NDArray[np.integer]) -> Array:
    a, b, c = (points[corners[:, column]] for column in range(3))
    return np.cross(b - a, c - a)


def normals(points: Array, faces: NDArray[np.integer]) -> Array:
    """``(V, 3)`` outward vertex normals, not of unit length."""
    across = _face_normals(points, faces)
    corners = faces.T.ravel()
    totals = [np.bincount(corners, np.tile(across[:, axis], 3), len(points)) for axis in range(3)]
    return np.stack(totals, axis=1).astype(np.float64)
