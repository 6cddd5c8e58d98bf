"""What is known of the people of a clip, as the tensors that their fit works on."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from backend.lifting.people.landmark_names import BONES, HEAD, N_LANDMARKS, index_of
from backend.lifting.people.landmarks import Landmarks, person_height
from backend.lifting.people.silhouette import Silhouettes, joined, silhouettes_of
from revision_blender.motion.camera import Camera

HEAD_WEIGHT = 0.35  # eleven landmarks lie on the head: together they count like four
HAND_WEIGHT = 0.5
NEAREST = 0.5  # metres along the camera's axis: nobody is placed nearer
BONE_START, BONE_END = torch.tensor(BONES).T


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of one person. masks: 255 on the person. blocked: the same of whatever may hide the person, or nothing."""

    landmarks: Landmarks
    masks: UInt8[NDArray[np.uint8], "F H W"]
    blocked: UInt8[NDArray[np.uint8], "F H W"] | None = None


@dataclass(frozen=True, eq=False)
class Seen:
    """The evidence of P people over F frames, person after person: N = P F. focal, center, pixels: pixels of the picture.

    height: of the person in pixels, the measure of errors. weight, bone_weight: how far each landmark and each bone is trusted.
    bones: unit directions in the world. t_world_camera: metres.
    """

    n_people: int
    focal: float
    center: Float[Tensor, "2"]
    R_world_camera: Float[Tensor, "N 3 3"]
    t_world_camera: Float[Tensor, "N 3"]
    height: Float[Tensor, " N"]
    pixels: Float[Tensor, "N 33 2"]
    weight: Float[Tensor, "N 33"]
    bones: Float[Tensor, "N B 3"]
    bone_weight: Float[Tensor, "N B"]
    silhouettes: Silhouettes

    def to_camera(self, points: Float[Tensor, "N n 3"]) -> Float[Tensor, "N n 3"]:
        """From the world."""
        return (points - self.t_world_camera[:, None]) @ self.R_world_camera

    def project(self, points: Float[Tensor, "N n 3"]) -> Float[Tensor, "N n 2"]:
        """World points to pixels."""
        camera = self.to_camera(points)
        return camera[..., :2] / camera[..., 2:].clamp(min=0.1) * self.focal + self.center

    def twice(self) -> "Seen":
        """The same people once more, after themselves."""
        rows = {field.name: getattr(self, field.name) for field in fields(Seen) if field.name not in ("n_people", "focal", "center")}
        doubled = {name: torch.cat([row, row]) for name, row in rows.items() if isinstance(row, Tensor)}
        return replace(self, n_people=2 * self.n_people, silhouettes=joined([self.silhouettes, self.silhouettes]), **doubled)


def seen_of(people: Sequence[Evidence], camera: Camera) -> Seen:
    """The evidence as tensors, float32 on the CPU."""
    landmarks = [person.landmarks for person in people]
    T = torch.tensor(camera.T_world_camera, dtype=torch.float32).repeat(len(people), 1, 1)
    heights = [torch.full((one.n_frames,), float(np.median(person_height(one.pixels)))) for one in landmarks]
    bones, bone_weight = _bone_directions(landmarks, T[:, :3, :3])
    return Seen(
        n_people=len(people),
        focal=float(camera.focal),
        center=torch.tensor(camera.center, dtype=torch.float32),
        R_world_camera=T[:, :3, :3].contiguous(),
        t_world_camera=T[:, :3, 3].contiguous(),
        height=torch.cat(heights),
        pixels=torch.tensor(np.concatenate([one.pixels for one in landmarks])),
        weight=torch.tensor(np.concatenate([_landmark_weights(one) for one in landmarks])),
        bones=bones,
        bone_weight=bone_weight,
        silhouettes=joined([silhouettes_of(person.masks, person.blocked) for person in people]),
    )


def placed_over(points: Float[Tensor, "N 33 3"], seen: Seen) -> Float[Tensor, "N 3"]:
    """How far in the world to move each body, whose landmarks are given about its own place, to lie over its pixels: least squares.

    The normal equations of three unknowns, not ``lstsq``: that answers differently in the last bits from call to call.
    """
    about = (points @ seen.R_world_camera).double().numpy()  # camera axes
    x, y = np.moveaxis(((seen.pixels - seen.center) / seen.focal).double().numpy(), -1, 0)
    weight = seen.weight.double().numpy()
    right, down = x * about[..., 2] - about[..., 0], y * about[..., 2] - about[..., 1]
    zero, total = np.zeros(len(weight)), weight.sum(axis=1) + 1e-9  # a person who was not found is placed by the neighbours, later
    sum_x, sum_y = (weight * x).sum(axis=1), (weight * y).sum(axis=1)
    square = (weight * (x * x + y * y)).sum(axis=1) + 1e-9
    matrix = np.stack([np.stack([total, zero, -sum_x]), np.stack([zero, total, -sum_y]), np.stack([-sum_x, -sum_y, square])])
    moved = np.stack([(weight * right).sum(axis=1), (weight * down).sum(axis=1), -(weight * (x * right + y * down)).sum(axis=1)], axis=1)
    place = np.linalg.solve(np.moveaxis(matrix, -1, 0), moved[..., None])[..., 0]
    place[:, 2] = np.maximum(place[:, 2], NEAREST)
    return torch.einsum("fab,fb->fa", seen.R_world_camera, torch.tensor(place, dtype=torch.float32)) + seen.t_world_camera


def _bone_directions(landmarks: list[Landmarks], R_world_camera: Tensor) -> tuple[Tensor, Tensor]:
    """World directions ``(N, bones, 3)`` and how far to trust each ``(N, bones)``."""
    world = torch.tensor(np.concatenate([one.world for one in landmarks]))
    visibility = torch.tensor(np.concatenate([one.visibility for one in landmarks]))
    directions = torch.nn.functional.normalize(world[:, BONE_END] - world[:, BONE_START], dim=-1)
    trust = torch.minimum(visibility[:, BONE_START], visibility[:, BONE_END]).clamp(min=0.15)
    return torch.einsum("fab,fnb->fna", R_world_camera, directions), trust


def _landmark_weights(landmarks: Landmarks) -> Float[NDArray[np.float32], "F 33"]:
    """Visibility, less for the many points of the head and for the fingers, nothing where nobody was found."""
    scale = np.ones(N_LANDMARKS, np.float32)
    scale[list(HEAD)] = HEAD_WEIGHT
    for finger in ("pinky", "index", "thumb"):
        scale[[index_of(f"left_{finger}"), index_of(f"right_{finger}")]] = HAND_WEIGHT
    return np.clip(landmarks.visibility, 0.02, 1.0) ** 1.5 * scale * landmarks.found[:, None]
