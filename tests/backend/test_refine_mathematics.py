"""The refiner's derivatives against differences, its block solver against a dense one."""

from dataclasses import replace

import numpy as np
import torch

from backend.prior import rotations as so3
from backend.prior.energy import linearised, state_of
from backend.prior.goal import Held, goal_of
from backend.prior.kinematics import jacobian, pose
from backend.prior.normal_equations import NormalEquations, solve
from revision_blender.motion.bodies.body_model import open_human
from revision_blender.motion.rotation import axis_angle_from_matrix
from tests.backend.refine_motions import joints, kick, noisy, part

CLIP = noisy(part(kick(), 7))
FREE = Held(np.zeros((7, 24), dtype=bool), np.zeros(7, dtype=bool))


def _goal():
    """Without correctives, which the Jacobian holds still on purpose."""
    goal = goal_of(CLIP, CLIP.bodies[0], open_human(), FREE)
    return replace(goal, skeleton=replace(goal.skeleton, posedirs=torch.zeros_like(goal.skeleton.posedirs)))


def _moved(rotations, translation, step):
    return so3.exp(step[:, 3:].unflatten(1, (-1, 3))) @ rotations, translation + step[:, :3]


def _step(seed: int, size: float) -> torch.Tensor:
    return size * torch.randn(7, 75, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_logarithm_inverts_the_exponential():
    vectors = torch.tensor([[0.0, 0.0, 0.0], [1e-9, 0.0, 0.0], [0.1, -0.2, 0.3], [3.0, 0.5, 0.0], [-2.0, 1.0, 2.1]], dtype=torch.float64)
    assert torch.allclose(so3.log(so3.exp(vectors)), vectors, atol=1e-9)
    assert np.allclose(axis_angle_from_matrix(so3.exp(vectors).numpy()), vectors.numpy(), atol=1e-9)


def test_left_inverse_is_the_derivative_of_the_logarithm():
    vector = torch.tensor([0.7, -1.2, 0.4], dtype=torch.float64)
    small = torch.tensor([2e-7, 1e-7, -3e-7], dtype=torch.float64)
    change = so3.log(so3.exp(small) @ so3.exp(vector)) - vector
    assert torch.allclose(change, so3.left_inverse(vector) @ small, atol=1e-12)


def test_kinematics_equal_the_body_model():
    goal = goal_of(CLIP, CLIP.bodies[0], open_human(), FREE)
    assert np.allclose(goal.places[:, :24].numpy(), joints(CLIP), atol=1e-9)


def test_jacobian_equals_differences():
    goal = _goal()
    posed = pose(goal.skeleton, goal.rotations, goal.translation)
    step = _step(0, 1e-7)
    moved = pose(goal.skeleton, *_moved(goal.rotations, goal.translation, step)).places - posed.places
    assert torch.allclose(moved, torch.einsum("fnij,fj->fni", jacobian(goal.skeleton, posed), step), atol=1e-11)


def test_gradient_equals_differences_of_the_energy():
    goal = _goal()
    state = state_of(goal, *_moved(goal.rotations, goal.translation, _step(1, 0.05)))
    gradient = linearised(goal, state).gradient
    for seed in range(2, 5):
        way = _step(seed, 1.0)
        ends = [state_of(goal, *_moved(state.rotations, state.translation, h * way)).energy for h in (1e-6, -1e-6)]
        assert np.isclose((ends[0] - ends[1]) / 2e-6, float((gradient * way).sum()), rtol=1e-4)


def test_block_solver_equals_a_dense_one():
    goal = _goal()
    equations = linearised(goal, state_of(goal, *_moved(goal.rotations, goal.translation, _step(1, 0.05))))
    dense = _dense(equations)
    expected = torch.linalg.solve(dense, -equations.gradient.flatten()).reshape(7, 75)
    assert torch.allclose(solve(equations, 0.0), expected, rtol=1e-6, atol=1e-9)


def test_held_unknowns_do_not_move():
    goal = _goal()
    equations = linearised(goal, state_of(goal, *_moved(goal.rotations, goal.translation, _step(1, 0.05))))
    free = (_step(6, 1.0) > 0.0).double()
    step = solve(equations.held(free), 1e-3)
    assert (step[free == 0.0] == 0.0).all()
    assert (step[free == 1.0] != 0.0).all()


def _dense(equations: NormalEquations) -> torch.Tensor:
    frames, size = equations.gradient.shape
    dense = torch.zeros(frames * size, frames * size, dtype=torch.float64)
    for reach in range(3):
        for frame in range(frames - reach):
            rows, columns = slice(frame * size, (frame + 1) * size), slice((frame + reach) * size, (frame + reach + 1) * size)
            dense[rows, columns] = equations.blocks[reach, frame]
            dense[columns, rows] = equations.blocks[reach, frame].mT
    return dense
