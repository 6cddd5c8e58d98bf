"""Part masks at the video model's latent resolution: labels by priority majority, confidence of the label that won.

An average of labels would invent parts. A plain majority would lose hands, which in a full-body shot are one to three
latent cells wide. So each label's pixels are counted with its priority, and the highest count takes the cell.
"""

from dataclasses import dataclass

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
    return _winners(_blocks(labels, factor))


def latent_confidence(confidence: NDArray[np.uint8], labels: NDArray[np.uint8], factor: int = LATENT_FACTOR) -> NDArray[np.uint8]:
    """Mean confidence of the pixels of the label that won each cell: ``(F, H, W)`` twice to ``(F, H / factor, W / factor)``."""
    return latent_maps(labels, confidence, factor).confidence


@dataclass(frozen=True, eq=False)
class LatentMaps:
    """Cell by cell, ``(F, h, w)``: the label that won, its pixels' mean confidence (255 is 1), the share of pixels in [0, 1] it has."""

    labels: NDArray[np.uint8]
    confidence: NDArray[np.uint8]
    coverage: NDArray[np.float32]


def latent_maps(labels: NDArray[np.uint8], confidence: NDArray[np.uint8], factor: int = LATENT_FACTOR) -> LatentMaps:
    """All that the motion condition needs of ``(F, H, W)`` labels and confidence. Raises MaskError when the size is no multiple."""
    blocks = _blocks(labels, factor)
    winners = _winners(blocks)
    members = blocks == winners
    count = members.sum(axis=0, dtype=np.uint32)
    total = (_blocks(confidence, factor) * members).sum(axis=0, dtype=np.uint32)
    return LatentMaps(winners, np.round(total / count).astype(np.uint8), (count / len(blocks)).astype(np.float32))


def _winners(blocks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The winning label of ``(pixels, F, h, w)``. Most cells hold one label only; the others vote."""
    if not blocks.size:
        raise MaskError(f"label images of {blocks.shape[1]} frames and {blocks.shape[3]} x {blocks.shape[2]} cells hold no pixel")
    winners, highest = blocks.min(axis=0), blocks.max(axis=0)
    if int(highest.max()) >= len(PART_LABELS):
        raise MaskError(f"label {int(highest.max())} is not in the table of {len(PART_LABELS)} labels")
    mixed = winners != highest
    voters = blocks[:, mixed]
    best, score = np.zeros(voters.shape[1], np.uint8), np.zeros(voters.shape[1], np.int64)
    for label in sorted(np.unique(voters).tolist(), key=lambda label: (-int(PRIORITY[label]), label)):
        votes = (voters == label).sum(axis=0, dtype=np.int64) * PRIORITY[label]
        wins = votes > score
        best[wins], score[wins] = label, votes[wins]
    winners[mixed] = best
    return winners


def _blocks(maps: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    frames, height, width = maps.shape
    if height % factor or width % factor:
        raise MaskError(f"maps of {width} x {height} px do not divide into cells of {factor} px; render them at a multiple of {factor}")
    cells = maps.reshape(frames, height // factor, factor, width // factor, factor)
    # the pixels of a cell come first: what is reduced over them runs along memory
    return np.ascontiguousarray(cells.transpose(2, 4, 0, 1, 3)).reshape(factor * factor, frames, height // factor, width // factor)
