"""What one pass draws for each face: its part label and the track that it belongs to, as one number."""

import numpy as np
from numpy.typing import NDArray

from ..motion.errors import MaskError
from .labels import BACKGROUND, PART_LABELS

Codes = NDArray[np.uint16]

_STEP = len(PART_LABELS)
_MOST = (np.iinfo(np.uint16).max + 1) // _STEP


def face_codes(labels: NDArray[np.uint8], track: int) -> Codes:
    """Labels of any shape, of the clip's ``track``-th track, as codes; the background is nobody's and stays 0.

    Raises MaskError for more tracks than the numbers reach (1365).
    """
    if not 0 <= track < _MOST:
        raise MaskError(f"A part mask can tell {_MOST} tracks apart, this is number {track + 1}; split the clip into several takes.")
    return np.where(labels == BACKGROUND, 0, labels.astype(np.uint16) + track * _STEP).astype(np.uint16)


def labels_of(codes: Codes) -> NDArray[np.uint8]:
    """The part labels that codes stand for."""
    return (codes % _STEP).astype(np.uint8)


def tracks_of(codes: Codes) -> Codes:
    """Which of the clip's tracks, counted from 0, is drawn where; 0 on the background as well."""
    return (codes // _STEP).astype(np.uint16)
