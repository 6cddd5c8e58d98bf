"""What a box or clicks show on one frame is cut out; drawn pictures whose truth is known."""

import numpy as np
import pytest

from backend.lifting.objects.circles import best_circle, rounded
from backend.lifting.objects.correcting import corrected
from backend.lifting.objects.cutting import cut_out, shown_box
from backend.lifting.objects.stick_figure import away_from, stick_figure
from revision_blender.motion.subjects import Click, Prompt
from tests.lifting.objects_cases import HEIGHT, WIDTH, box_about, moving_box, overlap, thrown_ball


@pytest.fixture(scope="module")
def box_clip():
    return moving_box(np.array([[150.0, 120.0]]))


def _mask(found):
    assert found is not None and found.shape == (HEIGHT, WIDTH) and set(np.unique(found)) <= {0, 255}
    return found > 0


@pytest.mark.parametrize("room", [-1.5, 0.0, 3.0])
def test_a_box_drawn_by_hand_finds_the_thing(box_clip, room):
    truth = box_clip.masks[0]
    found = _mask(cut_out(box_clip.frames[0], [Prompt("box", "object", 0, box_about(truth, room))]))
    assert overlap(found, truth) > 0.93


def test_the_whole_box_is_no_answer():
    """A round thing leaves much of its box empty: an answer that returned the box would fail here."""
    clip = thrown_ball(np.array([[100.0, 120.0], [130.0, 140.0]]), radius=14.0, blur=False)
    box = box_about(clip.masks[0], 4.0)
    truth = clip.masks[0]
    found = _mask(cut_out(clip.frames[0], [Prompt("thing", "object", 0, box)]))
    whole = np.zeros_like(truth)
    whole[int(box[1]) : int(box[3]), int(box[0]) : int(box[2])] = True
    assert overlap(found, truth) > 0.8 > overlap(whole, truth) + 0.15


def test_a_ball_is_round_and_its_place_is_found_in_a_careless_box():
    clip = thrown_ball(np.array([[100.0, 120.0], [100.0, 120.0]]), radius=15.0)
    found = _mask(cut_out(clip.frames[0], [Prompt("b", "object", 0, (82, 99, 118, 137), label="red ball")]))
    assert overlap(found, clip.masks[0]) > 0.85


def test_pixels_of_others_are_never_taken(box_clip):
    taken = np.zeros((HEIGHT, WIDTH), np.uint8)
    taken[:, 150:] = 255
    found = _mask(cut_out(box_clip.frames[0], [Prompt("box", "object", 0, box_about(box_clip.masks[0]))], taken))
    assert not found[:, 150:].any() and found[:, :150].any()


def test_clicks_alone_find_it_and_an_off_click_alone_shows_nothing(box_clip):
    clicks = (Click(140.0, 115.0), Click(160.0, 128.0))
    found = _mask(cut_out(box_clip.frames[0], [Prompt("box", "object", 0, clicks=clicks)]))
    assert found[115, 140] and found[128, 160] and not found[:60].any()
    assert cut_out(box_clip.frames[0], [Prompt("box", "object", 0, clicks=(Click(20.0, 20.0, "off"),))]) is None
    assert cut_out(box_clip.frames[0], [Prompt("box", "object", 0, (400.0, 10.0, 440.0, 40.0))]) is None


def test_a_drawn_box_is_widened_a_little_and_the_last_one_counts():
    prompts = [Prompt("box", "object", 0, (10, 10, 20, 20)), Prompt("box", "object", 0, (50, 60, 150, 110))]
    assert shown_box(prompts, (HEIGHT, WIDTH)) == (47.0, 57.0, 153.0, 113.0)


def test_clicks_correct_what_was_followed(box_clip):
    truth = box_clip.masks[0]
    wrong = truth.copy()
    wrong[:, 168:] = False  # an end was lost
    wrong[137:152, 128:150] = True  # and a piece of the wall was taken along
    prompts = [Prompt("box", "object", 0, clicks=(Click(171.0, 120.0), Click(138.0, 146.0, "off")))]
    mask = np.where(wrong, 255, 0).astype(np.uint8)
    found = _mask(corrected(box_clip.frames[0], mask, prompts, box_about(truth), None))
    assert found[120, 171] and not found[146, 138]
    assert overlap(found, truth) > 0.9 > overlap(wrong, truth) + 0.05


def test_a_lost_thing_is_shown_again_by_one_click(box_clip):
    empty = np.zeros((HEIGHT, WIDTH), np.uint8)
    prompts = [Prompt("box", "object", 0, clicks=(Click(150.0, 121.0),))]
    assert overlap(_mask(corrected(box_clip.frames[0], empty, prompts, (0.0, 0.0, 52.0, 38.0), None)), box_clip.masks[0]) > 0.85
    assert corrected(box_clip.frames[0], empty, [Prompt("b", "object", 0, clicks=(Click(9.0, 9.0, "off"),))], (0, 0, 9, 9), None) is None


def test_bones_follow_the_clicks_and_need_enough_of_them():
    parts = {"nose": (40, 60), "tail_base": (140, 60), "front_left_paw": (70, 120), "back_left_paw": (130, 120)}
    prompt = Prompt("dog", "animal", 0, clicks=tuple(Click(*map(float, place), part) for part, place in parts.items()))
    away = away_from(stick_figure([prompt]), np.arange(200) + 0.5, np.arange(160) + 0.5)
    assert away[80, 100] < 1.0 and away[119, 70] < 1.0 and away[60, 41] < 1.0
    assert away[119, 100] > 1.0 and away[20, 100] > 1.0
    assert stick_figure([Prompt("dog", "animal", 0, clicks=(Click(1.0, 1.0, "nose"),))]) == ()


def test_the_best_circle_is_that_of_the_disc_and_spikes_go():
    y, x = np.mgrid[:100, :120] + 0.5
    disc = (np.hypot(x - 63, y - 48) < 20).astype(np.float32)
    middle, radius = best_circle(disc, np.array([60.0, 50.0]), 22.0)
    assert np.abs(middle - [63, 48]).max() < 1.6 and abs(radius - 20) < 1.6
    spiked = disc.copy()
    spiked[46:50, 63:115] = 1.0
    assert overlap(rounded(spiked) > 0.5, disc > 0.5) > 0.97 > overlap(spiked > 0.5, disc > 0.5)
