"""What tells a thing from its surroundings by colour, over a whole clip."""

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
PRIOR_ON, PRIOR_OFF = 1e-4, 4e-4  # chances of a colour never seen: it is rather not the thing's
MOST = 5.0  # the log ratio of one pixel is held within


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
    return ColourModel(np.clip(np.log(on + PRIOR_ON) - np.log(off + PRIOR_OFF), -MOST, MOST).astype(np.float32))


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
