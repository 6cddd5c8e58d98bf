"""What each preset costs in quality: against the converged solution of the same seed, and in how well the masks are followed."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backend.evaluation.agreement import figure_iou, second_half
from backend.evaluation.clips import Shown
from backend.evaluation.following import Follower
from backend.evaluation.generation import Wish, made
from backend.evaluation.segmenter import segmented
from backend.evaluation.table import Figure, Table, figure_of
from backend.progress import Progress
from revision_blender.video_model.presets import PRESETS, preset_of

CONVERGED_STEPS = 200
STOCK_STEPS = 25
EQUAL = 99.0  # dB, so that a mean can be taken
NOTE = f"""\
Mean over clips ± standard error. converged: the same seed in {CONVERGED_STEPS} steps of Karras' schedule; stock: {STOCK_STEPS} of them. to converged,
to stock: PSNR in dB of the bytes. mask: figure IoU with the mask given, second half. Bars: best 40 dB to stock; balanced and draft
at most 1 and 3 dB further from converged than stock, masks at most 0.02 and 0.05 lower."""


def preset_quality(follower: Follower, shown: Sequence[Shown], progress: Progress) -> Table:
    """Every preset on the same clips, masks and seeds."""
    whole = preset_of("best")
    tried = {
        "converged": replace(whole, schedule="karras", steps=CONVERGED_STEPS),
        "stock": replace(whole, schedule="karras", steps=STOCK_STEPS),
        **{preset.name: preset for preset in reversed(PRESETS)},
    }
    wishes = [Wish(one.frames[0], one.labels, seed=follower.seed + index) for index, one in enumerate(shown)]
    cost = np.cumsum([0.0, *(float(preset.steps) for preset in tried.values())])
    videos = {}
    for place, (name, preset) in enumerate(tried.items()):
        part = progress.part(cost[place] / cost[-1], cost[place + 1] / cost[-1])
        videos[name] = made(follower.model, wishes, preset, follower.batch, part)
    rows = {name: _judged(follower, shown, video, videos) for name, video in videos.items()}
    return Table("presets", ("to converged", "to stock", "mask"), rows, NOTE)


Videos = Sequence[NDArray[np.uint8]]


def _judged(follower: Follower, shown: Sequence[Shown], videos: Videos, all_videos: dict[str, Videos]) -> dict[str, Figure]:
    seen = [segmented(follower.judge, video, one.frames[0]) for video, one in zip(videos, shown, strict=True)]
    masks = [figure_iou(second_half(labels), second_half(one.labels)) for labels, one in zip(seen, shown, strict=True)]
    to = {name: [psnr(a, b) for a, b in zip(videos, all_videos[name], strict=True)] for name in ("converged", "stock")}
    return {"to converged": figure_of(to["converged"]), "to stock": figure_of(to["stock"]), "mask": figure_of(masks)}


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio in dB of two videos of bytes; ``EQUAL`` where they are, or nearly."""
    error = float(((one.astype(np.float64) - other) ** 2).mean())
    return EQUAL if error == 0.0 else min(EQUAL, float(10.0 * np.log10(255.0**2 / error)))
