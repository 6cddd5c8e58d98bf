"""Laws of posing, the bundled body's own qualities, and body files that are not body files."""

import io
import json
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revision_blender.masks.labels import FIRST_HUMAN, SMPL_JOINT_NAMES
from revision_blender.motion.bodies.body_data import BodyModel
from revision_blender.motion.bodies.body_file import body_facts, load_body_model, save_body_model
from revision_blender.motion.bodies.body_model import OPEN_HUMAN, identity_of, joints_of, open_human, vertices_of, world_rotations
from revision_blender.motion.errors import BodyModelError
from revision_blender.motion.rotation import matrix_from_axis_angle

SMPL_PARENTS = [-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21]
JOINT = {name: index for index, name in enumerate(SMPL_JOINT_NAMES)}
STILL = np.tile(np.eye(3), (1, 24, 1, 1))
NOWHERE = np.zeros((1, 3))
relaxed = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def random_pose(frames: int, seed: int = 0) -> np.ndarray:
    return matrix_from_axis_angle(np.random.default_rng(seed).normal(0.0, 0.5, (frames, 24, 3)))


def tiny_model() -> BodyModel:
    rng = np.random.default_rng(0)
    weights, regressor = rng.random((9, 3)), rng.random((3, 9))
    posedirs = np.zeros((9, 3, 18), np.float32)
    posedirs[:5, :, 9:] = rng.normal(0, 0.25, (5, 3, 9))
    return BodyModel(
        name="tiny",
        v_template=rng.random((9, 3)).astype(np.float32),
        faces=rng.integers(0, 9, (7, 3)).astype(np.int32),
        shapedirs=rng.random((9, 3, 2)).astype(np.float32),
        posedirs=posedirs,
        J_regressor=(regressor / regressor.sum(axis=1, keepdims=True)).astype(np.float32),
        weights=(weights / weights.sum(axis=1, keepdims=True)).astype(np.float32),
        parents=np.array([-1, 0, 1]),
        part_labels=np.arange(9, dtype=np.uint8),
    )


# --- posing -----------------------------------------------------------------------------------------------------------


def test_the_rest_pose_is_the_shaped_body():
    identity = identity_of(open_human(), np.array([1.0, -2.0]))
    assert np.allclose(vertices_of(identity, STILL, NOWHERE)[0], identity.v_shaped, atol=1e-6)
    assert np.allclose(joints_of(identity, STILL, NOWHERE)[0], identity.joints_rest, atol=1e-12)
    assert np.allclose(open_human().J_regressor @ identity.v_shaped, identity.joints_rest, atol=1e-5)


def test_the_root_turns_about_rest_joint_0_and_translation_comes_last():
    identity = identity_of(open_human(), np.array([2.0]))
    turn, step = matrix_from_axis_angle(np.array([0.3, -1.1, 0.4])), np.array([[1.0, 2.0, -3.0]])
    pose = STILL.copy()
    pose[0, 0] = turn
    pivot = identity.joints_rest[0]
    wanted = (identity.v_shaped - pivot) @ turn.T + pivot + step
    assert np.allclose(vertices_of(identity, pose, step)[0], wanted, atol=1e-5)
    assert np.allclose(joints_of(identity, pose, step)[0, 0], pivot + step[0])


def test_bones_keep_their_lengths():
    identity = identity_of(open_human(), np.zeros(10))
    joints = joints_of(identity, random_pose(6), np.random.default_rng(1).normal(size=(6, 3)))
    lengths = np.linalg.norm(joints[:, 1:] - joints[:, SMPL_PARENTS[1:]], axis=-1)
    assert np.allclose(lengths, np.linalg.norm(identity.joints_rest[1:] - identity.joints_rest[SMPL_PARENTS[1:]], axis=-1))


def test_world_rotations_multiply_down_the_tree():
    pose = random_pose(2)
    world = world_rotations(open_human().parents, pose)
    assert np.allclose(world[:, 4], pose[:, 0] @ pose[:, 1] @ pose[:, 4])
    assert world_rotations(open_human().parents, pose[:0]).shape == (0, 24, 3, 3)


def test_frames_do_not_know_each_other():
    identity = identity_of(open_human(), np.zeros(0))
    pose, place = random_pose(19), np.random.default_rng(3).normal(size=(19, 3))
    together = vertices_of(identity, pose, place)
    assert together.shape == (19, open_human().n_vertices, 3)
    assert np.allclose(together[17:18], vertices_of(identity, pose[17:18], place[17:18]), atol=1e-6)
    assert vertices_of(identity, pose[:0], place[:0]).shape == (0, open_human().n_vertices, 3)


def test_correctives_only_touch_what_bends():
    identity = identity_of(open_human(), np.zeros(0))
    pose = STILL.copy()
    pose[0, JOINT["left_elbow"]] = matrix_from_axis_angle(np.array([0.0, -1.8, 0.0]))
    moved = np.linalg.norm(vertices_of(identity, pose, NOWHERE) - vertices_of(identity, pose, NOWHERE, correctives=False), axis=-1)[0]
    where = np.linalg.norm(open_human().v_template - identity.joints_rest[JOINT["left_elbow"]], axis=1)
    assert moved.max() > 1e-3
    assert where[moved > 1e-4].max() < 0.25


def test_too_many_betas_are_refused():
    with pytest.raises(BodyModelError, match="at most 10"):
        identity_of(open_human(), np.zeros(11))
    with pytest.raises(BodyModelError, match="shape"):
        identity_of(open_human(), np.zeros((1, 10)))


# --- the bundled body -------------------------------------------------------------------------------------------------


def test_the_open_human_has_smpl_s_layout():
    model = open_human()
    assert model.parents.tolist() == SMPL_PARENTS
    assert model.n_vertices >= 6788  # smplx looks up vertices by number as far as 6787
    assert model.shapedirs.shape == (model.n_vertices, 3, 10)
    assert model.posedirs.shape == (model.n_vertices, 3, 207)
    assert np.allclose(model.J_regressor.sum(axis=1), 1.0, atol=1e-5)
    assert (model.J_regressor >= 0).all()
    assert ((model.J_regressor > 0).sum(axis=1) < 100).all()
    assert np.allclose(model.weights.sum(axis=1), 1.0, atol=1e-6)
    assert ((model.weights > 0).sum(axis=1) <= 5).all()  # four, and five where two sides tie
    assert OPEN_HUMAN.stat().st_size < 3 << 20


def test_the_open_human_is_closed_and_faces_outwards():
    model = open_human()
    edges = Counter((int(a), int(b)) for face in model.faces for a, b in zip(face, np.roll(face, -1), strict=True))
    assert all(count == 1 and edges[b, a] == 1 for (a, b), count in edges.items())
    assert len(np.unique(model.faces)) == model.n_vertices
    corners = model.v_template[model.faces].astype(np.float64)
    volume = np.einsum("ti,ti->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6.0
    assert 0.04 < volume < 0.11  # cubic metres; a person's litres, and positive: normals point outwards


def test_the_open_human_is_symmetric():
    model = open_human()
    order = np.lexsort(model.v_template.round(4).T)
    mirrored = model.v_template * np.array([-1.0, 1.0, 1.0], np.float32)
    assert np.allclose(model.v_template[order], mirrored[np.lexsort((mirrored + 0.0).round(4).T)], atol=2e-4)


def test_the_open_human_stands_in_a_t_pose():
    model = open_human()
    at = dict(zip(SMPL_JOINT_NAMES, model.joint_template, strict=True))
    height = np.ptp(model.v_template[:, 1])
    assert 1.6 < height < 1.8
    for side, sign in (("left", 1.0), ("right", -1.0)):
        arm = at[f"{side}_wrist"] - at[f"{side}_shoulder"]
        assert sign * arm[0] / np.linalg.norm(arm) > 0.999
        leg = at[f"{side}_ankle"] - at[f"{side}_hip"]
        assert -leg[1] / np.linalg.norm(leg) > 0.99
        assert sign * at[f"{side}_ankle"][0] > 0.05
        assert (at[f"{side}_foot"] - at[f"{side}_ankle"])[2] > 0.08  # toes ahead
    assert at["head"][1] > at["neck"][1] > at["spine3"][1] > at["spine2"][1] > at["spine1"][1] > at["pelvis"][1] > at["left_hip"][1]


def test_the_part_labels_follow_the_weights():
    model = open_human()
    assert np.array_equal(model.part_labels, FIRST_HUMAN + model.weights.argmax(axis=1))
    assert set(np.unique(model.part_labels)) == set(range(FIRST_HUMAN, FIRST_HUMAN + 24))


def test_each_shape_component_moves_less_than_the_one_before():
    spread = np.sqrt((open_human().shapedirs.astype(np.float64) ** 2).sum(axis=(0, 1)))
    assert (np.diff(spread) <= 1e-3 * spread[:-1]).all()
    grown = open_human().v_template + open_human().shapedirs[..., 0]
    assert 0.05 < np.ptp(grown[:, 1]) - np.ptp(open_human().v_template[:, 1]) < 0.15  # metres a standard deviation


def test_the_correctives_at_least_halve_the_residual_of_linear_skinning():
    figures = body_facts(OPEN_HUMAN)["figures"]
    assert figures["held_out_residual_ratio"] < 0.5
    assert figures["held_out_residual_corrected_mm"] < figures["held_out_residual_linear_mm"]


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_body_comes_back_from_its_file(tmp_path):
    model = tiny_model()
    save_body_model(tmp_path / "body.npz", model, {"made": "here"})
    found = load_body_model(tmp_path / "body.npz")
    assert found.name == "tiny"
    assert body_facts(tmp_path / "body.npz")["figures"] == {"made": "here"}
    for name in ("v_template", "faces", "J_regressor", "parents", "part_labels"):
        assert np.array_equal(getattr(found, name), getattr(model, name)), name
    assert np.allclose(found.weights, model.weights, atol=1e-6)
    assert np.allclose(found.shapedirs, model.shapedirs, atol=1e-3)  # half precision
    assert np.allclose(found.posedirs, model.posedirs, atol=1e-3)
    assert (found.posedirs[5:] == 0.0).all()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("weights", np.zeros((9, 2), np.float32)),
        ("posedirs", np.zeros((9, 3, 9), np.float32)),
        ("parents", np.array([0, 0, 1])),
        ("parents", np.array([-1, 2, 1])),
        ("faces", np.full((2, 3), 9, np.int32)),
        ("faces", np.full((2, 3), -1, np.int32)),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(field, value):
    with pytest.raises(BodyModelError, match="tiny"):
        replace(tiny_model(), **{field: value})


def members_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name.removesuffix(".npy"): archive.read(name) for name in archive.namelist()}


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=False)
    return stream.getvalue()


HOSTILE = {
    "v_template": [np.zeros((9, 3)), np.full((9, 3), np.inf, np.float32), np.zeros((8, 3), np.float32), np.zeros((), np.float32), np.zeros((0, 3), np.float32)],
    "faces": [np.full((7, 3), 9, np.uint32), np.zeros((7, 3), np.int64), np.zeros((7, 4), np.uint32)],
    "shapedirs": [np.zeros((9, 3), np.float32), np.full((9, 3, 2), np.nan, np.float16)],
    "parents": [np.array([-1, 0], np.int16), np.array([-1, 5, 0], np.int16), np.zeros(0, np.int16), np.zeros(9999, np.int16)],
    "weight_joint": [np.full((9, 3), 3, np.uint8), np.zeros((9, 2), np.uint8)],
    "weight_value": [np.zeros((9, 3), np.float32), np.full((9, 3), [2.0, -1.0, 0.0], np.float32)],
    "regressor_vertex": [np.full(27, 9, np.uint32), np.zeros(3, np.uint32)],
    "regressor_joint": [np.full(27, 200, np.uint8)],
    "pose_joint": [np.full((9, 1), 3, np.uint8), np.zeros((9, 5), np.uint8)],
    "pose_value": [np.zeros((9, 1, 3, 8), np.float16)],
    "part_labels": [np.zeros(9, np.int64)],
    "body.json": [np.frombuffer(b"{", np.uint8), np.frombuffer(b"[]", np.uint8), np.zeros(1 << 17, np.uint8), np.zeros(4)],
    "surplus": [np.zeros(3)],
}  # fmt: skip


@pytest.mark.parametrize(("name", "number"), [(name, number) for name, values in HOSTILE.items() for number in range(len(values))])
def test_hostile_body_files_are_refused(tmp_path, name, number):
    path = tmp_path / "body.npz"
    save_body_model(path, tiny_model(), {})
    members = {**members_of(path), name: npy(HOSTILE[name][number])}
    with zipfile.ZipFile(path, "w") as archive:
        for key, content in members.items():
            archive.writestr(f"{key}.npy", content)
    with pytest.raises(BodyModelError):
        load_body_model(path)


@pytest.mark.parametrize("name", sorted({*HOSTILE} - {"surplus"}))
def test_body_files_that_lack_something_are_refused(tmp_path, name):
    path = tmp_path / "body.npz"
    save_body_model(path, tiny_model(), {})
    members = members_of(path)
    with zipfile.ZipFile(path, "w") as archive:
        for key, content in members.items():
            if key != name:
                archive.writestr(f"{key}.npy", content)
    with pytest.raises(BodyModelError):
        load_body_model(path)


@relaxed
@given(st.data())
def test_damaged_body_files_are_refused_or_whole(tmp_path, data):
    path = tmp_path / "body.npz"
    save_body_model(path, tiny_model(), {})
    whole = load_body_model(path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        found = load_body_model(path)
    except BodyModelError:
        return
    assert np.array_equal(found.weights, whole.weights)
    assert np.array_equal(found.posedirs, whole.posedirs)


def test_a_body_that_would_not_fit_in_memory_is_refused(tmp_path):
    path = tmp_path / "body.npz"
    save_body_model(path, tiny_model(), {})
    facts = json.loads(np.load(path)["body.json"].tobytes())
    assert facts["name"] == "tiny"
    members = members_of(path)
    V, J = 80_000, 250
    big = {
        "v_template": np.zeros((V, 3), np.float32), "shapedirs": np.zeros((V, 3, 0), np.float16), "parents": np.arange(-1, J - 1, dtype=np.int16),
        "weight_joint": np.zeros((V, 1), np.uint8), "weight_value": np.ones((V, 1), np.float32), "pose_joint": np.zeros((V, 0), np.uint8),
        "pose_value": np.zeros((V, 0, 3, 9), np.float16), "part_labels": np.zeros(V, np.uint8),
        "expressiondirs": np.zeros((V, 3, 0), np.float16),
    }  # fmt: skip
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, content in {**members, **{name: npy(array) for name, array in big.items()}}.items():
            archive.writestr(f"{key}.npy", content)
    with pytest.raises(BodyModelError, match="memory"):
        load_body_model(path)


def test_a_missing_body_file_is_named(tmp_path):
    with pytest.raises(BodyModelError, match=r"gone\.npz"):
        load_body_model(tmp_path / "gone.npz")
