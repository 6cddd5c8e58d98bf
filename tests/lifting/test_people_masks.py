"""Masks of people who overlap: nobody's pixel belongs to two, and the pixels go to who is really seen there."""

import numpy as np
import pytest

from backend.errors import Cancelled
from backend.lifting.people.contested import PARTS, colour_bins, counted, likelihoods, parts_of
from backend.lifting.people.people_masks import nearness, people_masks
from backend.progress import Progress, silent
from tests.lifting.people_cases import standing_points, two_walkers


def _overlap(a, b):
    return (a & b).sum() / max((a | b).sum(), 1)


def test_pixels_of_two_who_overlap_go_to_whom_they_show():
    pictures, people, visible = two_walkers()
    masks = people_masks(pictures, people, silent())
    assert masks.shape == visible.shape and set(np.unique(masks)) == {0, 255}
    assert ((masks > 0).sum(axis=0) <= 1).all()
    hidden = people[1].looks[0][0]
    for frame in range(len(pictures)):
        assert _overlap(masks[0, frame] > 0, visible[0, frame] > 0) > 0.85
        assert _overlap(masks[1, frame] > 0, visible[1, frame] > 0) > 0.75
    assert hidden.soft.any()


def test_who_is_nearer_has_the_larger_scale():
    _, people, _ = two_walkers()
    near = nearness(people)
    assert (near[0] > near[1] + 0.1).all()
    assert nearness([]).shape == (0, 0)


def test_who_is_not_seen_on_a_frame_leaves_only_what_the_other_shows():
    pictures, people, visible = two_walkers()
    for frame in (2, 3):
        del people[1].looks[frame]
    masks = people_masks(pictures, people, silent())
    for frame in (2, 3):
        assert (masks[:, frame].max(axis=0) > 0)[visible[0, frame] > 0].mean() > 0.9
        assert _overlap(masks[0, frame] > 0, visible[0, frame] > 0) > 0.85
    last = people[1].looks.pop(5)
    assert not people_masks(pictures, people, silent())[1, 5].any()  # gone for good: nothing is hers
    assert last.__class__ is tuple


def test_no_people_have_no_masks_and_the_user_can_stop():
    pictures, people, _ = two_walkers(2)
    assert people_masks(pictures, [], silent()).shape == (0, *pictures.shape[:3])
    with pytest.raises(Cancelled):
        people_masks(pictures, people, Progress(lambda _fraction, _words: None, lambda: True))


def test_every_pixel_has_the_part_of_the_body_that_is_nearest():
    pixels = standing_points(100.0, 100.0)[:, :2]
    part, away = parts_of(pixels, 90.0, (200, 200))
    head, trunk, thigh, foot = 0, 1, 5, 7
    assert part[30, 100] == head and part[75, 100] == trunk and part[125, 110] == thigh and part[184, 112] == foot
    assert away[75, 100] == 0.0 and away[75, 190] > 3.0
    assert len(PARTS) == part.max() + 1


def test_histograms_sum_to_one_and_remember_the_part_they_were_learned_on():
    picture = np.full((40, 40, 3), (200, 30, 30), np.uint8)
    picture[20:] = (30, 30, 200)
    part = np.zeros((40, 40), np.intp)
    part[20:] = 1
    bins = colour_bins(picture)
    looks = likelihoods(counted(bins, part, np.ones((40, 40), bool)))
    assert np.allclose(looks.sum(axis=1), 1.0, atol=1e-4) and (looks > 0).all()
    red, blue = bins[0, 0], bins[30, 0]
    assert looks[0, red] > 20 * looks[0, blue] and looks[1, blue] > 20 * looks[1, red]
    assert looks[2, red] == pytest.approx(looks[2, blue], rel=0.3)  # never seen: like the whole body
