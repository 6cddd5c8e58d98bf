"""``python -m backend train segmenter`` and ``train lifter``: the small nets that judge generated clips."""

import argparse
from pathlib import Path


def add_training(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds ``segmenter`` and ``lifter``."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--data", type=Path, required=True, metavar="DIR", help="a dataset of rendered clips, none of them held out")
    shared.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the weights")
    shared.add_argument("--clips", type=int, default=4000, help="how many of the clips, evenly chosen, are used (default: %(default)s)")
    shared.add_argument("--minutes", type=float, default=6.0, help="of computing on one core, at most (default: %(default)s)")
    shared.add_argument("--steps", type=int, default=4000, help="at most (default: %(default)s)")
    shared.add_argument("--seed", type=int, default=0, help="of everything drawn (default: %(default)s)")
    segmenter = actions.add_parser("segmenter", parents=[shared], help="train the part segmenter that finds figures in generated frames")
    segmenter.add_argument("--codec", type=Path, metavar="DIR", help="the video model's vae folder (default: a codec fitted to the clips)")
    segmenter.set_defaults(run=run_segmenter)
    lifter = actions.add_parser("lifter", parents=[shared], help="train the pose lifter of the closed loop, after the segmenter")
    lifter.set_defaults(run=run_lifter)


def run_segmenter(arguments: argparse.Namespace) -> int:
    from backend.evaluation.segmenter_training import Lesson, codec_softening, save_segmenter, train_segmenter

    shown = _clips(arguments)
    lesson = Lesson(arguments.minutes, arguments.steps, arguments.seed)
    save_segmenter(train_segmenter(shown, lesson, codec_softening(shown, arguments.codec), _say), arguments.out)
    return 0


def run_lifter(arguments: argparse.Namespace) -> int:
    from backend.evaluation.lifter_training import save_lifter, train_lifter, truth_of
    from backend.evaluation.segmenter import load_segmenter
    from backend.evaluation.segmenter_training import Lesson

    truth = truth_of(_clips(arguments), load_segmenter(arguments.out))
    _say(f"{len(truth.labels)} clips of one person")
    save_lifter(train_lifter(truth, Lesson(arguments.minutes, arguments.steps, arguments.seed), _say), arguments.out)
    return 0


def _clips(arguments: argparse.Namespace) -> tuple:
    from backend.evaluation.clips import names_of, read_clips

    names = names_of(arguments.data)
    stride = max(1, -(-len(names) // arguments.clips))
    return read_clips(arguments.data, names[::stride])


def _say(words: str) -> None:
    print(words, flush=True)
