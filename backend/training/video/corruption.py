"""Masks damaged as much as their confidence says: what teaches the model that a lifter's doubt means something.

Our own addition: the paper found constant confidences to be no more than a marker of presence (table 9), having never trained with others.
"""

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

_REACH = 0.4  # how far parts are moved at full doubt, spread in heights of the figure
_LOST = 0.3  # share of frames in which doubted parts are lost altogether at full doubt
_LATE = 3.0  # frames by which doubted parts come early or late at full doubt, spread
_WHOLE = 0.4  # share of clips in which the whole figure is doubted


def doubted(labels: Bytes, confidence: float, rng: np.random.Generator) -> tuple[Bytes, Bytes]:
    """Some of the parts, moved in place and time and lost in some frames, by a measure that grows with ``1 - confidence``.

    labels: ``(F, H, W)``. Returns damaged labels and their confidence, ``(F, H, W)`` each: ``255 * confidence`` on the damaged parts,
    255 on the others, 0 on the background.
    """
    chosen = _chosen(labels, rng)
    doubt = 1.0 - confidence
    apart = np.where(np.isin(labels, chosen), labels, 0).astype(np.uint8)
    moved = _moved(apart, doubt, rng)
    moved[rng.random(len(labels)) < _LOST * doubt] = 0
    result = np.where(moved > 0, moved, np.where(apart > 0, 0, labels)).astype(np.uint8)
    trust = np.where(moved > 0, np.uint8(round(255.0 * confidence)), np.uint8(255))
    return result, np.where(result > 0, trust, 0).astype(np.uint8)


def _chosen(labels: Bytes, rng: np.random.Generator) -> NDArray[np.uint8]:
    """All parts, or one and those nearest to it: a limb is doubted together."""
    present = np.unique(labels[labels > 0])
    if len(present) < 2 or rng.random() < _WHOLE:
        return present
    middles = np.array([np.argwhere(labels == part)[:, 1:].mean(axis=0) for part in present])
    away = np.linalg.norm(middles - middles[rng.integers(len(present))], axis=1)
    return present[np.argsort(away)[: rng.integers(1, len(present) // 2 + 1)]]


def _moved(labels: Bytes, doubt: float, rng: np.random.Generator) -> Bytes:
    """Shifted along a straight path that begins near the right place, and in time."""
    n = len(labels)
    rows = np.flatnonzero(labels.any(axis=(0, 2)))
    height = rows[-1] - rows[0] + 1 if len(rows) else 0
    end = rng.normal(size=2) * _REACH * doubt * height
    late = round(rng.normal() * _LATE * doubt)
    share = np.linspace(0.2, 1.0, n)
    shifts = np.rint(share[:, None] * end).astype(int)
    return np.stack([_shifted(labels[np.clip(frame - late, 0, n - 1)], *shifts[frame]) for frame in range(n)])


def _shifted(image: Bytes, down: int, right: int) -> Bytes:
    height, width = image.shape
    result = np.zeros_like(image)
    if abs(down) < height and abs(right) < width:
        source = image[max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)]
        result[max(down, 0) : height - max(-down, 0), max(right, 0) : width - max(-right, 0)] = source
    return result
