"""``python -m backend train video`` and ``train validate``."""

import argparse
import json
from pathlib import Path

_SHOWN = 20  # findings in the terminal


def add_training(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds ``video`` and ``validate``."""
    video = actions.add_parser("video", help="train the motion-conditioned video model, as a configuration says")
    video.add_argument("--config", type=Path, required=True, metavar="FILE", help="JSON or TOML, see docs/training.md")
    video.add_argument("--afresh", action="store_true", help="begin at step 0 and remove the checkpoints in the run's folder")
    video.set_defaults(run=run_video)
    check = actions.add_parser("validate", help="look through a dataset folder for what training would stumble over")
    check.add_argument("folder", type=Path, metavar="DIR")
    check.add_argument("--json", action="store_true", help="print one line of JSON")
    check.set_defaults(run=run_validate)


def run_validate(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from backend.training.video.validate import as_json, validate

    with tqdm(unit="clip", disable=True if arguments.json else None) as bar:

        def on_clip(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        found = validate(arguments.folder, on_clip)
    if arguments.json:
        print(as_json(found))
        return 1 if found.findings else 0
    for finding in found.findings[:_SHOWN]:
        print(f"{finding.where}: {finding.words}")
    if len(found.findings) > _SHOWN:
        print(f"and {len(found.findings) - _SHOWN} more")
    empty = f", {found.empty} of them without a single part" if found.empty else ""
    print(f"{found.clips} clips, {found.frames} frames{empty}: {'nothing' if not found.findings else len(found.findings)} to mend")
    return 1 if found.findings else 0


def run_video(arguments: argparse.Namespace) -> int:
    from accelerate import PartialState

    from backend.training.video.config import read_config
    from backend.training.video.trainer import train

    config = read_config(arguments.config)
    result = train(config, afresh=arguments.afresh, say=lambda words: print(words, flush=True))
    if PartialState().is_main_process:
        print(json.dumps({"steps": result.steps, "loss": result.loss, "model": str(result.model)}))
    return 0
