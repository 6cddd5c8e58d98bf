"""On which frames a body is there, and who cuts it out where a provider with weights does not see it."""

from dataclasses import replace

import numpy as np
import pytest

from backend.lifting.providers.registry import Choices
from backend.lifting.world.lifted import LiftedTrack
from backend.lifting.world.presence import LEAST, frames_there, present
from backend.lifting.world.sightings import completed
from backend.lifting.world.wish import Wish
from backend.progress import silent
from tests.backend.lifting_cases import walking_clip
from tests.lifting.people_cases import person_of
from tests.lifting.scene_cases import HEIGHT, WIDTH, body, card

FRAMES = 6


def _seen_in(boxes: dict[int, tuple[int, int, int, int]]) -> LiftedTrack:
    """Somebody who is seen in boxes (left, top, right, bottom) by frame, and whose fit trusts nothing on frame 2."""
    mask = np.zeros((FRAMES, HEIGHT, WIDTH), np.uint8)
    for frame, (left, top, right, bottom) in boxes.items():
        mask[frame, top:bottom, left:right] = 255
    track = body(FRAMES)
    track = replace(track, confidence=np.where(np.arange(FRAMES)[:, None] == 2, 0.0, track.confidence).astype(np.float32))
    return LiftedTrack(track, track, mask, mask.any(axis=(1, 2)), np.ones(FRAMES, np.float32))


MIDDLE, AT_LEFT, AT_RIGHT, FEET, WHOLE_CUT = (60, 20, 90, 100), (0, 20, 30, 100), (140, 20, 160, 100), (60, 90, 90, 120), (60, 40, 90, 120)


@pytest.mark.parametrize(
    ("boxes", "there"),
    [
        (dict.fromkeys(range(FRAMES), MIDDLE), [1, 1, 1, 1, 1, 1]),
        ({0: MIDDLE, 1: MIDDLE, 3: MIDDLE}, [1, 1, 1, 1, 1, 1]),  # lost or hidden: nobody vanishes in the middle of the picture
        ({0: MIDDLE, 1: MIDDLE, 2: MIDDLE, 3: AT_RIGHT}, [1, 1, 1, 1, 0, 0]),
        ({2: AT_LEFT, 3: MIDDLE, 4: MIDDLE, 5: MIDDLE}, [0, 0, 1, 1, 1, 1]),
        ({0: MIDDLE, 1: AT_LEFT, 4: AT_LEFT, 5: MIDDLE}, [1, 1, 1, 1, 1, 1]),  # back again
        ({0: MIDDLE, 1: MIDDLE, 2: MIDDLE, 3: FEET}, [1, 1, 1, 1, 0, 0]),
        ({0: WHOLE_CUT, 1: WHOLE_CUT, 2: WHOLE_CUT}, [1, 1, 1, 1, 1, 1]),  # its feet were never in the picture
        ({}, [1, 1, 1, 1, 1, 1]),
    ],
    ids=["seen", "hidden", "leaves", "comes", "goes and comes", "sinks away", "cut by the edge", "never seen"],
)
def test_a_body_is_there_until_it_leaves_the_picture(boxes, there):
    lifted = _seen_in(boxes)
    assert frames_there(lifted).tolist() == [bool(one) for one in there]
    found = present(lifted)
    for track in (found.track, found.raw):
        assert track.there.tolist() == [bool(one) for one in there]
        kept = np.array(there, bool) & (np.arange(FRAMES) != 2)
        assert np.array_equal(track.confidence[kept], np.maximum(lifted.track.confidence[kept], LEAST))


def test_a_things_confidence_stays_as_it_was_placed():
    thing = replace(card("box", np.tile([0.0, 0.0, 4.0], (FRAMES, 1)), 0.5), confidence=np.array([0.9, 0.0, 0.02, 0.5, 0.0, 0.0]))
    lifted = replace(_seen_in({0: AT_LEFT}), track=thing, raw=thing)
    assert present(lifted) is lifted


def test_who_a_provider_does_not_see_is_cut_out_by_the_bundled_way_and_it_is_said():
    person, mask = person_of("person_1", walking_clip(3))
    height, width = mask.shape[1:]
    frames = np.full((3, height, width, 3), 120, np.uint8)
    frames[mask > 0] = (200, 40, 40)
    wish = Wish(12.0, 0.0, (), True, 8, Choices({}, ()))
    all_seen = mask[None]
    assert completed(all_seen, frames, [person], "sharp", wish, silent()) is all_seen and not wish.choices.notes
    blind = mask[None].copy()
    blind[0, 1] = 0
    found = completed(blind, frames, [person], "sharp", wish, silent())
    assert np.array_equal(found[0, [0, 2]], mask[[0, 2]])
    assert ((found[0, 1] & mask[1]) > 0).sum() / (found[0, 1] | mask[1] > 0).sum() > 0.7
    assert wish.choices.notes == ["The provider sharp did not see person_1 on 1 of 3 frames; mediapipe did it there."]
