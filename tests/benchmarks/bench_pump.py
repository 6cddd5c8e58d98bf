"""How long the pump holds Blender's main thread through a whole loop, deliveries included. Bars: 8 ms (p99), 150 ms (longest).

Coarse, lift, refine, part masks and fine of the bundled picture by the extension's buttons, installed from the built zip, with
a real backend. One JSON line: 99th percentile and maximum of the steps, the longest step of each stage, all in milliseconds;
beside them the same in the main thread's own processor time, which leaves out waiting for a core on a machine that is shared.
``REVISION_ZIP`` names the zip (else the newest in dist/), ``REVISION_PYTHON`` the backend's interpreter.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
FRAMES = 12
P99_BAR_MS, LONGEST_BAR_MS = 8.0, 150.0
STAGES = (("coarse", "generate_coarse"), ("lift", "lift"), ("refine", "refine"), ("masks", "render_masks"), ("fine", "generate_fine"))


def archive() -> Path:
    named = os.environ.get("REVISION_ZIP", "")
    archives = [Path(named).resolve()] if named else sorted((ROOT / "dist").glob("revision_blender-*.zip"))
    return archives[-1] if archives else sys.exit("bench_pump: no built zip: run python run.py package first")


def loop(out: Path) -> tuple[dict[str, list[float]], list[float], str]:
    """Seconds of each step by stage, processor seconds of each step, and Blender's version."""
    import bpy

    from demo import session as demo

    demo.install(archive())
    scene = demo.empty_scene()
    scene.render.engine = "CYCLES"
    bpy.ops.wm.save_as_mainfile(filepath=str(out / "scene.blend"))
    driver = demo.Driver(out)
    processor: list[float] = []
    session = driver.session.current()
    session_step = session.step

    def step(deadline: float) -> None:
        begun = time.thread_time()
        session_step(deadline)
        processor.append(time.thread_time() - begun)

    session.step = step
    driver.pump.durations.clear()
    driver.start_backend()
    steps: dict[str, list[float]] = {"start": list(driver.pump.durations)}
    settings = driver.settings
    settings.picture, settings.frames, settings.prompt = str(driver.where.SOURCE / "revision_blender/data/demo_picture.png"), FRAMES, "walk"
    try:
        for name, operator in STAGES:
            driver.pump.durations.clear()
            driver.stage(name, operator)
            steps[name] = list(driver.pump.durations)
    finally:
        bpy.ops.revision.stop_backend()
        driver.pump.run_until(lambda: driver.session.current().link._stopping is None, 30.0)
    return steps, processor, bpy.app.version_string


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="revision-bench-pump-") as folder:
        out = Path(folder).resolve()
        os.environ["BLENDER_USER_RESOURCES"] = str(out / "resources")  # read once, when bpy is imported
        os.environ["REVISION_HOME"] = str(out / "home")
        (out / "resources").mkdir()
        terminal = os.dup(1)
        os.dup2(2, 1)  # what Blender and the driver print leaves the benchmark's one line alone
        steps, processor, version = loop(out)
        sys.stdout.flush()
        os.dup2(terminal, 1)
    every = np.array([seconds for stage in steps.values() for seconds in stage]) * 1e3
    p99, longest = float(np.percentile(every, 99)), float(every.max())
    figures = {
        "steps": len(every),
        "median_ms": round(float(np.median(every)), 3),
        "p99_ms": round(p99, 2),
        "longest_ms": round(longest, 2),
    }
    own = np.array(processor) * 1e3
    figures |= {"p99_processor_ms": round(float(np.percentile(own, 99)), 2), "longest_processor_ms": round(float(own.max()), 2)}
    by_stage = {name: round(max(stage) * 1e3, 2) for name, stage in steps.items() if stage}
    bars = {"p99_bar_ms": P99_BAR_MS, "longest_bar_ms": LONGEST_BAR_MS, "passed": p99 <= P99_BAR_MS and longest <= LONGEST_BAR_MS}
    print(json.dumps({"name": "pump", "blender": version, "frames": FRAMES} | figures | {"longest_ms_by_stage": by_stage} | bars))


if __name__ == "__main__":
    main()
