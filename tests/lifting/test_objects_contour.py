"""The 21 points of a mask: where they start, how they go round, and that they go with the mask."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.errors import InputError
from backend.evaluation.lifting.truth_clip import outline_points
from backend.lifting.objects.contour import closed_line, contour_points, steady_points


def _disc(middle, radius, shape=(120, 160)):
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    return np.where(np.hypot(x - middle[0], y - middle[1]) <= radius, 255, 0).astype(np.uint8)


@given(x=st.floats(40, 120), y=st.floats(40, 80), radius=st.floats(6, 30))
@settings(max_examples=25, deadline=None)
def test_a_disc_gives_a_clock(x, y, radius):
    points = contour_points(_disc((x, y), radius))
    angles = np.arange(16) * np.pi / 8
    clock = np.array([x, y]) + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)  # y down: clockwise as one sees it
    assert np.abs(points[:16] - clock).max() < 1.0 + 0.05 * radius
    assert np.abs(points[20] - [x, y]).max() < 0.8


def test_corners_and_centre_are_those_of_the_box():
    mask = np.zeros((90, 120), np.uint8)
    mask[20:50, 30:100] = 255
    points = contour_points(mask)
    assert np.abs(points[16:] - [[30, 20], [100, 20], [100, 50], [30, 50], [65, 35]]).max() < 0.5
    assert np.abs(points[0] - [100, 35]).max() < 0.5


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_points_lie_at_equal_arc_length_and_move_with_the_mask(seed):
    draw = np.random.default_rng(seed)
    mask = np.zeros((160, 200), np.uint8)
    corners = draw.uniform(35, 105, (7, 2)).astype(np.int32)
    cv2.fillConvexPoly(mask, cv2.convexHull(corners), (255.0,))
    points = contour_points(mask)
    dx, dy = (int(value) for value in draw.integers(-25, 60, 2))
    moved = contour_points(np.roll(np.roll(mask, dy, axis=0), dx, axis=1))
    assert np.abs(moved - points - [dx, dy]).max() < 1e-6
    steps = np.linalg.norm(np.roll(points[:16], -1, axis=0) - points[:16], axis=1)
    assert steps.max() < 1.05 * np.median(steps) + 0.5  # a step across a corner is a little shorter as the crow flies


def test_agrees_with_the_truth_scenes_outline_of_a_convex_thing():
    corners = np.array([[60.0, 30.0], [110.0, 40.0], [125.0, 80.0], [90.0, 105.0], [50.0, 85.0]])
    mask = np.zeros((140, 180), np.uint8)
    cv2.fillConvexPoly(mask, np.round(corners * 16).astype(np.int32), (255.0,), cv2.LINE_8, 4)
    depth = np.full((5, 1), 100.0)
    truth = outline_points(np.concatenate([corners, depth], axis=1), 100.0)[:, :2]
    assert np.abs(contour_points(mask) - truth).max() < 2.5


def test_a_thing_cut_in_two_counts_as_one():
    mask = _disc((80, 60), 30)
    whole = contour_points(mask)
    mask[:, 76:84] = 0
    assert np.abs(contour_points(mask)[:16] - whole[:16]).max() < 4.0


def test_crumbs_do_not_count_and_nothing_says_so():
    mask = _disc((80, 60), 20)
    crumbs = mask.copy()
    crumbs[10:12, 10:12] = 255
    assert np.abs(contour_points(crumbs) - contour_points(mask)).max() < 1e-9
    with pytest.raises(InputError, match="no pixels"):
        contour_points(np.zeros((10, 10), np.uint8))


def _notched(middle, y):
    """A box of 60 x 40 pixels with a slot from its right side to its middle, the slot's top at y; its start jumps as the slot passes."""
    mask = np.zeros((120, 160), np.uint8)
    x = int(middle)
    mask[40:80, x - 30 : x + 30] = 255
    mask[int(y) : int(y) + 6, x : x + 30] = 0
    return mask


def test_points_keep_their_order_from_frame_to_frame():
    masks = [_notched(60 + frame, 48 + frame) for frame in range(16)]
    lines = [closed_line(mask) for mask in masks]
    usual, steady = np.stack([contour_points(mask) for mask in masks]), steady_points(lines)

    def leap(points):
        shape = points[:, :16] - points[:, 20:]
        return np.linalg.norm(np.diff(shape, axis=0), axis=2).mean(axis=1).max()

    assert leap(usual) > 15.0 and leap(steady) < 0.4 * leap(usual)
    assert (steady[:, 16:] == usual[:, 16:]).all()
    for line, points in zip(lines, steady, strict=True):  # they are still on the line, at equal steps
        assert np.linalg.norm(line[None] - points[:16, None], axis=2).min(axis=1).max() < 1.0


def test_steady_points_of_shapes_without_jumps_are_the_usual_ones():
    masks = [_disc((60 + 3 * frame, 55 + frame), 20 + frame) for frame in range(8)]
    usual = np.stack([contour_points(mask) for mask in masks])
    assert np.abs(steady_points([closed_line(mask) for mask in masks]) - usual).max() < 0.5
    assert np.abs(steady_points([closed_line(masks[0])])[0] - usual[0]).max() == 0.0
