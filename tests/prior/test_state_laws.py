"""The prior's state: invariance, kinematics, what an untrained network answers, gradients."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from backend.prior.state import decode, features, forward
from backend.prior.state.motions import Observed
from backend.prior.state.observe import observed, take_of
from backend.prior.state.rotation6d import from6d, small_rotation, to6d
from backend.prior.state.take import KINDS, N_JOINTS, Damaged, Kind, Take, undamaged
from revision_blender.motion.bodies.body_model import identity_of, joints_of, open_human
from revision_blender.motion.rotation import matrix_from_axis_angle


def smooth_take(kind: Kind, frames: int = 40, seed: int = 0) -> Take:
    """Sums of slow sines about a random pose."""
    rng = np.random.default_rng(seed)
    joints = N_JOINTS[kind]
    time = np.arange(frames)[:, None, None] / 30.0
    turns = 0.3 * rng.normal(size=(1, joints, 3)) + 0.3 * np.sin(2.0 * np.pi * (0.7 * time + rng.random((1, joints, 3))))
    root = np.concatenate([0.5 * time[:, 0], 0.9 + 0.05 * np.sin(4.0 * time[:, 0]), -0.3 * time[:, 0]], 1)
    offsets = 0.2 * rng.normal(size=(joints, 3))
    offsets[0] = 0.0
    points = 0.2 * rng.normal(size=(1, 21, 3)) + 0.01 * np.sin(time + np.arange(21)[:, None]) if kind == "object" else None
    return Take(kind, 30.0, matrix_from_axis_angle(turns), root, offsets, points)


def noisy(take: Take, degrees: float, centimetres: float, seed: int = 1) -> Damaged:
    rng = np.random.default_rng(seed)
    turns = matrix_from_axis_angle(np.radians(degrees) * rng.normal(size=(*take.rotations.shape[:2], 3)))
    root = take.root + 0.01 * centimetres * rng.normal(size=take.root.shape)
    return undamaged(replace(take, rotations=take.rotations @ turns, root=root))


def doubtful(kind: Kind, seed: int = 3) -> Observed:
    """Noisy, with missing and pinned entries, in double precision."""
    damaged = noisy(smooth_take(kind, seed=seed), 4.0, 3.0)
    rng = np.random.default_rng(seed)
    trust, root_trust = rng.random(damaged.trust.shape) + 0.1, rng.random(damaged.root_trust.shape) + 0.1
    trust[10:15], root_trust[20:23] = 0.0, 0.0
    damaged = replace(damaged, trust=trust.clip(0, 1), root_trust=root_trust.clip(0, 1), pinned=rng.random(trust.shape) < 0.05)
    return observed([damaged], dtype=torch.float64)


def moved(seen: Observed, angle: float, by: tuple[float, float, float]) -> Observed:
    """The whole scene turned about the vertical and moved over the floor."""
    turn = torch.from_numpy(matrix_from_axis_angle(np.array([0.0, angle, 0.0])))
    motions = seen.motions
    rotations = motions.rotations.clone()
    if motions.kind != "object":
        rotations[:, :, 0] = turn @ rotations[:, :, 0]
    root = motions.root @ turn.T + torch.tensor(by, dtype=turn.dtype)
    points = None if motions.points is None else motions.points @ turn.T
    return replace(seen, motions=replace(motions, rotations=rotations, root=root, points=points))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("angle", [0.4, 2.5, -1.7])
def test_neither_place_nor_direction_changes_what_the_network_sees(kind: Kind, angle: float) -> None:
    seen = doubtful(kind)
    before, after = features.features(seen), features.features(moved(seen, angle, (3.0, 0.0, -7.0)))
    assert before.shape[-1] == features.SIZE[kind]
    assert before.std() > 0.1
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_answer_turns_and_moves_with_the_scene(kind: Kind) -> None:
    seen = doubtful(kind)
    raw = torch.randn(1, 40, decode.SIZE[kind], dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    answer = decode.decoded(seen, raw).motions
    wanted = moved(replace(seen, motions=answer), 1.3, (2.0, 0.0, 5.0)).motions
    ours = decode.decoded(moved(seen, 1.3, (2.0, 0.0, 5.0)), raw).motions
    torch.testing.assert_close(ours.root, wanted.root, atol=1e-5, rtol=0)
    if kind == "object":
        torch.testing.assert_close(ours.points, wanted.points, atol=1e-5, rtol=0)
    else:
        torch.testing.assert_close(ours.rotations, wanted.rotations, atol=1e-5, rtol=0)


def test_joints_are_where_the_body_model_has_them() -> None:
    identity = identity_of(open_human(), np.zeros(10))
    take = smooth_take("human")
    rotations = np.concatenate([take.rotations, np.tile(np.eye(3), (40, 2, 1, 1))], 1)
    rest = identity.joints_rest
    offsets = np.concatenate([np.zeros((1, 3)), rest[1:22] - rest[np.array(identity.model.parents[1:22])]])
    seen = observed([undamaged(replace(take, offsets=offsets))], dtype=torch.float64)
    wanted = joints_of(identity, rotations, take.root - rest[0])[:, :22]
    np.testing.assert_allclose(forward.places(seen.motions)[0].numpy(), wanted, atol=1e-5)


@pytest.mark.parametrize("kind", ["human", "animal"])
def test_an_untrained_network_keeps_smooth_motion_and_calms_noise(kind: Kind) -> None:
    clean = smooth_take(kind, 64)
    truth = forward.places(observed([undamaged(clean)]).motions)

    def error(damaged: Damaged) -> tuple[float, float]:
        seen = observed([damaged])
        answer = decode.decoded(seen, torch.zeros(1, 64, decode.SIZE[kind]))
        return float((forward.places(answer.motions) - truth).norm(dim=-1).mean()), float(
            (forward.places(seen.motions) - truth).norm(dim=-1).mean()
        )

    assert error(undamaged(clean))[0] < 0.006
    after, before = error(noisy(clean, 5.0, 5.0))
    assert after < 0.5 * before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frames", [1, 2, 8, 64])
def test_gradients_reach_the_raw_numbers_and_the_input(kind: Kind, frames: int) -> None:
    seen = observed([noisy(smooth_take(kind, frames), 4.0, 3.0)])
    rotations, root = seen.motions.rotations.clone().requires_grad_(), seen.motions.root.clone().requires_grad_()
    seen = replace(seen, motions=replace(seen.motions, rotations=rotations, root=root))
    raw = 0.1 * torch.randn(1, frames, decode.SIZE[kind], generator=torch.Generator().manual_seed(2))
    raw.requires_grad_()
    answer = decode.decoded(seen, raw)
    weights = torch.linspace(0.5, 1.5, frames)[:, None]
    score = (
        (forward.places(answer.motions).square() * weights[:, None]).sum() + answer.contacts.sum() + features.features(seen).square().sum()
    )
    score = score + (answer.motions.rotations[..., :2] * torch.randn(3, 2, generator=torch.Generator().manual_seed(0))).sum()
    if answer.motions.points is not None:
        score = score + answer.motions.points.square().sum()
    score.backward()
    for gradient in (raw.grad, root.grad):
        assert gradient is not None
        assert gradient.isfinite().all()
        assert gradient.abs().sum() > 0
    assert raw.grad is not None
    if frames > 2 and kind != "object":
        still = (raw.grad.abs().sum((0, 1)) == 0).sum()
        assert still == 0


def test_padding_changes_nothing() -> None:
    short, long = smooth_take("human", 20), smooth_take("human", 40, seed=5)
    alone, beside = observed([noisy(short, 3.0, 2.0)]), observed([noisy(short, 3.0, 2.0), undamaged(long)])
    # Only what counts steps sees the last frame differently: alone its step is repeated, in the batch it is followed by padding.
    torch.testing.assert_close(features.features(beside)[:1, :17], features.features(alone)[:, :17], atol=0.15, rtol=0)
    raw = torch.randn(2, 40, decode.SIZE["human"], generator=torch.Generator().manual_seed(0)) * 0.1
    first = decode.decoded(beside, raw).motions
    second = decode.decoded(alone, raw[:1, :20]).motions
    torch.testing.assert_close(first.rotations[:1, :20], second.rotations, atol=2e-3, rtol=0)
    torch.testing.assert_close(first.root[:1, :20], second.root, atol=2e-3, rtol=0)


def test_a_batch_gives_its_takes_back() -> None:
    takes = [smooth_take("human", 20), smooth_take("human", 33, seed=2)]
    seen = observed([undamaged(take) for take in takes])
    for index, take in enumerate(takes):
        back = take_of(seen.motions, index, take)
        np.testing.assert_allclose(back.rotations, take.rotations, atol=1e-6)
        np.testing.assert_allclose(back.root, take.root, atol=1e-6)


def test_six_numbers_are_a_rotation() -> None:
    rotations = torch.from_numpy(matrix_from_axis_angle(np.random.default_rng(0).normal(size=(50, 3))))
    torch.testing.assert_close(from6d(to6d(rotations)), rotations)
    torch.testing.assert_close(from6d(3.0 * to6d(rotations)), rotations)
    assert torch.equal(small_rotation(torch.zeros(6)), torch.eye(3))
