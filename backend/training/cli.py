"""``python -m backend train ...``: the commands that make the project's own models and their data."""

import argparse
from importlib import import_module
from importlib.util import find_spec

# rooms with training commands of their own: a module with ``add_training(subparsers)``
PLUGGED = (
    "backend.training.video.cli",
    "backend.training.renders.cli",
    "backend.training.prior.cli",
    "backend.evaluation.training_cli",
    "backend.evaluation.prior.training_cli",
)


def add_subcommand(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds ``train``; the chosen action's ``run`` takes the parsed arguments and returns the exit status."""
    train = subparsers.add_parser("train", help="train the video model or the motion prior on your own clips and motions")
    actions = train.add_subparsers(dest="action", required=True)
    for name in PLUGGED:
        if find_spec(name) is not None:
            import_module(name).add_training(actions)
