"""Confidence maps: how firmly the video model should follow the part mask, per pixel, 255 meaning 1."""

import numpy as np
from numpy.typing import NDArray

from ..motion.clip import BodyTrack, Clip, ObjectTrack
from ..motion.errors import MaskError
from .labels import BACKGROUND, FIRST_ANIMAL, FIRST_HUMAN, FIRST_OBJECT, N_OBJECT_LABELS, PART_LABELS

Array = NDArray[np.floating]

FULL_MOTION = 1.0  # a mask for every frame (paper, section 3.3)
TARGET_POSE = 0.5  # a mask in the last frame only: a target pose or a sketch


def object_label(index: int) -> int:
    """The part label of the clip's ``index``-th object track, counted from 0; beyond eight the labels come again."""
    return FIRST_OBJECT + index % N_OBJECT_LABELS


def track_confidence(clip: Clip) -> Array:
    """``(F, number of tracks, number of labels)`` in [0, 1]: each track's own confidence in its part labels; 1 in labels that are
    not its own, 0 in the background."""
    table = np.ones((clip.n_frames, len(clip.tracks), len(PART_LABELS)))
    object_index = 0
    for number, track in enumerate(clip.tracks):
        if isinstance(track, ObjectTrack):
            label = object_label(object_index)
            columns, values = slice(label, label + 1), track.confidence[:, None]
            object_index += 1
        else:
            columns, values = _body_columns(track)
        table[:, number, columns] = values
    table[:, :, BACKGROUND] = 0.0
    return np.clip(table, 0.0, 1.0)


def label_confidence(clip: Clip) -> Array:
    """``(F, number of labels)`` in [0, 1]: where it is not known which track is drawn. Bodies share the labels of their kind: of
    those that are on the frame the least certain one counts."""
    table = track_confidence(clip)
    if not clip.tracks:
        return np.ones(table.shape[::2]) * (np.arange(len(PART_LABELS)) != BACKGROUND)
    there = np.stack([track.there for track in clip.tracks], axis=1)
    table[..., BACKGROUND + 1 :][~there] = 1.0
    return table.min(axis=1)


def confidence_maps(
    labels: NDArray[np.uint8], clip: Clip, level: float = FULL_MOTION, tracks: NDArray[np.integer] | None = None
) -> NDArray[np.uint8]:
    """Confidence of each pixel of a clip's label images.

    labels: ``(F, H, W)``, one image a clip frame. level: ``FULL_MOTION`` or ``TARGET_POSE``. tracks: ``(F, H, W)``, which of the
    clip's tracks is drawn at a pixel, counted from 0 (``masks.codes.tracks_of``); without it the least certain one of those that
    have the label counts. Returns ``(F, H, W)``, 0 on the background, ``255 * level`` on parts, lowered where the lifter doubts the
    part's joint. Raises MaskError when the images and the clip differ in length or a label or track is not there.
    """
    if labels.ndim != 3 or len(labels) != clip.n_frames:
        raise MaskError(f"label images have shape {labels.shape}; ({clip.n_frames}, H, W) is needed")
    if labels.size and int(labels.max()) >= len(PART_LABELS):
        raise MaskError(f"label {int(labels.max())} is not in the table of {len(PART_LABELS)} labels")
    if tracks is None or not clip.tracks:
        values = _bytes(label_confidence(clip), level)
        return np.stack([row[image] for row, image in zip(values, labels, strict=True)])
    if tracks.shape != labels.shape:
        raise MaskError(f"images of tracks have shape {tracks.shape}; {labels.shape} is needed")
    if tracks.size and int(tracks.max()) >= len(clip.tracks):
        raise MaskError(f"track {int(tracks.max())} is drawn, but the clip has {len(clip.tracks)}, counted from 0")
    values = _bytes(track_confidence(clip), level)
    return np.stack([row[which, image] for row, which, image in zip(values, tracks, labels, strict=True)])


def _bytes(confidence: Array, level: float) -> NDArray[np.uint8]:
    return np.round(255.0 * level * confidence).astype(np.uint8)


def _body_columns(track: BodyTrack) -> tuple[slice, Array]:
    """The label columns of a body's joints. An animal's parts are not its joints: its mean confidence counts for all."""
    if track.family == "smal":
        return slice(FIRST_ANIMAL, FIRST_OBJECT), track.confidence.mean(axis=1, keepdims=True)
    joints = min(track.confidence.shape[1], FIRST_ANIMAL - FIRST_HUMAN)
    return slice(FIRST_HUMAN, FIRST_HUMAN + joints), track.confidence[:, :joints]
