"""TRAM's folders become what they were made from."""

from pathlib import Path

import numpy as np
import pytest
import torch

from revision_blender.motion.camera import Camera
from revision_blender.motion.errors import MotionFileError
from revision_blender.motion.files.reading import read_motion
from revision_blender.motion.rotation import angle_between, matrix_from_axis_angle
from tests.backend.torch_samples import Bomb, read
from tests.motion.files_samples import NO_BODIES, camera_way, seen_by, some_poses, walk

SMPL_ROOT = np.array([-0.00179506, -0.22333382, 0.02821918])


def tram_folder(folder: Path, n_frames: int = 8) -> tuple[Path, dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]]:
    """Two people before a camera whose first frame is the world: the folder, and frames, rotations and places by person."""
    way = camera_way(n_frames)
    world = np.linalg.inv(way[0]) @ way
    axis_angle, frames = some_poses(n_frames, 24, 6), {0: np.arange(n_frames), 1: np.array([1, 2, 6])}
    truth, upright = {}, np.diag([1.0, -1.0, -1.0])
    (folder / "hps").mkdir(parents=True)
    for number, at in frames.items():
        rotations = matrix_from_axis_angle(axis_angle)
        rotations[:, 0] = upright @ rotations[:, 0]
        places = walk(n_frames)[:, [0, 2, 1]] * [0.3 + number, -1.0, 0.1] + [0.0, 1.0, 5.0]
        root, seen = seen_by(world, rotations, places, SMPL_ROOT)
        in_camera = rotations.copy()
        in_camera[:, 0] = root
        np.save(
            folder / "hps" / f"hps_track_{number}.npy",
            {
                "pred_cam": torch.zeros(len(at), 3), "pred_pose": torch.zeros(len(at), 144), "pred_shape": torch.zeros(len(at), 10),
                "pred_rotmat": torch.tensor(in_camera[at], dtype=torch.float32),
                "pred_trans": torch.tensor(seen[at][:, None], dtype=torch.float32), "frame": torch.from_numpy(at),
            },
        )  # fmt: skip
        truth[f"person {number + 1}"] = (at, rotations[at], places[at])
    np.save(
        folder / "camera.npy",
        {
            "pred_cam_R": world[:, :3, :3].astype(np.float32), "pred_cam_T": world[:, :3, 3].astype(np.float32),
            "img_focal": np.float64(900.0), "img_center": np.array([320.0, 180.0]),
        },
    )  # fmt: skip
    np.save(folder / "tracks.npy", np.array([Bomb()], dtype=object), allow_pickle=True)
    return folder, truth


def test_tram_gives_everybody_and_the_camera(tmp_path):
    folder, truth = tram_folder(tmp_path / "results" / "clip")
    found = read(folder)
    assert found.format == "TRAM" and [track.track_id for track in found.clip.bodies] == ["person 1", "person 2"]
    for track in found.clip.bodies:
        at, rotations, places = truth[track.track_id]
        assert np.array_equal(np.flatnonzero(track.confidence[:, 0]), at)
        assert angle_between(track.rotations[at], rotations).max() < 1e-5 and np.abs(track.translation[at] - places).max() < 1e-4
    way = camera_way(8)
    assert np.abs(found.clip.camera.T_world_camera - np.linalg.inv(way[0]) @ way).max() < 1e-5
    assert (found.clip.camera.width, found.clip.camera.height, found.clip.camera.focal) == (640, 360, 900.0)
    assert found.clip.ground.normal[1] < -0.9


@pytest.mark.parametrize("chosen", [".", "camera.npy", "hps/hps_track_1.npy", "hps"])
def test_any_part_of_the_folder_may_be_chosen(tmp_path, chosen):
    folder, _ = tram_folder(tmp_path / "clip")
    assert len(read(folder / chosen).clip.bodies) == 2
    assert len(read(folder / chosen, people=("person 2",)).clip.bodies) == 1


def test_a_camera_is_a_camera(tmp_path):
    found = read(tram_folder(tmp_path / "clip")[0])
    assert isinstance(found.clip.camera, Camera) and found.camera_given


TRAM_REFUSED = {
    "nobody": (lambda folder: [file.unlink() for file in (folder / "hps").iterdir()], "nobody in hps"),
    "code": (lambda folder: np.save(folder / "camera.npy", {"pred_cam_R": Bomb()}), "print"),
    "a list": (lambda folder: np.save(folder / "camera.npy", [1.0, 2.0]), "pickled dictionary"),
    "an empty dictionary": (lambda folder: np.save(folder / "camera.npy", {}), "lacks pred_cam_R"),
    "NaN": (lambda folder: np.save(folder / "camera.npy", {"pred_cam_R": np.full((8, 3, 3), np.nan)}), "not finite"),
    "no rotations": (lambda folder: np.save(folder / "camera.npy", {"pred_cam_R": np.ones((8, 3, 3))}), "no rotations"),
    "no frames": (lambda folder: np.save(folder / "camera.npy", {"pred_cam_R": np.zeros((0, 3, 3))}), "no frames"),
    "cut off": (lambda folder: (folder / "camera.npy").write_bytes((folder / "camera.npy").read_bytes()[:300]), "not a whole TRAM file"),
    "a person of no size": (lambda folder: np.save(folder / "hps" / "hps_track_1.npy", {"frame": np.array([1])}), "lacks pred_rotmat"),
    "a person beyond the end": (lambda folder: np.save(folder / "hps" / "hps_track_1.npy", {"frame": np.array([99])}), "within the 8"),
}


@pytest.mark.parametrize("what", TRAM_REFUSED)
def test_what_is_wrong_with_a_tram_folder_is_said(tmp_path, what, capfd):
    folder, _ = tram_folder(tmp_path / "clip")
    change, words = TRAM_REFUSED[what]
    change(folder)
    with pytest.raises(MotionFileError, match=words):
        read_motion(folder, NO_BODIES)
    assert "executed" not in capfd.readouterr().out


def test_another_folder_is_no_motion(tmp_path):
    with pytest.raises(MotionFileError, match="name the files in it"):
        read_motion(tmp_path, NO_BODIES)
