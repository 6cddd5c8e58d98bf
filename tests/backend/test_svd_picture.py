"""The picture on the model's canvas and off it again: nothing stretched, nothing invented, masks exact."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.engines.svd.picture import (
    cells_off_canvas,
    detail_for,
    maps_on_canvas,
    off_canvas,
    on_canvas,
    video_on_canvas,
)
from revision_blender.video_model.canvas import canvas_for

SIDES = st.integers(16, 700)
AREA = 256 * 144


def coloured(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, 3), dtype=np.uint8)


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, st.sampled_from([16, 32, 64]))
def test_a_small_picture_goes_there_and_back_unchanged(width: int, height: int, multiple: int):
    canvas = canvas_for(width, height, AREA, multiple)
    left, top, inner_width, inner_height = canvas.content
    assert canvas.width % multiple == canvas.height % multiple == 0
    assert abs(inner_width * height - inner_height * width) <= max(width, height)  # within a pixel of the picture's shape
    picture = coloured(width, height)
    placed = on_canvas(picture, canvas)
    assert placed.shape == (canvas.height, canvas.width, 3)
    if (inner_width, inner_height) == (width, height):
        assert np.array_equal(off_canvas(placed[None], canvas)[0], picture)
    assert (placed[: top + 1] == placed[top]).all() and (placed[:, left + inner_width - 1 :] == placed[:, -1:]).all()


def test_larger_pictures_come_back_at_their_own_size():
    picture = np.tile(np.linspace(0, 255, 800, dtype=np.uint8)[None, :, None], (450, 1, 3))
    canvas = canvas_for(800, 450, AREA, 16)
    back = off_canvas(video_on_canvas(picture[None], canvas), canvas)
    assert back.shape == (1, 450, 800, 3)
    assert np.abs(back[0].astype(int) - picture.astype(int)).max() <= 3


@settings(max_examples=40, deadline=None)
@given(SIDES, SIDES, st.integers(0, 2**32 - 1))
def test_maps_keep_their_labels_and_lie_where_the_picture_lies(width: int, height: int, seed: int):
    labels = np.random.default_rng(seed).integers(1, 40, (2, height, width), dtype=np.uint8)
    canvas = canvas_for(width, height, AREA, 16)
    detail = detail_for(labels, canvas)
    placed = maps_on_canvas(labels, canvas, detail)
    left, top, inner_width, inner_height = (detail * side for side in canvas.content)
    inside = placed[:, top : top + inner_height, left : left + inner_width]
    assert set(np.unique(inside)) <= set(np.unique(labels)) and inside.all()
    assert (placed > 0).sum() == inside.size
    if inside.shape == labels.shape:
        assert np.array_equal(inside, labels)


def test_maps_of_another_size_cover_the_same_places():
    labels = np.zeros((1, 90, 160), np.uint8)
    labels[:, 30:60, 40:80] = 7
    canvas = canvas_for(1600, 900, 160 * 90, 10)
    assert np.array_equal(maps_on_canvas(labels, canvas, 1), labels)
    for factor in (2, 3, 8):
        fine = labels.repeat(factor, axis=1).repeat(factor, axis=2)
        assert detail_for(fine, canvas) == factor
        assert np.array_equal(maps_on_canvas(fine, canvas, factor), fine)
        assert np.array_equal(maps_on_canvas(fine, canvas, 1), labels)


@pytest.mark.parametrize(("width", "height"), [(100, 70), (64, 64), (17, 300)])
def test_previews_lose_the_cells_that_are_padding_alone(width: int, height: int):
    canvas = canvas_for(width, height, AREA, 64)
    cells = np.zeros((1, canvas.height // 8, canvas.width // 8, 3), np.uint8)
    shown = cells_off_canvas(cells, canvas, 8)
    assert width <= shown.shape[2] * 8 <= width + 16 and height <= shown.shape[1] * 8 <= height + 16
