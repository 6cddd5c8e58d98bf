"""Blender's evaluated mesh is that of ``smplx``, the reference implementation, run by the backend's Python where it has the package."""

import os
import subprocess
from pathlib import Path

import bpy
import numpy as np
import pytest
from body_samples import body_clip, body_model, largest_error
from scene_samples import import_sample, sample_clip

from tests.motion.body_layouts import write_npz_layout

CLOSE = 1e-4  # metres
ROOT = Path(__file__).resolve().parents[2]
BACKEND = Path(os.environ.get("REVISION_PYTHON", ROOT / ".venv-backend/bin/python"))

EVALUATE = """
import sys
from pathlib import Path
import numpy as np
from backend.bodies import smplx_reference as reference
from revision_blender.motion.bodies.body_model import open_human
folder = Path(sys.argv[1])
for case in sorted(folder.glob("*_case.npz")):
    known, name = dict(np.load(case)), case.name.removesuffix("_case.npz")
    expression = known.get("expression")
    body = folder / f"{name}_body.npz"
    if not body.is_file():
        evaluate = lambda betas, pose, place, _: reference.evaluate(reference.reference_body(open_human()), betas, known["rotations"], place)
    elif name.startswith("full"):
        evaluate = reference.evaluation_of_file(body, str(known["family"]), len(known["betas"]), expression.shape[1])
    else:
        evaluate = reference.evaluation_by_lbs(body)
    np.save(folder / f"{name}_vertices.npy", evaluate(known["betas"], known["pose"], known["translation"], expression)[1])
"""

CASES = {
    "smpl": {"family": "smpl"},
    "smplh": {"family": "smplh"},
    "smplx": {"family": "smplx", "expressions": 50},
    "smal": {"family": "smal"},
    "full_smplx": {"family": "smplx", "vertices": 10475, "betas": 10, "expressions": 10, "hands": True},
}


def models_and_clips(room) -> dict[str, tuple]:
    found = {}
    for seed, (name, case) in enumerate(CASES.items()):
        model = body_model(room, seed=seed, **case)
        found[name] = model, body_clip(room, model, 2, seed=seed, expression=model.n_expressions > 0)
    for seed, size in ((11, 0.3), (13, 1.4)):
        found[f"open_human_{seed}"] = None, sample_clip(room, 2, seed=seed, size=size)
    return found


def write_case(room, folder: Path, name: str, model, clip) -> None:
    track = clip.bodies[0]
    pose = room("revision_blender.motion.rotation").axis_angle_from_matrix(track.rotations)
    known = {"betas": track.betas, "rotations": track.rotations, "pose": pose, "translation": track.translation, "family": track.family}
    if track.expression is not None:
        known["expression"] = track.expression
    np.savez(folder / f"{name}_case.npz", **known)
    if model is not None:
        write_npz_layout(folder / f"{name}_body.npz", model, objects=False)


def test_mesh_equals_smplx(room, scene, tmp_path):
    if not BACKEND.exists():
        pytest.skip(f"no backend environment at {BACKEND}")
    cases = models_and_clips(room)
    for name, (model, clip) in cases.items():
        write_case(room, tmp_path, name, model, clip)
    done = subprocess.run([str(BACKEND), "-c", EVALUATE, str(tmp_path)], cwd=ROOT, timeout=120, capture_output=True, text=True, check=False)
    if "No module named 'smplx'" in done.stderr:
        pytest.skip(f"no smplx in the backend environment at {BACKEND}: pip install smplx there to compare")
    assert done.returncode == 0, done.stderr
    for name, (model, clip) in cases.items():
        take = import_sample(room, scene, clip, take_id=name, models={} if model is None else {model.name: model})
        wanted, T = np.load(tmp_path / f"{name}_vertices.npy"), take.T_blender_world
        assert largest_error(room, scene, take, wanted @ T[:3, :3].T + T[:3, 3]) < CLOSE, name
        for thing in list(bpy.data.collections[take.collection_name].objects):
            bpy.data.objects.remove(thing)
