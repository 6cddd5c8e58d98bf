"""Posed bodies a second, with vertices and joints only, ours against smplx in one run: one JSON line."""

import json
import time
from collections.abc import Callable

import numpy as np
import torch

from backend.bodies.torch_body import TorchBody
from revision_blender.motion.bodies.body_model import identity_of, open_human, vertices_of
from revision_blender.motion.rotation import matrix_from_axis_angle

FRAMES = 32
ROUNDS = 15


def frames_per_second(work: Callable[[], object]) -> float:
    """The median of several rounds, so that a hiccup of the machine does not count."""
    work()
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return FRAMES / float(np.median(seconds))


def main() -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    betas, translation = rng.normal(size=10), rng.normal(size=(FRAMES, 3))
    rotations = matrix_from_axis_angle(rng.normal(0.0, 0.5, (FRAMES, 24, 3)))
    body, identity = TorchBody(open_human()), identity_of(open_human(), betas)
    inputs = [torch.as_tensor(array, dtype=torch.float32) for array in (betas, rotations, translation)]
    with torch.no_grad():
        figures = {
            "torch_vertices": frames_per_second(lambda: body.vertices(*inputs)),
            "torch_joints": frames_per_second(lambda: body.joints(*inputs)),
            "numpy_vertices": frames_per_second(lambda: vertices_of(identity, rotations, translation)),
        }
    result: dict[str, object] = {
        "name": "body",
        "unit": "frames/s",
        "frames": FRAMES,
        "threads": 1,
        **{key: round(value) for key, value in figures.items()},
    }
    try:
        from backend.bodies.smplx_reference import evaluate, reference_body
    except ImportError:
        result["smplx"] = None
    else:
        reference = reference_body(open_human())
        rate = frames_per_second(lambda: evaluate(reference, betas, rotations, translation))
        result.update(
            smplx=round(rate),
            ratio_vertices=round(figures["torch_vertices"] / rate, 2),
            ratio_joints=round(figures["torch_joints"] / rate, 2),
        )
    print(json.dumps(result))


if __name__ == "__main__":
    main()
