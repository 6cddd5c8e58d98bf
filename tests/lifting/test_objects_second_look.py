"""What following lost of an animal comes back from the whole shot; shadows and other subjects' pixels do not come along."""

from functools import cache

import numpy as np
import pytest

from backend.errors import Cancelled
from backend.lifting.objects.second_look import second_look
from backend.lifting.subject import Followed, boxes_of
from backend.progress import Progress, silent
from revision_blender.motion.subjects import Prompt
from tests.lifting.objects_cases import HEIGHT, WIDTH, overlap, wall

FRAMES, LEGS = 10, (-22, -12, 14, 24)


@cache
def strider(pan: int = 0):
    """A brown trunk on white legs that swing, with a shadow: frames, masks of all of it, of its trunk alone, of its shadow."""
    frames, wholes, trunks, shadows = [], [], [], []
    ground = wall(HEIGHT, WIDTH + 2 * pan * FRAMES)
    rng = np.random.default_rng(3)
    for at in range(FRAMES):
        middle = 90 + (13 + pan) * at
        trunk, legs, shadow = (np.zeros(ground.shape[:2], bool) for _ in range(3))
        trunk[95:130, middle - 32 : middle + 32] = True
        for number, leg in enumerate(LEGS):
            swing = round(9 * np.sin(1.9 * at + 2.1 * number))
            for row in range(130, 154):
                foot = middle + leg + round(swing * (row - 130) / 24)
                legs[row, foot - 4 : foot + 5] = True
        shadow[150:162, middle - 40 : middle + 40] = True
        shadow &= ~legs
        picture = ground.copy()
        picture[shadow] *= 0.65
        picture[trunk], picture[legs] = (150.0, 80.0, 40.0), (235.0, 232.0, 225.0)
        seen = slice(pan * at, pan * at + WIDTH)
        frames.append(np.clip(picture[:, seen] + rng.normal(0.0, 2.0, (HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8))
        wholes.append((trunk | legs)[:, seen])
        trunks.append(trunk[:, seen])
        shadows.append(shadow[:, seen])
    return tuple(np.stack(each) for each in (frames, wholes, trunks, shadows))


def lost_legs(pan: int = 0) -> Followed:
    """Shown whole on the first frame; after that the legs were lost."""
    _, wholes, trunks, _ = strider(pan)
    masks = np.where(trunks, 255, 0).astype(np.uint8)
    masks[0] = np.where(wholes[0], 255, 0)
    boxes, seen = boxes_of(masks)
    return Followed("dog", "animal", "dog", boxes, seen, seen.astype(np.float32), masks, (Prompt("dog", "animal", 0, tuple(boxes[0])),))


@pytest.mark.parametrize("pan", [0, 4])
def test_legs_that_were_lost_come_back_without_their_shadow(pan):
    frames, wholes, trunks, shadows = strider(pan)
    found = second_look(frames, lost_legs(pan), None, silent()).masks > 0
    legs = wholes & ~trunks
    back = (found & legs)[1:].sum() / legs[1:].sum()
    dark = (found & shadows)[1:].sum() / shadows[1:].sum()
    assert back > 0.8 and dark < 0.15
    assert min(overlap(found[at], wholes[at]) for at in range(1, FRAMES)) > 0.85
    assert max(overlap(trunks[at], wholes[at]) for at in range(1, FRAMES)) < 0.8  # what was followed


def test_pixels_of_others_stay_theirs_and_hidden_frames_stay_hidden():
    frames, _, _, _ = strider()
    one = lost_legs()
    masks, seen, score = one.masks.copy(), one.seen.copy(), one.score.copy()
    masks[4], seen[4], score[4] = 0, False, 0.0
    one = Followed(one.name, one.kind, one.label, one.boxes, seen, score, masks, one.prompts)
    others = np.zeros(masks.shape, np.uint8)
    others[:, 145:] = 255
    found = second_look(frames, one, others, silent())
    assert not (found.masks[:, 145:] > 0).any() and found.masks[1].any()
    assert not found.masks[4].any() and not found.seen[4] and found.score[4] == 0.0
    assert (found.seen == found.masks.any(axis=(1, 2))).all()


def test_one_frame_tells_nothing_new_and_a_look_can_be_stopped():
    frames, _, _, _ = strider()
    one = lost_legs()
    boxes, seen = boxes_of(one.masks[:1])
    single = Followed("dog", "animal", "dog", boxes, seen, seen.astype(np.float32), one.masks[:1], one.prompts)
    assert second_look(frames[:1], single, None, silent()) is single
    with pytest.raises(Cancelled):
        second_look(frames, one, None, Progress(lambda *_: None, lambda: True))
