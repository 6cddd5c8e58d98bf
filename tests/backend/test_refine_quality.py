"""Does the refiner make motion better, and can the bars be met without doing so?"""

import numpy as np
import pytest

from backend.prior.contacts import smoothed
from backend.prior.measures import RefineReport, contacts_of, refinement_report, sole_points
from backend.prior.refine import refine_clip
from backend.progress import silent
from revision_blender.motion.clip import Clip
from tests.backend.refine_motions import joint_error, joints, kick, noisy, with_body

TRUTH = kick()


@pytest.fixture(scope="module", params=[0, 1, 2], ids=lambda seed: f"seed{seed}")
def pair(request) -> tuple[Clip, Clip]:
    raw = noisy(TRUTH, seed=request.param)
    return raw, refine_clip(raw, (), 1.0, silent())


def meets_bars(report: RefineReport) -> bool:
    """The bars for real lifts, without the landmarks that made-up motion does not have."""
    return (
        report.acceleration_ratio <= 0.6  # half of this truth's own acceleration is the kick
        and report.foot_sliding_ratio <= 0.5
        and report.foot_sliding_mm <= 5.0
        and 0.9 <= report.peak_speed_ratio <= 1.1
    )


def test_errors_to_the_truth_fall_by_a_quarter_at_least(pair):
    raw, refined = pair
    assert joint_error(refined, TRUTH) < 0.75 * joint_error(raw, TRUTH)


def test_bars_are_met(pair):
    report = refinement_report(*pair)
    assert meets_bars(report), report


def test_the_planted_foot_stands_still_on_the_ground(pair):
    before, after = (np.diff(sole_points(clip.bodies[0])[:, :4], axis=0) for clip in pair)
    assert np.median(np.abs(after)) < 0.002
    assert np.abs(after).mean() < 0.25 * np.abs(before).mean()
    assert np.abs(pair[1].ground.height(sole_points(pair[1].bodies[0])[:, :4])).mean() < 0.02


def test_nothing_sinks_into_the_ground(pair):
    _, refined = pair
    assert refined.ground.height(sole_points(refined.bodies[0])).min() > -0.008
    assert refined.ground.height(joints(refined)).min() > -0.008


def test_the_kick_keeps_its_speed(pair):
    speed = [np.linalg.norm(np.diff(joints(clip)[:, 11], axis=0), axis=-1).max() for clip in (TRUTH, pair[1])]
    assert 0.9 < speed[1] / speed[0] < 1.1


def test_a_clean_motion_stays():
    assert joint_error(refine_clip(TRUTH, (), 1.0, silent()), TRUTH) < 0.006


def test_a_motion_standing_still_misses_the_bars():
    raw = noisy(TRUTH)
    track = raw.bodies[0]
    still = with_body(raw, rotations=np.repeat(track.rotations[:1], 24, 0), translation=np.repeat(track.translation[:1], 24, 0))
    report = refinement_report(raw, still)
    assert report.acceleration_ratio < 0.01 and report.foot_sliding_ratio < 0.01  # these alone it would meet
    assert not meets_bars(report)


def test_a_motion_smoothed_flat_misses_the_bars():
    raw = noisy(TRUTH)
    track = raw.bodies[0]
    u, _, vt = np.linalg.svd(smoothed(track.rotations, 4.0))
    flat = with_body(raw, rotations=u @ vt, translation=smoothed(track.translation, 4.0))
    assert not meets_bars(refinement_report(raw, flat))


def test_the_raw_motion_itself_misses_the_bars():
    raw = noisy(TRUTH)
    report = refinement_report(raw, raw)
    assert report.acceleration_ratio == report.foot_sliding_ratio == report.peak_speed_ratio == 1.0
    assert not meets_bars(report)


def test_contacts_of_the_truth_are_the_planted_foot():
    found = contacts_of(TRUTH, TRUTH.bodies[0])
    assert found.resting[:, :4].all()
    assert not found.resting[:, 4:].any()
    assert found.count == 4 * 23


def test_landmark_errors_are_compared_where_known():
    raw = noisy(TRUTH)
    assert refinement_report(raw, raw, (0.010, 0.011)).landmark_error_ratio == pytest.approx(1.1)
    assert refinement_report(raw, raw).landmark_error_ratio is None
    assert "landmark_error_ratio" not in refinement_report(raw, raw).numbers()
