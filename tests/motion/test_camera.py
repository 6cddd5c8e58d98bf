"""Cameras project and invert as their docstrings say; a clip's world turns into Blender's."""

import numpy as np
import pytest

from revision_blender.motion.axes import T_blender_world
from revision_blender.motion.camera import Camera, default_focal, static_camera
from revision_blender.motion.clip import BodyTrack, Clip, GroundPlane
from revision_blender.motion.errors import ClipError
from revision_blender.motion.rotation import matrix_from_axis_angle

UP = np.array([0.0, -1.0, 0.0])  # in a lifted clip y points down


def moving_camera(frames: int = 5) -> Camera:
    rng = np.random.default_rng(2)
    poses = np.tile(np.eye(4), (frames, 1, 1))
    poses[:, :3, :3] = matrix_from_axis_angle(rng.normal(0.0, 0.3, (frames, 3)))
    poses[:, :3, 3] = rng.normal(0.0, 1.0, (frames, 3))
    return Camera(640, 360, 500.0, np.array([320.0, 180.0]), poses)


def clip_over(ground: GroundPlane, pose: np.ndarray, place: np.ndarray | None) -> Clip:
    camera = Camera(64, 48, 60.0, np.array([32.0, 24.0]), pose[None])
    if place is None:
        return Clip(10.0, camera, ground)
    body = BodyTrack("p", "smpl", "open_human", np.zeros(10), np.tile(np.eye(3), (1, 24, 1, 1)), place[None], np.ones((1, 24)))
    return Clip(10.0, camera, ground, (body,))


def test_the_optical_axis_meets_the_principal_point():
    camera = moving_camera()
    ahead = camera.T_world_camera[:, :3, 3] + 3.0 * camera.T_world_camera[:, :3, 2]
    pixels, depth = camera.project(ahead[:, None])
    assert np.allclose(pixels[:, 0], camera.center)
    assert np.allclose(depth, 3.0)


def test_right_is_right_and_down_is_down():
    pixels, _ = static_camera(100, 80, 50.0, 1).project(np.array([[[1.0, 0.0, 2.0], [0.0, 1.0, 2.0]]]))
    assert np.allclose(pixels[0], [[75.0, 40.0], [50.0, 65.0]])


def test_the_inverse_is_the_inverse():
    camera = moving_camera()
    assert np.allclose(camera.T_camera_world @ camera.T_world_camera, np.eye(4), atol=1e-12)


def test_points_keep_their_distances_in_camera_coordinates():
    camera = moving_camera()
    points = np.random.default_rng(0).normal(size=(5, 7, 3))
    seen = camera.to_camera(points)
    assert np.allclose(np.linalg.norm(seen[:, 1:] - seen[:, :-1], axis=-1), np.linalg.norm(points[:, 1:] - points[:, :-1], axis=-1))


def test_a_resized_camera_sees_the_same_picture():
    camera = moving_camera()
    points = camera.T_world_camera[:, None, :3, 3] + 2.0 * camera.T_world_camera[:, None, :3, 2] + 0.3
    full, _ = camera.project(points)
    half, _ = camera.resized(320, 180).project(points)
    assert np.allclose(half, 0.5 * full)


def test_the_default_lens_sees_the_diagonal_under_53_degrees():
    assert 2.0 * np.degrees(np.arctan(0.5 * np.hypot(400, 300) / default_focal(400, 300))) == pytest.approx(53.13, abs=0.01)


@pytest.mark.parametrize(("width", "height", "focal"), [(0, 10, 5.0), (10, -1, 5.0), (10, 10, 0.0), (10, 10, float("nan"))])
def test_impossible_cameras_are_refused(width, height, focal):
    with pytest.raises(ClipError, match="positive"):
        Camera(width, height, focal, np.zeros(2), np.eye(4)[None])
    with pytest.raises(ClipError, match="frames, 4, 4"):
        Camera(10, 10, 5.0, np.zeros(2), np.eye(4))


@pytest.mark.parametrize("tilt", [(0.0, 0.0, 0.0), (0.4, 0.0, 0.2), (-1.2, 0.3, 0.0)])
def test_blender_stands_on_the_ground(tilt):
    ground = GroundPlane(matrix_from_axis_angle(np.array(tilt)) @ UP, np.array([0.3, 1.6, 4.0]))
    place = np.array([0.5, 0.2, 5.0])
    transform = T_blender_world(clip_over(ground, np.eye(4), place))
    rotation = transform[:3, :3]
    assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    assert np.allclose(rotation @ ground.normal, [0.0, 0.0, 1.0])
    points = np.random.default_rng(1).normal(size=(9, 3))
    assert np.allclose((points @ rotation.T + transform[:3, 3])[:, 2], ground.height(points))
    assert np.allclose((rotation @ place + transform[:3, 3])[:2], 0.0)
    ahead = rotation @ np.array([0.0, 0.0, 1.0])
    assert ahead[0] == pytest.approx(0.0, abs=1e-12)
    assert ahead[1] > 0.0


def test_a_camera_that_looks_straight_down_still_has_an_ahead():
    pose = np.eye(4)
    ground = GroundPlane(np.array([0.0, 0.0, -1.0]), np.array([0.0, 0.0, 3.0]))
    transform = T_blender_world(clip_over(ground, pose, None))
    assert np.isfinite(transform).all()
    assert np.allclose(transform[:3, :3] @ np.array([0.0, -1.0, 0.0]), [0.0, 1.0, 0.0])
    assert np.allclose(transform[:3, 3], [0.0, 0.0, 3.0])


def test_a_world_of_its_own_keeps_its_origin():
    """Motion capture: y is up, the floor is y = 0.1, the camera stands in that world; (x, y, z) becomes (x, -z, y - 0.1)."""
    pose = np.eye(4)
    pose[:3, :3] = np.diag([1.0, -1.0, -1.0])
    pose[:3, 3] = [0.0, 1.0, 4.0]
    ground = GroundPlane(np.array([0.0, 1.0, 0.0]), np.array([3.0, 0.1, 2.0]))
    transform = T_blender_world(clip_over(ground, pose, np.array([5.0, 1.0, 5.0])))
    np.testing.assert_allclose(transform @ [1.0, 2.0, 3.0, 1.0], [1.0, -3.0, 1.9, 1.0], atol=1e-12)
