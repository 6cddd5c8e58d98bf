"""The figures of truth scenes on the floor: people, quadrupeds, boxes and balls, posed by recorded and planned motion.

Floor coordinates: metres, y up, the floor at y = 0; the camera looks along -z.
"""

from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from backend.evaluation.lifting.colours import Clothes, Coat, Paint
from backend.training.prior import gaits
from revision_blender.masks.face_labels import face_labels
from revision_blender.motion.bodies.body_data import BodyModel
from revision_blender.motion.bodies.body_model import Identity, identity_of, open_human, vertices_of
from revision_blender.motion.bodies.body_size import proportions, resized
from revision_blender.motion.bodies.shape_presets import shape_presets
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.bodies.soles import sole_points
from revision_blender.motion.library import motions
from revision_blender.motion.resample import sampled
from revision_blender.motion.retargeting.cmu import leg_length
from revision_blender.motion.rotation import matrix_from_axis_angle

Array = NDArray[np.floating]
UP = np.array([0.0, 1.0, 0.0])
_GRID = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
_SIDES = np.array(  # two triangles a side, counter-clockwise from outside: -x, +x, -y, +y, -z, +z
    [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]]
)  # fmt: skip


class Look(Protocol):
    def colours(self, labels: NDArray[np.uint8], rest: Array) -> Array: ...


@dataclass(frozen=True, eq=False)
class Motion:
    """A body's truth on the floor. rotations: ``(F, J, 3, 3)``, joint 0 to the floor. root: ``(F, 3)`` place of joint 0."""

    identity: Identity
    betas: Array
    rotations: Array
    root: Array


@dataclass(frozen=True, eq=False)
class Figure:
    """vertices: ``(F, V, 3)`` on the floor. faces: ``(T, 3)``. labels: ``(T,)`` parts. rest: ``(V, 3)``, where colours lie.

    size: ``(3,)`` metres, of things. motion: of bodies. kind: as in a prompt. label: in words.
    """

    name: str
    kind: str
    label: str
    vertices: Array
    faces: NDArray[np.integer]
    labels: NDArray[np.uint8]
    rest: Array
    look: Look
    size: Array
    motion: Motion | None = None
    smooth: bool = True


@dataclass(frozen=True)
class PersonPart:
    """motion: a word of the library. take: which of its recordings. start: seconds into it. yaw: degrees. place: x, z metres of the path's middle."""

    name: str
    motion: str
    start: float
    yaw: float
    place: tuple[float, float]
    betas: tuple[float, ...]
    clothes: Clothes
    take: int = 0

    def figure(self, frames: int, fps: float) -> Figure:
        identity = identity_of(open_human(), np.array(self.betas))
        motion = [m for m in motions() if self.motion in m.words][self.take]
        scale = leg_length(identity.joints_rest) / motion.leg_length
        rotations, root = sampled(motion.rotations, motion.pelvis * scale, (self.start + np.arange(frames) / fps) * motion.fps)
        rotations, root = _turned(rotations, root, self.yaw, self.place)
        lowest = sole_points(identity, rotations, root - identity.joints_rest[0])[..., 1].min(axis=(1, 2))
        root = root - UP * np.percentile(lowest, 15.0)
        return _body(self.name, "person", "person", Motion(identity, np.array(self.betas), rotations, root), self.clothes)


@dataclass(frozen=True)
class AnimalPart:
    """gait, seed: of ``training.prior.gaits``. heading: degrees, 0 walks to the right, 90 away from the camera. shape: weights of presets,
    all of the model's one size. size: how many times as large; steps are as many times longer, and slower by its root.
    """

    name: str
    gait: str
    seed: int
    heading: float
    place: tuple[float, float]
    shape: tuple[tuple[str, float], ...]
    coat: Coat
    label: str = "dog"
    size: float = 1.0

    def figure(self, frames: int, fps: float) -> Figure:
        model = open_quadruped()
        presets = shape_presets(_shelf(), model.name)
        betas = np.sum([weight * proportions(model, presets[name]) for name, weight in self.shape], axis=0)
        betas = resized(model, betas, self.size)
        identity = identity_of(model, betas)
        played = gaits.animal(self.gait, self.seed, False, int(np.ceil(frames / fps * gaits.FPS)) + 2)
        scale = _leg(np.diff(identity.joints_rest[17:21], axis=0)) / _leg(played.offsets[18:21])
        times = np.arange(frames) / fps * played.fps / self.size**0.5
        rotations, root = sampled(played.rotations.astype(np.float64), played.root.astype(np.float64) * scale, times)
        way = root[-1] - root[0]
        yaw = self.heading - float(np.degrees(np.arctan2(-way[2], way[0])))
        rotations, root = _turned(rotations, root, yaw, self.place)
        lowest = vertices_of(identity, rotations, root - identity.joints_rest[0])[..., 1].min(axis=1)
        root = root - UP * np.percentile(lowest, 25.0)
        return _body(self.name, "animal", self.label, Motion(identity, betas, rotations, root), self.coat)


@dataclass(frozen=True)
class BoxPart:
    """size: metres. start, end: x, z on the floor. heading, turn: degrees; turn tumbles about the floor's axis across the path."""

    name: str
    size: tuple[float, float, float]
    start: tuple[float, float]
    end: tuple[float, float]
    paint: Paint
    heading: float = 20.0
    turn: float = 0.0

    def figure(self, frames: int, fps: float) -> Figure:
        across = _line(self.start, self.end, frames)
        axis = np.cross(UP, across[-1] - across[0])
        axis = axis / max(float(np.linalg.norm(axis)), 1e-9)
        R_heading = matrix_from_axis_angle(UP * np.radians(self.heading))
        R = np.stack([matrix_from_axis_angle(axis * np.radians(self.turn) * part) @ R_heading for part in np.linspace(0.0, 1.0, frames)])
        corners = np.einsum("fij,nj->fni", R, _GRID * np.array(self.size))
        corners[..., 1] -= corners[..., 1].min(axis=1, keepdims=True)
        labels = np.full(len(_SIDES), 40, np.uint8)
        vertices = corners + across[:, None]
        return Figure(self.name, "object", "box", vertices, _SIDES, labels, _GRID, self.paint, np.array(self.size), smooth=False)


@dataclass(frozen=True)
class BallPart:
    """radius: metres. start, end: x, z on the floor. hops: how many times it bounces on its way; height: of a hop's top, metres."""

    name: str
    radius: float
    start: tuple[float, float]
    end: tuple[float, float]
    paint: Paint
    hops: float = 0.0
    height: float = 0.0

    def figure(self, frames: int, fps: float) -> Figure:
        points, faces = _sphere()
        across = _line(self.start, self.end, frames)
        phase = (np.linspace(0.0, self.hops, frames) + 0.3) % 1.0
        across[:, 1] = self.radius + self.height * 4.0 * phase * (1.0 - phase)
        gone = across - across[0]
        axis = np.cross(UP, gone[-1])
        axis = axis / max(float(np.linalg.norm(axis)), 1e-9)
        R = matrix_from_axis_angle(axis * (np.linalg.norm(gone * [1.0, 0.0, 1.0], axis=1) / self.radius)[:, None])
        vertices = self.radius * np.einsum("fij,nj->fni", R, points) + across[:, None]
        labels, size = np.full(len(faces), 40, np.uint8), np.full(3, 2.0 * self.radius)
        return Figure(self.name, "object", "ball", vertices, faces, labels, points * 0.5, self.paint, size)


@cache
def open_quadruped() -> BodyModel:
    return _shelf().load("open_quadruped")


@cache
def _shelf() -> BodyShelf:
    return BodyShelf(None)


def _body(name: str, kind: str, label: str, motion: Motion, look: Look) -> Figure:
    model = motion.identity.model
    vertices = vertices_of(motion.identity, motion.rotations, motion.root - motion.identity.joints_rest[0])
    parts = face_labels(model.faces, model.part_labels)
    return Figure(name, kind, label, vertices.astype(np.float64), model.faces, parts, model.v_template, look, np.zeros(3), motion)


def _turned(rotations: Array, root: Array, yaw: float, place: tuple[float, float]) -> tuple[Array, Array]:
    """Turned about the vertical by ``yaw`` degrees, the middle of the path at ``place``."""
    R = matrix_from_axis_angle(UP * np.radians(yaw))
    rotations, root = rotations.copy(), root @ R.T
    rotations[:, 0] = R @ rotations[:, 0]
    middle = (root.min(axis=0) + root.max(axis=0)) / 2.0
    return rotations, root - middle * [1.0, 0.0, 1.0] + np.array([place[0], 0.0, place[1]])


def _leg(bones: Array) -> float:
    return float(np.linalg.norm(bones, axis=-1).sum())


def _line(start: tuple[float, float], end: tuple[float, float], frames: int) -> Array:
    part = np.linspace(0.0, 1.0, frames)[:, None]
    return (1.0 - part) * np.array([start[0], 0.0, start[1]]) + part * np.array([end[0], 0.0, end[1]])


@cache
def _sphere(rows: int = 16, columns: int = 24) -> tuple[Array, NDArray[np.int64]]:
    """Unit sphere ``(V, 3)`` with faces ``(T, 3)``, both poles repeated a column."""
    polar, around = np.meshgrid(np.linspace(0.0, np.pi, rows + 1), np.linspace(0.0, 2.0 * np.pi, columns, endpoint=False), indexing="ij")
    points = (
        np.stack([np.sin(polar) * np.cos(around), np.cos(polar), np.sin(polar) * np.sin(around)], axis=-1).reshape(-1, 3).astype(np.float64)
    )
    row, column = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    a, b = row * columns + column, row * columns + (column + 1) % columns
    c, d = a + columns, b + columns
    return points, np.concatenate([np.stack([a, b, d], -1).reshape(-1, 3), np.stack([a, d, c], -1).reshape(-1, 3)])
