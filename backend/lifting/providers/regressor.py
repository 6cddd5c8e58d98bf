"""A published network that gives a body for each crop: backbone and head out of one checkpoint, run in batches."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.errors import EngineError
from backend.lifting.providers.checkpoint import fill, part_of, read_state
from backend.lifting.providers.crops import Crops, crop_picture, normalised
from backend.lifting.providers.parameter_head import ParameterHead, head_like
from backend.lifting.providers.pretrained import first_line
from backend.lifting.providers.vit_backbone import VitBackbone, backbone_like
from backend.progress import Progress

MAX_SETTINGS = 2**20  # bytes of the settings' file
BATCH = 8


@dataclass(frozen=True)
class Layout:
    """What tells one network's checkpoint from the others'.

    what: its name in sentences. head: the head's prefix. pose_name: the mean pose's name in the head. joints, shape: what the head gives.
    section: the head's part of the settings. rounds: where the settings do not say. ignored: prefixes of what is for training only.
    """

    what: str
    head: str
    pose_name: str
    joints: int
    shape: int
    section: str
    rounds: int
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """From the checkpoint's ``model_config.yaml``. shape: width and height of the box that crops are filled up to, or nothing."""

    heads: int
    rounds: int
    shape: tuple[int, int] | None


@dataclass(frozen=True, eq=False)
class Regressed:
    """Of N crops. rotations: R_parent_joint ``(N, J, 3, 3)``, entry 0 R_crop_body. shape: ``(N, S)``. camera: ``(N, 3)`` scale, x, y."""

    rotations: Float[NDArray[np.float64], "N J 3 3"]
    shape: Float[NDArray[np.float64], "N S"]
    camera: Float[NDArray[np.float64], "N 3"]


class Regressor:
    """The network on the best device there is; build it once and keep it."""

    def __init__(self, checkpoint: Path, settings: Path, layout: Layout, keep: str = "") -> None:
        """keep: prefix of arrays that are wanted too, found under ``kept`` by what follows it.

        Raises ``EngineError`` for a checkpoint or settings that are missing, cut off, or of another network.
        """
        self.settings = read_settings(settings, layout)
        state = read_state(checkpoint, layout.what)
        self.kept = {name: value.float().numpy().copy() for name, value in _under(state, keep).items()} if keep else {}
        state = part_of(state, ("backbone.", f"{layout.head}."), layout.ignored, checkpoint, layout.what)
        with torch.device("meta"):
            backbone = backbone_like(_under(state, "backbone."))
            head = head_like(_under(state, f"{layout.head}."), layout.pose_name, self.settings.heads, self.settings.rounds)
        if backbone is None or head is None or (head.sizes.joints, head.sizes.shape) != (layout.joints, layout.shape):
            raise EngineError(f"{checkpoint.name} is not laid out as {layout.what} is; choose the checkpoint of {layout.what}.")
        fill(backbone, _under(state, "backbone."), checkpoint, layout.what)
        fill(head, _under(state, f"{layout.head}."), checkpoint, layout.what)
        self._finish(backbone, head)

    def _finish(self, backbone: VitBackbone, head: ParameterHead) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = nn.ModuleList([backbone, head]).to(self.device)

    def run(self, frames: NDArray[np.uint8], numbers: NDArray[np.integer], crops: Crops, progress: Progress, words: str) -> Regressed:
        """frames: ``(F, H, W, 3)``. numbers: ``(N,)`` the frame of each crop."""
        backbone, head = self.network
        found: list[tuple[Tensor, Tensor, Tensor]] = []
        for batch in progress.each(_batches(frames, numbers, crops), -(-len(numbers) // BATCH), words):
            with torch.inference_mode():
                found.append(head(backbone(batch.to(self.device))))
        rotations, shape, camera = (torch.cat(parts).double().cpu().numpy() for parts in zip(*found, strict=True))
        if not all(np.isfinite(part).all() for part in (rotations, shape, camera)):
            raise EngineError("The network's weights gave numbers that are not finite; get the checkpoint again.")
        return Regressed(rotations, shape, camera)


def _batches(frames: NDArray[np.uint8], numbers: NDArray[np.integer], crops: Crops) -> Iterator[Tensor]:
    for start in range(0, len(numbers), BATCH):
        part = range(start, min(start + BATCH, len(numbers)))
        yield torch.stack([normalised(crop_picture(frames[numbers[index]], crops, index)) for index in part])


def _under(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def read_settings(path: Path, layout: Layout) -> Settings:
    """Raises ``EngineError`` for a file that is missing, is no YAML, or asks for another kind of network."""
    try:
        if path.stat().st_size > MAX_SETTINGS:
            raise EngineError(f"{path.name} has {path.stat().st_size} bytes; the settings of {layout.what} are far smaller. Get it again.")
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as reason:
        raise EngineError(f"There is no file {path}; it comes with the checkpoint of {layout.what}, put it there.") from reason
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as reason:
        raise EngineError(f"{path} cannot be read ({first_line(reason)}); get it again with the checkpoint.") from reason
    model = _section(values, "MODEL", path)
    head = _section(model, layout.section, path)
    decoder = _section(head, "TRANSFORMER_DECODER", path)
    if model.get("IMAGE_SIZE", 256) != 256 or head.get("JOINT_REP", "6d") != "6d" or decoder.get("norm", "layer") != "layer":
        raise EngineError(
            f"{path.name} describes a variant of {layout.what} that is not read; take the published checkpoint and its settings."
        )
    heads, rounds = decoder.get("heads", 8), head.get("IEF_ITERS", layout.rounds)
    shape = model.get("BBOX_SHAPE") or ((192, 256) if _section(model, "BACKBONE", path).get("TYPE") == "vit" else None)
    if not (type(heads) is int and 1 <= heads <= 64 and type(rounds) is int and 1 <= rounds <= 8) or not _is_shape(shape):
        raise EngineError(
            f"{path.name} gives {heads} attention heads, {rounds} rounds and the crop {shape}; get it again with the checkpoint."
        )
    return Settings(heads, rounds, None if shape is None else (int(shape[0]), int(shape[1])))


def _section(values: object, name: str, path: Path) -> dict[str, Any]:
    found = values.get(name) if isinstance(values, dict) else None
    if not isinstance(found, dict):
        raise EngineError(f"{path.name} has no section {name}; take the settings that come with the checkpoint.")
    return found


def _is_shape(shape: object) -> bool:
    return shape is None or (isinstance(shape, list | tuple) and len(shape) == 2 and all(type(side) is int and side > 0 for side in shape))
