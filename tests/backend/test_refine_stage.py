"""The stage ``refine``: both methods, what is held, what it reports, and its sentences."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.errors import InputError
from backend.prior.changes import changes, means
from backend.prior.network.config import PriorConfig
from backend.prior.network.strength import Distribution
from backend.prior.network.transformer import Prior
from backend.prior.network.weights import TrainedPrior, save_prior
from backend.progress import silent
from backend.stages import refine
from revision_blender.motion.bodies.body_model import identity_of, joints_of, open_human
from revision_blender.motion.clip import Clip, ObjectTrack, Pins
from revision_blender.wire.requests import RefineRequest
from tests.backend.refine_motions import kick, noisy

WRIST = 20


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An untrained network where the stage looks for one: it answers with the filtered motion."""
    torch.manual_seed(1)
    network = Prior(PriorConfig(width=32, blocks=1, heads=2)).eval()
    speeds = Distribution((0.1, 0.5, 1.0))
    save_prior(tmp_path, TrainedPrior(network, {"human": speeds, "animal": speeds, "object": speeds}))
    monkeypatch.setenv(refine.FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def _wrist(clip: Clip) -> np.ndarray:
    (track,) = clip.bodies
    return joints_of(identity_of(open_human(), track.betas), track.rotations, track.translation)[:, WRIST]


def test_without_weights_the_prior_says_so_and_the_optimisation_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(refine.FOLDER_VARIABLE, str(tmp_path / "nothing"))
    clip = noisy(kick())
    with pytest.raises(InputError, match=r"not installed .* choose the method Optimisation"):
        refine.run(RefineRequest(clip), silent())
    result = refine.run(RefineRequest(clip, method="optimisation", hold_first=True, hold_last=True), silent())
    for frame in (0, -1):
        np.testing.assert_array_equal(result.clip.bodies[0].rotations[frame], clip.bodies[0].rotations[frame])
    assert result.report["jitter_10_m_s3_after"] < 0.7 * result.report["jitter_10_m_s3_before"]
    assert result.report["acceleration_ratio"] < 0.9


def test_an_unknown_method_is_refused(installed: Path) -> None:
    with pytest.raises(InputError, match="'magic' is not known; choose one of prior, optimisation"):
        refine.run(RefineRequest(kick(), method="magic"), silent())


def test_what_is_held_comes_back_and_what_is_pinned_is_reached(installed: Path) -> None:
    clip = noisy(kick(), degrees=4.0)
    (track,) = clip.bodies
    frames, joints = track.rotations.shape[:2]
    pinned, places = np.zeros((frames, joints), bool), np.full((frames, joints, 3), np.nan)
    pinned[10] = True
    wanted = _wrist(clip)[15] + np.array([0.02, -0.03, 0.01])
    places[15, WRIST] = wanted
    pins = Pins("person", pinned, pinned.any(axis=1), places)
    result = refine.run(RefineRequest(clip, (pins,), hold_first=True, hold_last=True), silent())
    (after,) = result.clip.bodies
    for frame in (0, 10, -1):
        np.testing.assert_array_equal(after.rotations[frame], track.rotations[frame])
        np.testing.assert_array_equal(after.translation[frame], track.translation[frame])
    assert np.linalg.norm(_wrist(result.clip)[15] - wanted) < 1e-3
    assert np.abs(after.rotations - track.rotations).max() > 0.01


def test_the_optimisation_refuses_pinned_places(installed: Path) -> None:
    clip = kick()
    places = np.full((clip.n_frames, 24, 3), np.nan)
    places[3, WRIST] = 1.0
    pins = Pins("person", np.zeros((clip.n_frames, 24), bool), np.zeros(clip.n_frames, bool), places)
    with pytest.raises(InputError, match="cannot hold a hand or foot at a place; choose the motion prior or clear"):
        refine.run(RefineRequest(clip, (pins,), method="optimisation"), silent())


def test_contradictory_pins_come_with_a_sentence(installed: Path) -> None:
    clip = kick()
    (track,) = clip.bodies
    pinned = np.zeros((clip.n_frames, 24), bool)
    pinned[[8, 9], 18] = True
    turned = track.rotations.copy()
    turned[9, 18] = turned[9, 18] @ np.diag([1.0, -1.0, -1.0])
    clip = clip.with_tracks((replace(track, rotations=turned),))
    result = refine.run(RefineRequest(clip, (Pins("person", pinned, np.zeros(clip.n_frames, bool)),)), silent())
    assert "left_elbow at frames 8 and 9" in result.notes and "\n" not in result.notes


def test_changes_tell_sliding_sinking_and_jitter() -> None:
    clip = kick(48, 24.0)
    (track,) = clip.bodies
    drift = np.arange(48)[:, None] * np.array([0.003, 0.0, 0.0])
    spoilt = clip.with_tracks((replace(track, translation=track.translation + drift + np.array([0.0, 0.02, 0.0])),))
    found = changes(spoilt, clip)
    assert found.shape == (2, 3, 48) and found.dtype == np.float32
    named = means(found)
    assert named["sliding_mm_after"] < 0.5
    assert 2.0 < named["sliding_mm_before"] < 4.0
    deeper = clip.with_tracks((replace(track, translation=track.translation + np.array([0.0, 0.04, 0.0])),))
    sunk = means(
        changes(deeper, spoilt)
    )  # soles are points a few millimetres over the lowest one, so that it is a difference that is exact
    assert named["sinking_mm_before"] > 10.0 and named["sinking_mm_after"] < 0.5
    assert abs(sunk["sinking_mm_before"] - sunk["sinking_mm_after"] - 20.0) < 0.1
    jittery = means(changes(noisy(clip), clip))
    assert jittery["jitter_10_m_s3_before"] > 2.0 * jittery["jitter_10_m_s3_after"]


def test_objects_are_refined_and_measured(installed: Path) -> None:
    body = kick()
    rng = np.random.default_rng(0)
    fall = np.zeros((body.n_frames, 21, 3))
    fall[..., 0] = np.arange(body.n_frames)[:, None] * 0.05
    fall += rng.normal(size=(1, 21, 3)) * 0.1 + np.array([0.0, 0.5, 3.0])
    box = ObjectTrack("box", "box", np.ones(3) * 0.2, fall + rng.normal(size=fall.shape) * 0.01, np.ones(body.n_frames))
    pinned = np.arange(body.n_frames) == 7
    result = refine.run(RefineRequest(body.with_tracks((box,)), (Pins("box", pinned[:, None], pinned),)), silent())
    (after,) = result.clip.tracks
    assert isinstance(after, ObjectTrack)
    np.testing.assert_array_equal(after.points[7], box.points[7])
    assert np.abs(after.points[6] - box.points[6]).max() > 1e-4
    assert result.report["jitter_10_m_s3_after"] < result.report["jitter_10_m_s3_before"]
    assert np.isnan(result.changes[:, 0]).all()
