"""Crops and cameras of the body networks against numbers worked out by hand."""

import numpy as np
import pytest

from backend.lifting.providers.base import LiftedBody
from backend.lifting.providers.body_weights import nearest_seen, to_world
from backend.lifting.providers.crops import Crops, crop_picture, crops_of, normalised, places_of, rays_of, unmirrored
from revision_blender.motion.bodies.body_model import identity_of, joints_of, open_human
from revision_blender.motion.camera import Camera, static_camera
from revision_blender.motion.rotation import matrix_from_axis_angle

WIDTH, HEIGHT, FOCAL = 640, 480, 800.0
CAMERA = static_camera(WIDTH, HEIGHT, FOCAL, 1)


def _one(center, side, mirrored=False):
    return Crops(np.array([center], float), np.array([side], float), np.array([mirrored]))


def test_a_box_is_filled_up_to_three_by_four_and_its_longer_side_is_the_crop():
    boxes = np.array([[100, 50, 160, 250], [100, 50, 300, 90], [0, 0, 90, 120]], float)
    crops = crops_of(boxes, (192, 256))
    np.testing.assert_allclose(crops.center, [[130, 150], [200, 70], [45, 60]])
    np.testing.assert_allclose(crops.side, [200.0, 200.0 * 256 / 192, 120.0])  # tall stays; wide needs 4/3 of its width; 3:4 as it is


def test_without_a_shape_the_longer_side_is_taken_and_hands_are_seen_wider():
    boxes = np.array([[100, 50, 300, 90]], float)
    assert crops_of(boxes, None).side[0] == 200.0
    assert crops_of(boxes, (192, 256), widen=2.0).side[0] == pytest.approx(400.0 * 4 / 3)


def _ramp():
    """Red counts columns, green counts rows."""
    rows, columns = np.mgrid[:200, :200]
    return np.stack([columns, rows, np.full_like(rows, 7)], axis=-1).astype(np.uint8)


def test_a_crop_of_256_pixels_is_the_picture_itself_moved():
    crop = crop_picture(_ramp(), _one((100.0, 90.0), 256.0), 0)
    assert crop.shape == (256, 256, 3)
    np.testing.assert_allclose(crop[128, 128], [100, 90, 7], atol=1e-3)
    np.testing.assert_allclose(crop[128 + 20, 128 - 60], [40, 110, 7], atol=1e-3)
    np.testing.assert_allclose(crop[128, 128 + 120], [0, 0, 0], atol=1e-3)  # column 220 is beyond the picture


def test_a_crop_of_64_pixels_is_four_times_as_large():
    crop = crop_picture(_ramp(), _one((100.0, 90.0), 64.0), 0)
    np.testing.assert_allclose(crop[128 + 40, 128 + 80], [120, 100, 7], atol=1e-3)


def test_a_mirrored_crop_is_the_crop_turned_around():
    plain = crop_picture(_ramp(), _one((100.0, 90.0), 100.0), 0)
    mirrored = crop_picture(_ramp(), _one((100.0, 90.0), 100.0, mirrored=True), 0)
    np.testing.assert_allclose(mirrored[:, 1:], plain[:, :0:-1], atol=0.05)  # about column 128; the warp counts 1/32 pixels


def test_what_shrinks_a_lot_is_softened_first():
    step = np.zeros((1600, 1600, 3), np.uint8)
    step[:, 800:] = 200
    # A crop of 1536 pixels is 6 times as large as it is seen: softened by (6 / 2 - 1) / 2 = 1 pixel. Column 128 is column 800, whose middle
    # is half a pixel beyond the edge: 200 times the normal distribution at 0.5, of which pixels sample 0.6915 + a little.
    soft = crop_picture(step, _one((800.0, 800.0), 1536.0), 0)
    assert soft[128, 128, 0] == pytest.approx(200 * 0.6915, abs=3.0)
    # One of 560 pixels is not softened at all: 560 / 256 / 2 is below 1.1.
    assert crop_picture(step, _one((800.0, 800.0), 560.0), 0)[128, 128, 0] == pytest.approx(200.0, abs=1e-3)


def test_softening_sees_beyond_the_part_that_is_cut_out():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (900, 1200, 3), dtype=np.uint8)
    from_all = crop_picture(picture, _one((600.0, 450.0), 800.0), 0)
    moved = crop_picture(picture[:, 100:], _one((500.0, 450.0), 800.0), 0)
    np.testing.assert_allclose(from_all[5:-5, 5:-5], moved[5:-5, 5:-5], atol=1e-2)


def test_colours_are_taken_off_their_mean_and_the_middle_columns_are_kept():
    crop = np.zeros((256, 256, 3), np.float32)
    crop[10, 32] = 255.0
    crop[10, 31] = 99.0
    tensor = normalised(crop)
    assert tensor.shape == (3, 256, 192)
    np.testing.assert_allclose(tensor[:, 10, 0], [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225], rtol=1e-6)
    np.testing.assert_allclose(tensor[:, 0, 0], [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225], rtol=1e-6)


def test_a_crops_camera_becomes_a_place_before_our_lens():
    # A body in the middle of a crop of 200 pixels with scale 0.8: its 2 metres of crop take 160 pixels of 800 a metre at 1 m, so z = 10.
    place = places_of(np.array([[0.8, 0.0, 0.0]]), _one((320.0, 240.0), 200.0), CAMERA)
    np.testing.assert_allclose(place, [[0.0, 0.0, 10.0]])
    # The same crop 80 pixels right and 40 up: 10 / 800 metres a pixel.
    place = places_of(np.array([[0.8, 0.3, -0.2]]), _one((400.0, 200.0), 200.0), CAMERA)
    np.testing.assert_allclose(place, [[1.0 + 0.3, -0.5 - 0.2, 10.0]])
    # A left hand was seen in a mirror: what was right of the middle is left of it.
    place = places_of(np.array([[0.8, 0.3, -0.2]]), _one((400.0, 200.0), 200.0, mirrored=True), CAMERA)
    np.testing.assert_allclose(place, [[1.0 - 0.3, -0.7, 10.0]])


def test_a_place_is_seen_where_the_crop_says_whatever_the_lens():
    crops = _one((500.0, 130.0), 150.0)
    for focal in (400.0, 800.0, 5000.0):
        camera = static_camera(WIDTH, HEIGHT, focal, 1)
        pixels, _ = camera.project(places_of(np.array([[0.9, 0.2, 0.1]]), crops, camera)[:, None])
        # 0.2 of a half crop of 150 pixels times 0.9 beside the middle
        np.testing.assert_allclose(pixels[0, 0], [500 + 0.2 * 0.9 * 75, 130 + 0.1 * 0.9 * 75], atol=1e-9)


def test_a_principal_point_beside_the_middle_counts():
    camera = Camera(WIDTH, HEIGHT, FOCAL, np.array([300.0, 250.0]), np.eye(4)[None])
    place = places_of(np.array([[0.8, 0.0, 0.0]]), _one((300.0, 250.0), 200.0), camera)
    np.testing.assert_allclose(place, [[0.0, 0.0, 10.0]])


def test_no_scale_is_far_away_and_not_behind():
    places = places_of(np.array([[0.0, 0, 0], [-1.0, 0, 0]]), Crops(np.zeros((2, 2)), np.full(2, 100.0), np.zeros(2, bool)), CAMERA)
    assert (places[:, 2] > 1000).all() and np.isfinite(places).all()


def test_the_ray_through_a_crop_turns_what_the_network_says():
    np.testing.assert_allclose(rays_of(_one((320.0, 240.0), 100.0), CAMERA)[0], np.eye(3), atol=1e-12)
    # 800 pixels right of the middle at a focal length of 800: 45 degrees about y (down), to the right.
    turned = rays_of(_one((320.0 + 800.0, 240.0), 100.0), CAMERA)[0]
    np.testing.assert_allclose(turned, matrix_from_axis_angle(np.array([0.0, np.pi / 4, 0.0])), atol=1e-12)
    np.testing.assert_allclose(turned @ [0, 0, 1], np.array([1, 0, 1]) / np.sqrt(2), atol=1e-12)
    # Below: about -x.
    turned = rays_of(_one((320.0, 240.0 + 800.0), 100.0), CAMERA)[0]
    np.testing.assert_allclose(turned, matrix_from_axis_angle(np.array([-np.pi / 4, 0.0, 0.0])), atol=1e-12)


def test_rotations_come_out_of_the_mirror():
    vector = np.array([0.3, 0.5, -0.2])
    np.testing.assert_allclose(unmirrored(matrix_from_axis_angle(vector)), matrix_from_axis_angle(vector * [1, -1, -1]), atol=1e-12)


def test_frames_without_the_subject_take_the_nearest_that_shows_it():
    assert nearest_seen(np.array([0, 1, 0, 0, 0, 1, 0], bool)).tolist() == [1, 1, 1, 1, 5, 5, 5]
    assert nearest_seen(np.zeros(3, bool)).tolist() == [0, 0, 0]


def test_a_body_stays_where_it_is_when_the_camera_moves():
    frames = 3
    poses = np.tile(np.eye(4), (frames, 1, 1))
    poses[:, :3, :3] = matrix_from_axis_angle(np.outer(np.arange(frames), [0.1, 0.3, -0.05]))
    poses[:, :3, 3] = np.outer(np.arange(frames), [0.2, -0.1, 0.4])
    camera = Camera(WIDTH, HEIGHT, FOCAL, np.array([320.0, 240.0]), poses)
    rng = np.random.default_rng(1)
    rotations = matrix_from_axis_angle(0.3 * rng.normal(size=(frames, 24, 3)))
    betas, places = rng.normal(size=10), rng.normal(size=(frames, 3)) + np.array([0, 0, 5])
    body = LiftedBody("smpl", "open_human", betas, rotations, places, np.ones((frames, 24)))
    moved = to_world(body, camera)
    identity = identity_of(open_human(), betas)
    in_camera = joints_of(identity, rotations, places)
    np.testing.assert_allclose(camera.to_camera(joints_of(identity, moved.rotations, moved.translation)), in_camera, atol=1e-9)


def test_a_body_whose_model_is_missing_stands_on_the_bundled_one_with_its_pelvis_in_place():
    rotations = np.tile(np.eye(3), (1, 24, 1, 1))
    body = LiftedBody("smpl", "smpl_neutral", np.full(10, 2.0), rotations, np.array([[0.1, 0.2, 5.0]]), np.ones((1, 24)))
    shown = to_world(body, CAMERA)
    assert shown.model == "open_human" and not shown.betas.any()
    pelvis = joints_of(identity_of(open_human(), shown.betas), shown.rotations, shown.translation)[0, 0]
    # SMPL's neutral pelvis lies at (-0.0018, -0.2233, 0.0282) in the rest pose.
    np.testing.assert_allclose(pelvis, [0.1 - 0.00179506, 0.2 - 0.22333382, 5.0 + 0.02821918], atol=1e-6)
