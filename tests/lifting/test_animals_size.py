"""How large animals come out: alone and beside somebody who tells where the floor is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.bodies.installed import identity_of_track
from backend.evaluation.lifting.figures import AnimalPart, PersonPart
from backend.evaluation.lifting.scenes import BROWN, WHITE, Scene, Shot, drawn_scene
from backend.lifting.animals.size import UNKNOWN_SPREAD, WITHERS, usual_size
from backend.lifting.animals.starts import KINDS
from backend.lifting.world.animal_sizes import Floor, settled_sizes
from backend.lifting.world.lifted import LiftedTrack
from backend.lifting.world.scale import scaled
from backend.progress import silent
from backend.raster.surfaces import body_surface
from backend.stages.lift import run
from revision_blender.motion.bodies.body_size import resized, size_of
from revision_blender.motion.camera import Camera, static_camera
from revision_blender.motion.clip import BodyTrack, Clip, GroundPlane
from revision_blender.wire.requests import LiftRequest
from tests.lifting.animal_cases import TILT, UP, quadruped, walking

EYE, FOCAL, PITCH = 1.5, 420.0, 0.12  # metres over the floor; pixels; radians down
FLOOR = GroundPlane(UP, TILT @ [0.0, -EYE, 0.0])


def standing(size: float, ahead: float, frames: int = 4) -> Clip:
    """A walking animal ``size`` times as large as the dog, ``ahead`` metres before a camera 1.5 m over the floor."""
    clip = walking(frames)
    track = clip.bodies[0]
    track = replace(track, betas=resized(quadruped(), track.betas, size), translation=size * track.translation)
    feet = body_surface(track).vertices_world @ UP
    lowest = float(np.percentile(feet.min(axis=1), 25.0))
    middle = track.translation.mean(axis=0)
    place = track.translation - middle + (middle @ UP - lowest - EYE) * UP + TILT @ [0.0, 0.0, -ahead]
    return Clip(clip.fps, camera_of(frames), FLOOR, (replace(track, translation=place),))


def camera_of(frames: int) -> Camera:
    camera = static_camera(320, 240, FOCAL, frames)
    poses = camera.T_world_camera.copy()
    poses[:, :3, :3] = [[1.0, 0.0, 0.0], [0.0, np.cos(PITCH), np.sin(PITCH)], [0.0, -np.sin(PITCH), np.cos(PITCH)]]
    return replace(camera, T_world_camera=poses)


def lifted(track: BodyTrack, name: str) -> LiftedTrack:
    frames = track.n_frames
    named = replace(track, track_id=name)
    return LiftedTrack(named, named, np.full((frames, 2, 2), 255, np.uint8), np.ones(frames, np.bool_), np.ones(frames, np.float32))


def as_usual(clip: Clip, word: str) -> LiftedTrack:
    """What the fit gives of a true animal: the same picture, of its kind's usual size."""
    track = clip.bodies[0]
    return lifted(scaled(track, usual_size(word).factor / size_of(quadruped(), track.betas), clip.camera), word)


def sizes(found: list[LiftedTrack]) -> list[float]:
    return [size_of(quadruped(), one.track.betas) for one in found if isinstance(one.track, BodyTrack)]


def settled(animals: list[LiftedTrack], floor: Floor | None) -> list[float]:
    return sizes(settled_sizes(animals, [], floor, UP, camera_of(animals[0].track.n_frames)))


def on_people_s_floor(clip: Clip, apart: float = 1.0, sure: float = 0.8) -> Floor:
    beside = clip.bodies[0].translation.mean(axis=0)
    beside = beside - (FLOOR.height(beside)) * UP + [apart, 0.0, 0.0]
    return Floor(FLOOR, beside[None], sure)


@pytest.mark.parametrize("size", [0.44, 1.0, 2.44])
@pytest.mark.parametrize("factor", [0.4, 1.3, 2.5])
def test_an_animal_is_larger_and_farther_and_its_picture_is_the_same(size, factor):
    clip = standing(size, 6.0)
    track = clip.bodies[0]
    grown = scaled(track, factor, clip.camera)
    before, after = (clip.camera.project(body_surface(one).vertices_world) for one in (track, grown))
    apart = np.abs(after[0] - before[0])
    assert apart.mean() < 0.1 and apart.max() < 2.0  # pixels; pose correctives stay what they are
    assert np.allclose(after[1], factor * before[1], rtol=2e-3)
    assert np.isclose(size_of(quadruped(), grown.betas), factor * size)


@settings(deadline=None, max_examples=12)
@given(word=st.sampled_from(["cat", "dog", "horse", "cow"]), other=st.floats(-1.5, 1.5), ahead=st.floats(5.0, 8.0))
def test_beside_a_person_an_animal_has_its_true_size(word, other, ahead):
    """other: spreads that it is larger than its kind usually is."""
    usual = usual_size(word)
    true = usual.factor * float(np.exp(other * usual.spread))
    clip = standing(true, ahead)
    (found,) = settled([as_usual(clip, word)], on_people_s_floor(clip))
    assert abs(np.log(found / true)) < 0.25 * abs(np.log(usual.factor / true)) + 0.02


def test_another_lifter_s_animal_of_any_size_comes_to_its_own():
    clip = standing(2.44, 6.0)
    as_dog = lifted(scaled(clip.bodies[0], 1.0 / 2.44, clip.camera), "horse")
    for floor in (on_people_s_floor(clip), None):
        assert np.isclose(settled([as_dog], floor)[0], 2.44, rtol=0.05)


def test_an_animal_without_a_word_is_told_by_the_floor_alone():
    for true in (0.5, 2.4):
        clip = standing(true, 5.0)
        (found,) = settled([as_usual(clip, "beast")], on_people_s_floor(clip))
        assert np.isclose(found, true, rtol=0.06)
        (alone,) = settled([as_usual(clip, "beast")], None)
        assert np.isclose(alone, 1.0)


def test_a_cat_on_a_table_is_no_lion():
    clip = standing(0.44, 4.0)
    raised = replace(clip.bodies[0], translation=clip.bodies[0].translation + 0.75 * UP)
    cat = as_usual(clip.with_tracks((raised,)), "cat")
    assert settled([cat], on_people_s_floor(clip)) == [usual_size("cat").factor]


def test_a_floor_that_is_guessed_or_known_far_away_says_less():
    usual = usual_size("dog").factor
    clip = standing(1.3 * usual, 7.0)
    dog = as_usual(clip, "dog")
    near, far, guessed = (settled([dog], on_people_s_floor(clip, *way))[0] for way in ((0.5, 0.9), (14.0, 0.9), (0.5, 0.005)))
    assert usual < guessed < far < near < 1.31 * usual


def test_animals_without_people_agree_on_a_floor():
    """A horse and two dogs, one of them half as large as dogs are: the surest sizes make the floor."""
    cases = [("horse", 2.44, 7.0), ("dog_1", 1.0, 4.0), ("dog_2", 0.6, 4.5)]
    animals = [as_usual(standing(size, ahead), word) for word, size, ahead in cases]
    horse, first, second = settled(animals, None)
    assert np.isclose(horse, 2.44, rtol=0.1) and np.isclose(first, 1.0, rtol=0.12)
    assert second < 0.85 and abs(np.log(second / 0.6)) < 0.6 * abs(np.log(1.0 / 0.6))


def test_what_shows_no_paw_and_bodies_of_one_size_stay_as_they_are():
    clip = standing(1.3, 5.0)
    below = replace(clip.bodies[0], translation=clip.bodies[0].translation - 2.0 * UP)
    hidden = replace(as_usual(clip, "dog"), seen=np.zeros(4, np.bool_))
    floor = on_people_s_floor(clip)
    assert settled([hidden], floor) == [usual_size("dog").factor]
    assert settled([lifted(below, "dog")], floor) == [usual_size("dog").factor]
    dog = clip.bodies[0]
    other = lifted(
        BodyTrack("dog", "smpl", "open_human", np.zeros(10), dog.rotations[:, :24], dog.translation, dog.confidence[:, :24]), "dog"
    )
    assert settled_sizes([other], [], floor, UP, clip.camera)[0] is other


def test_every_word_that_names_a_shape_names_a_height():
    words = {*KINDS, *(word for others in KINDS.values() for word in others)}
    assert words <= set(WITHERS)
    for word in words:
        assert 0.1 < usual_size(word).factor < 7.0 and 0.05 < usual_size(word).spread <= 0.3
    assert usual_size("horses").factor == usual_size("horse_2").factor == usual_size("my Horse").factor > 2.0
    assert usual_size("kitten").factor < usual_size("cat").factor < usual_size("dog").factor == 1.0 < usual_size("elephant").factor
    assert usual_size("animal_1").factor == 1.0 and usual_size("").spread == UNKNOWN_SPREAD


OWNER = PersonPart("person_1", "beckon", 0.3, -25.0, (1.6, 0.6), (-0.4, 0.7), WHITE)
HORSE = AnimalPart("horse", "walk", 11, -15.0, (-0.6, -0.3), (("horse", 1.0),), BROWN, "horse", 2.44)
FAR = Shot(1.6, 7.5, 5.0)


@pytest.mark.slow
@pytest.mark.parametrize(("beside", "most"), [(True, 0.1), (False, 0.2)], ids=["beside its owner", "alone"])
def test_a_whole_lift_puts_a_horse_where_it_is(beside, most):
    """Median depth against truth. While all animals were as large as dogs a horse came to 0.46 of its depth."""
    scene = drawn_scene(Scene("sizes", FAR, (OWNER, HORSE) if beside else (HORSE,)), 4)
    request = LiftRequest(frames=scene.frames, fps=12.0, prompts=scene.prompts, focal=float(scene.clip.camera.focal))
    clips = scene.clip, run(request, silent()).clip
    depths = [depth_of(clip, next(track for track in clip.bodies if track.track_id == HORSE.name)) for clip in clips]
    assert abs(np.log(np.median(depths[1] / depths[0]))) < most


def depth_of(clip: Clip, track: BodyTrack) -> np.ndarray:
    """``(F,)`` metres from the camera to joint 0."""
    root = identity_of_track(track).joints_rest[0] + track.translation
    return clip.camera.to_camera(root[:, None])[:, 0, 2]
