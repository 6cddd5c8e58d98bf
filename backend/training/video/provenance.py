"""How a run was made: configuration, commit, versions; kept with every checkpoint and export."""

import subprocess
from importlib.metadata import version
from pathlib import Path

from backend.training.video.config import TrainConfig, as_values

_PACKAGES = ("torch", "diffusers", "accelerate", "peft")


def provenance(config: TrainConfig) -> dict[str, object]:
    """JSON-able: config without folders of this machine, seed, commit ("-dirty" where the checkout differs from it, "" outside of one)."""
    values = {name: value for name, value in as_values(config).items() if name not in ("base", "data", "out")}
    run = {name: value for name, value in values["run"].items() if name != "latest"}
    return {
        "config": {**values, "run": run},
        "seed": config.seed,
        "commit": commit(),
        "versions": {name: version(name) for name in _PACKAGES},
    }


def commit() -> str:
    """Of the checkout that this code runs from."""
    try:
        words = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
        done = subprocess.run(words, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
