"""Clips in the prior's world and on its clock, and back without loss; the path between places and velocities."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from backend.errors import InputError
from backend.prior.state import forward
from backend.prior.state.clock import from_clock, to_clock
from backend.prior.state.observe import observed
from backend.prior.state.path import Accounts, fused
from backend.prior.state.take import FPS, Take, undamaged
from backend.prior.state.world import from_take, kind_of, offsets_of, to_damaged, to_take
from revision_blender.motion.bodies.body_model import identity_of, joints_of, open_human
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import BodyTrack, Clip, GroundPlane, ObjectTrack, Pins
from revision_blender.motion.rotation import angle_between, matrix_from_axis_angle

NORMALS = [(0.0, 1.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.1, -0.95, 0.3)]


def clip_of(track: BodyTrack | ObjectTrack, normal: tuple[float, ...]) -> Clip:
    up = np.array(normal) / np.linalg.norm(normal)
    camera = Camera(640, 480, 500.0, np.array([320.0, 240.0]), np.tile(np.eye(4), (track.n_frames, 1, 1)))
    return Clip(30.0, camera, GroundPlane(up, np.array([0.3, 1.2, 2.0])), (track,))


def body(family: str = "smpl", joints: int = 24, frames: int = 12) -> BodyTrack:
    rng = np.random.default_rng(joints)
    rotations = matrix_from_axis_angle(rng.normal(size=(frames, joints, 3)))
    return BodyTrack("A", family, "open_human", np.zeros(10), rotations, rng.normal(size=(frames, 3)), rng.random((frames, joints)))


def moving(frames: int, fps: float) -> Take:
    """A smooth motion told by its time alone, the same at every rate."""
    time = np.arange(frames)[:, None, None] / fps
    phase = np.random.default_rng(0).random((1, 22, 3)) * 6.0
    turns = 0.6 * np.sin(2.0 * np.pi * 0.6 * time + phase)
    root = np.concatenate([time[:, 0], 0.9 + 0.1 * np.sin(5.0 * time[:, 0]), time[:, 0] ** 2 * 0.1], 1)
    return Take("human", fps, matrix_from_axis_angle(turns), root, np.full((22, 3), 0.1))


@pytest.mark.parametrize("normal", NORMALS)
@pytest.mark.parametrize(("family", "joints"), [("smpl", 24), ("smplh", 52), ("smplx", 55), ("smal", 35)])
def test_bodies_go_there_and_back(normal: tuple[float, ...], family: str, joints: int) -> None:
    track = body(family, joints)
    kind = kind_of(track)
    clip = clip_of(track, normal)
    take, placement = to_take(clip, track, offsets_of(np.random.default_rng(1).normal(size=(joints, 3)), kind))
    assert take.rotations.shape[1] == (35 if kind == "animal" else 22)
    back = from_take(take, placement, track)
    assert isinstance(back, BodyTrack)
    np.testing.assert_allclose(back.rotations, track.rotations, atol=1e-14)
    np.testing.assert_allclose(back.translation, track.translation, atol=1e-14)
    assert np.array_equal(back.rotations[:, 1:], track.rotations[:, 1:])  # only the root is turned


@pytest.mark.parametrize("normal", NORMALS)
def test_joints_keep_their_height_over_the_ground(normal: tuple[float, ...]) -> None:
    track, identity = body(), identity_of(open_human(), np.zeros(10))
    clip = clip_of(track, normal)
    take, placement = to_take(clip, track, offsets_of(identity.joints_rest, "human"))
    places = forward.places(observed([undamaged(take)], dtype=torch.float64).motions)[0].numpy()
    joints = joints_of(identity, track.rotations, track.translation)[:, :22]
    np.testing.assert_allclose(places[..., 1], clip.ground.height(joints), atol=1e-6)
    np.testing.assert_allclose(placement.outward(places), joints, atol=1e-6)


def test_objects_go_there_and_back() -> None:
    points = np.random.default_rng(0).normal(size=(9, 21, 3))
    track = ObjectTrack("ball", "ball", np.ones(3), points, np.ones(9))
    take, placement = to_take(clip_of(track, (0.1, -0.95, 0.3)), track)
    assert take.points is not None
    np.testing.assert_allclose(take.points[:, 20], 0.0, atol=1e-12)
    back = from_take(take, placement, track)
    assert isinstance(back, ObjectTrack)
    np.testing.assert_allclose(back.points, points, atol=1e-12)


def test_confidence_is_trust_and_pins_are_pinned() -> None:
    track = body()
    pins = Pins("A", np.random.default_rng(0).random((12, 24)) < 0.2, np.arange(12) == 3)
    damaged, _ = to_damaged(clip_of(track, NORMALS[1]), track, offsets_of(np.zeros((24, 3)), "human"), pins)
    assert np.array_equal(damaged.trust, track.confidence[:, :22])
    assert np.array_equal(damaged.pinned, pins.joints[:, :22])
    assert np.array_equal(damaged.root_pinned, pins.translation)


def test_strangers_are_told_so() -> None:
    with pytest.raises(InputError, match="dragon"):
        kind_of(replace(body(), family="dragon"))
    with pytest.raises(InputError, match="22 joints"):
        to_take(clip_of(body(joints=10), NORMALS[0]), body(joints=10), np.zeros((10, 3)))
    with pytest.raises(InputError, match="3 frames a second"):
        to_clock(undamaged(moving(8, 3.0)))


@pytest.mark.parametrize("fps", [5.0, 12.0, 15.0, 23.976, 24.0, 25.0, 30.0, 50.0, 59.94, 60.0, 120.0])
def test_every_rate_comes_back(fps: float) -> None:
    frames = max(8, int(2.0 * fps))
    take = moving(frames, fps)
    clocked, away = to_clock(undamaged(take))
    assert len(away) == clocked.take.n_frames
    back = from_clock(replace(clocked.take, fps=FPS), fps, frames)
    assert back.n_frames == frames
    assert np.degrees(angle_between(back.rotations, take.rotations)).max() < (0.5 if fps >= 12.0 else 4.0)
    assert np.abs(back.root - take.root).max() < 0.01
    inside = np.arange(clocked.take.n_frames) / FPS <= (frames - 1) / fps + 1e-9
    assert away[inside].max() <= 0.5 / fps + 1e-9
    assert (clocked.trust[~inside] < 0.5).all()  # what lies past the end is a guess
    assert (clocked.trust[inside] == 1.0).all()
    truth = moving(clocked.take.n_frames, FPS)
    assert np.degrees(angle_between(clocked.take.rotations, truth.rotations)[inside]).max() < (0.5 if fps >= 12.0 else 12.0)


@pytest.mark.parametrize("fps", [15.0, 60.0])
def test_frames_that_both_clocks_have_keep_their_bits(fps: float) -> None:
    take = moving(31, fps)
    clocked, away = to_clock(undamaged(take))
    ours, theirs = (slice(0, None, 2), slice(None)) if fps == 15.0 else (slice(None), slice(0, None, 2))
    assert np.array_equal(clocked.take.rotations[ours], take.rotations[theirs])
    assert np.array_equal(clocked.take.root[ours], take.root[theirs])
    assert (away[ours] == 0.0).all()


def test_missing_and_pinned_entries_keep_their_meaning_on_the_clock() -> None:
    damaged = undamaged(moving(20, 15.0))
    trust, pinned = damaged.trust.copy(), damaged.pinned.copy()
    trust[5, 3], pinned[8, 4] = 0.0, True
    clocked, _ = to_clock(replace(damaged, trust=trust, pinned=pinned))
    assert np.flatnonzero(clocked.trust[:, 3] == 0.0).tolist() == [9, 10, 11]
    assert np.flatnonzero(clocked.pinned[:, 4]).tolist() == [16]


@pytest.mark.parametrize("frames", [1, 2, 8])
def test_short_motions_pass(frames: int) -> None:
    for fps in (5.0, 120.0):
        clocked, _ = to_clock(undamaged(moving(frames, fps)))
        assert from_clock(clocked.take, fps, frames).n_frames == frames


def accounts(places: torch.Tensor, beyond: torch.Tensor, stiffness: float) -> Accounts:
    ones = torch.ones(1, places.shape[1])
    return Accounts(places, beyond, ones / 400.0, ones, 0.0 * ones, torch.arange(places.shape[1])[None].float(), torch.tensor([stiffness]))


def test_places_stay_where_velocities_add_nothing() -> None:
    places = torch.randn(1, 64, 2, generator=torch.Generator().manual_seed(0)).cumsum(1)
    torch.testing.assert_close(fused(accounts(places, torch.zeros(1, 64, 2), 1.0)), places, atol=1e-6, rtol=0)


@pytest.mark.parametrize("frames", [8, 64, 600])
def test_velocities_take_a_drift_out_where_it_is_claimed(frames: int) -> None:
    truth = torch.randn(1, frames, 2, generator=torch.Generator().manual_seed(1)).cumsum(1) * 0.01
    drift = torch.tensor([0.01, -0.004])
    places = truth + drift * torch.arange(frames)[:, None]
    beyond = (-drift).expand(1, frames, 2)
    torch.testing.assert_close(fused(accounts(places, beyond, 1e-6)), truth, atol=2e-3, rtol=0)
    held = fused(accounts(places, beyond, 1e9))
    assert (held - truth).abs().mean() > 0.3 * (places - truth).abs().mean()


def test_velocities_calm_noise_of_places_over_short_times() -> None:
    truth = torch.zeros(1, 200, 2)
    places = truth + 0.05 * torch.randn(1, 200, 2, generator=torch.Generator().manual_seed(2))
    beyond = torch.cat([places[:, :-1] - places[:, 1:], torch.zeros(1, 1, 2)], 1)
    assert (fused(accounts(places, beyond, 1e6)) - truth).abs().mean() < 0.3 * (places - truth).abs().mean()
