"""What mechanics makes of objects: exact where its models hold, better than noise, the same from everywhere."""

import numpy as np
import pytest
import torch

from backend.evaluation.prior.rigid_fit import rigid_and_ballistic
from backend.prior.state.object_candidates import fitted, path, rigid
from backend.prior.state.observe import observed
from backend.prior.state.take import Take, undamaged
from backend.training.prior import rigid_simulation
from backend.training.prior.corruption import ROWS, corrupted, fixed_rng
from revision_blender.motion.rotation import matrix_from_axis_angle

TIME = torch.arange(64, dtype=torch.float64) / 30.0


def thrown(vertical: float = 3.0) -> torch.Tensor:
    return torch.stack([1.5 * TIME, 1.0 + vertical * TIME - 0.5 * 9.81 * TIME**2, -0.4 * TIME], -1)[None]


def rolling() -> torch.Tensor:
    gone = 2.0 * TIME - 0.3 * TIME**2
    return torch.stack([gone, torch.full_like(TIME, 0.1), 0.5 * gone], -1)[None]


def noise(like: torch.Tensor, size: float, seed: int = 0) -> torch.Tensor:
    return size * torch.from_numpy(np.random.default_rng(seed).normal(size=like.shape))


def ones(like: torch.Tensor) -> torch.Tensor:
    return torch.ones(like.shape[:2], dtype=like.dtype)


@pytest.mark.parametrize(
    "clean", [thrown(), rolling(), torch.full((1, 64, 3), 0.3, dtype=torch.float64)], ids=["thrown", "rolling", "lying"]
)
def test_a_motion_of_one_kind_comes_back_exactly_and_out_of_noise_at_a_third_of_it(clean: torch.Tensor) -> None:
    assert (path(clean, ones(clean)) - clean).abs().max() < 1e-6
    noisy = clean + noise(clean, 0.05)
    assert (path(noisy, ones(clean)) - clean).norm(dim=-1).mean() < 0.34 * (noisy - clean).norm(dim=-1).mean()


def test_a_bounce_is_kept_sharp() -> None:
    """Down, up again: a filter would round the turn off, pieces do not."""
    down = 1.0 - 0.5 * 9.81 * TIME[:13] ** 2
    up = down[-1] + 3.2 * (TIME[:20] + 1 / 60) - 0.5 * 9.81 * (TIME[:20] + 1 / 60) ** 2
    height = torch.cat([down, up])
    clean = torch.stack([torch.linspace(0, 1, len(height), dtype=height.dtype), height, torch.zeros_like(height)], -1)[None]
    assert (path(clean, ones(clean)) - clean).abs().max() < 0.01


def test_missing_places_are_bridged_by_flight() -> None:
    clean, weight = thrown(), ones(thrown())
    broken = clean.clone()
    broken[:, 20:40] = 9.0
    weight[:, 20:40] = 0.0
    assert (path(broken, weight + 1e-12) - clean).norm(dim=-1).max() < 0.02


def test_long_clips_are_fitted_in_windows() -> None:
    time = torch.arange(300, dtype=torch.float64) / 30.0
    clean = torch.stack([time, torch.full_like(time, 0.2), -time], -1)[None]
    noisy = clean + noise(clean, 0.03)
    found = path(noisy, ones(clean))
    assert (found - clean).norm(dim=-1).mean() < 0.5 * (noisy - clean).norm(dim=-1).mean()


@pytest.mark.parametrize("frames", [1, 2, 5, 8])
def test_short_clips_have_an_answer(frames: int) -> None:
    clean = thrown()[:, :frames]
    assert torch.allclose(path(clean, ones(clean)), clean, atol=1e-6)


def test_rigid_points_come_back_and_out_of_noise_better() -> None:
    rng = np.random.default_rng(0)
    shape = 0.2 * rng.normal(size=(21, 3))
    turns = matrix_from_axis_angle(np.linspace(0.0, 1.0, 40)[:, None] * [0.4, 1.2, -0.3])
    clean = torch.from_numpy(np.einsum("fij,nj->fni", turns, shape))[None]
    assert (rigid(clean, ones(clean)) - clean).norm(dim=-1).mean() < 2e-3  # its turning is smoothed a little
    noisy = clean + noise(clean, 0.02)
    assert (rigid(noisy, ones(clean)) - clean).norm(dim=-1).mean() < 0.4 * (noisy - clean).norm(dim=-1).mean()


def test_the_fit_follows_when_the_clip_is_moved_and_turned() -> None:
    takes = [rigid_simulation.drawn(np.random.default_rng(seed), True) for seed in range(4)]
    damaged = [corrupted(take, fixed_rng(seed), ROWS["white 5"]) for seed, take in enumerate(takes)]
    seen = observed(damaged, dtype=torch.float64)
    turn = torch.from_numpy(matrix_from_axis_angle(np.array([0.0, 0.9, 0.0])))
    moved = seen.motions.root.new_tensor([3.0, 0.0, -7.0])
    fit, root = fitted(seen), seen.motions.root @ turn.T + moved
    assert torch.allclose(path(root, seen.root_trust), path(seen.motions.root, seen.root_trust) @ turn.T + moved, atol=1e-6)
    assert torch.isfinite(fit.root).all()
    assert torch.isfinite(fit.off).all()


@pytest.mark.parametrize("row", ["white 3", "white 5", "mix 5"])
def test_held_out_things_come_out_of_noise_nearer_to_the_truth(row: str) -> None:
    takes = [rigid_simulation.drawn(np.random.default_rng(seed), True) for seed in range(12)]
    before, after = [], []
    for seed, take in enumerate(takes):
        damaged = corrupted(take, fixed_rng(row, seed), ROWS[row])
        before.append(_error(damaged.take, take))
        after.append(_error(rigid_and_ballistic(damaged), take))
    assert np.mean(after) < (0.9 if row == "mix 5" else 0.6) * np.mean(before)


def test_what_was_clean_stays_nearly_as_it_was() -> None:
    takes = [rigid_simulation.drawn(np.random.default_rng(seed), True) for seed in range(12)]
    assert np.mean([np.linalg.norm(rigid_and_ballistic(undamaged(take)).root - take.root, axis=-1).mean() for take in takes]) < 0.005


def _error(got: Take, wanted: Take) -> float:
    return float(np.linalg.norm(got.root - wanted.root, axis=-1).mean())
