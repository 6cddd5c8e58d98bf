"""What torch wrote is read without torch, number for number; GVHMR's and TRAM's results become what they were made from."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revision_blender.motion.bodies.body_model import joints_of
from revision_blender.motion.camera import Camera
from revision_blender.motion.errors import MotionFileError
from revision_blender.motion.files.lifted import SOLE
from revision_blender.motion.files.motion_file import ReadOptions
from revision_blender.motion.files.reading import describe, read_motion
from revision_blender.motion.files.tensor_pickle import Storage, Tensor, pickled_value
from revision_blender.motion.files.torch_file import read_pickled_npy, torch_tensors
from revision_blender.motion.pickles.values import Refusal
from revision_blender.motion.rotation import angle_between, axis_angle_from_matrix, matrix_from_axis_angle
from tests.motion.files_samples import NO_BODIES, camera_way, seen_by, some_poses, walk
from tests.motion.motion_samples import mean_body

relaxed = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
SMPLX_ROOT = np.array([0.00312326, -0.35140744, 0.01203655])  # where bodies that are not installed have their root
SMPL_ROOT = np.array([-0.00179506, -0.22333382, 0.02821918])
DTYPES = (
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
)


def numpy_of(tensor: torch.Tensor) -> np.ndarray:
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()


@st.composite
def tensors(draw):
    """Tensors of every type that look at their storage in every way: cut, transposed, spread, with steps."""
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    tensor = (torch.rand(shape, generator=torch.Generator().manual_seed(draw(st.integers(0, 99)))) * 100).to(draw(st.sampled_from(DTYPES)))
    for _ in range(draw(st.integers(0, 3))):
        way = draw(st.sampled_from(["cut", "turn", "step", "spread"]))
        if way == "spread":
            tensor = tensor[None].expand(draw(st.integers(1, 3)), *tensor.shape)
        elif tensor.ndim:
            tensor = tensor[1:] if way == "cut" else tensor[..., ::2] if way == "step" else tensor.transpose(0, -1)
    return tensor


@relaxed
@given(st.lists(tensors(), min_size=1, max_size=4))
def test_torch_save_is_read_as_torch_reads_it(tmp_path, some):
    whole = {"list": some, "in": {"first": some[0], "n": 3, "x": 1.5, "none": None, "yes": True, "text": "Ä", "big": 2**40}, "t": (1, 2)}
    torch.save(whole, tmp_path / "a.pt")
    wanted = torch.load(tmp_path / "a.pt", weights_only=True)
    with torch_tensors(tmp_path / "a.pt", "test file") as found:
        for mine, theirs in zip(found["list"], wanted["list"], strict=True):
            assert np.array_equal(mine.array(), numpy_of(theirs)) and mine.array().shape == tuple(theirs.shape)
            assert mine.array().dtype == numpy_of(theirs).dtype or mine.array().size == 0
        assert np.array_equal(found["in"]["first"].array(), numpy_of(some[0]))
        assert {key: value for key, value in found["in"].items() if key != "first"} == {
            key: value for key, value in wanted["in"].items() if key != "first"
        }
        assert found["t"] == (1, 2)


@relaxed
@given(tensors())
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickled_tensors_and_arrays_are_read(protocol, tensor):
    array = numpy_of(tensor.contiguous())
    whole = {
        "tensor": tensor,
        "array": array,
        "column order": np.asfortranarray(array),
        "number": np.float32(2.5),
        "big": array.astype(">f8"),
    }
    found = pickled_value(pickle.dumps(whole, protocol=protocol))
    assert np.array_equal(found["tensor"].array(), numpy_of(tensor))
    assert np.array_equal(found["array"], array) and np.array_equal(found["column order"], np.asfortranarray(array))
    assert found["number"] == 2.5 and np.array_equal(found["big"], array.astype(np.float64))


class Bomb:
    def __reduce__(self):
        return (print, ("executed",))


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_is_executed(tmp_path, protocol, capfd):
    with pytest.raises(Refusal, match="print"):
        pickled_value(pickle.dumps({"a": Bomb()}, protocol=protocol))
    np.save(tmp_path / "a.npy", {"a": Bomb()}, allow_pickle=True)
    with pytest.raises(MotionFileError, match="print"):
        read_pickled_npy(tmp_path / "a.npy", "test file")
    torch.save({"a": Bomb()}, tmp_path / "a.pt")
    with pytest.raises(MotionFileError, match="print"), torch_tensors(tmp_path / "a.pt", "test file"):
        pass
    assert "executed" not in capfd.readouterr().out


def crafted(*parts: bytes) -> bytes:
    return b"\x80\x02" + b"".join(parts) + b"."


HOSTILE = {
    "text without end": crafted(b"X\xff\xff\xff\x7f"),
    "bytes without end": crafted(b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f"),
    "a number without end": crafted(b"\x8a\xff" + b"\x01" * 255),
    "a key that is a tuple": crafted(b"}", b")\x85\x85", b"N", b"s"),
    "an empty stack": crafted(b"\x87"),
    "no mark": crafted(b"t"),
    "a call of text": crafted(b"X\x01\x00\x00\x00a)R"),
    "a state for text": crafted(b"X\x01\x00\x00\x00a}b"),
    "an unknown memo": crafted(b"h\x07"),
    "an extension": crafted(b"\x82\x01"),
    "os.system": crafted(b"cos\nsystem\nX\x02\x00\x00\x00ls\x85R"),
    "builtins.eval": crafted(b"cbuiltins\neval\nX\x01\x00\x00\x001\x85R"),
    "an attribute of an allowed module": crafted(b"cnumpy\nload\n)R"),
    "a dotted way out": crafted(b"cnumpy\nndarray.__class__\n)R"),
    "nothing": b"",
    "no end": b"\x80\x02N",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_pickles_are_refused(what):
    with pytest.raises(Refusal):
        pickled_value(HOSTILE[what])


def test_storages_inside_of_storages_are_refused():
    """Each would hold a copy of all that are inside of it."""
    inner = b""
    for _ in range(3):
        inner = crafted(b"ctorch.storage\n_load_from_bytes\n", b"B" + len(inner).to_bytes(4, "little") + inner, b"\x85R")
    with pytest.raises(Refusal, match="storages inside of a storage"):
        pickled_value(inner)


def test_a_storage_that_is_read_over_and_over_is_refused():
    stored = torch.zeros(2).__reduce_ex__(2)[1][0].__reduce__()[1][0]
    named = b"ctorch.storage\n_load_from_bytes\nq\x00" + b"B" + len(stored).to_bytes(4, "little") + stored + b"q\x01"
    assert isinstance(pickled_value(crafted(named, b"\x85R")), Storage)
    with pytest.raises(Refusal, match="more pieces"):
        pickled_value(crafted(named, b"00](", b"h\x00h\x01\x85R" * 100_000, b"e"))


def test_a_memo_place_costs_nothing():
    assert pickled_value(crafted(b"Nr\xff\xff\xff\xff")) is None


@relaxed
@given(st.data())
def test_damaged_pickles_are_refused_or_read(data):
    content = bytearray(pickle.dumps({"a": np.zeros(3), "t": torch.zeros(2), "n": [1, {"b": 2.0}]}, protocol=data.draw(st.integers(2, 5))))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        pickled_value(bytes(content))
    except Refusal as reason:
        assert len(str(reason)) < 300


# --- GVHMR --------------------------------------------------------------------------------------------------------------------------


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


def read(path: Path, **options):
    found = read_motion(path, NO_BODIES, ReadOptions(**options))
    said = describe(path)
    assert (said.format, said.n_frames, said.fps, said.camera_given) == (found.format, found.clip.n_frames, None, found.camera_given)
    assert {said.family} == {track.family for track in found.clip.bodies}
    for person in said.people:
        track = next((track for track in found.clip.bodies if track.track_id == person.track_id), None)
        if track is not None:
            seen = (track.confidence > 0.0).any(axis=1)
            assert (person.n_frames, person.first_frame) == (seen.sum(), seen.argmax())
    return found


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


# --- TRAM ---------------------------------------------------------------------------------------------------------------------------


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
