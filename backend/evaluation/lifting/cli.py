"""``python -m backend evaluate lift``: how well rendered scenes and real videos are lifted, against their truth."""

import argparse
from pathlib import Path
from typing import Any


def add_lift(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds ``lift`` to the actions of ``evaluate``."""
    lift = actions.add_parser("lift", help="people, animals, things and the camera of rendered scenes and real videos; see docs/lifting.md")
    lift.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    lift.add_argument("--clips", type=int, default=10, help="how many of the rendered scenes (default: %(default)s)")
    lift.add_argument("--scenes", metavar="NAMES", help="only these, with commas, for instance walk,crossing")
    lift.add_argument("--videos", type=Path, metavar="DIR", help="where dog_and_person.mp4 and ball_juggler.mp4 lie (default: left out)")
    lift.add_argument("--pictures", type=Path, metavar="DIR", help="draw what was found over the pictures, a JPEG a clip")
    lift.add_argument("--provider", action="append", default=[], metavar="KIND=NAME", help="what does a kind of work; may be repeated")
    lift.set_defaults(run=_run)


def _run(arguments: Any) -> int:
    from tqdm import tqdm

    from backend.evaluation.lifting.evaluate import Plan, evaluate
    from backend.evaluation.lifting.scenes import NAMES
    from backend.terminal_bar import bar

    names = tuple(arguments.scenes.split(",")) if arguments.scenes else NAMES[: max(arguments.clips, 0)]
    plan = Plan(names, arguments.videos, pictures=arguments.pictures, providers=tuple(arguments.provider))
    with bar() as progress:
        report = evaluate(plan, progress, tqdm.write)
    if arguments.json is not None:
        report.save(arguments.json)
    return 0
