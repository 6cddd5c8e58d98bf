"""``python -m backend evaluate ...``: how well a video model follows, the motion prior mends and clips are lifted, as tables."""

import argparse
from pathlib import Path

from backend.evaluation.lifting.cli import add_lift
from backend.evaluation.prior.cli import add_prior
from backend.evaluation.prior.gaits_cli import add_gaits
from revision_blender.video_model.presets import DEFAULT_PRESET

BUNDLED = Path(__file__).parents[2] / "revision_blender" / "data" / "small_video_model"
JUDGES = BUNDLED / "evaluation"


def add_subcommand(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds ``evaluate``; the chosen action's ``run`` takes the parsed arguments and returns the exit status."""
    evaluate = subparsers.add_parser(
        "evaluate", help="measure how well a video model follows its motion, the motion prior mends, clips are lifted"
    )
    actions = evaluate.add_subparsers(dest="action", required=True)
    video = actions.add_parser("video", help="masks followed, the closed loop S1 to S3, and what the presets cost; see docs/evaluation.md")
    video.add_argument("--model", default="small", help="small (the bundled one) or the folder of a model trained on renders")
    video.add_argument("--data", type=Path, metavar="DIR", help="held-out clips (default: rendered for the occasion)")
    video.add_argument(
        "--judges", type=Path, default=JUDGES, metavar="DIR", help="where segmenter and lifter lie (default: the bundled ones)"
    )
    video.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    video.add_argument("--tables", default="following,loop,presets", help="which tables, with commas (default: %(default)s)")
    video.add_argument("--clips", type=int, default=32, help="of the first table (default: %(default)s)")
    video.add_argument("--loops", type=int, default=16, help="first frames of the closed loop (default: %(default)s)")
    video.add_argument("--references", type=int, default=4, help="clips that the presets are compared on (default: %(default)s)")
    video.add_argument("--preset", default=DEFAULT_PRESET, help="of the sampler, in the first two tables (default: %(default)s)")
    video.add_argument("--steps", type=int, help="another number of steps than that preset's")
    video.add_argument("--batch", type=int, default=4, help="clips made at once (default: %(default)s)")
    video.add_argument("--seed", type=int, default=0, help="of the noise (default: %(default)s)")
    video.add_argument("--precision", default="float32", choices=("float32", "bfloat16"), help="the U-Net's (default: %(default)s)")
    video.add_argument(
        "--guidance",
        type=float,
        nargs=2,
        metavar=("FIRST", "LAST"),
        help="scale at the first and the last frame (default: the model's own)",
    )
    video.set_defaults(run=run_video)
    add_prior(actions)
    add_gaits(actions)
    add_lift(actions)


def run_video(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from backend.evaluation.video import Plan, evaluate
    from backend.terminal_bar import bar

    plan = Plan(
        model=BUNDLED if arguments.model == "small" else Path(arguments.model),
        judges=arguments.judges, data=arguments.data, tables=tuple(arguments.tables.split(",")), clips=arguments.clips,
        loops=arguments.loops, references=arguments.references, preset=arguments.preset, steps=arguments.steps, batch=arguments.batch, seed=arguments.seed,
        precision=arguments.precision, guidance=None if arguments.guidance is None else (arguments.guidance[0], arguments.guidance[1]),
    )  # fmt: skip
    with bar() as progress:
        report = evaluate(plan, progress, tqdm.write)
    if arguments.json is not None:
        report.save(arguments.json)
    return 0
