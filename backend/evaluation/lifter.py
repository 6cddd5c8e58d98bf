"""A small pose lifter for the rendered clips: a clip's segmented frames to one person's motion, as a ``Clip``.

It stands where the product's lifter stands, which needs faces and hands of more than three pixels. Labels alone go in, so that it
reads a generated video exactly as it reads a true one. Rotations come out as the first two columns of their matrices
(Zhou et al., arXiv 1812.07035), places as the root's pixel and the logarithm of its depth.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from backend.evaluation.segmenter import loaded
from backend.lifting.people.fit import Fit
from backend.stages.lift import clip_of
from revision_blender.masks.labels import FIRST_ANIMAL
from revision_blender.motion.bodies.body_model import identity_of, open_human
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import Clip

N_JOINTS = 24
N_BETAS = 10
CHANNELS = FIRST_ANIMAL  # background and the human parts
SIDE = 64  # pixels that label images are brought to
MEANING, HIDDEN = 8, 128  # numbers that stand for a label (fixed at random: the first layer finds its way), and width
WEIGHTS = "lifter.safetensors"


@dataclass(frozen=True, eq=False)
class Lifted:
    """rotations: R_parent_joint, joint 0 to the camera. place: root joint as x / width, y / height, log(depth in m / focal in widths)."""

    rotations: Float[Tensor, "batch frames 24 3 3"]
    place: Float[Tensor, "batch frames 3"]
    betas: Float[Tensor, "batch 10"]


class Lifter(nn.Module):
    """A convolutional reader of every frame, then a recurrent net over time in both directions; 0.5 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("codes", torch.randn(CHANNELS, MEANING, generator=torch.Generator().manual_seed(0)))
        self.read = nn.Sequential(
            nn.Conv2d(MEANING, 16, 3, stride=2, padding=1), nn.SiLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.SiLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.GroupNorm(8, 64), nn.SiLU(),
            nn.Conv2d(64, 96, 3, stride=2, padding=1), nn.GroupNorm(8, 96), nn.SiLU(),
            nn.Flatten(), nn.Linear(96 * (SIDE // 16) ** 2, HIDDEN), nn.SiLU(),
        )  # fmt: skip
        self.through_time = nn.GRU(HIDDEN, HIDDEN, batch_first=True, bidirectional=True)
        self.pose = nn.Linear(2 * HIDDEN, 6 * N_JOINTS)
        self.place = nn.Linear(2 * HIDDEN, 3)
        self.shape = nn.Linear(2 * HIDDEN, N_BETAS)
        self.register_buffer("mean_pose", torch.eye(3)[:, :2].expand(N_JOINTS, 3, 2).clone())
        self.register_buffer("mean_place", torch.tensor([0.5, 0.5, 1.0]))

    def forward(self, labels: UInt8[Tensor, "batch frames h w"]) -> Lifted:
        """labels: part labels; what is not human counts as background."""
        batch, frames = labels.shape[:2]
        named = cast(Tensor, self.codes)[_human(labels.flatten(0, 1))].permute(0, 3, 1, 2)
        seen = self.read(named).unflatten(0, (batch, frames))
        told, _ = self.through_time(seen)
        told = told + torch.cat([seen, seen], -1)
        columns = self.pose(told).float().unflatten(-1, (N_JOINTS, 3, 2)) + cast(Tensor, self.mean_pose)
        place = self.place(told).float() + cast(Tensor, self.mean_place)
        return Lifted(_orthonormal(columns), place, self.shape(told.mean(1)).float())


def _human(labels: UInt8[Tensor, "n h w"]) -> Int[Tensor, "n side side"]:
    """Human labels and background only, the nearest pixel where the size is another."""
    if labels.shape[1:] != (SIDE, SIDE):
        labels = functional.interpolate(labels[:, None], (SIDE, SIDE), mode="nearest")[:, 0]
    return torch.where(labels < CHANNELS, labels, 0).int()


def _orthonormal(columns: Float[Tensor, "*n 3 2"]) -> Float[Tensor, "*n 3 3"]:
    """Gram and Schmidt's rotation whose first column points along the first, the second as near the second as can be."""
    first = functional.normalize(columns[..., 0], dim=-1)
    second = functional.normalize(columns[..., 1] - (first * columns[..., 1]).sum(-1, keepdim=True) * first, dim=-1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], -1)


@torch.inference_mode()
def lifted(net: Lifter, labels: NDArray[np.uint8], camera: Camera, fps: float) -> Clip:
    """The person of a segmented clip ``(F, H, W)`` in the world of its camera, with the floor that its feet stand on.

    camera: as the first frame's picture was taken; where and how it stands is known, as it is in a scene.
    """
    found = net(torch.from_numpy(labels)[None])
    model = open_human()
    betas = np.clip(found.betas[0].numpy().astype(np.float64), -3.0, 3.0)
    root = identity_of(model, betas).joints_rest[0]
    T = camera.T_world_camera
    joint = in_camera(found.place[0].numpy().astype(np.float64), camera)
    rotations = found.rotations[0].numpy().astype(np.float64)
    rotations[:, 0] = T[:, :3, :3] @ rotations[:, 0]
    translation = np.einsum("fij,fj->fi", T[:, :3, :3], joint) + T[:, :3, 3] - root
    confidence = np.ones((len(labels), N_JOINTS), np.float32)
    return clip_of(Fit(betas, rotations, translation), model, camera, fps, confidence)


def in_camera(place: NDArray[np.floating], camera: Camera) -> NDArray[np.float64]:
    """``(F, 3)`` places as in ``Lifted`` to metres in the camera's axes."""
    depth = np.exp(place[:, 2]) * camera.focal / camera.width
    pixels = place[:, :2] * np.array([camera.width, camera.height])
    return np.concatenate([(pixels - camera.center) / camera.focal * depth[:, None], depth[:, None]], axis=1)


def placed(joint: NDArray[np.floating], camera: Camera) -> NDArray[np.float64]:
    """The inverse of ``in_camera``."""
    pixels = joint[:, :2] / joint[:, 2:] * camera.focal + camera.center
    return np.concatenate([pixels / np.array([camera.width, camera.height]), np.log(joint[:, 2:] * camera.width / camera.focal)], axis=1)


def load_lifter(folder: Path) -> Lifter:
    """Reads ``lifter.safetensors``; raises EngineError with a sentence where it is missing or another net's."""
    return cast(Lifter, loaded(Lifter(), folder / WEIGHTS, "python -m backend train lifter"))
