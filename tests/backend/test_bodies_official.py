"""One law for every family: numpy, torch and smplx pose a body of the official size and layout alike, correctives on."""

import numpy as np
import pytest
import torch

from backend.bodies.torch_body import TorchBody
from revision_blender.motion.bodies.body_data import BodyModel
from revision_blender.motion.bodies.body_file import load_body_model, save_body_model
from revision_blender.motion.bodies.body_model import identity_of, joints_of, vertices_of
from revision_blender.motion.bodies.official import read_official_body
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.rotation import matrix_from_axis_angle
from tests.motion.body_layouts import FULL_SIZE, random_body, write_npz_layout, write_pickle

try:
    from backend.bodies import smplx_reference
except ImportError:
    smplx_reference = None
pytestmark = [
    pytest.mark.skipif(smplx_reference is None, reason="smplx (non-commercial) is not installed here: nothing to compare with"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # smplx's own unpickling
]

FRAMES = 3
TOLERANCE = 1e-5  # metres
LARGEST_TURN = np.radians(60.0)  # a joint
COMPONENTS = {"smpl": (10, 0), "smplh": (10, 0), "smplx": (300, 100), "smal": (41, 0)}
OLD_SMPLX = (10, 10)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def body_of(family: str, vertices: int = 0, components: tuple[int, int] | None = None) -> BodyModel:
    betas, expressions = components or COMPONENTS[family]
    return random_body(family, vertices or FULL_SIZE[family], betas, expressions, hands=family in ("smplh", "smplx"), seed=3)


def motion(model: BodyModel, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Betas, axis-angles up to 60 degrees a joint, translations, expressions."""
    rng = np.random.default_rng(seed)
    axes = rng.normal(size=(FRAMES, model.n_joints, 3))
    turns = rng.uniform(0.0, LARGEST_TURN, (FRAMES, model.n_joints, 1))
    pose = axes / np.linalg.norm(axes, axis=-1, keepdims=True) * turns
    betas = rng.normal(0.0, 1.5, model.n_betas) / np.sqrt(max(1.0, model.n_betas / 10))
    return betas, pose, rng.normal(0.0, 2.0, (FRAMES, 3)), rng.normal(0.0, 1.0, (FRAMES, model.n_expressions))


def assert_all_agree(model: BodyModel, evaluate, seed: int) -> None:
    betas, pose, translation, expression = motion(model, seed)
    rotations = matrix_from_axis_angle(pose)
    faces = expression if model.n_expressions else None
    wanted_joints, wanted = evaluate(betas, pose, translation, faces)
    identity = identity_of(model, betas)
    assert np.abs(joints_of(identity, rotations, translation, faces) - wanted_joints).max() < TOLERANCE
    assert np.abs(vertices_of(identity, rotations, translation, expression=faces) - wanted).max() < TOLERANCE
    body = TorchBody(model)
    tensors = [torch.as_tensor(array, dtype=torch.float32) for array in (betas, rotations, translation, expression)]
    face = tensors[3] if model.n_expressions else None
    assert np.abs(body.joints(*tensors[:3], expression=face).numpy() - wanted_joints).max() < TOLERANCE
    assert np.abs(body.vertices(*tensors[:3], expression=face).numpy() - wanted).max() < TOLERANCE
    index = torch.tensor([5, 1, 5])
    assert np.abs(body.vertices(*tensors[:3], index=index, expression=face).numpy() - wanted[:, [5, 1, 5]]).max() < TOLERANCE


@pytest.mark.parametrize("ending", ["npz", "pkl"])
@pytest.mark.parametrize("family", COMPONENTS)
def test_numpy_torch_and_smplx_agree_at_full_size(tmp_path, family, ending):
    if (family, ending) == ("smpl", "npz"):
        pytest.skip("smplx reads SMPL from .pkl only")
    components = OLD_SMPLX if (family, ending) == ("smplx", "pkl") else COMPONENTS[family]  # both layouts of expressions
    model = body_of(family, components=components)
    path = tmp_path / f"{family.upper()}_NEUTRAL.{ending}"
    if ending == "npz":
        write_npz_layout(path, model)
    else:
        write_pickle(path, model, chumpy=False)
    reference = smplx_reference.evaluation_of_file(path, family, *components)
    shelf = BodyShelf(tmp_path / "bodies")
    converted = shelf.load(shelf.add(path))
    for seed in range(2):
        assert_all_agree(converted, reference, seed)


@pytest.mark.parametrize(
    ("family", "components"), [("smpl", (300, 0)), ("smplh", (16, 0)), ("smplx", (10, 10)), ("smplx", (300, 0)), ("smal", (20, 0))]
)
def test_other_numbers_of_components_agree_too(tmp_path, family, components):
    model = body_of(family, 300, components)
    path = write_npz_layout(tmp_path / "a.npz", model, objects=False)
    assert_all_agree(read_official_body(path), smplx_reference.evaluation_by_lbs(path), 5)


def test_chumpy_s_pickle_is_the_same_body_as_the_plain_one(tmp_path):
    model = body_of("smpl", 400)
    plain = write_pickle(tmp_path / "plain.pkl", model, chumpy=False)
    found = read_official_body(write_pickle(tmp_path / "chumpy.pkl", model, chumpy=True))
    assert_all_agree(found, smplx_reference.evaluation_by_lbs(plain), 6)


@pytest.mark.parametrize("family", COMPONENTS)
def test_an_exact_file_poses_as_the_model_does(tmp_path, family):
    model = body_of(family, 500)
    save_body_model(tmp_path / "a.npz", model, {}, exact=True)
    betas, pose, translation, expression = motion(model, 7)
    rotations = matrix_from_axis_angle(pose)
    here, there = identity_of(model, betas), identity_of(load_body_model(tmp_path / "a.npz"), betas)
    one = vertices_of(here, rotations, translation, expression=expression)
    assert np.abs(one - vertices_of(there, rotations, translation, expression=expression)).max() < 2e-6
