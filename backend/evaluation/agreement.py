"""Figures that compare a segmented video with masks, and that judge it alone. Pure numpy; every mask is a label image.

- figure IoU: any label against background, pixels of all frames counted together (a frame of few pixels weighs little).
- part agreement: mean IoU over the parts that the mask shows, pixels of all frames together.
- completeness: of the parts that the mask shows in a frame, the share that the video's frame shows at half to twice that size, anywhere.
  Place does not count, so that it is not agreement by another name: what is asked is whether arms and legs are there.
- jitter: mean third difference of the parts' centres, in figure heights a frame cubed. The third difference is that of WHAM's jitter
  (mean |x[t+3] - 3 x[t+2] + 3 x[t+1] - x[t]|), on parts seen in four frames in turn, because a generated video has no true joints.
- speed: mean first difference of the same centres, in figure heights a frame. It keeps jitter honest: a video that stands still has none.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.evaluation.parts import PARTS, parts_of

Labels = NDArray[np.uint8]

FEWEST_PIXELS = 6  # of a part in a frame, below which it is not asked for
HALF = 0.5


@dataclass(frozen=True)
class Agreement:
    """figure, parts: IoU. completeness: share. jitter: figure heights a frame cubed. speed: figure heights a frame. Nan: nothing to judge."""

    figure: float
    parts: float
    completeness: float
    jitter: float
    speed: float


def compared(seen: Labels, mask: Labels) -> Agreement:
    """A video's segmentation ``(F, H, W)`` against the mask ``(F, H, W)``."""
    return Agreement(figure_iou(seen, mask), part_iou(seen, mask), completeness(seen, mask), jitter(seen), speed(seen))


def second_half(labels: Labels) -> Labels:
    """The frames in which motions from one first frame have come apart."""
    return labels[len(labels) // 2 :]


def figure_iou(seen: Labels, mask: Labels) -> float:
    """1 where both are empty."""
    return _iou(seen > 0, mask > 0)


def part_iou(seen: Labels, mask: Labels) -> float:
    """Mean over the parts of the mask; nan where it shows none."""
    mine, wanted = parts_of(seen), parts_of(mask)
    shown = [part for part in range(1, len(PARTS) + 1) if (wanted == part).sum() >= FEWEST_PIXELS]
    return float(np.mean([_iou(mine == part, wanted == part) for part in shown])) if shown else float("nan")


def completeness(seen: Labels, mask: Labels) -> float:
    """Nan where the mask shows no part."""
    mine, wanted = _areas(seen), _areas(mask)
    asked = wanted >= FEWEST_PIXELS
    alike = np.minimum(mine, wanted) >= HALF * np.maximum(mine, wanted)
    return float(alike[asked].mean()) if asked.any() else float("nan")


def jitter(seen: Labels) -> float:
    """Needs four frames; nan where no part is seen in four frames in turn."""
    return _change(seen, 3)


def speed(seen: Labels) -> float:
    """Needs two frames; nan where no part is seen in two frames in turn."""
    return _change(seen, 1)


def _change(seen: Labels, order: int) -> float:
    """Mean length of the parts' centres' difference of that order, over the parts that are there in all frames it ties."""
    if len(seen) <= order:
        return float("nan")
    centres, there = _centres(seen)
    change = np.linalg.norm(np.diff(centres, n=order, axis=0), axis=-1)
    long = np.logical_and.reduce([there[shift : len(there) - order + shift] for shift in range(order + 1)])
    height = _height(seen)
    return float(change[long].mean() / height) if long.any() and height > 0.0 else float("nan")


def _iou(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    union = int((one | other).sum())
    return float((one & other).sum() / union) if union else 1.0


def _areas(labels: Labels) -> NDArray[np.int64]:
    """``(F, parts)`` pixels of each part."""
    parts = parts_of(labels)
    return np.stack([(parts == part).sum(axis=(1, 2)) for part in range(1, len(PARTS) + 1)], axis=1)


def _centres(labels: Labels) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """``(F, parts, 2)`` centres in pixels, and ``(F, parts)`` where a part is large enough to have one."""
    parts, areas = parts_of(labels), _areas(labels)
    rows, columns = np.mgrid[: labels.shape[1], : labels.shape[2]]
    centres = np.zeros((*areas.shape, 2))
    for part in range(1, len(PARTS) + 1):
        members = parts == part
        total = np.maximum(members.sum(axis=(1, 2)), 1)
        centres[:, part - 1, 0] = (members * columns).sum(axis=(1, 2)) / total
        centres[:, part - 1, 1] = (members * rows).sum(axis=(1, 2)) / total
    return centres, areas >= FEWEST_PIXELS


def _height(labels: Labels) -> float:
    """Median over the frames of the rows that the figure spans."""
    spans = [np.ptp(rows) + 1 for rows in (np.nonzero(frame.any(axis=1))[0] for frame in labels > 0) if len(rows)]
    return float(np.median(spans)) if spans else 0.0
