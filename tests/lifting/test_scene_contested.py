"""Pixels that two claim go to the one whose colours they have; an animal is no person."""

import numpy as np

from backend.lifting.subject import Followed, boxes_of
from backend.lifting.world.contested import ghosts, settled

FRAMES, HEIGHT, WIDTH = 3, 60, 80


def _followed(masks: np.ndarray, kind: str = "animal") -> Followed:
    boxes, seen = boxes_of(masks)
    return Followed("thing", kind, "thing", boxes, seen, seen.astype(np.float32), masks)  # type: ignore[arg-type]


def _picture() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Somebody in blue on the left, a red animal on the right, and which pixels are whose."""
    random = np.random.default_rng(0)
    frames = random.integers(90, 110, (FRAMES, HEIGHT, WIDTH, 3)).astype(np.uint8)
    person, animal = np.zeros((2, FRAMES, HEIGHT, WIDTH), bool)
    person[:, 10:50, 10:40] = True
    animal[:, 25:50, 40:70] = True
    frames[person] = random.integers(0, 40, (int(person.sum()), 3)) + np.array([0, 0, 180])
    frames[animal] = random.integers(0, 40, (int(animal.sum()), 3)) + np.array([180, 0, 0])
    return frames, person, animal


def _mask(claim: np.ndarray) -> np.ndarray:
    return np.where(claim, 255, 0).astype(np.uint8)


def test_both_reach_over_and_each_gets_its_own():
    frames, person, animal = _picture()
    person_claims, animal_claims = person.copy(), animal.copy()
    person_claims[:, 25:50, 40:50] = True  # the segmentation takes the animal's head
    animal_claims[:, 25:50, 32:40] = True  # the tracking leaks onto the legs
    people, (thing,) = settled(frames, _mask(person_claims)[None], [_followed(_mask(animal_claims))])
    assert not ((people[0] > 0) & (thing.masks > 0)).any()
    for found, truth in ((people[0] > 0, person), (thing.masks > 0, animal)):
        assert (found & truth).sum() / (found | truth).sum() > 0.93


def test_a_ball_within_a_person_is_before_the_person():
    frames, person, _ = _picture()
    ball = np.zeros_like(person)
    ball[:, 25:33, 20:28] = True
    people, (thing,) = settled(frames, _mask(person)[None], [_followed(_mask(ball), "object")])
    assert np.array_equal(thing.masks > 0, ball) and np.array_equal(people[0] > 0, person & ~ball)


def test_earlier_things_keep_what_later_ones_claim_and_nothing_is_made_up():
    frames, _, animal = _picture()
    nobody = np.zeros((0, FRAMES, HEIGHT, WIDTH), np.uint8)
    _, (first, second) = settled(frames, nobody, [_followed(_mask(animal)), _followed(_mask(animal | np.roll(animal, 8, axis=1)))])
    assert np.array_equal(first.masks > 0, animal) and not ((first.masks > 0) & (second.masks > 0)).any()
    people, things = settled(frames, _mask(animal)[None], [])
    assert np.array_equal(people[0] > 0, animal) and things == []


def test_a_person_who_is_the_shown_animal_is_a_ghost_and_one_beside_it_is_not():
    _, person, animal = _picture()
    on_it = animal.copy()
    on_it[:, :30] = False
    people = np.stack([_mask(person), _mask(on_it)])
    assert ghosts(people, [_followed(_mask(animal))]) == [False, True]
    assert ghosts(people, [_followed(_mask(animal), "object")]) == [False, False]
    assert ghosts(people[:0], []) == []
