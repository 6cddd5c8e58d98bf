"""Depth of every pixel with Depth Anything V2 (arXiv 2406.09414), as the ``transformers`` library holds it.

The plain models give relative inverse depth, right up to a scale and a shift; those named "Metric" give metres. The input keeps the
picture's ratio: its shorter side is 518 pixels and both are multiples of the patches' 14.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backend.errors import EngineError
from backend.lifting.providers.base import Ability, Depths, Frames, Kind
from backend.lifting.providers.picture_input import multiple_of, normalised, stretched
from backend.lifting.providers.pretrained import device_name, found_folder, missing_words, open_model, quick_device
from backend.progress import Progress

if TYPE_CHECKING:
    import torch

# Metric ones first: they need no scale. The small ones are Apache-2.0, the larger ones are not for commerce.
REPOSITORIES = (
    "depth-anything/Depth-Anything-V2-Metric-Outdoor-Small-hf", "depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf",
    "depth-anything/Depth-Anything-V2-Small-hf",
)  # fmt: skip
SIDE, PATCH = 518, 14


class DepthAnything:
    """Depth of a clip's frames, each by itself; see ``base.DepthEstimator``."""

    kind: Kind = "depth"
    name = "depth_anything"

    def __init__(self, home: Path) -> None:
        self.home = home
        self._network: Any = None

    def ability(self) -> Ability:
        missing = missing_words(self.name, REPOSITORIES, self.home)
        where = f"https://huggingface.co/{REPOSITORIES[0]}"
        licence = "Apache-2.0 (Small); CC-BY-NC-4.0 (Base, Large): not for commerce"
        return Ability(self.kind, self.name, not missing, missing, where, licence, 99.0, quick_device())

    def forget(self) -> None:
        self._network = None

    def depths(self, frames: Frames, progress: Progress) -> Depths:
        """Raises EngineError for weights that cannot be used."""
        network = self._open()
        height, width = frames.shape[1:3]
        values = np.empty(frames.shape[:3], np.float32)
        for index in progress.each(range(len(frames)), len(frames), "Estimating depth"):
            values[index] = _on_frame(network, frames[index], width, height)
        return Depths(values, metric=network.config.depth_estimation_type == "metric")

    def _open(self) -> Any:
        if self._network is None:
            folder = found_folder(self.name, REPOSITORIES, self.home)
            if folder is None:
                raise EngineError(missing_words(self.name, REPOSITORIES, self.home))
            self._network = open_model(folder, "DepthAnythingForDepthEstimation", "depth_anything", REPOSITORIES[0])
        return self._network


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
