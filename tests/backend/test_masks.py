"""Part masks of whole clips: depth order between tracks, labels, the stage's refusals."""

from dataclasses import replace

import numpy as np
import pytest

from backend.errors import InputError
from backend.progress import silent
from backend.raster.part_masks import part_masks
from backend.stages.masks import run
from revision_blender.masks.labels import FIRST_HUMAN, FIRST_OBJECT, SMPL_JOINT_NAMES
from revision_blender.motion.camera import static_camera
from revision_blender.motion.clip import BodyTrack, Clip, GroundPlane, ObjectTrack
from revision_blender.wire.requests import MasksRequest

UPRIGHT = np.diag([1.0, -1.0, -1.0])  # the body's y up and +z forward, to the camera's y down, facing the camera


def standing(track_id: str = "person", x: float = 0.0, depth: float = 3.0, frames: int = 2) -> BodyTrack:
    rotations = np.tile(np.eye(3), (frames, 24, 1, 1))
    rotations[:, 0] = UPRIGHT
    translation = np.tile([x, 0.0, depth], (frames, 1))
    return BodyTrack(track_id, "smpl", "open_human", np.zeros(10), rotations, translation, np.ones((frames, 24)))


def square(depth: float, half: float = 0.3, frames: int = 2) -> ObjectTrack:
    turn = np.arange(16) / 16 * 2 * np.pi
    points = np.zeros((frames, 21, 3))
    points[:, :16] = np.stack([half * np.cos(turn), half * np.sin(turn), np.zeros(16)], -1)
    points[..., 2] += depth
    return ObjectTrack("thing", "thing", np.full(3, half), points, np.ones(frames))


def clip_of(*tracks: BodyTrack | ObjectTrack, width: int = 160, height: int = 192) -> Clip:
    ground = GroundPlane(np.array([0.0, -1.0, 0.0]), np.array([0.0, 1.0, 3.0]))
    return Clip(12.0, static_camera(width, height, 220.0, 2), ground, tracks)


def test_a_body_shows_its_parts_where_they_are() -> None:
    labels = part_masks(clip_of(standing()))[0]
    part = {name: FIRST_HUMAN + index for index, name in enumerate(SMPL_JOINT_NAMES)}
    rows = {name: np.nonzero(labels == label)[0].mean() for name, label in part.items() if (labels == label).any()}
    assert rows["head"] < rows["spine2"] < rows["left_knee"] < rows["left_foot"]
    columns = {side: np.nonzero(labels == part[f"{side}_elbow"])[1].mean() for side in ("left", "right")}
    assert columns["left"] > columns["right"]  # who faces the camera has the left arm on the picture's right
    assert len(rows) >= 18


def test_what_is_nearer_covers_what_is_behind() -> None:
    person, alone = standing(), part_masks(clip_of(standing()))
    front, back = (part_masks(clip_of(person, square(depth))) for depth in (2.0, 4.0))
    thing = part_masks(clip_of(square(2.0))) > 0
    assert (front[thing] == FIRST_OBJECT).all()
    assert np.array_equal(back[alone > 0], alone[alone > 0])
    near_person = part_masks(clip_of(person, standing("other", x=0.1, depth=5.0)))
    assert np.array_equal(near_person[alone > 0], alone[alone > 0])


def test_stage_gives_confidence_beside_labels_and_refuses_what_it_cannot_draw() -> None:
    clip = clip_of(standing())
    result = run(MasksRequest(clip), silent())
    assert result.labels.shape == result.confidence.shape == (2, 192, 160)
    assert np.array_equal(result.confidence > 0, result.labels > 0)
    with pytest.raises(InputError, match="no body"):
        run(MasksRequest(clip_of()), silent())
    with pytest.raises(InputError, match="20000 x 192"):
        run(MasksRequest(clip_of(standing(), width=20000)), silent())
    with pytest.raises(InputError, match="smplx_neutral"):
        run(MasksRequest(clip_of(replace(standing(), model="smplx_neutral"))), silent())


def test_a_body_is_drawn_on_the_frames_it_is_on_and_trusted_by_its_own_confidence() -> None:
    """Two people share their labels: the one who is doubted, or holds a pose outside its shot, takes nothing from the other."""
    sure, doubted = standing("sure", x=-0.35), standing("doubted", x=0.35, depth=3.6)
    confidence = np.full((2, 24), 0.4)
    confidence[1] = 0.0
    clip = clip_of(sure, replace(doubted, confidence=confidence))
    result, alone = run(MasksRequest(clip), silent()), part_masks(clip_of(sure))
    assert np.array_equal(result.labels[1], alone[1]) and (result.labels[0] > 0).sum() > 1.4 * (alone[0] > 0).sum()
    mine = alone > 0
    assert (result.confidence[mine] == 255).all()
    assert set(np.unique(result.confidence[~mine])) == {0, 102}
