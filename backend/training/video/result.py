"""What a run leaves: the trained model's folder and what it was trained for."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backend.engines.svd.model import VideoModel
from backend.training.video.config import TrainConfig
from backend.training.video.dataset import ClipFolder
from backend.training.video.export import export_model, turn_link
from backend.training.video.trained_part import plain_weights
from revision_blender.video_model.facts import ModelFacts


@dataclass(frozen=True)
class TrainResult:
    """steps: done altogether. loss: mean of the newest steps, None where this process made none or is not the main one. model: the exported folder."""

    steps: int
    loss: float | None
    model: Path


def write_result(config: TrainConfig, model: VideoModel, clips: ClipFolder, training: dict[str, object]) -> Path:
    """Exports the U-Net as it stands, with its adapters merged, into ``out/model``; turns the link that the configuration names."""
    place = Path(config.out) / "model"
    export_model(
        place, Path(config.base), _unet_values(model, clips.facts.frames), plain_weights(model.unet), _facts(model, clips, config), training,
        sigma_max=config.noise.sigma_max, half=config.run.half,
    )  # fmt: skip
    if config.run.latest:
        turn_link(Path(config.run.latest), place)
    return place


def _unet_values(model: VideoModel, frames: int) -> dict[str, Any]:
    """As ``save_pretrained`` writes it, less the folder that the base was read from."""
    values = {**json.loads(model.unet.to_json_string()), "num_frames": frames}
    return {name: value for name, value in values.items() if name != "_name_or_path"}


def _facts(model: VideoModel, clips: ClipFolder, config: TrainConfig) -> ModelFacts:
    """What the trained model is for. One that learned everything from one bucket knows no other; adapted ones keep their base's."""
    bucket = round(config.micro.bucket)
    buckets = (bucket, bucket) if config.trained == "all" else model.facts.buckets
    facts = clips.facts
    return replace(
        model.facts, frames=facts.frames, size=facts.size, fps=facts.fps, buckets=buckets, noise=(config.noise.mean, config.noise.std),
        name=config.name or model.facts.name, window_stride=0,
    )  # fmt: skip
