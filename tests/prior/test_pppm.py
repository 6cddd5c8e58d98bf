"""The prior on clips: what must hold whatever the network has learned."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from backend.errors import InputError
from backend.prior.network.weights import TrainedPrior
from backend.prior.pppm import Options, Refined, WorldPin, refine
from revision_blender.motion.bodies.body_model import joints_of
from revision_blender.motion.bodies.body_size import resized
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.clip import BodyTrack, Clip, GroundPlane, ObjectTrack, Pins
from revision_blender.motion.rotation import angle_between, matrix_from_axis_angle
from tests.backend.refine_motions import kick, noisy, part, person, with_body
from tests.prior.net_samples import small_prior, trained

FPS = (5.0, 12.0, 24.0, 30.0, 60.0, 120.0)


@cache
def _network() -> TrainedPrior:
    return trained(small_prior(spoken=0.01))


def _refined(clip: Clip, **options: object) -> Refined:
    return refine(clip, Options(**{"network": _network(), **options}))  # type: ignore[arg-type]


def _pins(clip: Clip, frames: list[int], joints: list[int]) -> Pins:
    held = np.zeros(clip.bodies[0].rotations.shape[:2], dtype=bool)
    held[np.ix_(frames, joints)] = True
    places = np.zeros(clip.n_frames, dtype=bool)
    places[frames] = True
    return Pins("person", held, places)


def _thing(frames: int = 20, fps: float = 24.0) -> Clip:
    """A box thrown over the kick's floor, seen by the kick's camera."""
    clip = kick(frames, fps)
    time = np.arange(frames)[:, None] / fps
    centre = np.concatenate([2.0 * time - 1.0, 0.6 - 4.0 * time + 4.9 * time**2, 4.0 + 0.0 * time], axis=1)
    shape = np.random.default_rng(0).normal(size=(21, 3)) * 0.1
    shape[20] = 0.0
    points = centre[:, None] + shape
    return clip.with_tracks((ObjectTrack("ball", "ball", np.full(3, 0.2), points, np.ones(frames)),))


def _dog(frames: int = 30) -> Clip:
    model = BodyShelf(None).load("open_quadruped")
    joints = model.n_joints
    time = np.arange(frames)[:, None, None] / 30.0
    swing = 0.05 * np.sin(6.0 * time + np.arange(joints)[None, :, None]) * np.array([0.0, 1.0, 0.0])
    translation = np.array([0.0, 0.0, 0.55]) + np.arange(frames)[:, None] / 30.0 * np.array([1.0, 0.0, 0.0])
    track = BodyTrack(
        "dog", "smal", "open_quadruped", np.zeros(model.n_betas), matrix_from_axis_angle(swing), translation, np.ones((frames, joints))
    )
    base = kick(frames, 30.0)
    return replace(base, ground=GroundPlane(np.array([0.0, 0.0, 1.0]), np.zeros(3)), tracks=(track,))


def _sized(clip: Clip, size: float) -> Clip:
    """The same animal so many times as large, and as much slower as large animals are."""
    track = clip.bodies[0]
    betas = resized(BodyShelf(None).load(track.model), track.betas, size)
    poses = clip.camera.T_world_camera.copy()
    poses[:, :3, 3] *= size
    ground = GroundPlane(clip.ground.normal, size * clip.ground.point)
    grown = replace(track, betas=betas, translation=size * track.translation)
    return Clip(clip.fps / size**0.5, replace(clip.camera, T_world_camera=poses), ground, (grown,))


@pytest.mark.parametrize("size", [0.44, 2.44])
def test_a_horse_and_a_cat_are_refined_as_the_dog_that_moves_alike(size: float) -> None:
    rng = np.random.default_rng(2)
    clip = _dog()
    track = clip.bodies[0]
    shaken = track.rotations @ matrix_from_axis_angle(rng.normal(0.0, 0.08, (clip.n_frames, 35, 3)))
    clip = clip.with_tracks((replace(track, rotations=shaken, translation=track.translation + rng.normal(0.0, 0.03, (clip.n_frames, 3))),))
    dog, other = _refined(clip), _refined(_sized(clip, size))
    found, wanted = other.clip.bodies[0], _sized(dog.clip, size).bodies[0]
    assert float(angle_between(found.rotations, wanted.rotations).max()) < 1e-4
    np.testing.assert_allclose(found.translation, wanted.translation, atol=1e-4 * size)
    np.testing.assert_allclose(other.report.contacts["dog"], dog.report.contacts["dog"], atol=1e-3)
    assert float(np.abs(found.translation - _sized(clip, size).bodies[0].translation).max()) > 0.01 * size  # something was done


def test_a_size_that_no_animal_has_is_refused() -> None:
    clip = _dog()
    turned_inside_out = replace(clip.bodies[0], betas=np.append(np.zeros(41), -1.5))
    with pytest.raises(InputError, match="Size key"):
        _refined(clip.with_tracks((turned_inside_out,)))


@pytest.mark.parametrize("fps", [5.0, 6.0, 120.0])
def test_the_slowest_and_the_fastest_clips_of_animals_of_any_size_are_refined(fps: float) -> None:
    clip = replace(_dog(12), fps=fps)
    for size in (0.2, 4.0):
        grown = replace(_sized(clip, size), fps=fps)
        assert np.isfinite(_refined(grown).clip.bodies[0].translation).all()


@pytest.mark.parametrize("fps", FPS)
@pytest.mark.parametrize("polish", [False, True])
def test_pins_come_back_bit_for_bit_at_every_rate(fps: float, polish: bool) -> None:
    clip = noisy(kick(24, fps))
    pins = _pins(clip, [0, 7, 8, 23], [0, 4, 16, 18, 22])
    refined = _refined(clip, pins=(pins,), polish=polish).clip
    given, found = clip.bodies[0], refined.bodies[0]
    assert np.array_equal(found.rotations[pins.joints], given.rotations[pins.joints])
    assert np.array_equal(found.translation[pins.translation], given.translation[pins.translation])
    assert not np.array_equal(found.rotations, given.rotations)
    assert refined.fps == fps and refined.n_frames == 24 and refined.ground is clip.ground


def test_first_frame_and_target_pose_are_kept_whole() -> None:
    clip = noisy(kick(24, 24.0))
    found, given = _refined(clip, first_frame=True, target_pose=True).clip.bodies[0], clip.bodies[0]
    for frame in (0, 23):
        assert np.array_equal(found.rotations[frame], given.rotations[frame])
        assert np.array_equal(found.translation[frame], given.translation[frame])
    assert not np.array_equal(found.rotations[12], given.rotations[12])


def test_twice_the_frames_keep_the_pins_of_the_given_ones() -> None:
    clip = noisy(kick(24, 12.0))
    pins = _pins(clip, [3, 11], [1, 18])
    refined = _refined(clip, pins=(pins,), target_fps=24.0).clip
    assert refined.fps == 24.0 and refined.n_frames == 47
    found, given = refined.bodies[0], clip.bodies[0]
    assert np.array_equal(found.rotations[6][[1, 18]], given.rotations[3][[1, 18]])
    assert np.array_equal(found.translation[[6, 22]], given.translation[[3, 11]])
    steps = angle_between(found.rotations[1:], found.rotations[:-1])
    assert float(steps.max()) < 0.8  # nothing jumps, at the pins neither


def test_frames_beyond_the_end_go_on_and_what_was_given_stays_near() -> None:
    clip = kick(40, 30.0)
    plain, longer = _refined(clip, polish=False).clip, _refined(clip, frames=20, polish=False).clip
    assert longer.n_frames == 60 and longer.camera.n_frames == 60
    new = longer.bodies[0]
    assert np.all(np.isfinite(new.rotations)) and np.allclose(new.rotations @ np.swapaxes(new.rotations, -1, -2), np.eye(3), atol=1e-5)
    assert float(np.abs(new.translation[39:] - clip.bodies[0].translation[-1]).max()) < 0.5
    assert float(angle_between(new.rotations[:30, :22], plain.bodies[0].rotations[:30, :22]).mean()) < 0.05


def test_correction_goes_from_the_clip_itself_to_the_refined_motion() -> None:
    clip = noisy(kick(24, 24.0))
    assert _refined(clip, strength_of_correction=0.0).clip is clip
    whole, half = (_refined(clip, strength_of_correction=share).clip.bodies[0] for share in (1.0, 0.5))
    given = clip.bodies[0]
    far, near = (
        angle_between(whole.rotations[:, :22], given.rotations[:, :22]),
        angle_between(half.rotations[:, :22], given.rotations[:, :22]),
    )
    assert np.allclose(near, 0.5 * far, atol=1e-5)
    assert np.allclose(half.translation - given.translation, 0.5 * (whole.translation - given.translation), atol=1e-6)


def test_a_pinned_place_is_reached_within_a_millimetre() -> None:
    clip = kick(36, 24.0)
    wrist = joints_of(person(), clip.bodies[0].rotations, clip.bodies[0].translation)[20, 20]
    wanted = wrist + np.array([0.04, -0.03, 0.02])
    for share in (1.0, 0.5):
        refined = _refined(clip, world_pins=(WorldPin("person", 20, 20, wanted),), strength_of_correction=share).clip.bodies[0]
        reached = joints_of(person(), refined.rotations, refined.translation)[20, 20]
        assert float(np.linalg.norm(reached - wanted)) < 1e-3


def test_where_the_clip_stands_and_which_way_its_floor_faces_does_not_matter() -> None:
    """The same motion in another world gives the same joint rotations."""
    clip = noisy(kick(24, 24.0))
    turn = matrix_from_axis_angle(np.array([0.4, -0.9, 0.3]))
    shift = np.array([3.0, -2.0, 5.0])
    track = clip.bodies[0]
    pelvis = person().joints_rest[0]
    rotations = track.rotations.copy()
    rotations[:, 0] = turn @ rotations[:, 0]
    moved = replace(track, rotations=rotations, translation=(track.translation + pelvis) @ turn.T + shift - pelvis)
    ground = GroundPlane(turn @ clip.ground.normal, turn @ clip.ground.point + shift)
    there = _refined(replace(clip, ground=ground, tracks=(moved,)), polish=False).clip.bodies[0]
    here = _refined(clip, polish=False).clip.bodies[0]
    assert np.allclose(here.rotations[:, 1:22], there.rotations[:, 1:22], atol=1e-4)
    assert np.allclose((here.translation + pelvis) @ turn.T + shift - pelvis, there.translation, atol=1e-3)


def test_objects_and_animals_are_refined_too() -> None:
    for clip in (_thing(), _dog()):
        refined = _refined(clip).clip
        before, after = clip.tracks[0], refined.tracks[0]
        name = "points" if isinstance(before, ObjectTrack) else "rotations"
        assert getattr(after, name).shape == getattr(before, name).shape and np.all(np.isfinite(getattr(after, name)))
        assert not np.array_equal(getattr(after, name), getattr(before, name))
        assert float(np.abs(getattr(after, name) - getattr(before, name)).max()) < 0.4


def test_fingers_are_smoothed_by_trust_and_several_tracks_go_together() -> None:
    model, frames, rng = BodyShelf(None).load("open_human_x"), 20, np.random.default_rng(0)
    base, joints = _thing(frames), model.n_joints
    body = kick(frames, 24.0).bodies[0]
    rotations = np.tile(np.eye(3), (frames, joints, 1, 1))
    rotations[:, :22] = body.rotations[:, :22]
    rotations[:, 25:] = matrix_from_axis_angle(0.1 * rng.normal(size=(frames, joints - 25, 3)))
    confidence = np.ones((frames, joints))
    confidence[5, 30] = 0.0
    rotations[5, 30] = matrix_from_axis_angle(np.array([2.0, 0.0, 0.0]))
    person_x = BodyTrack("hands", "smplx", "open_human_x", np.zeros(model.n_betas), rotations, body.translation, confidence)
    clip = base.with_tracks((person_x, *base.tracks))
    held = np.zeros((frames, joints), dtype=bool)
    held[7, 40] = True
    refined = _refined(clip, pins=(Pins("hands", held, held[:, 0]),)).clip
    after = refined.tracks[0]
    assert isinstance(after, BodyTrack) and isinstance(refined.tracks[1], ObjectTrack)
    assert np.array_equal(after.rotations[7, 40], rotations[7, 40])
    before, now = (angle_between(values[1:, 25:], values[:-1, 25:]).mean() for values in (rotations, after.rotations))
    assert now < 0.7 * before
    assert float(angle_between(after.rotations[5, 30], np.eye(3))) < 0.5


def test_an_object_pinned_at_a_frame_stays_there() -> None:
    clip = _thing()
    pins = Pins("ball", np.zeros((20, 1), dtype=bool), np.arange(20) == 12)
    refined = _refined(clip, pins=(pins,)).clip.tracks[0]
    assert isinstance(refined, ObjectTrack) and isinstance(clip.tracks[0], ObjectTrack)
    assert np.array_equal(refined.points[12], clip.tracks[0].points[12])


@pytest.mark.parametrize("frames", [1, 2, 5, 7, 8, 9])
def test_very_short_clips_come_back_sound(frames: int) -> None:
    clip = part(noisy(kick(24, 30.0)), frames)
    found = _refined(clip).clip.bodies[0]
    assert found.n_frames == frames and np.all(np.isfinite(found.rotations)) and np.all(np.isfinite(found.translation))
    if frames == 1:
        assert np.array_equal(found.rotations, clip.bodies[0].rotations)
    assert float(angle_between(found.rotations[:, :22], clip.bodies[0].rotations[:, :22]).mean()) < 0.3


def test_a_joint_never_seen_and_values_that_nobody_trusts_are_filled() -> None:
    clip = kick(40, 30.0)
    confidence = np.ones((40, 24))
    confidence[:, 18] = 0.0
    confidence[10:15] = 0.0
    rotations, translation = clip.bodies[0].rotations.copy(), clip.bodies[0].translation.copy()
    rotations[confidence == 0.0] = np.nan
    translation[10:15] = np.nan
    found = _refined(with_body(clip, confidence=confidence, rotations=rotations, translation=translation)).clip.bodies[0]
    assert np.all(np.isfinite(found.rotations)) and np.all(np.isfinite(found.translation))
    assert float(np.linalg.norm(found.translation[10:15] - clip.bodies[0].translation[10:15], axis=1).max()) < 0.15


def test_contradictory_pins_are_kept_and_told() -> None:
    clip = kick(40, 30.0)
    rotations = clip.bodies[0].rotations.copy()
    rotations[20, 18] = rotations[18, 18] @ matrix_from_axis_angle(np.array([2.9, 0.0, 0.0]))
    clip = with_body(clip, rotations=rotations)
    result = _refined(clip, pins=(_pins(clip, [18, 20], [18]),), time_repair=False)
    assert np.array_equal(result.clip.bodies[0].rotations[[18, 20], 18], rotations[[18, 20], 18])
    assert len(result.report.notes) == 1 and "left_elbow at frames 18 and 20" in result.report.notes[0]


def test_contacts_are_told_for_every_track() -> None:
    contacts = _refined(kick(24, 24.0)).report.contacts["person"]
    assert contacts.shape == (24, 4) and contacts.min() >= 0.0 and contacts.max() <= 1.0


def test_what_cannot_be_worked_on_is_told_in_one_sentence() -> None:
    clip = kick(24, 24.0)
    track = clip.bodies[0]
    broken = track.rotations.copy()
    broken[3, 4, 0, 0] = np.nan
    empty = part(clip, 0)
    stranger = with_body(clip, family="mano")
    unknown = with_body(clip, model="nobody")
    foreign = replace(_pins(clip, [1], [1]), track_id="cat")
    small = Pins("person", np.zeros((3, 24), dtype=bool), np.zeros(3, dtype=bool))
    cases: list[tuple[Clip, dict[str, object], str]] = [
        (with_body(clip, rotations=broken), {}, "1 entries in its rotations that are not finite"),
        (with_body(clip, betas=np.full(10, np.nan)), {}, "10 entries in its betas"),
        (empty, {}, "0 frames"),
        (stranger, {}, "'mano'"),
        (unknown, {}, "'nobody'"),
        (replace(clip, fps=3.0), {}, "rate 3"),
        (clip, {"target_fps": 500.0}, "rate 500"),
        (clip, {"strength_of_correction": 1.5}, "strength of correction is 1.5"),
        (clip, {"motion_strength": float("nan")}, "motion strength is nan"),
        (clip, {"frames": -1}, "-1 frames"),
        (clip, {"pins": (foreign,)}, "'cat'"),
        (clip, {"pins": (small,)}, "the track needs"),
        (clip, {"world_pins": (WorldPin("person", 23, 0, np.zeros(3)),)}, "joint 23"),
        (clip, {"world_pins": (WorldPin("person", 20, 24, np.zeros(3)),)}, "frame 24"),
        (clip, {"world_pins": (WorldPin("person", 20, 2, np.full(3, np.inf)),)}, "not finite"),
    ]
    for broken_clip, options, words in cases:
        with pytest.raises(InputError, match=words) as found:
            _refined(broken_clip, **options)
        assert "\n" not in str(found.value)
