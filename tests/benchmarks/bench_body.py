"""Posed bodies a second, with vertices and joints only, ours against smplx in one run: one JSON line.

Two bodies: the open human (SMPL's layout, correctives near the joints only), and one of SMPL-X's official size and layout (10,475
vertices, every vertex corrected by every joint, 10 expressions), whose numbers are random.
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from backend.bodies.torch_body import TorchBody
from revision_blender.motion.bodies.body_data import BodyModel
from revision_blender.motion.bodies.body_model import identity_of, joints_of, open_human, vertices_of
from revision_blender.motion.rotation import matrix_from_axis_angle
from tests.motion.body_layouts import FULL_SIZE, random_body, write_npz_layout

FRAMES = 32
ROUNDS = 9


def frames_per_second(work: Callable[[], object]) -> float:
    """The median of several rounds, so that a hiccup of the machine does not count."""
    work()
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return FRAMES / float(np.median(seconds))


def figures_of(model: BodyModel) -> dict[str, float | None]:
    """Frames a second of our evaluations and of smplx on the same motion; ratios are ours to smplx."""
    rng = np.random.default_rng(0)
    betas, translation = rng.normal(size=model.n_betas), rng.normal(size=(FRAMES, 3))
    pose = rng.normal(0.0, 0.5, (FRAMES, model.n_joints, 3))
    rotations = matrix_from_axis_angle(pose)
    expression = rng.normal(size=(FRAMES, model.n_expressions)) if model.n_expressions else None
    body, identity = TorchBody(model), identity_of(model, betas)
    inputs = [torch.as_tensor(array, dtype=torch.float32) for array in (betas, rotations, translation)]
    face = None if expression is None else torch.as_tensor(expression, dtype=torch.float32)
    with torch.no_grad():
        rates = {
            "torch_vertices": frames_per_second(lambda: body.vertices(*inputs, expression=face)),
            "torch_joints": frames_per_second(lambda: body.joints(*inputs, expression=face)),
            "numpy_vertices": frames_per_second(lambda: vertices_of(identity, rotations, translation, expression=expression)),
            "numpy_joints": frames_per_second(lambda: joints_of(identity, rotations, translation, expression)),
        }
    found: dict[str, float | None] = {key: round(value) for key, value in rates.items()}
    smplx = rate_of_smplx(model, betas, pose, translation, expression)
    if smplx is None:
        return {**found, "smplx": None}
    ratios = {f"ratio_{key}": round(value / smplx, 2) for key, value in rates.items()}
    return {**found, "smplx": round(smplx), **ratios}


def rate_of_smplx(
    model: BodyModel, betas: np.ndarray, pose: np.ndarray, translation: np.ndarray, expression: np.ndarray | None
) -> float | None:
    try:
        from backend.bodies import smplx_reference
    except ImportError:
        return None
    rotations = matrix_from_axis_angle(pose)
    if model.family == "smpl":
        reference = smplx_reference.reference_body(model)
        return frames_per_second(lambda: smplx_reference.evaluate(reference, betas, rotations, translation))
    with tempfile.TemporaryDirectory() as folder:
        path = write_npz_layout(Path(folder) / "body.npz", model)
        evaluate = smplx_reference.evaluation_of_file(path, model.family, model.n_betas, model.n_expressions, torch.float32)
    return frames_per_second(lambda: evaluate(betas, pose, translation, expression))


def main() -> None:
    torch.set_num_threads(1)
    large = random_body("smplx", FULL_SIZE["smplx"], 10, 10, hands=True)
    result = {
        "name": "body", "unit": "frames/s", "frames": FRAMES, "threads": 1, "open_human": figures_of(open_human()), "smplx_layout": figures_of(large),
    }  # fmt: skip
    print(json.dumps(result))


if __name__ == "__main__":
    main()
