"""HaMeR: hands as MANO, from the released checkpoint.

Pavlakos et al., arXiv 2312.05251; file names, keys and conventions from the public code (MIT). Weights are the user's own download. The
network knows right hands only: a left hand is shown to it in a mirror, and what it says is turned back.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backend.lifting.providers.base import Frames, HandBoxes, Hands, HandsSeen, Kind
from backend.lifting.providers.body_weights import SURE, BodyNetwork
from backend.lifting.providers.mano_body import N_JOINTS, N_POINTS, HandBones, bones_of_arrays, open_hand, wrist_of
from backend.progress import Progress
from revision_blender.motion.camera import Camera

if TYPE_CHECKING:
    from backend.lifting.providers.regressor import Regressor

WIDEN = 2.0  # of a hand's box; the published demonstration does the same
# What its checkpoint holds for training beside the weights.
TRAINING = ("discriminator.", "mano.", "mano_parameter_loss.", "keypoint_3d_loss.", "keypoint_2d_loss.", "initialized")


class Hamer(BodyNetwork["tuple[Regressor, HandBones]"]):
    """Hands as MANO. What is opened is the network and the bones of the hand that its checkpoint holds."""

    kind: Kind = "hands"
    name, what = "hamer", "HaMeR"
    checkpoints = ("_DATA/hamer_ckpts/checkpoints/hamer.ckpt", "hamer_ckpts/checkpoints/hamer.ckpt", "checkpoints/*.ckpt", "*.ckpt")
    where = "https://github.com/geopavlakos/hamer"
    licence = "MIT; hands as MANO, whose model file is for research that earns nothing"

    def load(self) -> "tuple[Regressor, HandBones]":
        from backend.lifting.providers.regressor import Layout, Regressor

        layout = Layout(self.what, "mano_head", "init_hand_pose", N_JOINTS, 10, "MANO_HEAD", 1, TRAINING)
        network = Regressor(*self.required(), layout, keep="mano.")
        return network, bones_of_arrays(network.kept) or open_hand()

    def hands(self, frames: Frames, boxes: HandBoxes, seen: HandsSeen, camera: Camera, progress: Progress) -> Hands:
        """Points, rotations and metres of each hand that is seen. Raises ``EngineError`` where the weights cannot be used."""
        shape = seen.shape
        points, world = np.zeros((*shape, N_POINTS, 2), np.float32), np.zeros((*shape, N_POINTS, 3))
        rotations = np.tile(np.eye(3), (*shape, N_JOINTS, 1, 1))
        for person in range(shape[0]):
            for side in (0, 1):
                at = np.flatnonzero(seen[person, :, side])
                if not len(at):
                    continue
                share = (2 * person + side) / (2 * shape[0])
                part = progress.part(share, share + 0.5 / shape[0])
                own = self._side(frames, at, boxes[person, at, side], left=side == 0, camera=camera, progress=part)
                rotations[person, at, side], points[person, at, side], world[person, at, side] = own
        return Hands(points, np.where(seen, SURE, 0.0).astype(np.float32), rotations, world)

    def _side(
        self, frames: Frames, at: NDArray[np.integer], boxes: NDArray[np.float32], left: bool, camera: Camera, progress: Progress
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Rotations ``(N, 16, 3, 3)``, points ``(N, 21, 2)`` and metres about the wrist ``(N, 21, 3)`` of one side's hands."""
        from backend.lifting.providers.crops import crops_of, places_of, rays_of, unmirrored

        network, bones = self.opened()
        crops = crops_of(boxes, network.settings.shape, widen=WIDEN, mirrored=left)
        found = network.run(frames, at, crops, progress, "Lifting hands (HaMeR)")
        rotations = unmirrored(found.rotations) if left else found.rotations
        rotations[:, 0] = rays_of(crops, camera) @ rotations[:, 0]
        about_wrist = bones.points(rotations, left, found.shape.mean(axis=0))
        places = about_wrist + (places_of(found.camera, crops, camera) + wrist_of(bones, left))[:, None]
        pixels = places[..., :2] / np.maximum(places[..., 2:], 1e-3) * camera.focal + camera.center
        return rotations, pixels, about_wrist


PROVIDERS = (Hamer,)
