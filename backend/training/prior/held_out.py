"""The motions that judge the prior, shipped with it, so that ``evaluate prior`` needs no folder of motion files.

    python -m backend.training.prior.held_out TAKES.npz

makes revision_blender/data/motion_prior/held_out.npz anew, from what ``train prior --motions ... --keep TAKES.npz`` wrote.
"""

import sys
from functools import cache
from pathlib import Path

from backend.prior.state.take import Take
from backend.training.prior.split import column_of, judging
from backend.training.prior.take_file import read_takes, write_takes
from revision_blender.motion.whole_file import whole_file

HELD_OUT = Path(__file__).parents[3] / "revision_blender" / "data" / "motion_prior" / "held_out.npz"
CREDITS = """held_out.npz: motions from the CMU motion capture database, mocap.cs.cmu.edu, which was created with funding from NSF
EIA-0196217 and is free for all uses, and of DeepMimic (Peng et al. 2018, MIT licence); brought to the open human, put on a floor, feet
held there, resampled to 30 frames a second and quantised by backend/training/prior of this project. None of them was trained on.
Names say which file each is from.
"""


@cache
def held_out_takes(path: Path = HELD_OUT) -> tuple[tuple[Take, ...], tuple[Take, ...]]:
    """Takes of known activities (column a) and of unseen ones (column b). ``MotionFileError`` for a file that is damaged or missing."""
    takes = read_takes(path)
    return tuple(take for take in takes if column_of(take.group) == "a"), tuple(take for take in takes if column_of(take.group) == "b")


def write_held_out(takes: list[Take], path: Path = HELD_OUT) -> None:
    """Those of ``takes`` that judge, quantised, and their credits beside them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_takes(judging(takes), path, small=True)
    with whole_file(path.with_suffix(".CREDITS.txt")) as stream:
        stream.write(CREDITS.encode())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write_held_out(read_takes(Path(sys.argv[1])))
    a, b = held_out_takes()
    print(f"{HELD_OUT.name}: {len(a)} takes of known activities, {len(b)} of unseen ones, {HELD_OUT.stat().st_size / 1024:.0f} KiB")
