"""Trains the pose lifter on the true motion of rendered clips, as the segmenter sees them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from backend.errors import InputError
from backend.evaluation.clips import Shown
from backend.evaluation.lifter import N_BETAS, WEIGHTS, Lifted, Lifter, placed
from backend.evaluation.segmenter import Segmenter, segmented
from backend.evaluation.segmenter_training import Lesson, descend, save_weights
from revision_blender.motion.bodies.body_model import BodyModel, identity_of, open_human
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import BodyTrack

BATCH = 16
JOINT_WEIGHT, TURN_WEIGHT, PLACE_WEIGHT, SHAPE_WEIGHT = 10.0, 1.0, 10.0, 0.02
SWAPPED = 0.02  # share of pixels whose label is lost, as a judge of soft frames loses some


@dataclass(frozen=True, eq=False)
class Truth:
    """What is to be found in ``N`` clips; see ``Lifted``. labels: two readings of each clip, true and the segmenter's."""

    labels: NDArray[np.uint8]
    rotations: Float[Tensor, "n frames 24 3 3"]
    place: Float[Tensor, "n frames 3"]
    betas: Float[Tensor, "n 10"]


def truth_of(shown: tuple[Shown, ...], segmenter: Segmenter | None) -> Truth:
    """The clips that show one person alone. Raises InputError where none does."""
    people = [one for one in shown if one.person is not None]
    if not people:
        raise InputError("No clip shows one person alone, so a lifter cannot learn from them; render people.")
    labels = np.stack([one.labels for one in people])
    read = labels if segmenter is None else np.stack([segmented(segmenter, one.frames, one.frames[0]) for one in people])
    found = [_found(one.person, one.clip.camera) for one in people if one.person is not None]
    rotations, place, betas = (torch.from_numpy(np.stack(column).astype(np.float32)) for column in zip(*found, strict=True))
    return Truth(np.stack([labels, read], axis=1), rotations, place, betas)


def _found(track: BodyTrack, camera: Camera) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]:
    root = identity_of(open_human(), track.betas).joints_rest[0]
    T = camera.T_camera_world
    joint = np.einsum("fij,fj->fi", T[:, :3, :3], track.translation + root) + T[:, :3, 3]
    rotations = np.array(track.rotations[:, :24], np.float64)
    rotations[:, 0] = T[:, :3, :3] @ rotations[:, 0]
    betas = np.zeros(N_BETAS)
    betas[: len(track.betas[:N_BETAS])] = track.betas[:N_BETAS]
    return rotations, placed(joint, camera), betas


def train_lifter(truth: Truth, lesson: Lesson, say: Callable[[str], None]) -> Lifter:
    """Places of the joints about the root, rotations, the root's place and the shape; half of the clips as the segmenter read them."""
    torch.manual_seed(lesson.seed)
    draw = np.random.default_rng(lesson.seed)
    net = Lifter()
    _start_at_the_mean(net, truth)
    model = open_human()

    def loss_of(_step: int) -> Tensor:
        clips = draw.integers(len(truth.labels), size=BATCH)
        labels = truth.labels[clips, draw.integers(2, size=BATCH)]
        labels = np.where(draw.random(labels.shape) < SWAPPED, np.uint8(0), labels)
        index = torch.from_numpy(clips)
        return lifter_loss(net(torch.from_numpy(labels)), truth, index, model)

    descend(net, loss_of, lesson, say)
    return net.eval()


def lifter_loss(found: Lifted, truth: Truth, index: Tensor, model: BodyModel) -> Float[Tensor, ""]:
    """Weighted mean absolute errors; metres, matrix entries, picture widths, standard deviations of shape."""
    with torch.autocast("cpu", enabled=False):
        mine, wanted = (about_root(rotations, model) for rotations in (found.rotations, truth.rotations[index]))
        return (
            JOINT_WEIGHT * (mine - wanted).abs().mean()
            + TURN_WEIGHT * (found.rotations - truth.rotations[index]).abs().mean()
            + PLACE_WEIGHT * (found.place - truth.place[index]).abs().mean()
            + SHAPE_WEIGHT * (found.betas - truth.betas[index]).abs().mean()
        )


def about_root(rotations: Float[Tensor, "batch frames 24 3 3"], model: BodyModel) -> Float[Tensor, "batch frames 24 3"]:
    """The mean body's joints in metres, seen from its root joint."""
    rest = torch.from_numpy(np.asarray(model.joint_template, np.float32))
    world, joints = [rotations[:, :, 0]], [rotations.new_zeros(*rotations.shape[:2], 3)]
    for joint, parent in enumerate(int(parent) for parent in model.parents):
        if parent >= 0:
            joints.append(joints[parent] + world[parent] @ (rest[joint] - rest[parent]))
            world.append(world[parent] @ rotations[:, :, joint])
    return torch.stack(joints, 2)


def _start_at_the_mean(net: Lifter, truth: Truth) -> None:
    with torch.no_grad():
        net.get_buffer("mean_pose").copy_(truth.rotations[..., :2].mean((0, 1)))
        net.get_buffer("mean_place").copy_(truth.place.mean((0, 1)))
        for layer in (net.pose, net.place, net.shape):
            layer.weight.mul_(0.1)
            layer.bias.zero_()


def save_lifter(net: Lifter, folder: Path) -> None:
    save_weights(net, folder / WEIGHTS)
