"""Fits a quadruped's body to an animal that was followed through a shot: its outline, what the user clicked, what animals can do.

First one frame, the one that the user showed most of, from many headings; then from frame to frame away from it; then all frames
at once with one shape and smooth motion. World coordinates as in ``Camera``.

A picture does not tell an animal's size: the body is fitted at the model's size in a world that is as many times smaller as the animal
is usually larger, and what is found is grown. Times go with the root of lengths: animals of all sizes move alike then (Alexander and
Jayes, "A dynamic similarity hypothesis for the gaits of quadrupedal mammals", 1983), and what is known of a dog's legs holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from backend.bodies.installed import shelf
from backend.errors import InputError
from backend.lifting.animals.clip_fit import fitted_clip
from backend.lifting.animals.coarse_body import CoarseBody
from backend.lifting.animals.confidence import joint_confidence
from backend.lifting.animals.cutting import cut_anew
from backend.lifting.animals.energy import Unknowns
from backend.lifting.animals.first_frame import fitted_first
from backend.lifting.animals.seen import evidence_of
from backend.lifting.animals.size import usual_size
from backend.lifting.one_thread import one_thread
from backend.lifting.subject import Followed
from backend.progress import Progress
from revision_blender.motion.bodies.body_data import BodyModel
from revision_blender.motion.bodies.body_size import proportions, resized
from revision_blender.motion.bodies.shape_presets import shape_presets
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import GroundPlane
from revision_blender.motion.errors import BodyModelError
from revision_blender.motion.subjects import Prompt

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class FittedAnimal:
    """betas ``(B,)``, of the size that its kind usually has; rotations ``(F, 35, 3, 3)`` R_parent_joint (entry 0 to the world),
    translation ``(F, 3)`` metres in the world.

    confidence ``(F, 35)`` in [0, 1]. overlap ``(F,)``: intersection over union of the mesh's outline with the mask, 0 where not seen.
    followed: the masks that it was fitted to. kind: the named shape it started from, empty where none.
    """

    betas: Float[NDArray[np.float64], " B"]
    rotations: Float[NDArray[np.float64], "F 35 3 3"]
    translation: Float[NDArray[np.float64], "F 3"]
    confidence: Float[NDArray[np.float64], "F 35"]
    overlap: Float[NDArray[np.float64], " F"]
    followed: Followed
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
    frames: UInt8[NDArray[np.uint8], "F H W 3"] | None = None,
) -> FittedAnimal:
    """The body of that name over the ``F`` frames of a shot.

    followed: the animal's masks and boxes in pixels of the camera. prompts: what the user showed of it; clicks on parts are used, on
    any frame. ground: the floor in the world, where known. occluders: 255 on pixels of others, which may be in front of it. frames: the
    pictures; with them the animal is cut out anew on frames where its mask is unlike the body that fits box and clicks. Raises
    InputError for a body that is not here or is no quadruped, and for an animal that is seen on no frame.
    """
    model = _model(model_name)
    if not followed.seen.any():
        raise InputError(f"{followed.name} is seen on none of the {followed.n_frames} frames; draw a box about it on a frame that shows it")
    with one_thread():
        words, named = f"{followed.label} {followed.name}", shape_presets(shelf(), model_name)
        presets = {name: proportions(model, betas) for name, betas in named.items()}
        size = usual_size(words).factor if model.sized else 1.0
        camera = _nearer(camera, size)
        if frames is not None:
            followed = cut_anew(_body(model), frames, followed, prompts, camera, ground, presets, words)
        evidence = evidence_of(followed, prompts, camera, ground, occluders)
        first = fitted_first(_body(model), evidence, ground is not None, presets, words, progress.part(0.0, 0.3))
        evidence = evidence.tilted(first.tilt)
        fit = fitted_clip(_body(model), evidence, first, camera, fps * size**0.5, progress.part(0.3, 1.0))
        confidence = joint_confidence(_body(model), evidence, fit.unknowns, fit.overlap, followed.score)
        rotations, translation = _in_world(_body(model), fit.unknowns, fit.roots, camera)
    betas = fit.unknowns.betas[0].numpy().astype(np.float64)
    betas = resized(model, betas, size) if model.sized else betas
    return FittedAnimal(betas, rotations, size * translation, confidence, fit.overlap, followed, model.family, model_name, first.kind)


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


def _nearer(camera: Camera, size: float) -> Camera:
    """The same pictures of a world ``size`` times smaller about its origin."""
    poses = camera.T_world_camera.copy()
    poses[:, :3, 3] /= size
    return replace(camera, T_world_camera=poses)


def _in_world(body: CoarseBody, unknowns: Unknowns, roots_camera: Array, camera: Camera) -> tuple[Array, Array]:
    rotations = unknowns.rotations().numpy().astype(np.float64)
    R, t = camera.T_world_camera[:, :3, :3], camera.T_world_camera[:, :3, 3]
    rotations[:, 0] = R @ rotations[:, 0]
    rest = body.rest_joints(unknowns.betas)[0, 0].numpy().astype(np.float64)
    return _orthonormal(rotations), np.einsum("fab,fb->fa", R, roots_camera) + t - rest


def _orthonormal(matrices: Array) -> Array:
    """The nearest rotations: float32 products drift by a few millionths."""
    left, _, right = np.linalg.svd(matrices)
    return np.matmul(left, right)
