"""The motion prior on one thread: 25 and 1,000 frames, without and with the polish step, against the optimisation baseline.

Seconds are the processor's own for this one thread, so that what else the machine does hardly counts.
"""

import json
import time
from collections.abc import Callable

import torch

from backend.errors import InputError
from backend.prior.network.config import PriorConfig
from backend.prior.network.transformer import Prior
from backend.prior.network.weights import TrainedPrior, bundled_prior
from backend.prior.pppm import Options, refine
from backend.prior.refine import refine_clip
from backend.progress import silent
from tests.backend.refine_motions import kick, noisy

REPEATS = 7
BARS = {"seconds_25": 0.030, "seconds_25_polished": 0.500, "seconds_1000": 2.0}


def main() -> None:
    torch.set_num_threads(1)
    network, trained = _network()
    short, long = noisy(kick(25, 30.0)), noisy(kick(1000, 30.0))
    bare, whole = Options(network=network, polish=False), Options(network=network)
    seconds = {
        "seconds_25": _median(lambda: refine(short, bare)),
        "seconds_25_polished": _median(lambda: refine(short, whole)),
        "seconds_1000": _median(lambda: refine(long, bare), 3),
        "seconds_1000_polished": _median(lambda: refine(long, whole), 1),
        "seconds_25_baseline": _median(lambda: refine_clip(short, (), 1.0, silent()), 3),
    }
    row = {"name": "prior", "trained": trained} | {name: round(value, 4) for name, value in seconds.items()}
    row |= {f"bar_{name}": value for name, value in BARS.items()}
    ratios = {"baseline_over_prior": "seconds_25", "baseline_over_prior_polished": "seconds_25_polished"}
    print(json.dumps(row | {name: round(seconds["seconds_25_baseline"] / seconds[part], 1) for name, part in ratios.items()}))


def _network() -> tuple[TrainedPrior, bool]:
    """The shipped network; where there is none a fresh one of the usual size, which takes as long."""
    try:
        return bundled_prior(), True
    except InputError:
        return TrainedPrior(Prior(PriorConfig()).eval(), {}), False


def _median(work: Callable[[], object], repeats: int = REPEATS) -> float:
    work()
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return sorted(seconds)[len(seconds) // 2]


if __name__ == "__main__":
    main()
