"""Things put into the world: depth from the floor, from sizes, from what they touch; figures worked out by hand."""

import numpy as np
import pytest

from backend.lifting.objects.placing import depth_beside, depth_from_maps, place_object
from backend.lifting.objects.sizes import SIZES, common_size
from backend.lifting.subject import Followed, boxes_of
from revision_blender.motion.camera import static_camera
from revision_blender.motion.clip import GroundPlane

WIDTH, HEIGHT, FOCAL = 640, 480, 600.0
FLOOR = GroundPlane(np.array([0.0, -1.0, 0.0]), np.array([0.0, 1.2, 0.0]))  # 1.2 m under a level camera


def _discs(places_camera, radius):
    """``(F, H, W)`` masks of a ball at places ``(F, 3)`` before the camera; small angles: a disc."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    masks = []
    for px, py, pz in places_camera:
        middle = FOCAL * px / pz + WIDTH / 2, FOCAL * py / pz + HEIGHT / 2
        masks.append(np.where(np.hypot(x - middle[0], y - middle[1]) <= FOCAL * radius / pz, 255, 0))
    return np.array(masks, np.uint8)


def _followed(masks, label="", name="thing"):
    boxes, seen = boxes_of(masks)
    return Followed(name, "object", label, boxes, seen, np.where(seen, 0.9, 0.0).astype(np.float32), masks)


def _camera(frames):
    return static_camera(WIDTH, HEIGHT, FOCAL, frames)


def test_a_ball_thrown_past_the_camera_is_as_far_as_its_size_says():
    time = np.linspace(0.0, 1.0, 9)
    places = np.stack([-0.8 + 1.6 * time, -0.5 * np.sin(np.pi * time), 5.0 - 2.0 * time], axis=1)
    track = place_object(_followed(_discs(places, 0.11), "soccer ball"), _camera(9), FLOOR)
    assert np.linalg.norm(track.points[:, 20] - places, axis=1).max() < 0.3
    assert np.abs(track.size - 0.22).max() < 0.02
    steady = np.linalg.norm(places - places.mean(axis=0), axis=1).mean()
    assert np.linalg.norm(track.points[:, 20] - places, axis=1).mean() < 0.2 * steady  # far better than standing still


def test_a_rolling_thing_without_a_name_takes_its_depth_from_the_floor():
    places = np.stack([np.linspace(-1.0, 1.0, 8), np.full(8, 1.2 - 0.3), np.linspace(6.0, 4.0, 8)], axis=1)
    track = place_object(_followed(_discs(places, 0.3)), _camera(8), FLOOR)
    depth = track.points[:, 20, 2]
    assert np.abs(depth / places[:, 2] - 1.0).max() < 0.12
    assert track.label == "object" and np.abs(track.size[:2] / 0.6 - 1.0).max() < 0.15


def test_nothing_is_put_under_the_floor():
    places = np.stack([np.linspace(-0.5, 0.5, 6), np.full(6, 1.2 - 0.05), np.full(6, 4.0)], axis=1)
    track = place_object(_followed(_discs(places, 0.05), "basketball"), _camera(6), FLOOR)  # the label says five times too much
    assert FLOOR.height(track.points[:, 16:20]).min() > -0.08


def test_points_lie_on_the_pixels_they_came_from():
    places = np.array([[0.2, 0.1, 3.0], [0.3, 0.1, 3.0]])
    followed = _followed(_discs(places, 0.15), "ball")
    camera = _camera(2)
    pixels, depth = camera.project(place_object(followed, camera, FLOOR).points)
    assert np.abs(pixels[:, 16] - followed.boxes[:, :2]).max() < 0.6 and np.abs(pixels[:, 18] - followed.boxes[:, 2:]).max() < 0.6
    assert np.ptp(depth, axis=1).max() < 1e-9


def test_out_of_the_picture_it_goes_on_on_its_parabola_with_no_confidence():
    time = np.arange(14) / 12.0
    height = 0.2 - 5.2 * time + 4.8 * time**2
    places = np.stack([-1.0 + 1.8 * time, height, np.full(14, 3.0)], axis=1)
    masks = _discs(places, 0.11)
    inside = (masks[:, 1:-1].any(axis=(1, 2))) & ~masks[:, 0].any(axis=1)
    masks[~inside] = 0
    assert 3 <= (~inside).sum() <= 9 and inside[0] and inside[-1]
    track = place_object(_followed(masks, "soccer ball"), _camera(14), FLOOR)
    gone = ~inside
    held = np.abs(track.points[np.flatnonzero(inside)[0], 20, 1] - places[gone, 1]).max()
    assert (track.confidence[gone] == 0).all() and (track.confidence[inside] > 0.3).all()
    assert np.linalg.norm(track.points[gone, 20] - places[gone], axis=1).max() < 0.4 < held


def test_what_is_half_hidden_keeps_its_size_and_depth():
    masks = np.zeros((7, HEIGHT, WIDTH), np.uint8)
    masks[:, 300:360, 280:340] = 255
    others = np.zeros_like(masks)
    for frame in (3, 4):
        others[frame, :, 292:] = 255
        others[frame, 340:] = 255
        masks[frame][others[frame] > 0] = 0
    followed = _followed(masks)
    depth = place_object(followed, _camera(7), FLOOR, others=others).points[:, 20, 2]
    assert np.abs(depth / depth[0] - 1.0).max() < 0.06
    blind = place_object(followed, _camera(7), FLOOR).points[:, 20, 2]
    assert np.abs(blind / blind[0] - 1.0).max() > 0.1  # without knowing what hides it the rest would look far away


def test_known_depths_are_used():
    places = np.tile([[0.0, -0.2, 3.0]], (5, 1))
    followed = _followed(_discs(places, 0.2), "plant")
    maps = np.full((5, 60, 80), 8.0, np.float32)
    maps[:, 20:45, 20:60] = 3.0
    known = depth_from_maps(followed, maps)
    assert np.abs(known - 3.0).max() < 1e-6
    assert np.abs(place_object(followed, _camera(5), FLOOR, known).points[:, 20, 2] - 3.0).max() < 0.35
    body = np.zeros((1, 5, HEIGHT, WIDTH), np.uint8)
    body[0, :, 40:470, 340:520] = 255
    assert np.abs(depth_beside(followed, body, np.full((1, 5), 4.0)) - 4.0).max() == 0.0
    far = np.zeros_like(body)
    far[0, :, 400:, 600:] = 255
    assert np.isnan(depth_beside(followed, far, np.full((1, 5), 4.0))).all()
    small = np.zeros_like(body)
    small[0, :, 190:230, 360:400] = 255
    assert np.isnan(depth_beside(followed, small, np.full((1, 5), 4.0))).all()  # a large thing is not held by a small one


def test_never_seen_is_placed_without_confidence():
    followed = _followed(np.zeros((3, HEIGHT, WIDTH), np.uint8))
    track = place_object(followed, _camera(3), FLOOR)
    assert (track.confidence == 0).all() and np.isfinite(track.points).all() and np.isfinite(track.size).all()


@pytest.mark.parametrize(
    ("words", "name"),
    [("a red Tennis Ball", "tennis ball"), ("bike", "bicycle"), ("office chair", "chair"), ("my_soccer-ball", "soccer ball")],
)
def test_labels_are_read_as_people_write_them(words, name):
    assert common_size(words) is SIZES[name]


def test_unknown_things_have_no_usual_size_and_all_sizes_are_of_this_world():
    assert common_size("") is None and common_size("quux") is None
    for size in SIZES.values():
        assert all(0.005 < extent < 15.0 for extent in size.extents) and 0.0 < size.spread < 1.0
        assert not size.round or len(set(size.extents)) == 1
