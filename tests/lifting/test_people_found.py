"""People found and followed in rendered scenes of known truth, by MediaPipe itself."""

import json
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.errors import Cancelled
from backend.evaluation.lifting.scenes import TruthScene, truth_scene
from backend.lifting.people.finding import Person, find_people
from backend.lifting.people.fit_people import fit_people
from backend.lifting.people.measures import landmark_points
from backend.lifting.people.people_masks import people_masks
from backend.lifting.people.sightings import overlap
from backend.progress import Progress, silent
from revision_blender.motion.bodies.body_model import identity_of, joints_of, open_human
from revision_blender.motion.clip import BodyTrack
from revision_blender.motion.subjects import Click, Prompt
from tests.backend.lifting_cases import SHARED_DATA, Window, frames_of, procrustes_error

pytestmark = pytest.mark.slow

REAL = Path(__file__).parent / "real"
WINDOW = slice(3, 17)  # of "crossing": they meet in the middle of it


@cache
def _crossing() -> tuple[TruthScene, list[Person]]:
    scene = truth_scene("crossing")
    return scene, find_people(scene.frames[WINDOW], (), silent(), fps=12.0)


def _true_pixels(scene: TruthScene) -> list[np.ndarray]:
    return [scene.clip.camera.project(landmark_points(open_human(), track))[0][WINDOW] for track in scene.clip.bodies]


def _owners(scene: TruthScene, person: Person) -> list[int]:
    """By frame on which the person is seen, which true person lies nearest."""
    truth = _true_pixels(scene)
    return [
        int(np.argmin([np.abs(person.landmarks.pixels[f] - pixels[f]).mean() for pixels in truth])) for f in np.flatnonzero(person.seen)
    ]


def test_two_who_cross_are_two_and_stay_who_they_are():
    scene, people = _crossing()
    assert [person.name for person in people] == ["person_1", "person_2"]
    owners = [_owners(scene, person) for person in people]
    assert sorted({max(set(seen), key=seen.count) for seen in owners}) == [0, 1]
    assert all(np.count_nonzero(np.diff(seen)) == 0 for seen in owners)
    assert all(person.seen.sum() >= 9 for person in people)
    truth = _true_pixels(scene)
    for person, seen in zip(people, owners, strict=True):
        away = np.linalg.norm(person.landmarks.pixels - truth[seen[0]], axis=-1)[person.seen]
        assert np.median(away) < 5.0  # of 250 pixels' height
    assert all((person.boxes[:, :2] < person.boxes[:, 2:]).all() for person in people)


def test_their_bodies_and_masks_are_theirs():
    scene, people = _crossing()
    masks = people_masks(scene.frames[WINDOW], people, silent())
    assert ((masks > 0).sum(axis=0) <= 1).all()
    camera = scene.clip.camera
    part = type(camera)(camera.width, camera.height, camera.focal, camera.center, camera.T_world_camera[WINDOW])
    fits = fit_people(open_human(), people, masks, part, 12.0, silent(), None, scene.frames[WINDOW])
    for person, mask, fitted in zip(people, masks, fits, strict=True):
        true = _owners(scene, person)[0]
        visible, alone = scene.visible[true, WINDOW], scene.alone[true, WINDOW]
        rows = zip(mask > 0, visible, alone, strict=True)
        overlap = [(m & v).sum() / (m | v).sum() for m, v, whole in rows if v.sum() > 0.8 * whole.sum()]
        assert len(overlap) >= 6 and np.median(overlap) > 0.93
        track = scene.clip.bodies[true]
        joints = joints_of(identity_of(open_human(), track.betas), track.rotations, track.translation)[WINDOW]
        assert isinstance(track, BodyTrack)
        found = joints_of(identity_of(open_human(), fitted.smooth.betas), fitted.smooth.rotations, fitted.smooth.translation)
        assert procrustes_error(found, joints) < 0.09
        resting = np.tile(joints[:1], (len(joints), 1, 1))
        assert procrustes_error(found[person.seen], joints[person.seen]) < 0.75 * procrustes_error(resting, joints)
    hidden = np.argmin([person.seen.sum() for person in people])
    confidence = fits[hidden].confidence.mean(axis=1)
    assert confidence.min() < 0.5 * confidence.max()


def test_who_the_user_shows_has_the_users_name_whatever_the_frame_and_however_shown():
    scene, _ = _crossing()
    frames = scene.frames[9:14]
    boxes = [np.flatnonzero(scene.visible[1, 12].any(axis=axis)) for axis in (0, 1)]
    box = (float(boxes[0][0]), float(boxes[1][0]), float(boxes[0][-1]), float(boxes[1][-1]))
    rows, columns = np.nonzero(scene.visible[0, 13])
    middle = Click(float(np.median(columns)), float(np.median(rows)))
    prompts = (Prompt("Ann", "person", 3, box), Prompt("Ben", "person", 4, None, (middle,)), Prompt("ball", "object", 0, (0, 0, 20, 20)))
    people = find_people(frames, prompts, silent(), fps=12.0)
    assert {person.name for person in people} == {"Ann", "Ben"}
    truth = [scene.clip.camera.project(landmark_points(open_human(), track))[0][13] for track in scene.clip.bodies]
    for person in people:
        true = 1 if person.name == "Ann" else 0
        assert np.median(np.linalg.norm(person.landmarks.pixels[4] - truth[true], axis=-1)) < 6.0


def test_an_animal_is_no_person():
    scene = truth_scene("dog_walks")
    assert find_people(scene.frames[8:20], (), silent(), fps=12.0) == []


def test_small_people_in_a_wide_picture_are_found_by_tiles_and_bystanders_left_out():
    scene, _ = _crossing()
    wide = np.full((3, 720, 1280, 3), 96, np.uint8)
    wide[:, 60:540, 40:680] = scene.frames[[4, 5, 6]]
    small = np.stack(
        [cv2.resize(frame[60:420, 40:300], None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA) for frame in scene.frames[[4, 5, 6]]]
    )
    tiny = np.full_like(wide, 96)
    tiny[:, 400 : 400 + small.shape[1], 900 : 900 + small.shape[2]] = small
    (person,) = find_people(tiny, (), silent())  # 180 pixels tall in 1280
    assert 100.0 < np.ptp(person.landmarks.pixels[1], axis=0).max() < 220.0 and person.seen.all()
    assert person.boxes[:, 0].min() > 890.0
    tallest = max(np.ptp(one.landmarks.pixels[1], axis=0).max() for one in find_people(wide, (), silent()))
    assert tallest > 200.0


@pytest.mark.parametrize("shape", [(1, 64, 64, 3), (3, 480, 270, 3)])
def test_nobody_is_nobody(shape):
    assert find_people(np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8), (), silent()) == []
    nowhere = Prompt("Ann", "person", 0, (5.0, 5.0, 50.0, 60.0))
    assert find_people(np.full(shape, 127, np.uint8), (nowhere,), silent()) == []


def test_one_picture_is_enough_and_the_most_are_the_most():
    scene, _ = _crossing()
    people = find_people(scene.frames[:1], (), silent())
    assert len(people) == 2 and all(person.seen.all() for person in people)
    assert len(find_people(scene.frames[:1], (), silent(), most=1)) == 1


def test_finding_is_the_same_every_time_and_stops_when_asked():
    scene, _ = _crossing()
    first, second = (find_people(scene.frames[:2], (), silent()) for _ in range(2))
    assert all(np.array_equal(a.landmarks.pixels, b.landmarks.pixels) for a, b in zip(first, second, strict=True))
    with pytest.raises(Cancelled):
        find_people(scene.frames[:2], (), Progress(lambda _fraction, _words: None, lambda: True))


def test_who_is_seen_on_one_frame_only_is_still_somebody_where_nobody_else_is():
    scene, _ = _crossing()
    frames = np.full((6, *scene.frames.shape[1:]), 127, np.uint8)
    frames[2] = scene.frames[4]
    (person, *_) = find_people(frames, (), silent())
    assert person.seen.tolist() == [False, False, True, False, False, False]


@pytest.mark.skipif(
    not (SHARED_DATA / "videos").exists(), reason="../shared/data/videos is not there: no photographed person is looked for"
)
@pytest.mark.parametrize("width", [1280, 640, 480])
def test_one_picture_of_a_person_is_enough_at_any_size(width):
    """The smaller, the further the two looks lie apart; of somebody clearly seen that is no doubt. Ghosts beside her stay ghosts."""
    picture = frames_of(Window("woman and dog", "dog_and_person.mp4", 0, 1, 30.0), 1)[0]
    small = np.asarray(cv2.resize(picture, (width, round(width * 0.5625)), interpolation=cv2.INTER_AREA), np.uint8)
    people = find_people(small[None], (), silent())
    assert len(people) == 1 and people[0].seen.all()
    drawn = next(one for one in json.loads((REAL / "dog_and_person.json").read_text())["outlines"] if one["subject"] == "woman")
    low, high = np.min(drawn["points"], axis=0), np.max(drawn["points"], axis=0)
    assert drawn["frame"] == 0 and overlap(people[0].boxes[0] * (1280 / width), np.concatenate([low, high])) > 0.6
