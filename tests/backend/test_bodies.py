"""Our three evaluations agree: numpy, torch and smplx; and what is exported can be read by smplx."""

import argparse

import numpy as np
import pytest
import torch

from backend.bodies.cli import add_subcommand
from backend.bodies.torch_body import TorchBody, rotations_from_axis_angle
from revision_blender.motion.bodies.body_model import identity_of, joints_of, open_human, vertices_of
from revision_blender.motion.rotation import matrix_from_axis_angle

try:
    from backend.bodies import smplx_reference
except ImportError:
    smplx_reference = None
needs_smplx = pytest.mark.skipif(smplx_reference is None, reason="smplx (non-commercial) is not installed here: nothing to compare with")

FRAMES = 7
TOLERANCE = 1e-5  # metres


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def body():
    return TorchBody(open_human())


def motion(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    rotations = matrix_from_axis_angle(rng.normal(0.0, 0.7, (FRAMES, 24, 3)))
    return rng.normal(0.0, 1.5, 10), rotations, rng.normal(0.0, 2.0, (FRAMES, 3))


def tensors(*arrays: np.ndarray) -> list[torch.Tensor]:
    return [torch.as_tensor(array, dtype=torch.float32) for array in arrays]


@needs_smplx
@pytest.mark.parametrize("seed", range(4))
def test_numpy_and_torch_equal_smplx(body, seed):
    betas, rotations, translation = motion(seed)
    joints, vertices = smplx_reference.evaluate(smplx_reference.reference_body(open_human()), betas, rotations, translation)
    identity = identity_of(open_human(), betas)
    assert np.abs(joints_of(identity, rotations, translation) - joints).max() < TOLERANCE
    assert np.abs(vertices_of(identity, rotations, translation) - vertices).max() < TOLERANCE
    inputs = tensors(betas, rotations, translation)
    assert np.abs(body.joints(*inputs).numpy() - joints).max() < TOLERANCE
    assert np.abs(body.vertices(*inputs).numpy() - vertices).max() < TOLERANCE


def test_torch_equals_numpy(body):
    betas, rotations, translation = motion(11)
    identity = identity_of(open_human(), betas)
    inputs = tensors(betas, rotations, translation)
    assert np.abs(body.joints(*inputs).numpy() - joints_of(identity, rotations, translation)).max() < TOLERANCE
    assert np.abs(body.vertices(*inputs).numpy() - vertices_of(identity, rotations, translation)).max() < TOLERANCE


def test_fewer_betas_mean_zeros(body):
    betas, rotations, translation = tensors(*motion(5))
    padded = torch.cat([betas[:3], torch.zeros(7)])
    assert torch.allclose(body.vertices(betas[:3], rotations, translation), body.vertices(padded, rotations, translation), atol=1e-6)


def test_some_vertices_are_those_of_all(body):
    inputs = tensors(*motion(6))
    index = torch.tensor([3, 6999, 17, 3])
    assert torch.allclose(body.vertices(*inputs, index=index), body.vertices(*inputs)[:, index], atol=1e-6)
    assert body.vertices(*inputs, index=index[:0]).shape == (FRAMES, 0, 3)


def test_gradients_are_those_of_finite_differences():
    body = TorchBody(open_human(), dtype=torch.float64)
    rng = np.random.default_rng(4)
    axis_angle = torch.tensor(rng.normal(0.0, 0.4, (2, 24, 3)), requires_grad=True)
    betas = torch.tensor(rng.normal(size=10), requires_grad=True)
    translation = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    index = torch.tensor([100, 4000])

    def measure(b, a, t):
        rotations = rotations_from_axis_angle(a)
        return body.joints(b, rotations, t).sin().sum() + body.vertices(b, rotations, t, index).cos().sum()

    assert torch.autograd.gradcheck(measure, (betas, axis_angle, translation), eps=1e-6, atol=1e-6, fast_mode=True)


def test_axis_angles_become_the_same_matrices_as_in_numpy():
    axis_angle = np.concatenate(
        [np.random.default_rng(0).normal(0, 2, (20, 3)), np.zeros((1, 3)), np.full((1, 3), 1e-5), np.full((1, 3), 1e-9)]
    )
    found = rotations_from_axis_angle(torch.tensor(axis_angle)).numpy()
    assert np.abs(found - matrix_from_axis_angle(axis_angle)).max() < 1e-12


def test_the_gradient_at_no_turn_is_finite_and_right():
    axis_angle = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    rotations_from_axis_angle(axis_angle)[2, 1].backward()
    assert axis_angle.grad is not None
    assert torch.allclose(axis_angle.grad, torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64))


@needs_smplx
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # smplx's own unpickling
def test_the_exported_file_is_the_same_body_in_smplx(tmp_path):
    parser = argparse.ArgumentParser()
    add_subcommand(parser.add_subparsers())
    arguments = parser.parse_args(["body", "export", str(tmp_path / "body.pkl")])
    assert arguments.run(arguments) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["body.pkl"]
    betas, rotations, translation = motion(2)
    other = smplx_reference.reference_from_file(tmp_path / "body.pkl")
    _, vertices = smplx_reference.evaluate(other, betas, rotations, translation)
    assert np.abs(vertices - vertices_of(identity_of(open_human(), betas), rotations, translation)).max() < TOLERANCE
