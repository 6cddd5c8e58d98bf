"""A run's state on disk, whole or not at all: weights that learn, their mean, the optimiser's moments, the step. No pickles.

Nothing random is kept: every draw follows from seed and step.
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from backend.errors import InputError
from backend.training.video.ema import Ema

_PREFIX = "step_"


def save_checkpoint(
    folder: Path, step: int, weights: Mapping[str, nn.Parameter], ema: Ema, optimizer: Optimizer, *, keep: int, facts: Mapping[str, object]
) -> Path:
    """Writes ``folder/step_NNNNNNN`` after ``step`` steps and removes all but the newest ``keep``. facts: kept beside, for ``resume``."""
    place = folder / f"{_PREFIX}{step:07d}"
    part = folder / f".{place.name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    save_file({name: weight.detach().contiguous() for name, weight in weights.items()}, part / "weights.safetensors")
    save_file({name: mean.contiguous() for name, mean in ema.mean.items()}, part / "mean.safetensors")
    save_file(_moments(weights, optimizer), part / "optimizer.safetensors")
    (part / "state.json").write_text(json.dumps({"step": step, **facts}), encoding="utf-8")
    _synced(part)
    if place.exists():
        shutil.rmtree(place)
    os.replace(part, place)
    for old in checkpoints(folder)[:-keep]:
        shutil.rmtree(old)
    return place


def checkpoints(folder: Path) -> list[Path]:
    """Finished ones, oldest first."""
    return sorted(entry for entry in folder.glob(f"{_PREFIX}*") if (entry / "state.json").is_file()) if folder.is_dir() else []


def load_checkpoint(place: Path, weights: Mapping[str, nn.Parameter], ema: Ema, optimizer: Optimizer) -> int:
    """Puts weights, mean and moments back, bit for bit; returns the number of steps done. Raises InputError for one of another run."""
    try:
        step = int(json.loads((place / "state.json").read_text(encoding="utf-8"))["step"])
        own, mean, moments = (load_file(place / f"{name}.safetensors") for name in ("weights", "mean", "optimizer"))
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise InputError(f"{place} cannot be read ({error}); remove it, so that the run goes on from the one before.") from error
    if set(own) != set(weights) or any(own[name].shape != weights[name].shape for name in own):
        raise InputError(f"{place} belongs to a run that trains other weights; name another folder for out, or start afresh there.")
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(own[name])
            ema.mean[name].copy_(mean[name])
    _put_moments(weights, optimizer, moments)
    return step


def changed_since(place: Path, facts: Mapping[str, object]) -> list[str]:
    """Names of the configuration's tables and values that are others than when the checkpoint was made."""
    before, now = json.loads((place / "state.json").read_text(encoding="utf-8")).get("config"), facts.get("config")
    if not isinstance(before, dict) or not isinstance(now, dict):
        return []
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))


def _moments(weights: Mapping[str, nn.Parameter], optimizer: Optimizer) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, weight in weights.items():
        for kind, value in optimizer.state.get(weight, {}).items():
            found[f"{kind}/{name}"] = torch.as_tensor(value).detach().contiguous()
    return found


def _put_moments(weights: Mapping[str, nn.Parameter], optimizer: Optimizer, moments: Mapping[str, Tensor]) -> None:
    for key, value in moments.items():
        kind, _, name = key.partition("/")
        weight = weights[name]
        optimizer.state[weight][kind] = value.clone() if kind == "step" else value.to(weight.device, copy=True)


def _synced(folder: Path) -> None:
    for entry in folder.iterdir():
        with entry.open("rb") as stream:
            os.fsync(stream.fileno())
