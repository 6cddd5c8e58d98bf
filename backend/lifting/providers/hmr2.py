"""HMR2.0 of 4D-Humans: each person of each frame as SMPL, from the released checkpoint.

Goel et al., arXiv 2305.20091; file names, keys and conventions from the public code (MIT). Weights are the user's own download.
"""

from typing import TYPE_CHECKING

import numpy as np

from backend.lifting.providers.base import Boxes, Frames, Kind, LiftedBody, Seen
from backend.lifting.providers.body_weights import BodyNetwork
from backend.progress import Progress
from revision_blender.motion.camera import Camera

if TYPE_CHECKING:
    from backend.lifting.providers.regressor import Regressor

# What its checkpoint holds for training beside the weights.
TRAINING = ("discriminator.", "smpl.", "smpl_parameter_loss.", "keypoint_3d_loss.", "keypoint_2d_loss.", "initialized")


class Hmr2(BodyNetwork["Regressor"]):
    """People as SMPL."""

    kind: Kind = "people"
    name, what = "hmr2", "HMR2.0"
    checkpoints = ("logs/train/multiruns/hmr2/0/checkpoints/epoch=35-step=1000000.ckpt", "checkpoints/*.ckpt", "*.ckpt")
    where = "https://github.com/shubham-goel/4D-Humans"
    licence = "MIT; bodies as SMPL, whose model files have their own terms"

    def load(self) -> "Regressor":
        from backend.lifting.providers.regressor import Layout, Regressor

        return Regressor(*self.required(), Layout(self.what, "smpl_head", "init_body_pose", 24, 10, "SMPL_HEAD", 1, TRAINING))

    def lift_people(self, frames: Frames, boxes: Boxes, seen: Seen, camera: Camera, progress: Progress) -> list[LiftedBody]:
        """One body a row of boxes, in the camera's world. Raises ``EngineError`` where the weights cannot be used."""
        from backend.lifting.providers.lifted_body import lifted_body

        shares = np.linspace(0.0, 1.0, len(boxes) + 1)
        return [
            lifted_body(
                self.opened(), frames, own, shown, camera, progress.part(*shares[place : place + 2]),
                family="smpl", model="smpl_neutral", words="Lifting people (HMR2.0)",
            )
            for place, (own, shown) in enumerate(zip(boxes, seen, strict=True))
        ]  # fmt: skip


PROVIDERS = (Hmr2,)
