"""Motion files in the layouts of their programs, made from a forward model, so that what a reader finds can be checked."""

import io
import pickle
import sys
import types
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from revision_blender.motion.bodies.body_model import joints_of
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.rotation import axis_angle_from_matrix, matrix_from_axis_angle
from tests.motion.motion_samples import mean_body

NO_BODIES = BodyShelf(None)


def some_poses(n_frames: int, n_joints: int, seed: int = 0) -> np.ndarray:
    """``(F, J, 3)`` axis-angle: a body that turns and bends smoothly, standing with y up."""
    random = np.random.default_rng(seed)
    start, end = random.normal(0.0, 0.2, (2, n_joints, 3))
    at = np.linspace(0.0, 1.0, n_frames)[:, None, None]
    return start + at * (end - start)


def z_up(axis_angle: np.ndarray) -> np.ndarray:
    """The same with the root turned so that the body stands along z."""
    turned = axis_angle.copy()
    stand = matrix_from_axis_angle(np.array([np.pi / 2.0, 0.0, 0.0]))
    turned[:, 0] = axis_angle_from_matrix(stand @ matrix_from_axis_angle(axis_angle[:, 0]))
    return turned


def walk(n_frames: int, height: float = 1.1) -> np.ndarray:
    """``(F, 3)`` metres in a z-up world."""
    return np.stack([np.linspace(0.0, 2.0, n_frames), np.linspace(0.0, -1.0, n_frames), np.full(n_frames, height)], axis=1)


def smplh_members(n_frames: int = 6, **changes) -> dict[str, np.ndarray]:
    """The first AMASS release."""
    members = {
        "trans": walk(n_frames),
        "gender": np.array("male"),
        "mocap_framerate": np.array(120.0),
        "betas": np.linspace(-1.0, 1.0, 16),
        "dmpls": np.zeros((n_frames, 8)),
        "poses": z_up(some_poses(n_frames, 52)).reshape(n_frames, -1),
        "marker_data": np.zeros((n_frames, 5, 3)),
        "marker_labels": np.array([b"ARIEL", None, "C7", b"LANK", b"x"], dtype=object),
    }
    return {name: value for name, value in {**members, **changes}.items() if value is not None}


def stageii_members(n_frames: int = 6, **changes) -> dict[str, np.ndarray]:
    """The SMPL-X release of AMASS."""
    poses = z_up(some_poses(n_frames, 55)).reshape(n_frames, -1)
    members = {
        "gender": np.array(b"female"),
        "surface_model_type": np.array("smplx"),
        "mocap_frame_rate": np.array(60.0),
        "mocap_time_length": np.array(n_frames / 60.0),
        "markers_latent_vids": np.array({"a": 1}, dtype=object),
        "trans": walk(n_frames),
        "poses": poses,
        "betas": np.zeros(16),
        "num_betas": np.array(16),
        "root_orient": poses[:, :3],
        "pose_body": poses[:, 3:66],
        "pose_hand": poses[:, 75:],
        "pose_jaw": poses[:, 66:69],
        "pose_eye": poses[:, 69:75],
    }
    return {name: value for name, value in {**members, **changes}.items() if value is not None}


def npz(path: Path, members: dict[str, np.ndarray]) -> Path:
    np.savez(path, **members)
    return path


# --- joblib's pickles ---------------------------------------------------------------------------------------------------


class NumpyArrayWrapper:
    """Stands for joblib's class of that name: the array's bytes follow it in the stream."""

    def __init__(self, array: np.ndarray, aligned: bool) -> None:
        self.subclass, self.shape, self.order, self.dtype = np.ndarray, array.shape, "C", array.dtype
        self.allow_mmap = not aligned
        if aligned:
            self.numpy_array_alignment_bytes = 16


NumpyArrayWrapper.__module__ = "joblib.numpy_pickle"


class _JoblibPickler(pickle._Pickler):
    def __init__(self, stream, aligned: bool) -> None:
        super().__init__(stream, protocol=4)
        self.stream, self.aligned = stream, aligned

    def save(self, obj, save_persistent_id=True):
        if type(obj) is not np.ndarray or obj.dtype.hasobject:
            super().save(obj, save_persistent_id)
            return
        super().save(NumpyArrayWrapper(obj, self.aligned))
        self.framer.commit_frame(force=True)
        if self.aligned:
            padding = 16 - (self.stream.tell() + 1) % 16
            self.stream.write(bytes([padding]) + b"\xff" * padding)
        self.stream.write(np.ascontiguousarray(obj).tobytes())


@contextmanager
def _named_joblib():
    modules = {name: types.ModuleType(name) for name in ("joblib", "joblib.numpy_pickle")}
    modules["joblib.numpy_pickle"].NumpyArrayWrapper = NumpyArrayWrapper
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def joblib_file(path: Path, thing: object, compressed: bool = True, aligned: bool = True) -> Path:
    """What ``joblib.dump(thing, path, compress=3)`` writes."""
    stream = io.BytesIO()
    with _named_joblib():
        _JoblibPickler(stream, aligned).dump(thing)
    path.write_bytes(zlib.compress(stream.getvalue(), 3) if compressed else stream.getvalue())
    return path


# --- 4D-Humans ----------------------------------------------------------------------------------------------------------


def phalp_camera(pixel: np.ndarray, distance: float, width: int, height: int) -> np.ndarray:
    """PHALP's ``camera`` that puts the body's origin at a pixel of the picture, computed as PHALP does from its square crop."""
    side = max(width, height)
    ratio = 256.0 / side
    padded = pixel + np.array([(side - width) // 2, (side - height) // 2])
    shift = (padded * ratio - 128.0) * distance / 5000.0
    return np.array([shift[0], shift[1], distance])


def phalp_joints(rotations: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """``(24, 2)`` in [0, 1] of the padded square: PHALP's ``2d_joints``, for the mean open human in place of SMPL."""
    points = joints_of(mean_body(), rotations[None], camera[None])[0]
    return (5000.0 * points[:, :2] / points[:, 2:] + 128.0) / 256.0


def facing(n_frames: int, seed: int = 0) -> np.ndarray:
    """``(F, 24, 3, 3)``: a person upright before a camera that looks along z with y down."""
    rotations = matrix_from_axis_angle(some_poses(n_frames, 24, seed))
    rotations[:, 0] = matrix_from_axis_angle(np.array([np.pi, 0.0, 0.0])) @ rotations[:, 0]
    return rotations


class PhalpVideo:
    """Builds the dictionary of a tracked video frame by frame."""

    def __init__(self, n_frames: int, width: int = 640, height: int = 360) -> None:
        self.width, self.height = width, height
        self.frames = [
            {
                key: []
                for key in (
                    "tid",
                    "bbox",
                    "tracked_ids",
                    "tracked_bbox",
                    "tracked_time",
                    "conf",
                    "size",
                    "smpl",
                    "camera",
                    "2d_joints",
                    "mask",
                )
            }
            | {"time": number, "shot": 0, "frame_path": f"/somewhere/else/{number:06d}.jpg"}
            for number in range(n_frames)
        ]

    def add(self, number: int, tid: int, rotations: np.ndarray, camera: np.ndarray, ghost: int = 0, conf: float = 0.9, betas=None) -> None:
        frame = self.frames[number]
        frame["tid"].append(tid)
        frame["tracked_time"].append(ghost)
        frame["bbox"].append(np.array([1.0, 2.0, 30.0, 40.0]))
        frame["conf"].append(np.float32(conf))
        frame["size"].append([self.height, self.width])
        shape = np.zeros(10, np.float32) if betas is None else np.asarray(betas, np.float32)
        frame["smpl"].append(
            {
                "global_orient": rotations[:1].astype(np.float32),
                "body_pose": rotations[1:].astype(np.float32),
                "betas": shape,
            }
        )
        frame["camera"].append(camera.astype(np.float32))
        frame["2d_joints"].append(phalp_joints(rotations, camera).reshape(-1).astype(np.float32))
        frame["mask"].append([{"size": [self.height, self.width], "counts": "abc"}])
        if ghost == 0:
            frame["tracked_ids"].append(tid)
            frame["tracked_bbox"].append(frame["bbox"][-1])

    def content(self) -> dict:
        return {frame["frame_path"]: frame for frame in self.frames}


# --- world-grounded lifters -----------------------------------------------------------------------------------------------


def camera_way(n_frames: int) -> np.ndarray:
    """``(F, 4, 4)`` T_world_camera in a y-up world: the camera pans and moves, 1.5 m up, looking at people before it along -z."""
    level = np.diag([1.0, -1.0, -1.0])
    poses = np.tile(np.eye(4), (n_frames, 1, 1))
    pan = np.linspace(0.0, 0.3, n_frames)
    poses[:, :3, :3] = matrix_from_axis_angle(pan[:, None] * np.array([0.0, 1.0, 0.0])) @ level
    poses[:, :3, 3] = np.stack([np.linspace(0.0, 0.5, n_frames), np.full(n_frames, 1.5), np.linspace(5.0, 4.0, n_frames)], axis=1)
    return poses


def seen_by(poses: np.ndarray, rotations: np.ndarray, translation: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The root's rotation ``(F, 3, 3)`` and the translation ``(F, 3)`` of a body of the world in the camera's coordinates."""
    back = np.swapaxes(poses[:, :3, :3], -1, -2)
    place = np.einsum("fij,fj->fi", back, rest + translation - poses[:, :3, 3]) - rest
    return back @ rotations[:, 0], place


def wham_person(frames: np.ndarray, poses: np.ndarray, axis_angle: np.ndarray, translation: np.ndarray, rest: np.ndarray) -> dict:
    """One person of WHAM's file, seen in ``frames`` by the camera of these frames."""
    rotations = matrix_from_axis_angle(axis_angle)
    root, place = seen_by(poses, rotations, translation, rest)
    body = axis_angle.reshape(len(frames), 72)
    return {
        "pose": np.concatenate([axis_angle_from_matrix(root), body[:, 3:]], axis=1).astype(np.float32),
        "trans": place[:, None].astype(np.float32),
        "pose_world": body.astype(np.float32),
        "trans_world": translation.astype(np.float32),
        "betas": np.zeros((len(frames), 10), np.float32),
        "verts": np.zeros((len(frames), 4, 3), np.float32),
        "frame_ids": frames,
    }
