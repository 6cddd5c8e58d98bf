"""HMR2.0 of 4D-Humans: each person of each frame as SMPL, from the released checkpoint.

Goel et al., arXiv 2305.20091; file names, keys and conventions from the public code (MIT). Weights are the user's own download.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from backend.lifting.providers.base import Ability, Frames, Kind, LiftedBody
from backend.lifting.providers.body_weights import SURE, Source, nearest_seen, to_world
from backend.progress import Progress
from revision_blender.motion.camera import Camera

MODEL = "smpl_neutral"
SOURCE = Source(
    "people", "hmr2", "HMR2.0",
    ("logs/train/multiruns/hmr2/0/checkpoints/epoch=35-step=1000000.ckpt", "checkpoints/*.ckpt", "*.ckpt"), ("model_config.yaml",),
    "https://github.com/shubham-goel/4D-Humans", "MIT; bodies as SMPL, whose model files have their own terms", 2700.0,
)  # fmt: skip
TRAINING = ("discriminator.", "smpl.", "smpl_parameter_loss.", "keypoint_3d_loss.", "keypoint_2d_loss.", "initialized")


class Hmr2:
    """People as SMPL."""

    kind: Kind = "people"
    name = SOURCE.name

    def __init__(self, home: Path) -> None:
        self.home = home
        self._network: object | None = None

    def ability(self) -> Ability:
        return SOURCE.ability(self.home)

    def forget(self) -> None:
        self._network = None

    def lift_people(
        self,
        frames: Frames,
        boxes: Float[NDArray[np.float32], "P F 4"],
        seen: Bool[NDArray[np.bool_], "P F"],
        camera: Camera,
        progress: Progress,
    ) -> list[LiftedBody]:
        """One body a row of boxes, in the camera's world. Raises ``EngineError`` where the weights cannot be used."""
        shares = np.linspace(0.0, 1.0, len(boxes) + 1)
        return [
            self._person(frames, own, shown, camera, progress.part(*shares[place : place + 2]))
            for place, (own, shown) in enumerate(zip(boxes, seen, strict=True))
        ]

    def _person(
        self, frames: Frames, boxes: NDArray[np.float32], seen: NDArray[np.bool_], camera: Camera, progress: Progress
    ) -> LiftedBody:
        from backend.lifting.providers.crops import crops_of, places_of, rays_of

        network = self._loaded()
        numbers = np.unique(source := nearest_seen(seen))
        crops = crops_of(boxes[numbers], network.settings.shape)
        found = network.run(frames, numbers, crops, progress, "Lifting people (HMR2.0)")
        rotations = found.rotations
        rotations[:, 0] = rays_of(crops, camera) @ rotations[:, 0]
        rows = np.searchsorted(numbers, source)
        confidence = np.repeat(np.where(seen, SURE, 0.0)[:, None], 24, axis=1)
        betas = found.shape.mean(axis=0)
        body = LiftedBody("smpl", MODEL, betas, rotations[rows], places_of(found.camera, crops, camera)[rows], confidence)
        return to_world(body, camera)

    def _loaded(self):  # noqa: ANN202 - a Regressor, whose module imports torch
        from backend.lifting.providers.regressor import Layout, Regressor

        if not isinstance(self._network, Regressor):
            layout = Layout("HMR2.0", "smpl_head", "init_body_pose", 24, 10, "SMPL_HEAD", 1, TRAINING)
            self._network = Regressor(*SOURCE.required(self.home), layout)
        return self._network


PROVIDERS = (Hmr2,)
