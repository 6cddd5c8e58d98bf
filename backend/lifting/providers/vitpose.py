"""Body points of people in boxes with ViTPose (arXiv 2204.12484) and ViTPose++ (2212.04246), as ``transformers`` holds them."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from backend.errors import EngineError
from backend.lifting.providers.base import Boxes, Frames, Keypoints, Kind, Seen
from backend.lifting.providers.coco import keypoint_names
from backend.lifting.providers.heatmap_peaks import peaks
from backend.lifting.providers.hub_model import HUB, HubModel
from backend.lifting.providers.person_crops import Crop, crop_about, cut_out, to_frame
from backend.lifting.providers.picture_input import normalised
from backend.lifting.providers.pretrained import device_name
from backend.progress import Progress

if TYPE_CHECKING:
    import torch

COCO_EXPERT = 0  # of ViTPose++'s experts, the one trained on COCO
BATCH = 8


class VitPose(HubModel):
    """Finds body points; see ``base.KeypointFinder``."""

    kind: Kind = "keypoints"
    name = "vitpose"
    repositories = ("usyd-community/vitpose-plus-base", "usyd-community/vitpose-base-simple")
    model_class, model_type = "VitPoseForPoseEstimation", "vitpose"
    where = HUB + repositories[0]
    size = 500.0

    def keypoints(self, frames: Frames, boxes: Boxes, seen: Seen, progress: Progress) -> Keypoints:
        """Raises EngineError for weights that cannot be used."""
        network = self.opened()
        names = keypoint_names(network.config.num_labels)
        if names is None:
            raise EngineError(
                f"The model finds {network.config.num_labels} points; one of COCO's 17 is needed. Download {self.repositories[0]}."
            )
        pixels, score = np.zeros((*seen.shape, len(names), 2), np.float32), np.zeros((*seen.shape, len(names)), np.float32)
        looks = np.argwhere(seen)
        starts = range(0, len(looks), BATCH)
        for start in progress.each(starts, len(starts), "Finding body points"):
            people, places = looks[start : start + BATCH].T
            found = _look(network, frames[places], boxes[people, places])
            pixels[people, places], score[people, places] = found
        return Keypoints(names, pixels, score)


def input_of(frame: NDArray[np.uint8], crop: Crop, width: int, height: int) -> "torch.Tensor":
    """A crop as the network takes it, ``(3, height, width)``."""
    import torch

    return normalised(torch.from_numpy(cut_out(frame, crop, width, height)).permute(2, 0, 1).float())


def _look(
    network: Any, frames: NDArray[np.uint8], boxes: Float[NDArray[np.float32], "N 4"]
) -> tuple[Float[NDArray[np.float64], "N K 2"], Float[NDArray[np.float32], "N K"]]:
    """Points in pixels of the frames, and scores, of one person a frame."""
    import torch

    backbone = network.config.backbone_config
    height, width = (int(side) for side in backbone.image_size)
    crops = [crop_about(box, width, height) for box in boxes]
    pictures = torch.stack([input_of(frame, crop, width, height) for frame, crop in zip(frames, crops, strict=True)]).to(device_name())
    expert = torch.full((len(crops),), COCO_EXPERT, device=pictures.device) if backbone.num_experts > 1 else None
    with torch.inference_mode():
        maps = network(pixel_values=pictures, dataset_index=expert).heatmaps.float().cpu().numpy()
    cells, score = peaks(maps)
    shares = cells / (maps.shape[-1] - 1, maps.shape[-2] - 1)  # unbiased: the crop's borders lie upon the outermost cells' middles
    points = np.stack([to_frame(share, crop) for share, crop in zip(shares, crops, strict=True)])
    return points, score.clip(0.0, 1.0)


PROVIDERS = (VitPose,)
