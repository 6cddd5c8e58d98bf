"""Official body files in every layout: what is in them comes out, and what is wrong with them is said."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from revision_blender.motion.bodies.body_file import save_body_model
from revision_blender.motion.bodies.official import official_name, read_official_body
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.errors import BodyModelError
from revision_blender.motion.skeletons import skeleton_of
from tests.motion.body_layouts import official_arrays, random_body, write_npz_layout, write_pickle

ARRAYS = ("v_template", "faces", "shapedirs", "posedirs", "J_regressor", "weights", "parents", "part_labels", "expressiondirs")
BODIES = {
    "smpl": random_body("smpl"),
    "smpl with 300 betas": random_body("smpl", vertices=40, betas=300),
    "smplh": random_body("smplh", betas=16, hands=True),
    "smplx of old": random_body("smplx", betas=10, expressions=10, hands=True),
    "smplx": random_body("smplx", vertices=60, betas=300, expressions=100, hands=True),
    "smal": random_body("smal", betas=41),
}


def assert_same(found, model):
    assert found.family == model.family
    for name in ARRAYS:
        assert np.allclose(getattr(found, name), getattr(model, name), rtol=0, atol=1e-6), name
    assert (found.hands is None) == (model.hands is None)
    if model.hands is not None:
        assert np.array_equal(found.hands.mean, model.hands.mean)
        assert np.array_equal(found.hands.components, model.hands.components)


@pytest.mark.parametrize("which", BODIES)
@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(("chumpy", "sparse"), [(True, True), (False, True), (False, False)])
def test_pickles_of_every_kind_are_read(tmp_path, which, protocol, chumpy, sparse):
    assert_same(read_official_body(write_pickle(tmp_path / "a.pkl", BODIES[which], chumpy, sparse, protocol)), BODIES[which])


@pytest.mark.parametrize("which", BODIES)
@pytest.mark.parametrize("objects", [True, False])
def test_npz_files_are_read_and_their_objects_are_not(tmp_path, which, objects):
    assert_same(read_official_body(write_npz_layout(tmp_path / "a.npz", BODIES[which], objects)), BODIES[which])


def test_our_own_file_is_a_body_file_too(tmp_path):
    save_body_model(tmp_path / "a.npz", BODIES["smplh"], {}, exact=True)
    assert_same(read_official_body(tmp_path / "a.npz"), BODIES["smplh"])


def test_text_of_python_2_and_matrices_are_read(tmp_path):
    members = official_arrays(BODIES["smpl"])
    with np.testing.suppress_warnings() as quiet:
        quiet.filter(PendingDeprecationWarning)
        members["J_regressor"] = np.matrix(members["J_regressor"])
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(members, protocol=2))
    assert_same(read_official_body(tmp_path / "a.pkl"), BODIES["smpl"])


@pytest.mark.parametrize("root", [-1, 2**32 - 1, 0, 2**63 - 1])
def test_the_root_s_parent_may_be_anything(tmp_path, root):
    members = official_arrays(BODIES["smpl"])
    members["kintree_table"] = members["kintree_table"].astype(np.int64)
    members["kintree_table"][0, 0] = root
    np.savez(tmp_path / "a.npz", **members)
    assert_same(read_official_body(tmp_path / "a.npz"), BODIES["smpl"])


@pytest.mark.parametrize(
    ("change", "kind"),
    [("f", np.int32), ("f", np.int64), ("f", np.uint32), ("v_template", np.float32), ("posedirs", np.float32), ("shapedirs", ">f8")],
)
def test_number_types_do_not_matter(tmp_path, change, kind):
    members = official_arrays(BODIES["smpl"])
    members[change] = members[change].astype(kind)
    np.savez(tmp_path / "a.npz", **members)
    assert_same(read_official_body(tmp_path / "a.npz"), BODIES["smpl"])


def test_arrays_in_column_order_are_read(tmp_path):
    members = {name: np.asfortranarray(member) for name, member in official_arrays(BODIES["smpl"]).items()}
    np.savez(tmp_path / "a.npz", **members)
    assert_same(read_official_body(tmp_path / "a.npz"), BODIES["smpl"])
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(members))
    assert_same(read_official_body(tmp_path / "a.pkl"), BODIES["smpl"])


@pytest.mark.parametrize(
    ("columns", "shape", "expression"),
    [(10, 10, 0), (16, 10, 6), (20, 10, 10), (30, 10, 10), (300, 300, 0), (310, 300, 10), (400, 300, 100), (450, 300, 100)],
)
def test_expressions_stand_where_the_releases_have_them(tmp_path, columns, shape, expression):
    model = random_body("smplx", vertices=20, betas=columns)
    found = read_official_body(write_npz_layout(tmp_path / "a.npz", model))
    assert (found.n_betas, found.n_expressions) == (shape, expression)
    assert np.array_equal(found.shapedirs, model.shapedirs[..., :shape])
    assert np.array_equal(found.expressiondirs, model.shapedirs[..., shape : shape + expression])


@pytest.mark.parametrize(
    ("path", "family", "name"),
    [
        ("models/SMPL_NEUTRAL.pkl", "smpl", "smpl_neutral"),
        ("x/basicModel_f_lbs_10_207_0_v1.0.0.pkl", "smpl", "smpl_female"),
        ("x/basicmodel_m_lbs_10_207_0_v1.1.0.pkl", "smpl", "smpl_male"),
        ("x/basicModel_neutral_lbs_10_207_0_v1.0.0.pkl", "smpl", "smpl_neutral"),
        ("smplh/male/model.npz", "smplh", "smplh_male"),
        ("smplh/SMPLH_FEMALE.npz", "smplh", "smplh_female"),
        ("male/SMPLX_FEMALE.npz", "smplx", "smplx_female"),
        ("models_lockedhead/smplx/SMPLX_NEUTRAL.npz", "smplx", "smplx_neutral_locked_head"),
        ("smal/my_smpl_00781_4_all.pkl", "smal", "smal"),
    ],
)
def test_names_say_family_and_gender(path, family, name):
    assert official_name(Path(path), family) == name


def test_converting_once_and_using_ever_after(tmp_path):
    model = BODIES["smplx"]
    path = write_pickle(tmp_path / "SMPLX_NEUTRAL.pkl", model)
    shelf = BodyShelf(tmp_path / "home" / "bodies")
    assert shelf.add(path) == "smplx_neutral"
    assert shelf.add(path) == "smplx_neutral"
    assert "smplx_neutral" in shelf.names()
    path.unlink()
    found = shelf.load("smplx_neutral")
    assert_same(found, model)
    assert found.name == "smplx_neutral"
    other = write_pickle(tmp_path / "SMPLX_NEUTRAL.pkl", random_body("smplx", vertices=30))
    with pytest.raises(BodyModelError, match="another name"):
        shelf.add(other)
    assert shelf.add(other, "thinner_one") == "thinner_one"
    for name in ("open_human", "Bad Name", "../x"):
        with pytest.raises(BodyModelError):
            shelf.add(other, name)


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "bodies").write_bytes(b"a file where the folder should be")
    with pytest.raises(BodyModelError, match="cannot be written"):
        BodyShelf(tmp_path / "bodies").add(write_pickle(tmp_path / "SMPL_MALE.pkl", BODIES["smpl"]))


# --- files that are no bodies -------------------------------------------------------------------------------------------

SMPL = BODIES["smpl"]
V, J = SMPL.n_vertices, SMPL.n_joints
TREE = official_arrays(SMPL)["kintree_table"].astype(np.int64)


def tree(joint: int, parent: int) -> np.ndarray:
    changed = TREE.copy()
    changed[0, joint] = parent
    return changed


WRONG = {
    "no template": ("v_template", None, "no 'v_template'"),
    "zero vertices": ("v_template", np.zeros((0, 3)), "shape"),
    "flat template": ("v_template", np.zeros((V, 2)), "shape"),
    "template of text": ("v_template", np.full((V, 3), "a"), "plain numbers"),
    "template of objects": ("v_template", np.full((V, 3), None, dtype=object), "plain numbers"),
    "NaN in the template": ("v_template", np.full((V, 3), np.nan), "finite"),
    "infinite shape": ("shapedirs", np.full((V, 3, 10), np.inf), "finite"),
    "no components": ("shapedirs", np.zeros((V, 3, 0)), "shapedirs"),
    "flat components": ("shapedirs", np.zeros((V, 30)), "shapedirs"),
    "components of others": ("shapedirs", np.zeros((V - 1, 3, 10)), "shapedirs"),
    "correctives of others": ("posedirs", np.zeros((V, 3, 459)), "posedirs"),
    "weights not summing to 1": ("weights", np.zeros((V, J)), "sum to 0"),
    "NaN weights": ("weights", np.full((V, J), np.nan), "finite"),
    "a hand": ("weights", np.full((V, 16), 1 / 16), "MANO"),
    "weights of others": ("weights", np.full((V - 1, J), 1 / J), "weights"),
    "regressor of others": ("J_regressor", np.zeros((J, V + 1)), "J_regressor"),
    "faces beyond": ("f", np.full((9, 3), V), "triangles"),
    "faces before": ("f", np.full((9, 3), -1), "triangles"),
    "faces of four": ("f", np.zeros((9, 4), int), "shape"),
    "a circle": ("kintree_table", tree(4, 7), "hang together"),
    "a joint on itself": ("kintree_table", tree(4, 4), "hang together"),
    "a joint nowhere": ("kintree_table", tree(4, 99), "hang together"),
    "another tree": ("kintree_table", tree(15, 0), "hang together"),
    "a tree of fractions": ("kintree_table", TREE + np.array([[0.5], [0.0]]), "hang together"),
    "a short tree": ("kintree_table", TREE[:, :9], "shape"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("ending", ["npz", "pkl"])
def test_files_that_are_no_bodies_are_refused(tmp_path, case, ending):
    name, value, words = WRONG[case]
    members = {**official_arrays(SMPL), name: value}
    if value is None:
        del members[name]
    path = tmp_path / f"a.{ending}"
    if ending == "npz":
        np.savez(path, **members)
    else:
        path.write_bytes(pickle.dumps(members))
    with pytest.raises(BodyModelError, match=words):
        read_official_body(path)


@pytest.mark.parametrize("member", ["indices", "indptr", "data", "_shape"])
def test_a_sparse_regressor_with_wrong_indices_is_refused(tmp_path, member):
    from scipy.sparse import csc_matrix

    members = official_arrays(SMPL)
    sparse = csc_matrix(members["J_regressor"])
    state = dict(sparse.__dict__)
    state[member] = (J, 10**9) if member == "_shape" else state[member][:-1] if member == "data" else state[member] + 1000
    sparse.__dict__.update(state)
    members["J_regressor"] = sparse
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(members))
    with pytest.raises(BodyModelError, match=r"J_regressor|sparse"):
        read_official_body(tmp_path / "a.pkl")


@pytest.mark.parametrize("hands", [np.zeros((46, 45)), np.zeros((0, 45)), np.zeros(45), np.full((45, 45), np.nan)])
def test_wrong_hands_are_refused(tmp_path, hands):
    np.savez(tmp_path / "a.npz", **{**official_arrays(BODIES["smplh"]), "hands_componentsl": hands})
    with pytest.raises(BodyModelError, match="hands_components"):
        read_official_body(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"PK", b"\x80\x02}.", b"\x80\x02].", b"hello", b"\x80\x02", b"PK\x03\x04" + bytes(100)])
def test_files_of_other_kinds_are_refused(tmp_path, content):
    (tmp_path / "a.pkl").write_bytes(content)
    with pytest.raises(BodyModelError):
        read_official_body(tmp_path / "a.pkl")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BodyModelError, match=r"gone\.pkl"):
        read_official_body(tmp_path / "gone.pkl")
    with pytest.raises(BodyModelError, match="cannot be read"):
        read_official_body(tmp_path)


def test_part_labels_are_those_of_the_heaviest_joint():
    for model in BODIES.values():
        assert np.array_equal(model.part_labels, skeleton_of(model.family).part_labels[model.weights.argmax(axis=1)])
