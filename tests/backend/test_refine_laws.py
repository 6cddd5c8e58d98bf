"""Laws of the refiner: what it must return whatever the motion is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.errors import Cancelled, InputError
from backend.prior.refine import refine_clip
from backend.progress import Progress, silent
from backend.stages.refine import run
from revision_blender.motion.clip import Clip, ObjectTrack, Pins
from revision_blender.motion.rotation import angle_between, matrix_from_axis_angle
from revision_blender.wire.requests import RefineRequest
from tests.backend.refine_motions import joint_error, joints, kick, noisy, part, with_body

CLIP = noisy(kick(), seed=3)
SHORT = part(CLIP, 6)


def refined(clip: Clip, *pins: Pins, strength: float = 1.0) -> Clip:
    return refine_clip(clip, pins, strength, silent())


def test_strength_0_is_identity():
    assert refined(CLIP, strength=0.0) is CLIP


def test_strength_scales_how_far_it_goes():
    full, half = refined(CLIP), refined(CLIP, strength=0.5)
    whole = angle_between(CLIP.bodies[0].rotations, full.bodies[0].rotations)
    assert np.allclose(angle_between(CLIP.bodies[0].rotations, half.bodies[0].rotations), 0.5 * whole, atol=1e-7)
    assert joint_error(full, CLIP) > 1.5 * joint_error(half, CLIP) > 0.0


@settings(max_examples=12, deadline=None)
@given(
    joints=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 23)), max_size=30),
    places=st.lists(st.integers(0, 5), max_size=6),
    single=st.booleans(),
)
def test_pins_come_back_bit_for_bit(joints, places, single):
    dtype = np.float32 if single else np.float64
    track = SHORT.bodies[0]
    clip = with_body(SHORT, rotations=track.rotations.astype(dtype), translation=track.translation.astype(dtype))
    held, placed = np.zeros((6, 24), dtype=bool), np.zeros(6, dtype=bool)
    held[tuple(np.array(joints, dtype=int).reshape(-1, 2).T)] = True
    placed[places] = True
    body = refined(clip, Pins("person", held, placed)).bodies[0]
    given_body = clip.bodies[0]
    assert body.rotations.dtype == dtype and body.translation.dtype == dtype
    assert body.rotations[held].tobytes() == given_body.rotations[held].tobytes()
    assert body.translation[placed].tobytes() == given_body.translation[placed].tobytes()


def test_everything_pinned_is_the_clip_itself():
    everything = Pins("person", np.ones((24, 24), dtype=bool), np.ones(24, dtype=bool))
    body = refined(CLIP, everything).bodies[0]
    assert np.array_equal(body.rotations, CLIP.bodies[0].rotations)
    assert np.array_equal(body.translation, CLIP.bodies[0].translation)


def test_one_whole_frame_pinned_leaves_the_others_free():
    held, placed = np.zeros((24, 24), dtype=bool), np.zeros(24, dtype=bool)
    held[9], placed[9] = True, True
    result = refined(CLIP, Pins("person", held, placed))
    assert np.array_equal(joints(result)[9], joints(CLIP)[9])
    assert np.abs(joints(result)[[5, 15]] - joints(CLIP)[[5, 15]]).max() > 1e-3


def test_a_pinned_joint_is_pinned_in_every_frame():
    held = np.zeros((24, 24), dtype=bool)
    held[:, 16] = True
    body = refined(CLIP, Pins("person", held, np.zeros(24, dtype=bool))).bodies[0]
    assert np.array_equal(body.rotations[:, 16], CLIP.bodies[0].rotations[:, 16])
    assert not np.array_equal(body.rotations[:, 17], CLIP.bodies[0].rotations[:, 17])


def test_a_pinned_edit_pulls_its_neighbours_along():
    rotations = CLIP.bodies[0].rotations.copy()
    rotations[6, 16] = matrix_from_axis_angle(np.array([0.0, 0.0, 0.8])) @ rotations[6, 16]
    held = np.zeros((24, 24), dtype=bool)
    held[6, 16] = True
    edited = with_body(CLIP, rotations=rotations)
    plain = refined(CLIP).bodies[0].rotations
    pulled = angle_between(refined(edited, Pins("person", held, np.zeros(24, dtype=bool))).bodies[0].rotations, plain)[:, 16]
    assert min(pulled[5], pulled[7]) > 0.2
    assert pulled[[0, 12, 23]].max() < 0.05


def test_turning_and_moving_the_whole_world_turns_and_moves_the_result():
    turn = matrix_from_axis_angle(np.array([0.4, -1.1, 0.7]))
    shift = np.array([3.0, -2.0, 5.0])
    there = refined(_moved(CLIP, turn, shift))
    expected = _moved(refined(CLIP), turn, shift)
    assert np.allclose(joints(there), joints(expected), atol=1e-6)


def _moved(clip: Clip, turn: np.ndarray, shift: np.ndarray) -> Clip:
    track = clip.bodies[0]
    pelvis = joints(clip)[:, 0]
    rotations = track.rotations.copy()
    rotations[:, 0] = turn @ rotations[:, 0]
    body = replace(track, rotations=rotations, translation=track.translation + pelvis @ turn.T + shift - pelvis)
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = turn, shift
    ground = replace(clip.ground, normal=turn @ clip.ground.normal, point=turn @ clip.ground.point + shift)
    return replace(clip, camera=replace(clip.camera, T_world_camera=T @ clip.camera.T_world_camera), ground=ground, tracks=(body,))


def test_played_backwards_it_is_refined_backwards():
    assert np.allclose(joints(refined(_backwards(CLIP))), joints(_backwards(refined(CLIP))), atol=1e-6)


def _backwards(clip: Clip) -> Clip:
    track = clip.bodies[0]
    body = replace(track, rotations=track.rotations[::-1], translation=track.translation[::-1], confidence=track.confidence[::-1])
    return replace(clip, camera=replace(clip.camera, T_world_camera=clip.camera.T_world_camera[::-1]), tracks=(body,))


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_short_clips(frames):
    result = run(RefineRequest(part(CLIP, frames), method="optimisation"), silent())
    assert result.clip.bodies[0].rotations.shape == (frames, 24, 3, 3)
    assert joint_error(result.clip, part(CLIP, frames)) < 0.05


def test_a_clip_without_bodies_comes_back_as_it_is():
    thing = ObjectTrack("ball", "ball", np.ones(3), np.zeros((24, 21, 3)), np.ones(24))
    clip = CLIP.with_tracks((thing,))
    result = run(RefineRequest(clip, method="optimisation"), silent())
    assert result.clip is clip and "foot_sliding_mm" not in result.report


def test_things_beside_the_body_stay():
    thing = ObjectTrack("ball", "ball", np.ones(3), np.zeros((24, 21, 3)), np.ones(24))
    result = refined(CLIP.with_tracks((thing, CLIP.bodies[0])))
    assert result.tracks[0] is thing
    assert joint_error(result, CLIP) > 0.0


def test_far_over_the_ground_nothing_touches_it():
    high = replace(CLIP, ground=replace(CLIP.ground, point=CLIP.ground.point + np.array([0.0, 5.0, 0.0])))
    result = run(RefineRequest(high, method="optimisation"), silent())
    assert result.report["contacts"] == 0.0
    assert "foot_sliding_ratio" not in result.report
    assert joint_error(result.clip, kick()) < joint_error(high, kick())


@pytest.mark.parametrize("name", ["rotations", "translation", "confidence", "betas"])
def test_numbers_that_are_not_finite_are_refused(name):
    values = getattr(CLIP.bodies[0], name).copy()
    values.flat[5] = np.nan
    with pytest.raises(InputError, match=f"1 numbers in its {name} that are not finite"):
        refined(with_body(CLIP, **{name: values}))


@pytest.mark.parametrize("strength", [-0.1, 1.5, float("nan")])
def test_a_strength_out_of_range_is_refused(strength):
    with pytest.raises(InputError, match="between 0"):
        refined(CLIP, strength=strength)


def test_pins_that_fit_no_track_are_refused():
    with pytest.raises(InputError, match="'dog'"):
        refined(CLIP, Pins("dog", np.zeros((24, 24), dtype=bool), np.zeros(24, dtype=bool)))
    with pytest.raises(InputError, match=r"\(3, 24\)"):
        refined(CLIP, Pins("person", np.zeros((3, 24), dtype=bool), np.zeros(3, dtype=bool)))


def test_an_unknown_body_is_refused():
    with pytest.raises(InputError, match="'smpl_female'"):
        refined(with_body(CLIP, model="smpl_female"))


def test_cancel_stops_it():
    with pytest.raises(Cancelled):
        refine_clip(CLIP, (), 1.0, Progress(lambda _fraction, _words: None, cancelled=lambda: True))


def test_progress_goes_forward_and_ends_at_1():
    seen: list[float] = []
    run(RefineRequest(SHORT, method="optimisation"), Progress(lambda fraction, _words: seen.append(fraction)))
    assert seen == sorted(seen) and seen[-1] == 1.0
