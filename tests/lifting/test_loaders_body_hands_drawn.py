"""From pictures of hands to their joints: the open body, drawn with hands that close, looked at by MediaPipe and joined again.

MediaPipe takes hands to face the camera more than they do, so the hand's direction is the weak part (about 20 degrees here); what the
fingers do is told apart from a hand at rest.
"""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.bodies.installed import shelf
from backend.lifting.people.joining_shape import as_smplx
from backend.lifting.people.smplx_joining import with_hands
from backend.lifting.providers.base import LiftedBody
from backend.lifting.providers.hands_mediapipe import HandsMediapipe
from backend.lifting.providers.mano_body import hand_joints, open_hand
from backend.progress import silent
from backend.raster.rasteriser import barycentrics, interpolate, rasterise
from revision_blender.motion.bodies.body_model import identity_of, joints_of, vertices_of, world_rotations
from revision_blender.motion.camera import static_camera
from revision_blender.motion.rotation import angle_between, matrix_from_axis_angle
from revision_blender.motion.skeletons import SMPLX

F, WIDTH, HEIGHT, FOCAL = 5, 960, 720, 900.0
CAMERA = static_camera(WIDTH, HEIGHT, FOCAL, F)
SIDES = (("left", 1.0), ("right", -1.0))
UP, TURNED = 1.9, -1.2  # radians: forearms up, palms towards the camera
LIGHT = np.array([-0.4, -0.7, -0.6]) / np.linalg.norm([0.4, 0.7, 0.6])


@cache
def _pose():
    """R_parent_joint ``(F, 55, 3, 3)``: upright before the camera, both hands raised, fingers closing one by one."""
    pose, time = np.zeros((F, 55, 3)), np.linspace(0.0, 1.0, F)
    pose[:, 0] = [np.pi, 0.0, 0.0]
    for side, outward in SIDES:
        pose[:, SMPLX.index(f"{side}_shoulder"), 2] = -0.7 * outward
        wrist, *fingers = hand_joints(side)
        for place, joint in enumerate(fingers[:12]):
            most = (1.0, 1.2, 0.6)[place % 3] * (0.3 if place < 3 else 1.0)  # the index finger stays
            pose[:, joint, 2] = -outward * ((0.15, 0.2, 0.1)[place % 3] + most * time)
        pose[:, fingers[13:], 1] = -0.25 * outward * time[:, None]
        pose[:, wrist, 0], pose[:, wrist, 2] = 0.3 * np.sin(4.0 * time), 0.15 * outward
    rotations = matrix_from_axis_angle(pose)
    for side, outward in SIDES:
        rotations[:, SMPLX.index(f"{side}_elbow")] = _elbow(outward) @ matrix_from_axis_angle(np.array([TURNED, 0.0, 0.0]))
    return rotations


def _elbow(outward):
    return matrix_from_axis_angle(np.array([0.0, 0.0, UP * outward]))


def _drawn(rotations, place):
    model = shelf().load("open_human_x")
    fine = CAMERA.resized(2 * WIDTH, 2 * HEIGHT)
    paper = np.random.default_rng(0).random((45, 60, 3)).astype(np.float32)
    behind = 0.25 + 0.25 * cv2.resize(paper, (fine.width, fine.height), interpolation=cv2.INTER_CUBIC)
    frames = np.empty((F, HEIGHT, WIDTH, 3), np.uint8)
    for frame, points in enumerate(vertices_of(identity_of(model, np.zeros(10)), rotations, place).astype(np.float64)):
        picture, seen = behind.copy(), rasterise(points, model.faces, fine.focal, fine.center, fine.width, fine.height)
        weights = barycentrics(seen, points, model.faces, fine.focal, fine.center)
        normal = interpolate(seen, weights, model.faces, _normals(points, model.faces))[seen.covered]
        light = 0.38 - 0.25 * np.minimum(normal[:, 2], 0.0) + 0.65 * np.maximum(normal @ LIGHT, 0.0)
        picture[seen.covered] = (np.array([0.78, 0.56, 0.45]) ** 2.2) * light[:, None]
        depth = np.minimum(seen.depth, 3.0)
        crease = (
            np.clip(14.0 * (depth - cv2.GaussianBlur(depth, (0, 0), 6.0)), 0.0, 0.5) * seen.covered
        )  # darker where something is before it
        small = cv2.resize(picture * (1.0 - crease[..., None]), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        frames[frame] = np.round(255.0 * np.clip(small, 0.0, 1.0) ** (1.0 / 2.2))
    return frames


def _normals(points, faces):
    flat = np.cross(points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]])
    total = np.zeros_like(points)
    for corner in range(3):
        np.add.at(total, faces[:, corner], flat)
    return total / np.linalg.norm(total, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def lifted():
    rotations, place, model = _pose(), np.tile([0.0, 0.35, 1.7], (F, 1)), shelf().load("open_human_x")
    joints, _ = CAMERA.project(joints_of(identity_of(model, np.zeros(10)), rotations, place))
    boxes = np.zeros((1, F, 2, 4), np.float32)
    for number, (side, _) in enumerate(SIDES):
        middle = joints[:, hand_joints(side)].mean(axis=1)
        boxes[0, :, number] = np.concatenate([middle - 95, middle + 95], axis=1)
    hands = HandsMediapipe(Path("home")).hands(_drawn(rotations, place), boxes, np.ones((1, F, 2), bool), CAMERA, silent())
    body = np.tile(np.eye(3), (F, 24, 1, 1))
    body[:, :20] = rotations[:, :20]
    for side, outward in SIDES:
        body[:, SMPLX.index(f"{side}_elbow")] = _elbow(outward)  # a body lifter does not see how forearms are twisted
    lifted = LiftedBody("smpl", "open_human", np.zeros(10), body, place, np.ones((F, 24)))
    return lifted, hands, with_hands(lifted, hands, CAMERA, 12.0, silent())


def _points(rotations, side):
    """The 21 points about the wrist ``(F, 21, 3)`` metres, and the hand's direction ``(F, 3, 3)``."""
    names = hand_joints(side)
    turned = world_rotations(SMPLX.parents, rotations)[:, names[:1]]
    return open_hand().points(np.concatenate([turned, rotations[:, names[1:]]], axis=1), side == "left"), turned[:, 0]


def _apart(points, wanted):
    """Millimetres between two hands laid on each other, a mean a frame."""
    a, b = points - points.mean(axis=1, keepdims=True), wanted - wanted.mean(axis=1, keepdims=True)
    u, _, vt = np.linalg.svd(np.einsum("fka,fkb->fab", b, a))
    flip = np.ones((len(a), 1, 3))
    flip[:, 0, 2] = np.linalg.det(u @ vt)
    return 1e3 * np.linalg.norm(a @ np.swapaxes((u * flip) @ vt, 1, 2) - b, axis=-1).mean(axis=1)


def test_every_drawn_hand_is_found(lifted):
    assert (lifted[1].score > 0.3).mean() >= 0.9


@pytest.mark.parametrize("side", ["left", "right"])
def test_fingers_follow_the_drawn_hand(lifted, side):
    body, _, joined = lifted
    wanted, _ = _points(_pose(), side)
    found, resting = (_apart(_points(each.rotations, side)[0], wanted) for each in (joined, as_smplx(body)))
    assert found.mean() < 13.0
    assert found[-1] < 0.6 * resting[-1]  # the closed hand; a hand that is always at rest fails this


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_palm_turns_to_where_it_is_seen_to_face(lifted, side):
    body, _, joined = lifted
    wanted = _points(_pose(), side)[1]
    found, unturned = (np.degrees(angle_between(_points(each.rotations, side)[1], wanted)) for each in (joined, as_smplx(body)))
    assert found.mean() < 30.0 and unturned.mean() > 50.0
