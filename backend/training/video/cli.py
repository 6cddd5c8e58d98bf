"""``python -m backend train video`` and ``train validate``."""

import argparse
import json
from pathlib import Path


def add_training(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds ``video`` and ``validate``."""
    video = actions.add_parser("video", help="train the motion-conditioned video model, as a configuration says")
    video.add_argument("--config", type=Path, required=True, metavar="FILE", help="JSON or TOML, see docs/training.md")
    video.add_argument("--afresh", action="store_true", help="begin at step 0 although the run's folder holds checkpoints")
    video.set_defaults(run=run_video)


def run_video(arguments: argparse.Namespace) -> int:
    from backend.training.video.config import read_config
    from backend.training.video.trainer import train

    config = read_config(arguments.config)
    result = train(config, afresh=arguments.afresh, say=lambda words: print(words, flush=True))
    print(json.dumps({"steps": result.steps, "loss": result.loss, "model": str(result.model)}))
    return 0
