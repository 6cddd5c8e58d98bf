"""Who stands before whom: depths follow what is seen, pictures stay."""

import numpy as np
import pytest

from backend.lifting.world.drawn import drawn_tracks, ious, seen_among, small_camera, small_masks
from backend.lifting.world.order import BODY, CLEAR_SHARE, FIXED, THING, OrderWish, believed, depth_shifts, in_order
from backend.lifting.world.pushing import pushed
from backend.lifting.world.shot import ordered
from backend.progress import silent
from revision_blender.motion.clip import BodyTrack, ObjectTrack
from tests.lifting.scene_cases import body, camera_of, card, seen_masks, shot_of

FRAMES = 5


def _centers(x: float, z: float) -> np.ndarray:
    return np.tile([x, 0.0, z], (FRAMES, 1))


def _pair() -> tuple[ObjectTrack, ObjectTrack]:
    return card("far", _centers(0.0, 4.4), 1.2), card("near", _centers(0.3, 4.0), 0.8)


def _depth(track: BodyTrack | ObjectTrack) -> np.ndarray:
    return track.translation[:, 2] if isinstance(track, BodyTrack) else track.points[:, -1, 2]


def test_depths_that_agree_with_the_masks_are_left_alone():
    tracks, camera = _pair(), camera_of(FRAMES)
    shot = shot_of(tracks, seen_masks(tracks, camera, (1, 0)), camera)
    measured = ordered(shot, frozenset(), silent())
    assert measured.figures["depth_order"] == 1.0
    assert all(new is old for new, old in zip(measured.shot.tracks, shot.tracks, strict=True))


def test_what_is_seen_in_front_comes_to_the_front_and_the_picture_stays():
    tracks, camera = _pair(), camera_of(FRAMES)
    masks = seen_masks(tracks, camera, (0, 1))
    measured = ordered(shot_of(tracks, masks, camera), frozenset(), silent())
    far, near = (lifted.track for lifted in measured.shot.tracks)
    assert (_depth(far) < _depth(near)).all() and measured.figures["depth_order"] == 1.0
    for old, new in zip(tracks, (far, near), strict=True):
        assert np.abs(camera.project(old.points)[0] - camera.project(new.points)[0]).max() < 1e-6
    small = small_camera(camera)
    index = seen_among(drawn_tracks((far, near), small))
    assert min(ious(index == place + 1, small_masks(mask, small)).min() for place, mask in enumerate(masks)) > 0.97


@pytest.mark.parametrize("fixed", [0, 1])
def test_what_must_not_move_does_not(fixed):
    tracks, camera = _pair(), camera_of(FRAMES)
    shot = shot_of(tracks, seen_masks(tracks, camera, (0, 1)), camera)
    measured = ordered(shot, frozenset({fixed}), silent())
    assert np.abs(_depth(measured.shot.tracks[fixed].track) - _depth(tracks[fixed])).max() < 1e-4
    assert measured.figures["depth_order"] == 1.0


def test_a_ball_gives_way_before_a_body_and_the_body_keeps_its_size_in_the_picture():
    camera, person = camera_of(8), body(8)
    middle = person.translation + np.array([0.05, 0.1, 0.5])
    ball = card("ball", middle, 0.25)
    tracks = (person, ball)
    measured = ordered(shot_of(tracks, seen_masks(tracks, camera, (1, 0)), camera), frozenset(), silent())
    moved_person, moved_ball = (lifted.track for lifted in measured.shot.tracks)
    assert measured.figures["depth_order"] == 1.0
    assert np.abs(_depth(moved_person) / _depth(person) - 1.0).max() < 0.03
    assert (_depth(moved_ball) < _depth(ball) - 0.3).all()
    assert measured.figures["person_1/silhouette_iou_min"] > 0.9


def test_shifts_are_smooth_where_only_one_frame_speaks():
    wishes = [OrderWish(4, 0, 1, -0.1)]
    shifts = depth_shifts(wishes, [THING, BODY], 9)
    assert shifts[1].std() < 0.01  # the body moves as a whole, if at all
    assert shifts[0, 4] - shifts[1, 4] < -0.12 and abs(shifts[0, 0]) < abs(shifts[0, 4])
    assert not depth_shifts([OrderWish(4, 0, 1, 0.2)], [THING, THING], 9).any()
    assert not depth_shifts([], [], 9).size
    assert np.abs(depth_shifts(wishes, [THING, FIXED], 9)[1]).max() < 1e-5


def test_a_glance_is_outvoted_by_its_neighbours_in_time():
    """Masks err where subjects touch: one frame that says otherwise, and one frame alone with a few pixels, are not believed."""
    steady = [OrderWish(frame, 0, 1, 0.1, share=0.04) for frame in range(9) if frame != 4]
    slip = OrderWish(4, 1, 0, -0.1, share=0.03)
    assert believed([*steady, slip]) == steady
    assert believed([OrderWish(4, 0, 1, -0.1, share=CLEAR_SHARE / 2.0)]) == []
    alone = OrderWish(4, 0, 1, -0.1, share=2.0 * CLEAR_SHARE)
    assert believed([alone]) == [alone]
    crossed = [OrderWish(frame, 0, 1, 0.1, 0.04) for frame in range(9)] + [OrderWish(frame, 1, 0, 0.1, 0.04) for frame in range(20, 29)]
    assert believed(crossed) == crossed  # who was in front may stand behind later
    other = OrderWish(4, 2, 1, -0.1, share=0.03)
    assert believed([*steady, other]) == steady  # another pair's frames do not vouch for it


def test_no_subject_is_ever_pushed_far():
    shifts = depth_shifts([OrderWish(0, 0, 1, -3.0)], [THING, BODY], 3)
    assert np.abs(shifts[0]).max() <= 0.4 and np.abs(shifts[1]).max() <= 0.08


def test_in_order_counts_pairs():
    assert in_order([]) == 1.0
    assert in_order([OrderWish(0, 0, 1, 0.1), OrderWish(1, 0, 1, -0.1)]) == 0.5


def test_a_push_of_nothing_is_nothing():
    tracks, camera = _pair(), camera_of(FRAMES)
    shot = shot_of(tracks, seen_masks(tracks, camera, (1, 0)), camera)
    assert pushed(shot.tracks[0], np.zeros(FRAMES), camera) is shot.tracks[0]
