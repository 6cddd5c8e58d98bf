"""``python -m backend evaluate prior``: how well the motion prior does, as tables and bars; see docs/prior.md."""

import argparse
from pathlib import Path


def add_prior(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds ``prior``."""
    prior = actions.add_parser("prior", help="the motion prior against filters, a small network and the optimisation; see docs/prior.md")
    prior.add_argument(
        "--motions", type=Path, nargs="+", default=[], metavar="DIR", help="folders of motion files (default: the bundled held-out clips)"
    )
    prior.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    prior.add_argument(
        "--markdown",
        type=Path,
        metavar="FILE",
        help="write the means there as Markdown, between the marks of a file that has them (docs/prior.md)",
    )
    prior.add_argument(
        "--parts", default="people,told,kinds,rates", help="which parts, with commas; lifts is another (default: %(default)s)"
    )
    prior.add_argument("--videos", type=Path, metavar="DIR", help="where tennis.mp4 and ball_juggler.mp4 lie, for part lifts")
    prior.add_argument("--rows", default="", help="of the protocol, with commas: only some ways of damage (default: all)")
    prior.add_argument("--methods", default="", help="with commas: only some methods (default: all)")
    prior.add_argument("--measures", default="", help="with commas: only these tables are printed (default: all)")
    prior.add_argument("--seeds", type=int, default=1, help="of the noise; the protocol has 5 (default: %(default)s)")
    prior.add_argument("--clips", type=int, default=1, help="of a group, 0 for all (default: %(default)s)")
    prior.add_argument(
        "--frames", type=int, default=100, help="middle frames of a clip, 0 for whole clips as the protocol has it (default: %(default)s)"
    )
    prior.add_argument(
        "--slow-rows", default="mix 5", help="rows on which the slow optimisation is asked too, with commas (default: %(default)s)"
    )
    prior.add_argument("--network", type=Path, metavar="DIR", help="another trained prior than the bundled one")
    prior.add_argument(
        "--rivals", type=Path, metavar="DIR", help="other filters' numbers and SmoothNet weights (python -m backend train prior-rivals)"
    )
    prior.set_defaults(run=run_prior)


def run_prior(arguments: argparse.Namespace) -> int:
    import torch
    from tqdm import tqdm

    from backend.evaluation.prior.evaluate import POLISHED, PRIOR, SHOWN, Plan, evaluate
    from backend.evaluation.prior.markdown import markdown, put
    from backend.evaluation.prior.protocol import Effort
    from backend.evaluation.prior.rivals import BUNDLED_RIVALS
    from backend.prior.network.weights import BUNDLED
    from backend.terminal_bar import bar

    torch.set_num_threads(1)  # matrices this small only lose by being shared out
    effort = Effort(arguments.seeds, arguments.clips, arguments.frames, _words(arguments.slow_rows))
    plan = Plan(
        arguments.network or BUNDLED, arguments.rivals or BUNDLED_RIVALS, tuple(arguments.motions), _words(arguments.parts),
        _words(arguments.rows), _words(arguments.methods), _words(arguments.measures) or SHOWN, effort, videos=arguments.videos,
    )  # fmt: skip
    with bar() as progress:
        report = evaluate(plan, progress, tqdm.write)
    if arguments.json is not None:
        report.save(arguments.json)
    if arguments.markdown is not None:
        method = POLISHED if POLISHED in report.results.methods("a") else PRIOR
        put(markdown(report.results, report.told, report.bars, method), arguments.markdown)
    return 0


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
