"""The lift against truth: rendered clips whose pose, camera and floor are known."""

from functools import cache

import numpy as np
import pytest

from backend.progress import silent
from backend.stages.lift import run
from revision_blender.motion.bodies.body_model import identity_of, joints_of, open_human
from revision_blender.motion.clip import BodyTrack
from revision_blender.wire.requests import LiftRequest, LiftResult
from tests.backend.lifting_cases import procrustes_error
from tests.backend.truth import TruthClip, truth_clips

pytestmark = pytest.mark.slow


@cache
def _lifted() -> tuple[tuple[TruthClip, LiftResult], ...]:
    return tuple((truth, run(LiftRequest(frames=truth.frames, fps=truth.clip.fps), silent())) for truth in truth_clips())


def _joints(track: BodyTrack) -> np.ndarray:
    return joints_of(identity_of(open_human(), track.betas), track.rotations, track.translation)


def test_joints_lie_within_90_mm_on_average():
    errors = {
        truth.name: [1000 * procrustes_error(_joints(clip.bodies[0]), _joints(truth.clip.bodies[0])) for clip in (result.clip, result.raw)]
        for truth, result in _lifted()
    }
    smooth, raw = np.mean(list(errors.values()), axis=0)
    assert max(smooth, raw) <= 90.0, errors


def test_the_floor_is_tilted_by_at_most_5_degrees():
    tilts = {
        truth.name: float(np.degrees(np.arccos(np.clip(result.clip.ground.normal @ truth.clip.ground.normal, -1.0, 1.0))))
        for truth, result in _lifted()
    }
    assert max(tilts.values()) <= 5.0, tilts


def test_outlines_and_landmarks_are_met():
    for truth, result in _lifted():
        assert result.report["landmark_error_median"] <= 0.02, truth.name
        assert result.report["silhouette_iou_median"] >= 0.80, truth.name
