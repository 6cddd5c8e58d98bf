"""One picture of the whole run: a row a stage, a few moments across."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.raster.part_masks import part_masks
from revision_blender.masks.labels import PART_LABELS
from revision_blender.motion.clip import Clip

TILE_WIDTH = 300
MARGIN = 8
CAPTION = 26


@dataclass(frozen=True)
class Row:
    """title: shown above the row. frames: ``(F, H, W, 3)``."""

    title: str
    frames: NDArray[np.uint8]


def part_colors() -> NDArray[np.uint8]:
    """``(labels, 3)``: black for the background, well-spaced hues for the parts (the gray values are for the model)."""
    hues = (np.arange(len(PART_LABELS)) * 47) % 180
    hsv = np.stack([hues, np.full_like(hues, 150), np.full_like(hues, 235)], axis=-1).astype(np.uint8)
    colors = cv2.cvtColor(hsv[None], cv2.COLOR_HSV2RGB)[0]
    colors[0] = 0
    return colors


def body_over(frames: NDArray[np.uint8], clip: Clip) -> NDArray[np.uint8]:
    """The clip's bodies, coloured by part, half transparent over the frames they were lifted from."""
    colors = part_colors()
    drawn = frames.copy()
    for picture, labels in zip(drawn, part_masks(clip), strict=True):
        body = labels > 0
        picture[body] = (0.35 * picture[body] + 0.65 * colors[labels[body]]).astype(np.uint8)
    return drawn


def overview(rows: list[Row], moments: int = 5) -> NDArray[np.uint8]:
    """``(H, W, 3)``: the rows under each other, every row the same moments."""
    strips = []
    for row in rows:
        tile_height = round(TILE_WIDTH * row.frames.shape[1] / row.frames.shape[2])
        picks = np.linspace(0, len(row.frames) - 1, moments).round().astype(int)
        strip = np.full((tile_height + CAPTION + MARGIN, MARGIN + moments * (TILE_WIDTH + MARGIN), 3), 24, dtype=np.uint8)
        for column, index in enumerate(picks):
            left = MARGIN + column * (TILE_WIDTH + MARGIN)
            tile = cv2.resize(row.frames[index], (TILE_WIDTH, tile_height), interpolation=cv2.INTER_AREA)
            strip[CAPTION : CAPTION + tile_height, left : left + TILE_WIDTH] = tile
        cv2.putText(strip, row.title, (MARGIN, CAPTION - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (230, 230, 230), 1, cv2.LINE_AA)
        strips.append(strip)
    return np.concatenate(strips)
