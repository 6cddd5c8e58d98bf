"""``python -m backend evaluate prior-gaits``: what the other gaits teach about one that was left out."""

import argparse
from pathlib import Path


def add_gaits(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds ``prior-gaits``."""
    parser = actions.add_parser("prior-gaits", help="train small priors on all gaits but one and judge them on that one (about 20 minutes)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the small networks")
    parser.add_argument("--gaits", default="", help="to leave out, with commas (default: each)")
    parser.add_argument("--steps", type=int, default=400, help="of each training (default: %(default)s)")
    parser.add_argument("--clips", type=int, default=4, help="of each gait that are judged (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=1, help="of the noise (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--rivals", type=Path, metavar="DIR", help="other filters' numbers than the bundled ones")
    parser.set_defaults(run=run_gaits)


def run_gaits(arguments: argparse.Namespace) -> int:
    import json

    from backend.errors import InputError
    from backend.evaluation.prior.left_out_gaits import Budget, left_out
    from backend.evaluation.prior.rivals import BUNDLED_RIVALS, load_rivals
    from backend.training.prior.gait_templates import GAITS
    from revision_blender.motion.whole_file import whole_file

    chosen = tuple(arguments.gaits.split(",")) if arguments.gaits else GAITS
    unknown = sorted(set(chosen) - set(GAITS))
    if unknown:
        raise InputError(f"There is no gait {unknown[0]!r}; choose among {', '.join(GAITS)}.")
    budget = Budget(steps=arguments.steps, clips=arguments.clips, seeds=arguments.seeds, gaits=chosen)
    table = left_out(budget, load_rivals(arguments.rivals or BUNDLED_RIVALS).methods(), arguments.out, _say)
    _say(table.text())
    if arguments.json is not None:
        with whole_file(arguments.json) as stream:
            stream.write((json.dumps(table.values(), indent=1) + "\n").encode())
    return 0


def _say(words: str) -> None:
    print(words, flush=True)
