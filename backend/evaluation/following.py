"""Does the video model go where the masks say? Masks given, masks withheld, and another clip's masks, all from the same first frames.

Every figure is an IoU of the figure (everything that is not background) over the frames of a clip's second half, then a mean over
clips. How a generated frame's figure is found: by the part segmenter, which sees the frame and the first frame, never the mask.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.engines.svd.conditioning import encode_frames
from backend.engines.svd.decoding import as_bytes, decoded
from backend.engines.svd.model import VideoModel
from backend.evaluation.agreement import figure_iou, part_iou, second_half
from backend.evaluation.clips import Shown, families
from backend.evaluation.generation import Wish, made
from backend.evaluation.segmenter import Segmenter, segmented
from backend.evaluation.table import Figure, Table, figure_of
from backend.progress import Progress
from revision_blender.video_model.presets import Preset

Labels = NDArray[np.uint8]

APART = 0.3  # overlap in the second half below which two motions from one first frame are told apart
LOWER = (0.5, 0.25)  # confidences tried besides 1
NOTE = """\
Mean over clips ± standard error; figure IoU (parts: mean IoU of the parts shown) in the frames of the second half.
own mask: the clip's true mask. other mask: that of another clip on the same first frame (second halves overlap under 0.3).
still: the first frame's mask held over the whole clip, what a video that never moves would get."""


@dataclass(frozen=True, eq=False)
class Pair:
    """own: a clip. other: one that begins with the same picture and goes elsewhere, or None."""

    own: Shown
    other: Shown | None


def pairs_of(shown: Sequence[Shown], count: int) -> tuple[Pair, ...]:
    """Up to ``count`` clips, those with a partner first; each one's partner is the clip of its family that overlaps it least."""
    pairs = []
    for family in families(shown):
        for index in family:
            overlaps = [(_overlap(shown[index], shown[rival]), rival) for rival in family if rival != index]
            least, rival = min(overlaps, default=(1.0, -1))
            pairs.append(Pair(shown[index], shown[rival] if least < APART else None))
    return tuple(sorted(pairs, key=lambda pair: pair.other is None)[:count])


def _overlap(one: Shown, other: Shown) -> float:
    return figure_iou(second_half(one.labels), second_half(other.labels))


class Follower:
    """Asks one model for the clips of some pairs and has them judged."""

    def __init__(self, model: VideoModel, judge: Segmenter, preset: Preset, batch: int, seed: int) -> None:
        self.model, self.judge, self.preset, self.batch, self.seed = model, judge, preset, batch, seed

    def seen(self, pairs: Sequence[Pair], masks: Sequence[Labels | None], confidence: float, progress: Progress) -> list[Labels]:
        """Labels of the clips that the model makes of the pairs' first frames under ``masks``, all with the pair's own seed."""
        wishes = [
            Wish(pair.own.frames[0], mask, None if mask is None else certainty(mask, confidence), self.seed + index)
            for index, (pair, mask) in enumerate(zip(pairs, masks, strict=True))
        ]
        videos = made(self.model, wishes, self.preset, self.batch, progress)
        return [segmented(self.judge, video, pair.own.frames[0]) for video, pair in zip(videos, pairs, strict=True)]

    def through_codec(self, shown: Shown) -> Labels:
        """The true frames, encoded and decoded: the best that the model could make."""
        frames = as_bytes(decoded(self.model.vae, encode_frames(self.model, shown.frames), len(shown.frames)))
        return segmented(self.judge, frames, shown.frames[0])


def certainty(mask: Labels, confidence: float) -> Labels:
    """The same confidence wherever the mask shows something."""
    return np.where(mask > 0, np.uint8(round(255 * confidence)), np.uint8(0))


def following(follower: Follower, pairs: Sequence[Pair], progress: Progress) -> Table:
    """The table; ``pairs`` of clips that the model was not trained on."""
    rows = _ceilings(follower, pairs)
    apart = [pair for pair in pairs if pair.other is not None]
    tries = [1.0, *LOWER]
    for place, confidence in enumerate(tries):
        part = progress.part(place / 5, (place + 1) / 5)
        seen = follower.seen(pairs, [pair.own.labels for pair in pairs], confidence, part)
        rows[f"own mask given, confidence {confidence:g}"] = _judged(pairs, seen)
    seen = follower.seen(pairs, [None] * len(pairs), 1.0, progress.part(0.6, 0.8))
    rows["empty mask"] = _judged(pairs, seen)
    seen = follower.seen(apart, [pair.other.labels for pair in apart if pair.other is not None], 1.0, progress.part(0.8, 1.0))
    rows["other mask given"] = _judged(apart, seen)
    columns = ("own mask", "other mask", "own, parts", "other, parts")
    return Table("the small model follows masks", columns, {name: _figures(row) for name, row in rows.items()}, NOTE)


Row = dict[str, list[float]]


def _ceilings(follower: Follower, pairs: Sequence[Pair]) -> dict[str, Row]:
    true = [segmented(follower.judge, pair.own.frames, pair.own.frames[0]) for pair in pairs]
    return {
        "ceiling: true frames": _judged(pairs, true),
        "ceiling: true frames through the codec": _judged(pairs, [follower.through_codec(pair.own) for pair in pairs]),
        "still": _judged(pairs, [np.repeat(pair.own.labels[:1], len(pair.own.labels), axis=0) for pair in pairs]),
    }


def _judged(pairs: Sequence[Pair], seen: Sequence[Labels]) -> Row:
    late = [second_half(labels) for labels in seen]
    own = [second_half(pair.own.labels) for pair in pairs]
    nan = float("nan")
    other = [None if pair.other is None else second_half(pair.other.labels) for pair in pairs]
    return {
        "own mask": [figure_iou(one, mask) for one, mask in zip(late, own, strict=True)],
        "other mask": [nan if mask is None else figure_iou(one, mask) for one, mask in zip(late, other, strict=True)],
        "own, parts": [part_iou(one, mask) for one, mask in zip(late, own, strict=True)],
        "other, parts": [nan if mask is None else part_iou(one, mask) for one, mask in zip(late, other, strict=True)],
    }


def _figures(row: Row) -> dict[str, Figure]:
    return {name: figure_of(values) for name, values in row.items()}
