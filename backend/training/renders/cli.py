"""``python -m backend train renders`` and ``train small``: a dataset of rendered clips, and the small model before it is trained on it."""

import argparse
from pathlib import Path
from typing import Any


def add_training(commands: Any) -> None:
    """Adds ``renders`` and ``small`` to the commands of ``train``."""
    parser = commands.add_parser("renders", help="render clips of open bodies and boxes to train the small video model on")
    parser.add_argument("--out", type=Path, required=True, help="new folder of the dataset")
    parser.add_argument("--clips", type=int, default=64, help="how many; four share a first frame (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="number of the first scene (default: %(default)s)")
    parser.add_argument("--split", choices=("train", "held_out"), default="train", help="held_out: other motions, looks and backgrounds")
    parser.add_argument("--size", type=int, default=64, help="pixels of the square pictures (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=8, help="of each clip (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes (default: %(default)s)")
    parser.set_defaults(run=_render)
    small = commands.add_parser("small", help="write the small video model as it is before training")
    small.add_argument("--data", type=Path, required=True, help="dataset that its codec is fitted to")
    small.add_argument("--out", type=Path, required=True, help="new folder of the model")
    small.add_argument("--seed", type=int, default=0, help="of the random weights (default: %(default)s)")
    small.set_defaults(run=_start)


def _render(arguments: argparse.Namespace) -> int:
    from backend.terminal_bar import bar
    from backend.training.renders.scenes import Format
    from backend.training.renders.writing import Wanted, write_dataset

    form = Format(size=arguments.size, frames=arguments.frames)
    wanted = Wanted(arguments.out, arguments.clips, arguments.seed, arguments.split, form, arguments.workers)
    with bar() as progress:
        count = write_dataset(wanted, progress)
    print(f"{count} clips are in {arguments.out}.")
    return 0


def _start(arguments: argparse.Namespace) -> int:
    from backend.training.renders.small_model import SmallModel, write_start

    write_start(arguments.data, arguments.out, SmallModel(seed=arguments.seed))
    print(f"The small model, untrained, is in {arguments.out}.")
    return 0
