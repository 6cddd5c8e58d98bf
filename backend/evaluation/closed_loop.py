"""The paper's ablation on pictures the model never saw: S1 from the picture alone, lifted, refined, and S3 that follows the result.

Both videos are segmented, and compared with the mask that S3 was given. True clips against their true masks show what the judge
itself costs, true clips against what is lifted from them what lifter and refiner cost; S3 on the motion as lifted shows what the refinement adds (the paper's table 7 judges the same pair by people's votes).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.evaluation.agreement import Agreement, compared
from backend.evaluation.clips import Shown, families
from backend.evaluation.following import Follower
from backend.evaluation.generation import Wish, made
from backend.evaluation.lifter import Lifter, lifted
from backend.evaluation.segmenter import segmented
from backend.evaluation.table import Figure, Table, figure_of
from backend.prior.refine import refine_clip
from backend.progress import Progress, silent
from backend.raster.part_masks import part_masks
from revision_blender.masks.confidence import confidence_maps
from revision_blender.motion.clip import Clip

Labels = NDArray[np.uint8]

NOTE = """\
Mean over clips ± standard error, all frames. agreement: figure IoU with the mask that S3 was given; parts: mean IoU of the mask's parts;
completeness: share of the mask's parts that the frame shows at half to twice their size; jitter: third differences of the parts' centres,
figure heights a frame cubed; speed: first differences of the same centres, so that a video that stands still is seen to."""
COLUMNS = ("agreement", "parts", "completeness", "jitter", "speed")


def starts_of(shown: Sequence[Shown], count: int) -> tuple[Shown, ...]:
    """Up to ``count`` clips of one person alone, no two with the same first frame."""
    firsts = [shown[family[0]] for family in families(shown)]
    return tuple(one for one in firsts if one.person is not None)[:count]


def closed_loop(follower: Follower, lifter: Lifter, starts: Sequence[Shown], progress: Progress) -> Table:
    """S1 and S3 side by side. starts: unseen clips; of each only the first frame and the camera are used, and its truth for the last row."""
    wishes = [Wish(one.frames[0], seed=follower.seed + index) for index, one in enumerate(starts)]
    rough = _seen(follower, wishes, progress.part(0.0, 0.3))
    raw, refined = _lifted(lifter, rough, starts)
    masks, unrefined = [part_masks(clip) for clip in refined], [part_masks(clip) for clip in raw]
    final = _seen(follower, _led(wishes, masks, refined), progress.part(0.35, 0.65))
    without = _seen(follower, _led(wishes, unrefined, raw), progress.part(0.7, 1.0))
    true = [segmented(follower.judge, one.frames, one.frames[0]) for one in starts]
    read = [part_masks(clip) for clip in _lifted(lifter, true, starts)[1]]
    rows = {
        "S1, from the picture alone": _judged(rough, masks),
        "S3, refined motion": _judged(final, masks),
        "S3, motion as lifted": _judged(without, unrefined),
        "true clips, lifted and refined": _judged(true, read),
        "true clips, true masks": _judged(true, [one.labels for one in starts]),
    }
    return Table("closed loop S1, lift, refine, S3", COLUMNS, rows, NOTE)


def _lifted(lifter: Lifter, seen: Sequence[Labels], starts: Sequence[Shown]) -> tuple[list[Clip], list[Clip]]:
    """The motion of segmented videos as lifted, and refined."""
    raw = [lifted(lifter, labels, one.clip.camera, one.clip.fps) for labels, one in zip(seen, starts, strict=True)]
    return raw, [refine_clip(clip, (), 1.0, silent()) for clip in raw]


def _led(wishes: Sequence[Wish], masks: Sequence[Labels], clips: Sequence[Clip]) -> list[Wish]:
    return [Wish(wish.picture, mask, confidence_maps(mask, clip), wish.seed) for wish, mask, clip in zip(wishes, masks, clips, strict=True)]


def _seen(follower: Follower, wishes: Sequence[Wish], progress: Progress) -> list[Labels]:
    videos = made(follower.model, wishes, follower.preset, follower.batch, progress)
    return [segmented(follower.judge, video, wish.picture) for video, wish in zip(videos, wishes, strict=True)]


def _judged(seen: Sequence[Labels], masks: Sequence[Labels]) -> dict[str, Figure]:
    found: list[Agreement] = [compared(one, mask) for one, mask in zip(seen, masks, strict=True)]
    return {
        "agreement": figure_of([one.figure for one in found]),
        "parts": figure_of([one.parts for one in found]),
        "completeness": figure_of([one.completeness for one in found]),
        "jitter": figure_of([one.jitter for one in found]),
        "speed": figure_of([one.speed for one in found]),
    }
