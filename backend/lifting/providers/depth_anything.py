"""Depth of every pixel with Depth Anything V2 (arXiv 2406.09414), as the ``transformers`` library holds it.

The plain models give relative inverse depth, right up to a scale and a shift; those named "Metric" give metres. The input keeps the
picture's ratio: its shorter side is 518 pixels and both are multiples of the patches' 14.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backend.lifting.providers.base import Depths, Frames, Kind
from backend.lifting.providers.hub_model import HUB, HubModel
from backend.lifting.providers.picture_input import multiple_of, normalised, stretched
from backend.lifting.providers.pretrained import device_name
from backend.progress import Progress

if TYPE_CHECKING:
    import torch

SIDE, PATCH = 518, 14


class DepthAnything(HubModel):
    """Depth of a clip's frames, each by itself; see ``base.DepthEstimator``."""

    kind: Kind = "depth"
    name = "depth_anything"
    # Metric ones first: they need no scale. The small ones are Apache-2.0, the larger ones are not for commerce.
    repositories = (
        "depth-anything/Depth-Anything-V2-Metric-Outdoor-Small-hf", "depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf",
        "depth-anything/Depth-Anything-V2-Small-hf",
    )  # fmt: skip
    model_class, model_type = "DepthAnythingForDepthEstimation", "depth_anything"
    where = HUB + repositories[0]
    licence = "Apache-2.0 (Small); CC-BY-NC-4.0 (Base, Large): not for commerce"
    size = 99.0

    def depths(self, frames: Frames, progress: Progress) -> Depths:
        """Raises EngineError for weights that cannot be used."""
        network = self.opened()
        height, width = frames.shape[1:3]
        values = np.empty(frames.shape[:3], np.float32)
        for index in progress.each(range(len(frames)), len(frames), "Estimating depth"):
            values[index] = _on_frame(network, frames[index], width, height)
        return Depths(values, metric=network.config.depth_estimation_type == "metric")


def input_of(frame: NDArray[np.uint8]) -> "torch.Tensor":
    """A frame as the network takes it, ``(3, h, w)``."""
    height, width = frame.shape[:2]
    return normalised(stretched(frame, *multiple_of(width, height, SIDE, PATCH), cubic=True))


def _on_frame(network: Any, frame: NDArray[np.uint8], width: int, height: int) -> NDArray[np.float32]:
    import torch

    with torch.inference_mode():
        found = network(pixel_values=input_of(frame)[None].to(device_name())).predicted_depth[:, None].float()
        full = torch.nn.functional.interpolate(found, (height, width), mode="bilinear", align_corners=False)
    return full[0, 0].cpu().numpy()


PROVIDERS = (DepthAnything,)
