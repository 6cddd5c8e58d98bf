"""Fits a quadruped's body to an animal that was followed through a shot: its outline, what the user clicked, what animals can do.

First one frame, the one that the user showed most of, from many headings; then from frame to frame away from it; then all frames
at once with one shape and smooth motion. World coordinates as in ``Camera``.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from backend.bodies.installed import shelf
from backend.errors import InputError
from backend.lifting.animals.clip_fit import fitted_clip
from backend.lifting.animals.coarse_body import CoarseBody
from backend.lifting.animals.confidence import joint_confidence
from backend.lifting.animals.energy import Evidence, Unknowns, View
from backend.lifting.animals.first_frame import fitted_first
from backend.lifting.animals.outlines import Crops, crops_of
from backend.lifting.subject import Followed
from backend.progress import Progress
from revision_blender.motion.bodies.body_data import BodyModel
from revision_blender.motion.bodies.shape_presets import shape_presets
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import GroundPlane
from revision_blender.motion.errors import BodyModelError
from revision_blender.motion.subjects import ANIMAL_PARTS, Prompt

Array = NDArray[np.floating]

LEAST_THIN, MOST_THIN, UNASKED = 0.05, 0.8, 0.4
BESIDE = 0.015  # of the animal's size


@dataclass(frozen=True, eq=False)
class FittedAnimal:
    """betas ``(B,)``, rotations ``(F, 35, 3, 3)`` R_parent_joint (entry 0 to the world), translation ``(F, 3)`` metres in the world.

    confidence ``(F, 35)`` in [0, 1]. overlap ``(F,)``: intersection over union of the mesh's outline with the mask, 0 where not seen.
    kind: the named shape it started from, empty where none.
    """

    betas: Float[NDArray[np.float64], " B"]
    rotations: Float[NDArray[np.float64], "F 35 3 3"]
    translation: Float[NDArray[np.float64], "F 3"]
    confidence: Float[NDArray[np.float64], "F 35"]
    overlap: Float[NDArray[np.float64], " F"]
    family: str = "smal"
    model: str = "open_quadruped"
    kind: str = ""


def fit_animal(
    model_name: str,
    followed: Followed,
    prompts: Sequence[Prompt],
    camera: Camera,
    ground: GroundPlane | None,
    fps: float,
    progress: Progress,
    occluders: UInt8[NDArray[np.uint8], "F H W"] | None = None,
) -> FittedAnimal:
    """The body of that name over the ``F`` frames of a shot.

    followed: the animal's masks and boxes in pixels of the camera. prompts: what the user showed of it; clicks on parts are used, on
    any frame. ground: the floor in the world, where known. occluders: 255 on pixels of others, which may be in front of it. Raises
    InputError for a body that is not here or is no quadruped, and for an animal that is seen on no frame.
    """
    model = _model(model_name)
    if not followed.seen.any():
        raise InputError(f"{followed.name} is seen on none of the {followed.n_frames} frames; draw a box about it on a frame that shows it")
    with _one_thread():
        evidence = _evidence(followed, prompts, camera, ground, occluders)
        presets = shape_presets(shelf(), model_name)
        first = fitted_first(
            _body(model), evidence, ground is not None, presets, f"{followed.label} {followed.name}", progress.part(0.0, 0.3)
        )
        evidence = evidence.tilted(first.tilt)
        fit = fitted_clip(_body(model), evidence, first, camera, ground, fps, progress.part(0.3, 1.0))
        confidence = joint_confidence(_body(model), evidence, fit.unknowns, fit.overlap, followed.score)
        rotations, translation = _in_world(_body(model), fit.unknowns, fit.roots, camera)
    betas = fit.unknowns.betas[0].numpy().astype(np.float64)
    return FittedAnimal(betas, rotations, translation, confidence, fit.overlap, model.family, model_name, first.kind)


def _model(name: str) -> BodyModel:
    try:
        model = shelf().load(name)
    except BodyModelError as reason:
        raise InputError(str(reason)) from reason
    if model.family != "smal":
        raise InputError(f"{name} is a body of the family {model.family}, animals are fitted with smal's; choose open_quadruped")
    return model


@lru_cache(maxsize=2)
def _body(model: BodyModel) -> CoarseBody:
    return CoarseBody(model)


def _evidence(
    followed: Followed, prompts: Sequence[Prompt], camera: Camera, ground: GroundPlane | None, occluders: NDArray[np.uint8] | None
) -> Evidence:
    keypoints, clicked = _clicks(prompts, followed.n_frames)
    normal = np.array([0.0, -1.0, 0.0]) if ground is None else ground.normal
    up = np.einsum("fab,a->fb", camera.T_world_camera[:, :3, :3], normal).astype(np.float32)
    view = View(float(camera.focal), torch.tensor(camera.center, dtype=torch.float32), torch.from_numpy(up))
    crops = crops_of(followed.masks, followed.boxes, occluders)
    return Evidence(crops, torch.from_numpy(keypoints), torch.from_numpy(clicked), view, _trust_in_thin(crops, keypoints, clicked))


def _trust_in_thin(crops: Crops, keypoints: NDArray[np.float32], clicked: NDArray[np.float32]) -> float:
    """How far the masks can be trusted about legs: whether they hold the paws that were clicked."""
    paws = [row for row, part in enumerate(ANIMAL_PARTS) if part.endswith("paw")]
    shown = clicked[:, paws] > 0.0
    if not shown.any():
        return UNASKED
    beside = crops.distance(crops.to_crop(torch.from_numpy(keypoints)))[:, paws] / crops.size[:, None]
    held = np.sort(np.exp(-beside.numpy()[shown] / BESIDE))
    held = held[: (len(held) + 1) // 2].mean()  # the half that is held worst
    return float(LEAST_THIN + (MOST_THIN - LEAST_THIN) * held)


def _clicks(prompts: Sequence[Prompt], frames: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pixels ``(F, K, 2)`` of the parts that were clicked, and which were ``(F, K)``; the mean where one was clicked twice."""
    total, count = np.zeros((frames, len(ANIMAL_PARTS), 2), np.float32), np.zeros((frames, len(ANIMAL_PARTS)), np.float32)
    for prompt in prompts:
        for click in prompt.clicks:
            if click.part in ANIMAL_PARTS and prompt.frame < frames:
                part = ANIMAL_PARTS.index(click.part)
                total[prompt.frame, part] += click.x, click.y
                count[prompt.frame, part] += 1.0
    return total / np.maximum(count, 1.0)[..., None], np.minimum(count, 1.0)


def _in_world(body: CoarseBody, unknowns: Unknowns, roots_camera: Array, camera: Camera) -> tuple[Array, Array]:
    rotations = unknowns.rotations().numpy().astype(np.float64)
    R, t = camera.T_world_camera[:, :3, :3], camera.T_world_camera[:, :3, 3]
    rotations[:, 0] = R @ rotations[:, 0]
    rest = body.rest_joints(unknowns.betas)[0, 0].numpy().astype(np.float64)
    return _orthonormal(rotations), np.einsum("fab,fb->fa", R, roots_camera) + t - rest


def _orthonormal(matrices: Array) -> Array:
    """The nearest rotations: float32 products drift by a few millionths."""
    left, _, right = np.linalg.svd(matrices)
    return left @ right


@contextmanager
def _one_thread() -> Iterator[None]:
    """Hundreds of small operations: more threads than one gain nothing, and wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
