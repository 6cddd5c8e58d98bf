"""``python -m backend train prior-rivals``: the filters' numbers and the SmoothNet-style weights that the prior is compared with."""

import argparse
from pathlib import Path


def add_training(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds ``prior-rivals``."""
    parser = actions.add_parser("prior-rivals", help="tune the filters and train the small network that the motion prior is compared with")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--motions", type=Path, nargs="+", metavar="DIR", help="folders of motion files; what is held out stays out")
    source.add_argument("--takes", type=Path, metavar="FILE", help="takes read before, as train prior stores them")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for both (default: the bundled one)")
    parser.add_argument("--steps", type=int, default=2000, help="of SmoothNet's training (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=10.0, help="of that training, at most (default: %(default)s)")
    parser.add_argument("--clips", type=int, default=12, help="of each kind that the filters are tuned on (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of everything drawn (default: %(default)s)")
    parser.set_defaults(run=run_rivals)


def run_rivals(arguments: argparse.Namespace) -> int:
    from backend.bodies.installed import shelf
    from backend.evaluation.prior.rivals import BUNDLED_RIVALS, Rivals, save_rivals
    from backend.evaluation.prior.rivals_training import Lesson, learned, trained, tuned
    from backend.prior.state.take import KINDS
    from backend.training.prior.motions import read_folder
    from backend.training.prior.take_file import read_takes

    takes = read_takes(arguments.takes) if arguments.takes else read_folder(arguments.motions, shelf())
    lesson = Lesson(arguments.steps, arguments.minutes, arguments.clips, seed=arguments.seed)
    lessons = learned(takes, lesson.seed)
    settings = {}
    for kind in KINDS:
        settings |= tuned(lessons, kind, lesson)
        _say(f"filters tuned for kind {kind}")
    network = trained(lessons, lesson, _say)
    save_rivals(Rivals(settings, network), arguments.out or BUNDLED_RIVALS)
    return 0


def _say(words: str) -> None:
    print(words, flush=True)
