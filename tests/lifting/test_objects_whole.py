"""Things that something hides: their whole shape is known, and what only looks at what shows would fail each of these."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.evaluation.lifting.scenes import SCENES, drawn_scene
from backend.evaluation.lifting.whole_shapes import whole_shape
from backend.lifting.objects.contour import contour_points
from backend.lifting.objects.discs import disc_of
from backend.lifting.objects.placing import place_object
from backend.lifting.subject import Followed, boxes_of
from revision_blender.motion.camera import static_camera
from revision_blender.motion.clip import GroundPlane
from revision_blender.motion.rotation import matrix_from_axis_angle

WIDTH, HEIGHT, FOCAL = 320, 240, 300.0
FLOOR = GroundPlane(np.array([0.0, -1.0, 0.0]), np.array([0.0, 1.2, 0.0]))
PENTAGON = np.array([[-20.0, -14.0], [6.0, -18.0], [20.0, -4.0], [14.0, 18.0], [-16.0, 16.0]])


def _drawn(corners):
    """``(F, H, W)`` masks of polygons ``(F, N, 2)``, pixels."""
    masks = np.zeros((len(corners), HEIGHT, WIDTH), np.uint8)
    for mask, line in zip(masks, corners, strict=True):
        cv2.fillPoly(mask, [np.round((line - 0.5) * 16).astype(np.int32)], (255.0,), cv2.LINE_8, 4)
    return masks


def _followed(masks, label="", score=None):
    boxes, seen = boxes_of(masks)
    return Followed("thing", "object", label, boxes, seen, np.where(seen, 0.9 if score is None else score, 0.0).astype(np.float32), masks)


def _placed(visible, others, label="", camera=None):
    camera = camera or static_camera(WIDTH, HEIGHT, FOCAL, len(visible))
    track = place_object(_followed(visible, label), camera, FLOOR, others=others)
    return camera.project(track.points)[0], track


def _pillar(frames, left, right):
    others = np.zeros((frames, HEIGHT, WIDTH), np.uint8)
    others[:, :, left:right] = 255
    return others


def _hidden(whole, others):
    return np.where(others > 0, 0, whole).astype(np.uint8)


def _contour_error(points, whole):
    """Of each frame: mean distance of the 16 points to the whole's own, as a share of its box's diagonal."""
    true = np.stack([contour_points(mask) for mask in whole])
    return np.linalg.norm(points[:, :16] - true[:, :16], axis=2).mean(axis=1) / np.linalg.norm(true[:, 18] - true[:, 16], axis=1)


def test_behind_a_pillar_the_whole_outline_goes_on():
    frames = 20
    places = np.stack([np.linspace(60, 250, frames), np.linspace(120, 130, frames)], axis=1)
    grown = np.linspace(1.0, 1.25, frames)[:, None, None]
    whole = _drawn(places[:, None] + grown * PENTAGON)
    others = _pillar(frames, 125, 200)
    visible = _hidden(whole, others)
    points, track = _placed(visible, others)
    gone = ~visible.any(axis=(1, 2))
    part = ~gone & (visible != whole).any(axis=(1, 2))
    assert gone.sum() >= 2 and part.sum() >= 5
    errors = _contour_error(points, whole)
    only_seen = _contour_error(np.stack([contour_points(mask) for mask in visible[part]]), whole[part])
    assert errors[part].max() < 0.05 and errors[gone].max() < 0.08
    assert only_seen.mean() > 0.08 and only_seen.max() > 0.2  # an answer that knows only what shows
    middles = points[:, 20] - (places + grown[:, 0] * (PENTAGON.min(axis=0) + PENTAGON.max(axis=0)) / 2.0)
    assert np.linalg.norm(middles, axis=1).max() < 4.0  # of 45; it is gone for 75
    clear = ~part & ~gone
    assert (track.confidence[gone] == 0.02).all() and track.confidence[part].mean() < 0.8 * track.confidence[clear].mean()


def test_what_stands_before_somebody_is_not_made_larger():
    frames = 12
    places = np.stack([np.linspace(140, 180, frames), np.full(frames, 120.0)], axis=1)
    whole = _drawn(places[:, None] + PENTAGON)
    others = np.where(whole > 0, 0, _pillar(frames, 100, 240)).astype(np.uint8)
    points, track = _placed(whole, others)
    assert _contour_error(points, whole).max() < 0.03
    assert track.confidence.min() > 0.9 * track.confidence.max()


def test_what_is_never_seen_whole_is_put_together():
    frames = 16
    whole = _drawn(np.tile(PENTAGON * 1.5 + [160, 120], (frames, 1, 1)))
    others = np.zeros_like(whole)
    for frame, x in enumerate(np.linspace(138, 180, frames).astype(int)):
        others[frame, :, x - 14 : x + 14] = 255
    visible = _hidden(whole, others)
    assert ((visible > 0).sum(axis=(1, 2)) < 0.8 * (whole > 0).sum(axis=(1, 2))).all()
    points, _ = _placed(visible, others)
    only_seen = _contour_error(np.stack([contour_points(mask) for mask in visible]), whole)
    assert _contour_error(points, whole).max() < 0.04 < 0.5 * only_seen.max()
    assert np.linalg.norm(points[:, 20] - points[0, 20], axis=1).max() < 2.0


def test_half_out_of_the_picture_it_is_whole():
    frames = 12
    places = np.stack([np.linspace(120, -25, frames), np.full(frames, 120.0)], axis=1)
    inside = _drawn(places[:, None] + PENTAGON)
    points, track = _placed(inside, None)
    middles = places + (PENTAGON.min(axis=0) + PENTAGON.max(axis=0)) / 2.0
    assert np.abs(points[:, 20] - middles).max() < 3.0  # of 40 pixels; the last frame shows nothing
    assert points[-1, 20, 0] < -10 and (track.confidence[inside.any(axis=(1, 2))] > 0).all() and track.confidence[-1] == 0.0


def test_a_turning_camera_takes_what_is_hidden_along():
    frames = 14
    turn = np.linspace(-0.2, 0.2, frames)
    camera = static_camera(WIDTH, HEIGHT, FOCAL, frames)
    camera.T_world_camera[:, :3, :3] = matrix_from_axis_angle(np.stack([0.0 * turn, turn, 0.0 * turn], axis=1))
    pixels, _ = camera.project(np.tile(np.array([0.0, 0.1, 3.0]), (frames, 1, 1)))
    whole = _drawn(pixels + PENTAGON)
    others = np.zeros_like(whole)
    others[8:] = 255  # from here on for good
    points, track = _placed(_hidden(whole, others), others, camera=camera)
    middle = pixels[:, 0] + (PENTAGON.min(axis=0) + PENTAGON.max(axis=0)) / 2.0
    assert np.linalg.norm(points[:, 20] - middle, axis=1).max() < 3.0 < np.linalg.norm(middle[13] - middle[7])
    assert np.ptp(track.points[8:, 20], axis=0).max() < 0.03 * track.points[8, 20, 2]


@given(x=st.floats(70, 90), y=st.floats(50, 70), radius=st.floats(8, 30), cut=st.floats(-0.3, 0.7), angle=st.floats(0, 6.28))
@settings(max_examples=25, deadline=None)
def test_a_part_of_a_disc_tells_the_whole(x, y, radius, cut, angle):
    rows, columns = np.mgrid[:120, :160] + 0.5
    away = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
    disc = np.hypot(columns - x, rows - y) <= radius
    hidden = away > cut * radius
    shown, beside = np.where(disc & ~hidden, 255, 0).astype(np.uint8), cv2.dilate(hidden.astype(np.uint8), np.ones((5, 5))) > 0
    found = disc_of(shown, beside, None if cut > 0.0 else radius)  # of less than half other frames have to tell how large it is
    assert np.hypot(found.x - x, found.y - y) < 0.1 * radius + 0.6
    assert abs(found.radius - radius) < 0.1 * radius + 0.4


def test_a_bite_out_of_a_disc_does_not_move_it():
    rows, columns = np.mgrid[:120, :160] + 0.5
    disc = np.hypot(columns - 80, rows - 60) <= 20
    bitten = disc & ~(np.hypot(columns - 62, rows - 66) <= 14)
    found = disc_of(np.where(bitten, 255, 0).astype(np.uint8), np.zeros(disc.shape, bool))
    assert np.hypot(found.x - 80, found.y - 60) < 0.7 and abs(found.radius - 20) < 0.7
    rest = np.argwhere(bitten).mean(axis=0)[::-1] + 0.5
    assert np.hypot(*(rest - [80, 60])) > 3.0  # where its pixels' middle lies


def test_a_box_that_a_dog_hides():
    """Rendered truth, with the true masks."""
    drawn = drawn_scene(next(scene for scene in SCENES if scene.name == "everything"), 8)
    number = next(place for place, track in enumerate(drawn.clip.tracks) if track.track_id == "box")
    true, camera = drawn.clip.tracks[number], drawn.clip.camera
    others = (np.delete(drawn.visible, number, axis=0).any(axis=0) * 255).astype(np.uint8)
    visible = (drawn.visible[number] * 255).astype(np.uint8)
    track = place_object(_followed(visible, "box"), camera, drawn.clip.ground, others=others)
    found = whole_shape(track, camera, true, camera, drawn.alone[number])
    assert found.contour.max() < 0.04 and found.centre.max() < 0.04 and np.abs(found.depth - 1.0).max() < 0.03
    truth = camera.project(true.points)[0]
    only_seen = np.linalg.norm(np.stack([contour_points(mask) for mask in visible]) - truth, axis=2)[:, :16].mean(axis=1)
    assert (only_seen / np.linalg.norm(truth[:, 18] - truth[:, 16], axis=1)).max() > 0.12
