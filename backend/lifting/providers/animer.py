"""AniMer: an animal of each frame as SMAL, from the released checkpoint.

Lyu et al., arXiv 2412.00837; file names, keys and conventions from the public code (MIT). Weights are the user's own download. The
network was trained on pictures in red, green, blue (its demonstration hands them over in the opposite order, which is not done here).
"""

from pathlib import Path

import numpy as np

from backend.lifting.providers.base import Ability, Frames, Kind, LiftedBody
from backend.lifting.providers.body_weights import SURE, Source, nearest_seen, to_world
from backend.lifting.subject import Followed
from backend.progress import Progress
from revision_blender.motion.camera import Camera

MODEL = "smal"
SOURCE = Source(
    "animals", "animer", "AniMer", ("AniMer/checkpoints/checkpoint.ckpt", "checkpoints/*.ckpt", "*.ckpt"),
    (".hydra/config.yaml", "config.yaml", "model_config.yaml"), "https://github.com/luoxue-star/AniMer",
    "MIT; bodies as SMAL, whose model file is for research that earns nothing", 2700.0,
)  # fmt: skip
# What its checkpoint holds for training beside the weights.
TRAINING = (
    "discriminator.", "smal.", "class_token_head.", "keypoint_3d_loss.", "keypoint_2d_loss.", "smal_parameter_loss.", "shape_prior_loss.",
    "pose_prior_loss.", "supcon_loss.", "initialized",
)  # fmt: skip


class AniMer:
    """Animals as SMAL."""

    kind: Kind = "animals"
    name = SOURCE.name

    def __init__(self, home: Path) -> None:
        self.home = home
        self._network: object | None = None

    def ability(self) -> Ability:
        return SOURCE.ability(self.home)

    def forget(self) -> None:
        self._network = None

    def lift_animal(self, frames: Frames, followed: Followed, camera: Camera, fps: float, progress: Progress) -> LiftedBody:
        """One body in the camera's world; frames that do not show it hold the nearest pose with confidence 0.

        Raises ``EngineError`` where the weights cannot be used.
        """
        from backend.lifting.providers.crops import crops_of, places_of, rays_of

        network = self._loaded()
        numbers = np.unique(source := nearest_seen(followed.seen))
        crops = crops_of(followed.boxes[numbers], network.settings.shape)
        found = network.run(frames, numbers, crops, progress, "Lifting the animal (AniMer)")
        rotations = found.rotations
        rotations[:, 0] = rays_of(crops, camera) @ rotations[:, 0]
        rows = np.searchsorted(numbers, source)
        confidence = np.repeat(np.where(followed.seen, SURE * followed.score, 0.0)[:, None], rotations.shape[1], axis=1)
        places = places_of(found.camera, crops, camera)
        return to_world(LiftedBody("smal", MODEL, found.shape.mean(axis=0), rotations[rows], places[rows], confidence), camera)

    def _loaded(self):  # noqa: ANN202 - a Regressor, whose module imports torch
        from backend.lifting.providers.regressor import Layout, Regressor

        if not isinstance(self._network, Regressor):
            layout = Layout("AniMer", "smal_head", "init_pose", 35, 41, "SMAL_HEAD", 3, TRAINING)
            self._network = Regressor(*SOURCE.required(self.home), layout)
        return self._network


PROVIDERS = (AniMer,)
