"""``python -m backend train prior``: from folders of motion files, or the bundled motions, to a folder of weights."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.prior.state.take import Take

# Heavy imports wait for ``run``: --help answers at once.


def add_training(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds ``prior``."""
    prior = actions.add_parser("prior", help="train the motion prior on motion files")
    source = prior.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--motions", type=Path, nargs="+", metavar="DIR", help="folders of BVH, AMC, DeepMimic, SMPL and other motion files"
    )
    source.add_argument("--takes", type=Path, metavar="FILE", help="what --keep wrote")
    source.add_argument("--bundled", action="store_true", help="the motions that come with the product")
    prior.add_argument("--out", type=Path, required=True, metavar="RUN", help="the run's folder; the same command goes on with it")
    prior.add_argument("--config", type=Path, metavar="FILE", help="JSON or TOML, see docs/training.md")
    prior.add_argument("--minutes", type=float, metavar="M", help="of computing altogether; 0 for no limit")
    prior.add_argument("--keep", type=Path, metavar="FILE", help="write the motions, made physical, for --takes")
    prior.add_argument("--latest", type=Path, metavar="DIR", help="a second place for every export")
    prior.add_argument("--afresh", action="store_true", help="begin at step 0 and remove the checkpoints in the run's folder")
    prior.add_argument("--ablate", type=int, metavar="STEPS", help="instead: short runs with each loss switched off, and a table of them")
    prior.set_defaults(run=run_prior)


def run_prior(arguments: argparse.Namespace) -> int:
    from backend.training.prior.ablation import ablate
    from backend.training.prior.batches import held_out_pool, pool
    from backend.training.prior.config import read_config
    from backend.training.prior.trainer import Motions, train

    config = read_config(arguments.config)
    if arguments.minutes is not None:
        config = replace(config, run=replace(config.run, minutes=arguments.minutes))
    learned, judging = _motions(arguments)
    motions = Motions([*learned, *pool(config)], [*judging, *held_out_pool(_JUDGING, config.data.frames, config.seed)])
    if arguments.ablate:
        ablate(config, motions, arguments.out, arguments.ablate, _say)
        return 0
    result = train(config, motions, arguments.out, latest=arguments.latest, afresh=arguments.afresh, say=_say)
    print(json.dumps({"steps": result.steps, "loss": result.loss, "model": str(result.folder)}))
    return 0


_JUDGING = 12  # simulated animals, and objects, to look at


def _motions(arguments: argparse.Namespace) -> "tuple[Sequence[Take], Sequence[Take]]":
    """What is learned from, and the takes of known activities that are only looked at."""
    from backend.training.prior.split import parted

    takes = _takes(arguments)
    if arguments.keep is not None:
        from backend.training.prior.take_file import write_takes

        write_takes(takes, arguments.keep)
    parts = parted(takes)
    _say(
        f"{len(takes)} motions: {len(parts.train)} pieces to learn from, {len(parts.a)} to look at; {parts.purged} frames too near to those left out"
    )
    return parts.train, parts.a


def _takes(arguments: argparse.Namespace) -> "Sequence[Take]":
    if arguments.takes is not None:
        from backend.training.prior.take_file import read_takes

        return read_takes(arguments.takes)
    if arguments.bundled:
        from backend.training.prior.bundled import bundled_takes

        return bundled_takes()
    from tqdm import tqdm

    from backend.training.prior.motions import read_targets
    from revision_blender.motion.bodies.shelf import BodyShelf

    with tqdm(total=1.0, bar_format="{l_bar}{bar}| {postfix}", disable=None) as bar:

        def progress(done: float, name: str) -> None:
            bar.set_postfix_str(name)
            bar.update(done - bar.n)

        read = read_targets(arguments.motions, BodyShelf(None), progress)
    for sentence in read.left_out:
        _say(sentence)
    return read.takes


def _say(words: str) -> None:
    print(words, flush=True)
