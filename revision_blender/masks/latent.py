"""Part masks at the video model's latent resolution: labels by priority majority, confidence of the label that won.

An average of labels would invent parts. A plain majority would lose hands, which in a full-body shot are one to three
latent cells wide. So each label's pixels are counted with its priority, and the highest count takes the cell.
"""

import numpy as np
from numpy.typing import NDArray

from ..motion.errors import MaskError
from .labels import PART_LABELS

LATENT_FACTOR = 8  # pixels a latent cell, each way (AutoencoderKLTemporalDecoder)

_SMALL_PARTS = ("hand", "wrist", "foot", "ankle", "head", "mouth", "ear", "tail")


def _priority(name: str) -> int:
    if name == "background":
        return 2
    return 6 if name.endswith(_SMALL_PARTS) else 3


PRIORITY: NDArray[np.int64] = np.array([_priority(row.name) for row in PART_LABELS])


def latent_labels(labels: NDArray[np.uint8], factor: int = LATENT_FACTOR) -> NDArray[np.uint8]:
    """``(F, H, W)`` labels to ``(F, H / factor, W / factor)``: the label with the most pixels times priority.

    Equal counts go to the higher priority, then to the smaller label. Raises MaskError when the size is no multiple.
    """
    score, best = None, None
    blocks = _blocks(labels, factor)
    for label in _by_priority(np.unique(labels)):
        votes = (blocks == label).sum(axis=-1) * PRIORITY[label]
        if score is None or best is None:
            score, best = votes, np.full(votes.shape, label, np.uint8)
            continue
        wins = votes > score
        score, best = np.where(wins, votes, score), np.where(wins, np.uint8(label), best)
    if best is None:
        raise MaskError(f"label images of shape {labels.shape} hold no pixel")
    return best


def latent_confidence(confidence: NDArray[np.uint8], labels: NDArray[np.uint8], factor: int = LATENT_FACTOR) -> NDArray[np.uint8]:
    """Mean confidence of the pixels of the label that won each cell: ``(F, H, W)`` twice to ``(F, H / factor, W / factor)``."""
    winners = latent_labels(labels, factor)
    members = _blocks(labels, factor) == winners[..., None]
    total = (_blocks(confidence, factor) * members).sum(axis=-1, dtype=np.int64)
    return np.round(total / members.sum(axis=-1)).astype(np.uint8)


def _by_priority(present: NDArray[np.uint8]) -> list[int]:
    if present.size and int(present.max()) >= len(PART_LABELS):
        raise MaskError(f"label {int(present.max())} is not in the table of {len(PART_LABELS)} labels")
    return sorted((int(label) for label in present), key=lambda label: (-int(PRIORITY[label]), label))


def _blocks(maps: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    frames, height, width = maps.shape
    if height % factor or width % factor:
        raise MaskError(f"maps of {width} x {height} px do not divide into cells of {factor} px; render them at a multiple of {factor}")
    cells = maps.reshape(frames, height // factor, factor, width // factor, factor).swapaxes(2, 3)
    return cells.reshape(frames, height // factor, width // factor, factor * factor)
