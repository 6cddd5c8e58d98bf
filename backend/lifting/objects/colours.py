"""What tells a thing from its surroundings by colour: one model for the whole clip, and one for every place of the border.

The local one follows the idea of rotoscoping with local classifiers (Bai, Wang, Simons, Sapiro: Video SnapCut, 2009), here as one
Gaussian a place for the thing and one for the surroundings, both by box filters.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32
from numpy.typing import NDArray

Array = NDArray[np.floating]
Picture = NDArray[np.uint8]

BINS = 16  # of each channel
SMOOTH = 0.8  # bins: pixels lend their colour to neighbouring bins
PRIOR = 2e-4  # chance of a colour never seen
MOST = 5.0  # the log ratio of one pixel is held within
LOCAL_FLOOR = 30.0  # squared levels added to each channel's variance: noise and shading
LEAST_WEIGHT = 0.02  # of a window: less of it says nothing of its place


def perceptual(picture: Picture) -> Picture:
    """sRGB ``(h, w, 3)`` as 8-bit CIE Lab, in which distances are about as large as they look."""
    return cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.uint8, copy=False)


@dataclass(frozen=True, eq=False)
class ColourModel:
    """ratio: ``(16, 16, 16)`` log of how much likelier a Lab colour is on the thing than around it."""

    ratio: Float32[NDArray[np.float32], "16 16 16"]

    def of(self, lab: Picture) -> NDArray[np.float32]:
        """``(h, w)`` log ratio of every pixel."""
        index = (lab >> 4).astype(np.intp)
        return self.ratio[index[..., 0], index[..., 1], index[..., 2]]


def colour_model(labs: Sequence[Picture], insides: Sequence[NDArray[np.bool_]], outsides: Sequence[NDArray[np.bool_]]) -> ColourModel:
    """From crops ``(h, w, 3)`` of Lab with what is on the thing and what is around it ``(h, w)``."""
    on, off = (_histogram(labs, masks) for masks in (insides, outsides))
    return ColourModel(np.clip(np.log(on + PRIOR) - np.log(off + PRIOR), -MOST, MOST).astype(np.float32))


def _histogram(labs: Sequence[Picture], masks: Sequence[NDArray[np.bool_]]) -> Array:
    counts = np.zeros((BINS,) * 3)
    for lab, mask in zip(labs, masks, strict=True):
        index = (lab[mask] >> 4).astype(np.intp)
        counts += np.bincount((index[:, 0] * BINS + index[:, 1]) * BINS + index[:, 2], minlength=BINS**3).reshape(counts.shape)
    for axis in range(3):
        counts = _blurred(counts, axis)
    return counts / max(float(counts.sum()), 1.0)


def _blurred(counts: Array, axis: int) -> Array:
    kernel = cv2.getGaussianKernel(5, SMOOTH).ravel()
    flat = np.swapaxes(counts, axis, 2)
    padded = np.pad(flat, [(0, 0), (0, 0), (2, 2)], mode="edge")
    return np.swapaxes(np.sum([kernel[k] * padded[..., k : k + BINS] for k in range(5)], axis=0), axis, 2)


def local_ratio(
    before: Picture, inside: NDArray[np.float32], outside: NDArray[np.float32], now: Picture, radius: int
) -> NDArray[np.float32]:
    """``(h, w)`` log ratio of ``now``'s pixels by what was near them in ``before`` on the thing and around it; 0 where either is not near.

    before, now: Lab ``(h, w, 3)`` with the motion between them taken out. inside, outside: ``(h, w)`` weights in ``before``.
    """
    near = np.minimum(_mean(inside, radius), _mean(outside, radius))
    colours = now.astype(np.float32)
    on, off = (_log_density(before.astype(np.float32), weights, colours, radius) for weights in (inside, outside))
    return np.where(near > LEAST_WEIGHT, np.clip(on - off, -MOST, MOST), 0.0).astype(np.float32)


def _log_density(before: NDArray[np.float32], weights: NDArray[np.float32], now: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    total = np.maximum(_mean(weights, radius), 1e-4)[..., None]
    mean = _mean(before * weights[..., None], radius) / total
    variance = np.maximum(_mean(np.square(before) * weights[..., None], radius) / total - np.square(mean), 0.0) + LOCAL_FLOOR
    return (-0.5 * (np.square(now - mean) / variance + np.log(variance))).sum(axis=-1)


def _mean(values: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    side = 2 * radius + 1
    return cv2.boxFilter(values, -1, (side, side), borderType=cv2.BORDER_REFLECT).astype(np.float32, copy=False)
