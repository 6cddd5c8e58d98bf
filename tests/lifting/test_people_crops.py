"""Crops of people: where their pixels are, turned and mirrored, against numbers worked out by hand."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.lifting.people.crops import CROP_SIDE, MARGIN, Crop, between, crop_about, crop_of_box, cut, laid_back

crops = st.builds(Crop, st.floats(-50, 400), st.floats(-50, 400), st.floats(40, 600), st.floats(-3.1, 3.1))


@given(crops, st.lists(st.tuples(st.floats(-100, 500), st.floats(-100, 500)), min_size=1, max_size=4))
def test_there_and_back_is_the_same_point(crop, points):
    points = np.array(points)
    assert np.allclose(crop.to_picture(crop.to_crop(points)), points, atol=1e-6)


def test_the_second_alignment_point_is_up_and_on_the_circle():
    upright = crop_about(np.array([100.0, 200.0]), np.array([100.0, 120.0]))
    assert upright == Crop(100.0, 200.0, 2.0 * MARGIN * 80.0, 0.0)
    lying = crop_about(np.array([100.0, 200.0]), np.array([180.0, 200.0]))  # the head to the picture's right
    assert lying.turn == pytest.approx(np.pi / 2)
    assert np.allclose(lying.to_crop(np.array([180.0, 200.0])), [128.0, 128.0 - 128.0 / MARGIN])
    assert np.allclose(lying.to_crop(np.array([100.0, 260.0])), [128.0 + 60.0 * 256.0 / 200.0, 128.0])  # below: to the crop's right


def test_a_box_gives_an_upright_crop_about_its_larger_side():
    crop = crop_of_box(np.array([10.0, 20.0, 50.0, 120.0]))
    assert crop == Crop(30.0, 70.0, 125.0, 0.0)


def test_cutting_shows_the_pixels_that_the_map_says():
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[90:96, 200:206] = 255
    crop = Crop(180.0, 100.0, 120.0, 0.7)
    pixels = cut(picture, crop)
    rows, columns = np.nonzero(pixels[..., 0] > 127)
    middle = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
    assert np.allclose(crop.to_picture(middle), [203.0, 93.0], atol=0.1)
    assert not cut(picture, Crop(-500.0, -500.0, 100.0)).any()  # black beyond the picture


@given(crops.filter(lambda crop: crop.side > 100))
def test_a_mask_laid_back_covers_what_was_cut(crop):
    mask = np.zeros((360, 360), np.uint8)
    cv2.circle(mask, (170, 180), 60, (255.0,), -1)
    seen = np.full((360, 360), 255, np.uint8)
    back = laid_back(cut(mask, crop), crop, (20, 30, 350, 340)) > 127
    within = laid_back(cut(seen, crop), crop, (20, 30, 350, 340)) > 250
    assert back.shape == (310, 330)
    wrong = (back != (mask[30:340, 20:350] > 127)) & within
    assert wrong.mean() < 0.02


def test_half_way_between_two_crops_turns_the_shorter_way():
    a, b = Crop(0.0, 0.0, 100.0, 3.0), Crop(10.0, 20.0, 400.0, -3.0)
    half = between(a, b, 0.5)
    assert (half.x, half.y, half.side) == pytest.approx((5.0, 10.0, 200.0))
    assert abs(half.turn) == pytest.approx(np.pi)
    assert between(a, b, 0.0) == a and between(a, b, 1.0).side == pytest.approx(b.side)
    assert CROP_SIDE == 256
