"""A thing shown on one frame is followed forward and back, lost and found again, and corrected; all against drawn truth."""

import numpy as np
import pytest

from backend.errors import Cancelled, InputError
from backend.lifting.objects.following import follow
from backend.lifting.objects.stabilising import background_motion
from backend.progress import Progress
from revision_blender.motion.subjects import Click, Prompt
from tests.lifting.objects_cases import box_about, moving_box, overlap, thrown_ball


def _overlaps(found, clip):
    return np.array([overlap(found.masks[at] > 0, clip.masks[at]) for at in range(len(clip.frames))])


def _line(start, end, count):
    return np.linspace(start, end, count)


@pytest.mark.parametrize(("shown", "pan"), [(0, 0.0), (5, 2.0), (9, -2.0)])
def test_a_sliding_box_is_followed_forward_and_back(shown, pan):
    clip = moving_box(_line((90, 110), (190, 130), 10), pan=pan)
    found = follow(clip.frames, [Prompt("box", "object", shown, box_about(clip.masks[shown]))])
    assert found.seen.all() and found.name == "box" and found.masks.shape == clip.masks.shape
    assert _overlaps(found, clip).min() > 0.8
    still = [overlap(clip.masks[shown], mask) for mask in clip.masks]
    assert min(still) < 0.1  # standing still would fail


def test_a_ball_faster_than_its_size_leaves_the_picture_and_comes_back():
    time = np.arange(16.0)
    path = np.stack([40 + 15 * time, 150 - 48 * time + 3.2 * time**2], axis=1)  # 48 pixels a frame at first, over the top for 6 frames
    clip = thrown_ball(path)
    truth = clip.masks.sum(axis=(1, 2))
    inside, outside = truth > 120, truth == 0
    assert outside.sum() >= 4 and inside[-2:].all()
    found = follow(clip.frames, [Prompt("ball", "object", 0, box_about(clip.masks[0]), label="ball")])
    middles = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    off = np.linalg.norm(middles - clip.middles, axis=1)
    assert (found.seen & (off < 9.0))[inside].mean() > 0.9
    assert not found.seen[outside].any() and (found.score[outside] == 0).all()


def test_a_thing_behind_a_post_is_lost_and_found_again():
    clip = moving_box(_line((60, 120), (250, 120), 16), half=(18, 14), occluder=(130, 180))
    hidden = clip.masks.sum(axis=(1, 2)) == 0
    assert hidden.any()
    found = follow(clip.frames, [Prompt("box", "object", 0, box_about(clip.masks[0]))])
    assert not found.seen[hidden].any()
    assert _overlaps(found, clip)[-3:].min() > 0.7 and found.seen[-3:].all()


def test_pixels_of_others_stay_theirs_on_every_frame():
    clip = moving_box(_line((90, 110), (150, 120), 6))
    taken = np.zeros(clip.masks.shape, np.uint8)
    taken[:, :, 130:] = 255
    found = follow(clip.frames, [Prompt("box", "object", 0, box_about(clip.masks[0]))], taken)
    assert not (found.masks[:, :, 130:] > 0).any() and found.seen.all()


def test_two_shown_frames_hold_what_one_alone_loses():
    """A second box on the last frame: between them both directions meet, and the shown frames are as shown."""
    path = np.concatenate([_line((90, 100), (130, 105), 5), _line((210, 160), (240, 165), 5)])  # it jumps between
    clip = moving_box(path, half=(30, 24))
    first = Prompt("box", "animal", 0, box_about(clip.masks[0]))
    both = follow(clip.frames, [first, Prompt("box", "animal", 9, box_about(clip.masks[9]))])
    assert _overlaps(both, clip).min() > 0.75
    assert _overlaps(follow(clip.frames, [first]), clip)[5:].max() < 0.5


def test_a_click_on_any_frame_corrects_it():
    clip = moving_box(_line((90, 110), (120, 115), 6))
    box = Prompt("box", "object", 0, box_about(clip.masks[0]))
    off = tuple(Click(float(clip.middles[4][0] + 15), float(clip.middles[4][1] + step), "off") for step in (-10, 0, 10))
    plain, clicked = follow(clip.frames, [box]), follow(clip.frames, [box, Prompt("box", "object", 4, clicks=off)])
    x, y = int(off[1].x), int(off[1].y)
    assert plain.masks[4, y, x] and not clicked.masks[4, y, x]
    assert clicked.prompts[1].clicks == off


def test_one_frame_and_what_is_shown_nowhere():
    clip = moving_box(np.array([[150.0, 120.0]]))
    found = follow(clip.frames, [Prompt("box", "object", 0, box_about(clip.masks[0]), label="crate")])
    assert found.n_frames == 1 and found.seen.all() and found.label == "crate"
    with pytest.raises(InputError, match="box is shown on no frame"):
        follow(clip.frames, [Prompt("box", "object", 3, (10, 10, 40, 40))])
    with pytest.raises(InputError, match="draw a box"):
        follow(clip.frames, [Prompt("box", "object", 0, (900, 10, 940, 40))])


def test_following_the_same_twice_gives_the_same_and_can_be_stopped():
    clip = moving_box(_line((90, 110), (120, 115), 4))
    prompts = [Prompt("box", "object", 0, box_about(clip.masks[0]))]
    assert (follow(clip.frames, prompts).masks == follow(clip.frames, prompts).masks).all()
    with pytest.raises(Cancelled):
        follow(clip.frames, prompts, None, Progress(lambda _fraction, _words: None, cancelled=lambda: True))


def test_the_background_of_a_turning_camera_is_laid_together():
    clip = moving_box(_line((90, 110), (120, 115), 8), pan=3.0)
    shift = background_motion(clip.frames)[:, :2, 2]
    assert np.abs(shift[:, 0] - 3.0 * np.arange(8)).max() < 0.6 and np.abs(shift[:, 1]).max() < 0.6
    still = background_motion(moving_box(_line((90, 110), (120, 115), 4)).frames)
    assert (still == np.eye(3)).all()
