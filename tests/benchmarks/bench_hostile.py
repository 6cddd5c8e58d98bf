"""How long and how much memory the refusal of each crafted file takes: one JSON line with the worst of them."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from revision_blender.motion.bodies.official import read_official_body
from revision_blender.motion.errors import BodyModelError
from tests.motion.hostile_files import HOSTILE
from tests.motion.test_pickles import MEMORY, ROOT

SUSPECTS = 6  # the slowest are run again, each in a process of its own, for their memory


def refusal_seconds(path: Path) -> float:
    start = time.perf_counter()
    try:
        read_official_body(path)
    except BodyModelError:
        return time.perf_counter() - start
    raise AssertionError(f"{path} was not refused")


def peak_bytes(path: Path) -> int:
    found = subprocess.run([sys.executable, "-c", MEMORY, str(path)], cwd=ROOT, capture_output=True, text=True, check=True)
    return int(found.stdout)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = {case: Path(folder) / f"{number}.{hostile.ending}" for number, (case, hostile) in enumerate(HOSTILE.items())}
        for case, path in paths.items():
            path.write_bytes(HOSTILE[case].build(str(Path(folder) / "canary").encode()))
        seconds = {case: refusal_seconds(path) for case, path in paths.items()}
        slowest = sorted(seconds, key=lambda case: -seconds[case])[:SUSPECTS]
        seconds |= {case: min(refusal_seconds(paths[case]) for _ in range(3)) for case in slowest}  # the first run pays for the disk
        slowest.sort(key=lambda case: -seconds[case])
        peaks = {case: peak_bytes(paths[case]) for case in slowest} if sys.platform.startswith("linux") else {}
        ran = (Path(folder) / "canary").exists()
    worst = max(peaks, key=lambda case: peaks[case], default=None)
    result = {
        "name": "hostile",
        "files": len(HOSTILE),
        "anything_ran": ran,
        "slowest": slowest[0],
        "slowest_ms": round(1000 * seconds[slowest[0]]),
    }
    print(json.dumps({**result, "greediest": worst, "greediest_mb": None if worst is None else peaks[worst] >> 20}))


if __name__ == "__main__":
    main()
