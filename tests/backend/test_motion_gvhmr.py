"""GVHMR's results become what they were made from; its archives are torch's and may be hostile."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from revision_blender.motion.bodies.body_model import joints_of
from revision_blender.motion.errors import MotionFileError
from revision_blender.motion.files.lifted import SOLE
from revision_blender.motion.files.reading import read_motion
from revision_blender.motion.files.tensor_pickle import Tensor
from revision_blender.motion.files.torch_file import torch_tensors
from revision_blender.motion.rotation import angle_between, axis_angle_from_matrix, matrix_from_axis_angle
from tests.backend.torch_samples import crafted, read
from tests.motion.files_samples import NO_BODIES, camera_way, seen_by, some_poses, walk
from tests.motion.motion_samples import mean_body

SMPLX_ROOT = np.array([0.00312326, -0.35140744, 0.01203655])  # where bodies that are not installed have their root


def gvhmr_result(n_frames: int = 5) -> dict:
    poses = camera_way(n_frames)
    axis_angle = some_poses(n_frames, 22, 5)
    rotations, places = matrix_from_axis_angle(axis_angle), walk(n_frames, 1.2)[:, [0, 2, 1]]
    root, seen = seen_by(poses, rotations, places, SMPLX_ROOT)
    body = {
        "body_pose": torch.tensor(axis_angle[:, 1:].reshape(n_frames, 63), dtype=torch.float32),
        "betas": torch.full((n_frames, 10), 0.3),
    }
    K = torch.tensor([[1468.6, 0.0, 640.0], [0.0, 1468.6, 360.0], [0.0, 0.0, 1.0]]).repeat(n_frames, 1, 1)
    return {
        "smpl_params_global": {
            **body, "global_orient": torch.tensor(axis_angle[:, 0], dtype=torch.float32), "transl": torch.tensor(places, dtype=torch.float32),
        },
        "smpl_params_incam": {
            **body, "global_orient": torch.tensor(axis_angle_from_matrix(root), dtype=torch.float32), "transl": torch.tensor(seen, dtype=torch.float32),
        },
        "K_fullimg": K,
        "net_outputs": {"static_conf_logits": torch.zeros(1, n_frames, 6), "model_output": {"pred_x": torch.zeros(1, n_frames, 151)}},
    }  # fmt: skip


def test_gvhmr_gives_body_and_camera(tmp_path):
    torch.save(gvhmr_result(), tmp_path / "hmr4d_results.pt")
    found = read(tmp_path / "hmr4d_results.pt")
    body, camera = found.clip.bodies[0], found.clip.camera
    assert (found.format, body.family, body.model, found.clip.fps) == ("GVHMR", "smplx", "smplx_neutral", 30.0)
    truth = matrix_from_axis_angle(some_poses(5, 22, 5))
    assert angle_between(body.rotations[:, :22], truth).max() < 1e-6
    assert np.array_equal(body.rotations[:, 22:], np.tile(np.eye(3), (5, 33, 1, 1)))
    assert np.abs(camera.T_world_camera - camera_way(5)).max() < 1e-5
    assert (camera.width, camera.height) == (1280, 720) and camera.focal == pytest.approx(1468.6, rel=1e-6)
    assert np.array_equal(found.clip.ground.normal, [0.0, 1.0, 0.0]) and np.array_equal(found.clip.ground.point, [0.0, -SOLE, 0.0])
    assert np.allclose(body.betas, 0.3)


def test_the_body_seen_by_the_camera_is_the_one_in_the_camera(tmp_path):
    result = gvhmr_result()
    torch.save(result, tmp_path / "a.pt")
    found = read(tmp_path / "a.pt")
    body = found.clip.bodies[0]
    rotations = np.tile(np.eye(3), (5, 24, 1, 1))
    rotations[:, :22] = body.rotations[:, :22]
    shift = SMPLX_ROOT - mean_body().joints_rest[0]  # the open human hung on SMPL-X's root
    seen = found.clip.camera.to_camera(joints_of(mean_body(), rotations, body.translation + shift))
    incam = result["smpl_params_incam"]
    rotations[:, 0] = matrix_from_axis_angle(incam["global_orient"].numpy().astype(np.float64))
    wanted = joints_of(mean_body(), rotations, incam["transl"].numpy() + shift)
    assert np.abs(seen - wanted).max() < 1e-5


def changed(change) -> dict:
    result = gvhmr_result()
    change(result)
    return result


GVHMR_REFUSED = {
    "no world": (changed(lambda r: r.pop("smpl_params_global")), "no smpl_params_global"),
    "no camera": (changed(lambda r: r.pop("smpl_params_incam")), "no smpl_params_incam"),
    "no intrinsics": (changed(lambda r: r.pop("K_fullimg")), "lacks K_fullimg"),
    "a tensor": (torch.zeros(3), "no smpl_params_global"),
    "weights of a network": ({"model.layer": torch.zeros(3)}, "no smpl_params_global"),
    "no frames": (gvhmr_result(5) | {"smpl_params_global": {key: value[:0] for key, value in gvhmr_result()["smpl_params_global"].items()}}, "no frames"),
    "fewer frames in the camera": (changed(lambda r: r["smpl_params_incam"].update({k: v[:3] for k, v in r["smpl_params_incam"].items()})), "5 frames in the world"),
    "NaN": (changed(lambda r: r["smpl_params_global"]["transl"].fill_(float("nan"))), "not finite"),
    "other poses": (changed(lambda r: r["smpl_params_global"].update(body_pose=torch.zeros(5, 69))), r"has shape \(5, 69\)"),
    "a flat place": (changed(lambda r: r["smpl_params_global"].update(transl=torch.zeros(()))), "no frames"),
    "no lens": (changed(lambda r: r["K_fullimg"].fill_(0.0)), "focal length 0"),
    "a million frames": (changed(lambda r: r["smpl_params_global"].update(transl=torch.zeros(1, 3).expand(1_000_000, 3))), "1000000 frames"),
    "10^9 frames": (changed(lambda r: r["smpl_params_global"].update(transl=torch.zeros(1, 1).expand(10**9, 3))), "goes beyond"),
}  # fmt: skip


@pytest.mark.parametrize("what", GVHMR_REFUSED)
def test_what_is_wrong_with_a_gvhmr_file_is_said(tmp_path, what):
    content, words = GVHMR_REFUSED[what]
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(MotionFileError, match=words):
        read_motion(tmp_path / "a.pt", NO_BODIES)


def test_the_format_before_torch_1_6_is_refused_with_a_sentence(tmp_path):
    torch.save(gvhmr_result(), tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(MotionFileError, match=r"PyTorch 1\.6"):
        read_motion(tmp_path / "a.pt", NO_BODIES)


def rewritten(source: Path, target: Path, change) -> Path:
    """The archive with other members."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        members = {name: old.read(name) for name in old.namelist()}
        change(members)
        for name, content in members.items():
            new.writestr(name, content)
    return target


ARCHIVES = {
    "a storage that is missing": (lambda m: m.pop(next(name for name in m if "/data/" in name)), "is missing"),
    "a storage that is cut off": (lambda m: m.update({name: b"" for name in m if "/data/" in name}), "ends after 0"),
    "no description": (lambda m: m.pop("a/data.pkl"), "without torch's data.pkl"),
    "two descriptions": (lambda m: m.update({"b/data.pkl": b""}), "without torch's data.pkl"),
    "an endless description": (lambda m: m.update({"a/data.pkl": bytes(17 << 20)}), "at most"),
    "big-endian numbers": (lambda m: m.update({"a/byteorder": b"big"}), "big-endian"),
    "a description that calls": (lambda m: m.update({"a/data.pkl": crafted(b"cos\nsystem\nX\x02\x00\x00\x00ls\x85R")}), r"os\.system"),
}


@pytest.mark.parametrize("what", ARCHIVES)
def test_hostile_archives_are_refused(tmp_path, what):
    change, words = ARCHIVES[what]
    torch.save(gvhmr_result(), tmp_path / "a.pt")
    with pytest.raises(MotionFileError, match=words):
        read_motion(rewritten(tmp_path / "a.pt", tmp_path / "b.pt", change), NO_BODIES)


def test_a_tensor_may_not_look_beyond_its_storage(tmp_path):
    torch.save({"a": torch.zeros(4, 4)}, tmp_path / "a.pt")

    def longer(members: dict[str, bytes]) -> None:
        members["a/data.pkl"] = members["a/data.pkl"].replace(b"K\x04K\x04\x86", b"K\x05K\x04\x86")

    with (
        pytest.raises(MotionFileError, match="goes beyond the 16 numbers"),
        torch_tensors(rewritten(tmp_path / "a.pt", tmp_path / "b.pt", longer), "test file") as found,
    ):
        assert isinstance(found["a"], Tensor)
        found["a"].array()
