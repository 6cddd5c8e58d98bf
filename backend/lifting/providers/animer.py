"""AniMer: an animal of each frame as SMAL, from the released checkpoint.

Lyu et al., arXiv 2412.00837; file names, keys and conventions from the public code (MIT). Weights are the user's own download. The
network was trained on pictures in red, green, blue (its demonstration hands them over in the opposite order, which is not done here).
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from backend.lifting.providers.base import Frames, Kind, LiftedBody
from backend.lifting.providers.body_weights import BodyNetwork
from backend.lifting.subject import Followed
from backend.progress import Progress
from revision_blender.motion.camera import Camera

if TYPE_CHECKING:
    from backend.lifting.providers.regressor import Regressor

# What its checkpoint holds for training beside the weights.
TRAINING = (
    "discriminator.", "smal.", "class_token_head.", "keypoint_3d_loss.", "keypoint_2d_loss.", "smal_parameter_loss.", "shape_prior_loss.",
    "pose_prior_loss.", "supcon_loss.", "initialized",
)  # fmt: skip


class AniMer(BodyNetwork["Regressor"]):
    """Animals as SMAL."""

    kind: Kind = "animals"
    name, what = "animer", "AniMer"
    checkpoints = ("AniMer/checkpoints/checkpoint.ckpt", "checkpoints/*.ckpt", "*.ckpt")
    settings = (".hydra/config.yaml", "config.yaml", "model_config.yaml")
    where = "https://github.com/luoxue-star/AniMer"
    licence = "MIT; bodies as SMAL, whose model file is for research that earns nothing"

    def load(self) -> "Regressor":
        from backend.lifting.providers.regressor import Layout, Regressor

        return Regressor(*self.required(), Layout(self.what, "smal_head", "init_pose", 35, 41, "SMAL_HEAD", 3, TRAINING))

    def lift_animal(self, frames: Frames, followed: Followed, camera: Camera, fps: float, progress: Progress) -> LiftedBody:
        """One body in the camera's world; frames that do not show it hold the nearest pose with confidence 0.

        Raises ``EngineError`` where the weights cannot be used.
        """
        from backend.lifting.providers.lifted_body import lifted_body

        found = lifted_body(
            self.opened(), frames, followed.boxes, followed.seen, camera, progress,
            family="smal", model="smal", words="Lifting the animal (AniMer)",
        )  # fmt: skip
        return replace(found, confidence=found.confidence * followed.score[:, None])


PROVIDERS = (AniMer,)
