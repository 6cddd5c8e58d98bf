"""The baseline refiner: 24 frames of a noisy kick, on one thread."""

import json
import time

from backend.prior.measures import refinement_report
from backend.prior.refine import refine_clip
from backend.progress import silent
from tests.backend.refine_motions import joint_error, kick, noisy

REPEATS = 5
BAR_SECONDS = 1.5


def main() -> None:
    truth = kick()
    raw = noisy(truth)
    refined = refine_clip(raw, (), 1.0, silent())
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        refine_clip(raw, (), 1.0, silent())
        seconds.append(time.perf_counter() - start)
    error = round(joint_error(refined, truth) / joint_error(raw, truth), 3)
    report = {name: round(value, 3) for name, value in refinement_report(raw, refined).numbers().items()}
    row = {"name": "refine", "frames": raw.n_frames, "seconds": round(sorted(seconds)[REPEATS // 2], 3), "bar_seconds": BAR_SECONDS}
    print(json.dumps(row | {"error_ratio": error} | report))


if __name__ == "__main__":
    main()
