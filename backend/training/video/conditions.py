"""What masks a training clip is given: all of them, a target pose in the last frame, or none (arXiv 2504.21855, section 3.3)."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.training.video.config import DoubtConfig, DropConfig, MixConfig
from backend.training.video.corruption import doubted
from revision_blender.masks.confidence import FULL_MOTION, TARGET_POSE
from revision_blender.masks.latent import PRIORITY

Bytes = NDArray[np.uint8]
Kind = Literal["full", "doubted", "target", "none"]
_ELLIPSES = 0.3  # share of target poses that are sketched with ellipses, as users do, and not with polygons


@dataclass(frozen=True)
class Masks:
    """labels and confidence, ``(F, H, W)`` each; both 0 where nothing is given."""

    kind: Kind
    labels: Bytes
    confidence: Bytes


@dataclass(frozen=True)
class Dropped:
    """What of a clip's conditions is withheld: every condition is 0, or the picture's latents alone are."""

    everything: bool = False
    picture: bool = False


def drawn_masks(labels: Bytes, mix: MixConfig, doubt: DoubtConfig, rng: np.random.Generator) -> Masks:
    """One of the three kinds by its share; a share of the full ones damaged, with the confidence to match."""
    pick = rng.random()
    if pick < mix.full:
        if rng.random() < doubt.share and labels.any():
            return Masks("doubted", *doubted(labels, float(rng.uniform(doubt.low, 1.0)), rng))
        return full_masks(labels)
    return target_masks(labels, rng) if pick < mix.full + mix.target else no_masks(labels)


def full_masks(labels: Bytes, level: float = FULL_MOTION) -> Masks:
    """Every frame's masks as they are, at one confidence."""
    return Masks("full", labels, np.where(labels > 0, np.uint8(round(255.0 * level)), 0).astype(np.uint8))


def no_masks(labels: Bytes) -> Masks:
    return Masks("none", np.zeros_like(labels), np.zeros_like(labels))


def target_masks(labels: Bytes, rng: np.random.Generator) -> Masks:
    """Random parts of the last frame as polygons, or as the ellipses of a sketch; confidence 0.5."""
    result = np.zeros_like(labels)
    present = np.unique(labels[-1][labels[-1] > 0])
    share = rng.uniform(0.3, 1.0)
    chosen = [part for part in present if rng.random() < share] or [*present[:1]]
    rough, ellipses = rng.uniform(0.01, 0.08), rng.random() < _ELLIPSES
    for part in sorted(chosen, key=lambda part: int(PRIORITY[part])):  # hands over arms, as where masks are made small
        _draw(result[-1], labels[-1] == part, int(part), rough, ellipses)
    confidence = np.where(result > 0, np.uint8(round(255.0 * TARGET_POSE)), 0).astype(np.uint8)
    return Masks("target", result, confidence)


def drawn_drop(drop: DropConfig, rng: np.random.Generator) -> Dropped:
    """Everything, the picture's latents alone, or nothing, by their shares."""
    pick = rng.random()
    return Dropped(pick < drop.everything, drop.everything <= pick < drop.everything + drop.picture)


def _draw(canvas: Bytes, mask: NDArray[np.bool_], part: int, rough: float, ellipses: bool) -> None:
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for outline in outlines:
        if ellipses and len(outline) >= 5:
            cv2.ellipse(canvas, cv2.minAreaRect(outline), (part,), -1)
        else:
            polygon = cv2.approxPolyDP(outline, rough * cv2.arcLength(outline, True), True)
            cv2.fillPoly(canvas, [polygon], (part,))
