"""The trained model as a folder in diffusers layout, which ``engines.svd.weights.loading.load_model`` reads: U-Net new, the rest of the base's."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from backend.engines.svd.weights.facts import save_facts
from revision_blender.motion.whole_file import whole_file
from revision_blender.video_model.facts import ModelFacts

_COPIED = ("vae", "image_encoder", "feature_extractor", "scheduler")
_WEIGHTS = "diffusion_pytorch_model.safetensors"


def export_model(
    place: Path, base: Path, config: Mapping[str, Any], weights: Mapping[str, Tensor], facts: ModelFacts, training: Mapping[str, object], *,
    sigma_max: float = 0.0, half: bool = False,
) -> None:  # fmt: skip
    """Writes the folder beside its place, then puts it there, whatever was there before.

    config, weights: of the U-Net. training: kept in ``revision.json``. sigma_max: where the sampler is to start; 0 leaves the base's.
    half: weights in half precision.
    """
    part = place.with_name(f".{place.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "unet").mkdir(parents=True)
    for name in _COPIED:
        shutil.copytree(base / name, part / name)
    shutil.copyfile(base / "model_index.json", part / "model_index.json")
    (part / "unet" / "config.json").write_text(json.dumps(dict(config), indent=1) + "\n", encoding="utf-8")
    dtype = torch.float16 if half else torch.float32
    save_file({name: value.to("cpu", dtype).contiguous() for name, value in weights.items()}, part / "unet" / _WEIGHTS, {"format": "pt"})
    if sigma_max:
        _set_sigma_max(part / "scheduler" / "scheduler_config.json", sigma_max)
    save_facts(part, facts, training)
    _swap(part, place)


def turn_link(link: Path, target: Path) -> None:
    """Makes ``link`` point to ``target``; whoever reads it sees the old folder or the new one, never none."""
    link.parent.mkdir(parents=True, exist_ok=True)
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target.absolute(), target_is_directory=True)
    os.replace(new, link)


def _set_sigma_max(file: Path, sigma_max: float) -> None:
    values = json.loads(file.read_text(encoding="utf-8")) | {"sigma_max": sigma_max}
    with whole_file(file) as stream:
        stream.write((json.dumps(values, indent=1) + "\n").encode())


def _swap(part: Path, place: Path) -> None:
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        os.replace(place, old)
    os.replace(part, place)
    shutil.rmtree(old, ignore_errors=True)
