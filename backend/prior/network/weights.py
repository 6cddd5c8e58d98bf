"""A trained prior on disk: ``weights.safetensors`` in half precision, and ``prior.json`` that says what it is."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from backend.errors import InputError
from backend.prior.network.config import config_from_json
from backend.prior.network.strength import Distribution
from backend.prior.network.transformer import Prior
from backend.prior.state.take import KINDS, Kind
from revision_blender.motion.bodies.body_model import OPEN_HUMAN
from revision_blender.motion.whole_file import whole_file

BUNDLED = OPEN_HUMAN.parent / "motion_prior"
WEIGHTS = "weights.safetensors"
DESCRIPTION = "prior.json"
FORMAT = 1


@dataclass(frozen=True, eq=False)
class TrainedPrior:
    """network: in evaluation mode, float32. strengths: how speeds rank in its training set, by kind. facts: how it was trained."""

    network: Prior
    strengths: Mapping[Kind, Distribution]
    facts: Mapping[str, Any] = field(default_factory=dict)


def save_prior(folder: Path, prior: TrainedPrior) -> None:
    """Writes both files into ``folder``, the description last; it names the digest of the weights it belongs to."""
    folder.mkdir(parents=True, exist_ok=True)
    learned = {name for name, _ in prior.network.named_parameters()}  # means and spreads stay exact: they are few
    half = {
        name: value.detach().to("cpu", torch.float16 if name in learned else torch.float32).contiguous()
        for name, value in prior.network.state_dict().items()
    }
    content = save(half)
    described = {
        "format": FORMAT,
        "weights_sha256": hashlib.sha256(content).hexdigest(),
        "config": prior.network.config.as_json(),
        "strength": {kind: list(found.speeds) for kind, found in prior.strengths.items()},
        "training": dict(prior.facts),
    }
    with whole_file(folder / WEIGHTS) as stream:
        stream.write(content)
    with whole_file(folder / DESCRIPTION) as stream:
        stream.write(json.dumps(described, indent=1).encode())


def load_prior(folder: Path) -> TrainedPrior:
    """Reads what ``save_prior`` wrote. Raises InputError for files that are missing, truncated, or of another network or version."""
    described = _description(folder / DESCRIPTION)
    config = config_from_json(described.get("config"))
    content = _bytes(folder / WEIGHTS)
    if hashlib.sha256(content).hexdigest() != described.get("weights_sha256"):
        raise InputError(f"{folder / WEIGHTS} is not the file that {DESCRIPTION} beside it describes; copy both again, from one place")
    network = Prior(config)
    try:
        network.load_state_dict({name: value.float() for name, value in load(content).items()})
    except (SafetensorError, RuntimeError) as reason:
        cause = str(reason).strip().splitlines()[-1].strip()
        raise InputError(f"{folder / WEIGHTS} does not fit this version's network ({cause}); train it again or update") from reason
    return TrainedPrior(network.eval().requires_grad_(False), _strengths(described.get("strength")), _table(described.get("training")))


@lru_cache(maxsize=1)
def bundled_prior() -> TrainedPrior:
    """The one that comes with the product, loaded once."""
    return load_prior(BUNDLED)


def _description(path: Path) -> Mapping[str, Any]:
    try:
        found = _table(json.loads(_bytes(path)))
    except ValueError as reason:
        raise InputError(f"{path} is not the description of a motion prior ({reason}); copy it again") from reason
    if found.get("format") != FORMAT:
        raise InputError(f"{path} has the format {found.get('format')!r}; this version reads {FORMAT}")
    return found


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as reason:
        raise InputError(f"{path} cannot be read ({reason.strerror or reason}); name a folder with {WEIGHTS} and {DESCRIPTION}") from reason


def _strengths(found: object) -> dict[Kind, Distribution]:
    table = _table(found)
    try:
        return {kind: Distribution(tuple(float(speed) for speed in table[kind])) for kind in KINDS if kind in table}
    except (TypeError, ValueError) as reason:
        raise InputError(f"the strengths in {DESCRIPTION} are not numbers ({reason}); copy it again") from reason


def _table(found: object) -> Mapping[str, Any]:
    if not isinstance(found, Mapping):
        raise InputError(f"{DESCRIPTION} holds {type(found).__name__} where a table is needed; copy it again")
    return found
