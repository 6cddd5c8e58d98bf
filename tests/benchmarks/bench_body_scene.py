"""Bodies in Blender: making a template, whole imports, playback with live correctives. One JSON line.

Bodies are random ones of the official models' size with correctives everywhere, the most that a real one can ask for, and
the bundled body with fingers.
Import: everything that ``import_clip`` does, rig, mesh, keys, camera and link, body model and template at hand; the best of
several runs. Playback: ``frame_set`` and reading the evaluated vertices over 100 frames, every joint turning, all correctives at
work, no expression; the best of several runs.
Bars: import of 250 frames in 300 ms, playback of SMPL at 120 and of SMPL-X at 40 frames a second.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable

os.environ.setdefault("BLENDER_USER_RESOURCES", tempfile.mkdtemp(prefix="revision-bench-"))  # before bpy reads its folders

import bpy
import numpy as np

from revision_blender.motion.bodies.body_data import BodyModel
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.camera import static_camera
from revision_blender.motion.clip import BodyTrack, Clip, GroundPlane
from revision_blender.motion.rotation import matrix_from_axis_angle
from revision_blender.scene.rigs.correctives import use_correctives
from revision_blender.scene.rigs.template import template_folder, template_path
from revision_blender.scene.take import find_take, import_clip
from tests.motion.body_layouts import FULL_SIZE, random_body

BETAS = {"smpl": 10, "smplx": 16, "smal": 41}
EXPRESSIONS = {"smplx": 10}
BUNDLED = "open_human_x"
IMPORT_BAR_MS, LONGEST_STEP_BAR_MS = 300.0, 30.0
PLAYBACK_BAR = {"smpl": 120.0, "smplx": 40.0, BUNDLED: 40.0}
FRAMES, LONG, PLAYED, ROUNDS = 250, 5000, 100, 7


def clip_of(model: BodyModel, frames: int) -> Clip:
    rng = np.random.default_rng(0)
    rotations = matrix_from_axis_angle(rng.normal(size=(frames, model.n_joints, 3)) * 0.2)
    rotations[:, 0] = np.diag([1.0, -1.0, -1.0]) @ rotations[:, 0]
    place = np.tile([0.0, 0.0, 3.2], (frames, 1))
    confidence = np.ones((frames, model.n_joints))
    track = BodyTrack("one", model.family, model.name, rng.normal(size=model.n_betas), rotations, place, confidence)
    ground = GroundPlane(np.array([0.0, -1.0, 0.0]), np.array([0.0, 1.0, 3.2]))
    return Clip(25.0, static_camera(1024, 576, 1000.0, frames), ground, (track,))


def milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3


def whole_import(model: BodyModel, clip: Clip) -> tuple[float, float]:
    """Of one import into an empty file: all of it, and its longest step, milliseconds."""
    bpy.ops.wm.read_homefile(use_empty=True)
    steps, total, longest = import_clip(bpy.context.scene, clip, take_id="t", name="B", models={model.name: model}), 0.0, 0.0
    while True:
        started = time.perf_counter()
        done = next(steps, None) is None
        step = (time.perf_counter() - started) * 1e3
        total, longest = total + step, max(longest, step)
        if done:
            return total, longest


def frames_per_second(scene: bpy.types.Scene, body: bpy.types.Object) -> float:
    points = np.empty(3 * len(body.data.vertices), dtype=np.float32)

    def play() -> None:
        for frame in range(1, PLAYED + 1):
            scene.frame_set(frame)
            shown = body.evaluated_get(bpy.context.evaluated_depsgraph_get())
            shown.data.vertices.foreach_get("co", points)

    play()
    return PLAYED / min(milliseconds(play) for _ in range(ROUNDS)) * 1e3


def model_of(name: str) -> BodyModel:
    if name == BUNDLED:
        return BodyShelf(None).load(name)
    return random_body(name, FULL_SIZE[name], BETAS[name], EXPRESSIONS.get(name, 0))


def figures_of(family: str) -> dict[str, float]:
    model = model_of(family)
    clip = clip_of(model, FRAMES)
    template_path(model, template_folder()).unlink(missing_ok=True)
    first, first_step = whole_import(model, clip)
    totals, steps = zip(*(whole_import(model, clip) for _ in range(ROUNDS)), strict=True)
    take = find_take(bpy.context.scene, "t")
    assert take is not None
    body = bpy.data.objects[take.bodies[0][2]]
    figures = {"first_import_ms": first, "first_longest_step_ms": first_step, "import_ms": min(totals), "longest_step_ms": min(steps)}
    figures["keys"] = float(len(body.data.shape_keys.key_blocks) - 1)
    figures["playback_fps"] = frames_per_second(bpy.context.scene, body)
    use_correctives(body, False)
    figures["plain_fps"] = frames_per_second(bpy.context.scene, body)
    if family == "smpl":
        figures["import_5000_ms"] = min(whole_import(model, clip_of(model, LONG))[0] for _ in range(3))
    return {f"{family}_{name}": round(value, 1) for name, value in figures.items()}


def main() -> None:
    figures: dict[str, float] = {}
    names = (*BETAS, BUNDLED)
    for family in names:
        figures |= figures_of(family)
    passed = all(figures[f"{family}_import_ms"] <= IMPORT_BAR_MS for family in names)
    passed &= all(figures[f"{family}_longest_step_ms"] <= LONGEST_STEP_BAR_MS for family in names)
    passed &= all(figures[f"{family}_playback_fps"] >= bar for family, bar in PLAYBACK_BAR.items())
    bars = {"import_bar_ms": IMPORT_BAR_MS, "longest_step_bar_ms": LONGEST_STEP_BAR_MS}
    bars |= {f"{family}_playback_bar": bar for family, bar in PLAYBACK_BAR.items()}
    print(json.dumps({"name": "body_scene", "blender": bpy.app.version_string, "frames": FRAMES} | figures | bars | {"passed": passed}))


if __name__ == "__main__":
    main()
