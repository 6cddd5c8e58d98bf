"""Confidence maps: how firmly the video model should follow the part mask, per pixel, 255 meaning 1."""

import numpy as np
from numpy.typing import NDArray

from ..motion.clip import BodyTrack, Clip, ObjectTrack
from ..motion.errors import MaskError
from .labels import FIRST_ANIMAL, FIRST_HUMAN, FIRST_OBJECT, N_OBJECT_LABELS, PART_LABELS

Array = NDArray[np.floating]

FULL_MOTION = 1.0  # a mask for every frame (paper, section 3.3)
TARGET_POSE = 0.5  # a mask in the last frame only: a target pose or a sketch


def object_label(index: int) -> int:
    """The part label of the clip's ``index``-th object track, counted from 0; beyond eight the labels come again."""
    return FIRST_OBJECT + index % N_OBJECT_LABELS


def label_confidence(clip: Clip) -> Array:
    """``(F, number of labels)`` in [0, 1]: the tracks' own confidence by part label and frame; background 0.

    Two bodies share the labels of their kind; the less certain one counts.
    """
    table = np.ones((clip.n_frames, len(PART_LABELS)))
    table[:, 0] = 0.0
    object_index = 0
    for track in clip.tracks:
        if isinstance(track, ObjectTrack):
            label = object_label(object_index)
            columns, values = slice(label, label + 1), track.confidence[:, None]
            object_index += 1
        else:
            columns, values = _body_columns(track)
        table[:, columns] = np.minimum(table[:, columns], values)
    return np.clip(table, 0.0, 1.0)


def confidence_maps(labels: NDArray[np.uint8], clip: Clip, level: float = FULL_MOTION) -> NDArray[np.uint8]:
    """Confidence of each pixel of a clip's label images.

    labels: ``(F, H, W)``, one image a clip frame. level: ``FULL_MOTION`` or ``TARGET_POSE``. Returns ``(F, H, W)``, 0 on the
    background, ``255 * level`` on parts, lowered where the lifter doubts the part's joint. Raises MaskError when the label
    images and the clip differ in length or a label is not in the table.
    """
    if labels.ndim != 3 or len(labels) != clip.n_frames:
        raise MaskError(f"label images have shape {labels.shape}; ({clip.n_frames}, H, W) is needed")
    if labels.size and int(labels.max()) >= len(PART_LABELS):
        raise MaskError(f"label {int(labels.max())} is not in the table of {len(PART_LABELS)} labels")
    values = np.round(255.0 * level * label_confidence(clip)).astype(np.uint8)
    return np.stack([row[image] for row, image in zip(values, labels, strict=True)])


def _body_columns(track: BodyTrack) -> tuple[slice, Array]:
    """The label columns of a body's joints. An animal's parts are not its joints: its mean confidence counts for all."""
    if track.family == "smal":
        return slice(FIRST_ANIMAL, FIRST_OBJECT), track.confidence.mean(axis=1, keepdims=True)
    joints = min(track.confidence.shape[1], FIRST_ANIMAL - FIRST_HUMAN)
    return slice(FIRST_HUMAN, FIRST_HUMAN + joints), track.confidence[:, :joints]
