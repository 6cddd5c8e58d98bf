"""The lifter's parts, each against what must hold for it."""

import cv2
import numpy as np
import pytest
import torch

from backend.errors import InputError
from backend.lifting.inputs import checked_focal, checked_frames, checked_rate
from backend.lifting.people.fit import Evidence, PeopleFit
from backend.lifting.people.fit_body import FitBody
from backend.lifting.people.landmark_anchors import anchors_of
from backend.lifting.people.landmark_names import LANDMARK_NAMES, MIRROR, index_of
from backend.lifting.people.limb_swaps import unswapped
from backend.lifting.people.measures import landmark_errors, lift_report
from backend.lifting.people.pose_limits import PoseLimits
from backend.lifting.people.segmentation import person_masks
from backend.lifting.people.silhouette import silhouettes_of
from backend.lifting.people.trust import joint_confidence
from backend.lifting.world.camera_motion import camera_rotations
from backend.lifting.world.ground import ground_plane
from backend.progress import silent
from backend.stages.lift import clip_of
from revision_blender.motion.bodies.body_model import identity_of, joints_of, open_human, vertices_of
from revision_blender.motion.rotation import angle_between, matrix_from_axis_angle
from tests.backend.lifting_cases import perfect_landmarks, procrustes_error, walking_clip


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (np.zeros((0, 100, 100, 3), np.uint8), "no frames"),
        (np.zeros((2, 0, 0, 3), np.uint8), "0 x 0 pixels"),
        (np.zeros((1, 64, 20000, 3), np.uint8), "20000 x 64 pixels"),
        (np.zeros((1, 63, 100, 3), np.uint8), "between 64 and 8192"),
        (np.zeros((1, 100, 100), np.uint8), "shape"),
        (np.zeros((1, 100, 100, 4), np.uint8), "shape"),
        (np.zeros((1, 100, 100, 3), np.float32), "float32"),
    ],
)
def test_bad_frames_get_one_clear_sentence(frames, words):
    with pytest.raises(InputError, match=words):
        checked_frames(frames)


def test_bad_rates_and_focals_are_refused():
    for fps in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="frames a second"):
            checked_rate(fps)
    for focal in (-1.0, float("nan"), 1.0, 1e9):
        with pytest.raises(InputError, match="focal length"):
            checked_focal(focal, 640, 360)
    assert checked_focal(0.0, 640, 360) == 0.0
    assert checked_focal(700.0, 640, 360) == 700.0


def test_the_mirror_of_the_mirror_is_the_landmark():
    assert np.array_equal(MIRROR[MIRROR], np.arange(33))
    assert LANDMARK_NAMES[MIRROR[index_of("left_heel")]] == "right_heel"
    with pytest.raises(KeyError):
        index_of("tail")


def test_anchors_are_mirrored_and_lie_where_their_names_say():
    model = open_human()
    anchors = anchors_of(model)
    rest = model.J_regressor @ model.v_template
    places = np.where(anchors.vertex[:, None] >= 0, model.v_template[anchors.vertex], rest[anchors.joint]) + anchors.offset
    assert np.abs(places * [-1.0, 1.0, 1.0] - places[MIRROR]).max() < 0.01
    nose, ear, heel, toe = (places[index_of(name)] for name in ("nose", "left_ear", "left_heel", "left_foot_index"))
    assert nose[2] > ear[2] and ear[0] > 0.03
    assert toe[2] > heel[2] + 0.15 and max(toe[1], heel[1]) < rest[7, 1]


def test_the_fit_sees_the_body_that_the_clip_speaks_of():
    """Without pose correctives, which the fit leaves out, joints and surface equal the extension's own evaluation."""
    model, clip = open_human(), walking_clip()
    track = clip.bodies[0]
    body = FitBody(model, 50)
    tensors = (torch.tensor(np.asarray(a), dtype=torch.float32) for a in (track.betas, track.rotations, track.translation))
    posed = body.pose(*tensors, surface=True)
    identity = identity_of(model, track.betas)
    assert np.abs(posed.joints.numpy() - joints_of(identity, track.rotations, track.translation)).max() < 1e-4
    vertices = vertices_of(identity, track.rotations, track.translation, correctives=False)
    distance = np.linalg.norm(posed.surface.numpy()[:, :, None] - vertices[:, None], axis=-1).min(axis=-1)
    assert distance.max() < 1e-4


def test_the_rest_pose_and_a_bent_knee_are_allowed_and_a_knee_bent_forward_is_not():
    limits = PoseLimits()
    pose = limits.middle[None].repeat(3, 1, 1)
    pose[1, 4, 0], pose[2, 4, 0] = 1.5, -0.5
    well, walls = limits.energy(pose)
    assert well[0] == 0.0 and walls[0] == 0.0 and walls[1] == 0.0
    assert walls[2] > 10.0
    elbows = limits.middle[None].repeat(2, 1, 1)
    elbows[0, 18, 1], elbows[1, 19, 1] = 0.5, -0.5  # both bent backwards
    assert (limits.energy(elbows)[1] > 10.0).all()


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.0, 1.5])
def test_the_fit_finds_a_pose_from_its_landmarks_and_outline(noise):
    clip = walking_clip()
    model = open_human()
    landmarks, masks = perfect_landmarks(clip, noise)
    ((smooth, raw),) = PeopleFit(model, [Evidence(landmarks, masks)], clip.camera, clip.fps).solve(silent())
    track = clip.bodies[0]
    truth = joints_of(identity_of(model, track.betas), track.rotations, track.translation)
    points = np.concatenate([landmarks.pixels, landmarks.visibility[..., None]], axis=-1)
    for fit in (smooth, raw):
        lifted = clip_of(fit, model, clip.camera, clip.fps, joint_confidence(landmarks))
        joints = joints_of(identity_of(model, fit.betas), fit.rotations, fit.translation)
        assert procrustes_error(joints, truth) < 0.045
        report = lift_report(model, lifted, points, masks)
        assert report["landmark_error_median"] < 0.012
        assert report["silhouette_iou_min"] > 0.85
    shaking = [np.linalg.norm(np.diff(body.translation, 2, axis=0), axis=1).max() * clip.fps**2 for body in (smooth, raw, track)]
    assert shaking[0] < 0.35 * shaking[1] and shaking[2] < 1e-6  # it walks at a steady pace


def test_the_report_of_the_truth_is_perfect():
    clip = walking_clip()
    landmarks, masks = perfect_landmarks(clip)
    points = np.concatenate([landmarks.pixels, landmarks.visibility[..., None]], axis=-1)
    report = lift_report(open_human(), clip, points, masks)
    assert report["landmark_error_p95"] < 1e-3
    assert report["silhouette_iou_min"] == 1.0
    points[:, 0, :2] += 500.0
    points[:, 0, 2] = 0.2  # not visible: not measured, though its pixels would be far off
    assert len(landmark_errors(open_human(), clip, points)) == 32 * clip.n_frames


def _texture(height, width):
    noise = np.random.default_rng(1).integers(0, 256, (height // 6, width // 6, 3), dtype=np.uint8)
    return cv2.GaussianBlur(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), (5, 5), 0)


def _turned_frames(rotations, size, focal):
    """Frames of a far textured wall seen by a camera that turns about its centre, with a patch that runs on its own."""
    wide = _texture(size[0] * 2, size[1] * 2)
    K = np.array([[focal, 0, size[1] / 2], [0, focal, size[0] / 2], [0, 0, 1]])
    K_wide = K + np.array([[0, 0, size[1] / 2], [0, 0, size[0] / 2], [0, 0, 0]])
    frames, people = [], []
    for index, R in enumerate(rotations):
        frame = cv2.warpPerspective(wide, K @ R.T @ np.linalg.inv(K_wide), (size[1], size[0]))
        person = np.zeros(size, np.uint8)
        person[60:200, 60 + 12 * index : 130 + 12 * index] = 255
        frame[person > 0] = _texture(140, 70).reshape(-1, 3)
        frames.append(frame)
        people.append(person)
    return np.stack(frames), np.stack(people)


def test_a_turning_camera_is_followed_past_a_moving_person():
    focal, size = 500.0, (288, 384)
    rotations = matrix_from_axis_angle(np.linspace(0, 1, 6)[:, None] * np.array([0.02, 0.10, 0.03]))
    frames, people = _turned_frames(rotations, size, focal)
    found = camera_rotations(frames, people, focal, np.array([size[1] / 2, size[0] / 2]), silent())
    assert np.degrees(angle_between(found, rotations)).max() < 0.1


def test_a_camera_that_stands_still_stands_exactly_still():
    frames, people = _turned_frames(np.tile(np.eye(3), (5, 1, 1)), (288, 384), 500.0)
    noisy = np.clip(frames + np.random.default_rng(2).normal(0, 4, frames.shape), 0, 255).astype(np.uint8)
    found = camera_rotations(noisy, people, 500.0, np.array([192.0, 144.0]), silent())
    assert np.array_equal(found, np.tile(np.eye(3), (5, 1, 1)))


def test_a_background_without_features_keeps_the_camera_where_it_was():
    frames = np.full((4, 96, 96, 3), 90, np.uint8)
    found = camera_rotations(frames, np.zeros((4, 96, 96), np.uint8), 120.0, np.array([48.0, 48.0]), silent())
    assert np.array_equal(found, np.tile(np.eye(3), (4, 1, 1)))


def test_legs_exchanged_for_one_frame_are_put_right_and_others_left_alone():
    points = np.concatenate([perfect_landmarks(walking_clip())[0].pixels, np.ones((8, 33, 1))], axis=-1).astype(np.float32)
    points[:, index_of("left_ankle"), 0] += 60.0
    points[:, index_of("left_knee"), 0] += 40.0
    assert np.array_equal(unswapped(points), points)
    wrong = points.copy()
    legs = [index_of(f"{side}_{name}") for side in ("left", "right") for name in ("hip", "knee", "ankle", "heel", "foot_index")]
    wrong[3, legs] = wrong[3, legs[5:] + legs[:5]]
    assert np.array_equal(unswapped(wrong), points)
    wrong[2] = np.nan
    assert np.array_equal(unswapped(wrong), wrong, equal_nan=True)
    assert unswapped(points[:1]).shape == (1, 33, 3)


def test_the_floor_is_found_under_a_standing_body_on_a_tilted_camera():
    model, clip = open_human(), walking_clip()
    track = clip.bodies[0]
    joints = joints_of(identity_of(model, track.betas), track.rotations, track.translation)
    feet = np.stack([joints[:, 10], joints[:, 11]], axis=1)
    tilt = matrix_from_axis_angle(np.array([0.2, 0.0, 0.0]))
    ground = ground_plane(joints @ tilt.T, feet @ tilt.T, np.tile(np.eye(3), (len(joints), 1, 1)), clip.fps)
    truth = tilt @ np.array([0.0, -1.0, 0.0])
    assert np.degrees(np.arccos(ground.normal @ truth)) < 5.0
    assert np.abs(ground.height(feet @ tilt.T)).min() < 0.1


def test_the_distance_field_is_zero_inside_and_grows_outside():
    mask = np.zeros((1, 200, 100), np.uint8)
    mask[0, 50:150, 30:70] = 255
    silhouettes = silhouettes_of(mask)
    pixels = torch.tensor([[[50.0, 100.0], [80.0, 100.0], [50.0, 190.0], [-20.0, 100.0]]])
    outside = silhouettes.outside(pixels)[0]
    assert outside[0] == 0.0
    assert outside[1:].tolist() == pytest.approx([10.0, 40.0, 50.0], abs=6.0)
    assert silhouettes_of(np.zeros((1, 64, 64), np.uint8)).weight.item() == 0.0


def test_the_mask_leaves_out_what_is_held_and_what_flies_by():
    clip = walking_clip(frames=1, width=640, height=720)
    landmarks, masks = perfect_landmarks(clip)
    wrist = landmarks.pixels[0, index_of("left_wrist")]
    extra = landmarks.person.copy()
    cv2.line(extra[0], tuple(int(v) for v in wrist), (int(wrist[0]) + 140, int(wrist[1])), 1.0, 9)
    cv2.circle(extra[0], (40, 60), 30, 1.0, -1)
    frame = np.where(masks[0][..., None] > 0, np.uint8(200), np.uint8(40)) * np.ones(3, np.uint8)
    fields = (landmarks.pixels, landmarks.visibility, landmarks.world, extra, landmarks.found)
    found = person_masks(frame[None], type(landmarks)(*fields), silent())
    both, either = (found & masks).astype(bool).sum(), (found | masks).astype(bool).sum()
    assert both / either > 0.95
    assert found[0, 60, 40] == 0 and found[0, int(wrist[1]), int(wrist[0]) + 120] == 0
