"""Laws of confidence maps and of part masks at latent resolution."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from revision_blender.masks.codes import face_codes, labels_of, tracks_of
from revision_blender.masks.confidence import TARGET_POSE, confidence_maps
from revision_blender.masks.labels import FIRST_HUMAN, FIRST_OBJECT, PART_LABELS
from revision_blender.masks.latent import PRIORITY, latent_confidence, latent_labels
from revision_blender.motion.camera import static_camera
from revision_blender.motion.clip import BodyTrack, Clip, GroundPlane, ObjectTrack
from revision_blender.motion.errors import MaskError

label_images = arrays(np.uint8, (1, 16, 24), elements=st.integers(0, len(PART_LABELS) - 1))


def clip_of(confidence: float) -> Clip:
    joints = np.full((2, 24), 1.0)
    joints[1, 5] = confidence
    body = BodyTrack("a", "smpl", "open_human", np.zeros(10), np.tile(np.eye(3), (2, 24, 1, 1)), np.zeros((2, 3)), joints)
    thing = ObjectTrack("ball", "ball", np.ones(3), np.zeros((2, 21, 3)), np.array([1.0, 0.25]))
    ground = GroundPlane(np.array([0.0, -1.0, 0.0]), np.zeros(3))
    return Clip(12.0, static_camera(24, 16, 30.0, 2), ground, (body, thing))


def test_confidence_is_lowered_where_a_joint_is_in_doubt() -> None:
    labels = np.array([[[0, FIRST_HUMAN, FIRST_HUMAN + 5, FIRST_OBJECT]]] * 2, np.uint8)
    maps = confidence_maps(labels, clip_of(0.4))
    assert maps.tolist() == [[[0, 255, 255, 255]], [[0, 255, 102, 64]]]
    assert confidence_maps(labels, clip_of(1.0), TARGET_POSE)[0, 0, 1] == 128


def test_label_images_that_do_not_fit_are_refused() -> None:
    with pytest.raises(MaskError, match="2, H, W"):
        confidence_maps(np.zeros((3, 4, 4), np.uint8), clip_of(1.0))
    with pytest.raises(MaskError, match="label 200"):
        confidence_maps(np.full((2, 4, 4), 200, np.uint8), clip_of(1.0))
    with pytest.raises(MaskError, match="divide"):
        latent_labels(np.zeros((1, 9, 16), np.uint8))


@given(label_images)
def test_each_cell_holds_a_label_that_occurs_in_it_and_no_other_has_more_votes(labels: np.ndarray) -> None:
    small = latent_labels(labels)
    assert small.shape == (1, 2, 3)
    for row in range(2):
        for column in range(3):
            cell = labels[0, row * 8 : row * 8 + 8, column * 8 : column * 8 + 8]
            votes = np.bincount(cell.ravel(), minlength=len(PART_LABELS)) * PRIORITY
            winner = small[0, row, column]
            assert votes[winner] == votes.max()
            rivals = np.flatnonzero(votes == votes.max())
            assert PRIORITY[winner] == PRIORITY[rivals].max()


@given(st.integers(0, len(PART_LABELS) - 1), st.integers(1, 3))
def test_repeating_pixels_and_shrinking_gives_the_image_back(label: int, seed: int) -> None:
    small = np.random.default_rng(seed).integers(0, len(PART_LABELS), (2, 3, 4)).astype(np.uint8)
    small[0] = label
    assert np.array_equal(latent_labels(small.repeat(8, 1).repeat(8, 2)), small)


def test_a_hand_survives_where_a_plain_majority_would_lose_it() -> None:
    names = {row.name: row.label for row in PART_LABELS}
    cell = np.zeros((1, 8, 8), np.uint8)
    cell[0, :4, :5] = names["human.left_hand"]  # 20 of 64 pixels
    assert latent_labels(cell).item() == names["human.left_hand"]
    confidence = np.where(cell > 0, 100, 0).astype(np.uint8)
    assert latent_confidence(confidence, cell).item() == 100


def test_of_bodies_with_one_label_the_drawn_one_counts_and_the_least_certain_where_that_is_not_known() -> None:
    sure, doubted = clip_of(1.0), clip_of(0.4)
    clip = sure.with_tracks((sure.bodies[0], doubted.bodies[0], sure.tracks[1]))
    labels = np.full((2, 1, 3), FIRST_HUMAN + 5, np.uint8)
    labels[..., 2] = FIRST_OBJECT
    tracks = np.tile(np.array([0, 1, 2]), (2, 1, 1))
    assert confidence_maps(labels, clip, tracks=tracks).tolist() == [[[255, 255, 255]], [[255, 102, 64]]]
    assert confidence_maps(labels, clip).tolist() == [[[255, 255, 255]], [[102, 102, 64]]]
    with pytest.raises(MaskError, match="track 3"):
        confidence_maps(labels, clip, tracks=tracks + 1)
    with pytest.raises(MaskError, match="images of tracks"):
        confidence_maps(labels, clip, tracks=tracks[:, :, :2])


def test_a_body_that_is_not_on_a_frame_lowers_nobodys_confidence() -> None:
    sure = clip_of(1.0)
    held = np.ones((2, 24))
    held[1] = 0.0
    clip = sure.with_tracks((sure.bodies[0], replace(sure.bodies[0], track_id="held", confidence=held)))
    assert (confidence_maps(np.full((2, 4, 4), FIRST_HUMAN, np.uint8), clip) == 255).all()
    empty = sure.with_tracks(())
    assert (confidence_maps(np.full((2, 4, 4), FIRST_HUMAN, np.uint8), empty) == 255).all()


@given(arrays(np.uint8, (3, 5), elements=st.integers(0, len(PART_LABELS) - 1)), st.integers(0, 1364))
def test_codes_give_labels_and_tracks_back(labels: np.ndarray, track: int) -> None:
    codes = face_codes(labels, track)
    assert np.array_equal(labels_of(codes), labels)
    assert np.array_equal(tracks_of(codes), np.where(labels > 0, track, 0))
    with pytest.raises(MaskError, match="1365"):
        face_codes(labels, 1365)
