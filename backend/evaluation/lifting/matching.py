"""Which lifted track is which true subject, by the pixels both are seen at, and how often a track changes whom it follows."""

import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from revision_blender.motion.clip import BodyTrack, Track
from revision_blender.motion.subjects import SubjectKind

SAME = 0.3  # intersection over union from which on a lifted mask shows a subject on a frame


def kind_of(track: Track) -> SubjectKind:
    """What a track is, in a prompt's words."""
    if not isinstance(track, BodyTrack):
        return "object"
    return "animal" if track.family == "smal" else "person"


def seen_of(visible: UInt8[NDArray[np.uint8], "F H W"], tracks: tuple[Track, ...]) -> Bool[NDArray[np.bool_], "T F H W"]:
    """A lift's label maps as one mask a track."""
    numbers = np.arange(1, len(tracks) + 1, dtype=np.uint8)
    return visible[None] == numbers[:, None, None, None]


def overlap(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> Float[NDArray[np.float64], " F"]:
    """Intersection over union of masks ``(F, H, W)`` a frame; nan where both are empty."""
    both, either = (a & b).sum(axis=(-2, -1)), (a | b).sum(axis=(-2, -1))
    return np.where(either > 0, both / np.maximum(either, 1), np.nan)


def overlaps(truth: Bool[NDArray[np.bool_], "A F H W"], found: Bool[NDArray[np.bool_], "B F H W"]) -> Float[NDArray[np.float64], "A B F"]:
    """Every truth's overlap with every found track, 0 where both are empty."""
    table = np.zeros((len(truth), len(found), truth.shape[1]))
    for row, mask in enumerate(truth):
        for column, other in enumerate(found):
            table[row, column] = np.nan_to_num(overlap(mask, other))
    return table


def matched(table: Float[NDArray[np.float64], "A B F"]) -> dict[int, int]:
    """Truth to found, one to one, so that the overlaps add up to most; pairs that never meet are left out."""
    if not table.size:
        return {}
    total = table.mean(axis=2)
    rows, columns = linear_sum_assignment(-total)
    return {int(row): int(column) for row, column in zip(rows, columns, strict=True) if total[row, column] > 0.02}


def identity_switches(table: Float[NDArray[np.float64], "A B F"]) -> int:
    """How often a true subject is shown by another track than when it was last shown (Bernardin and Stiefelhagen's mismatches, 2008)."""
    last: dict[int, int] = {}
    switches = 0
    for frame in range(table.shape[2]):
        for truth, found in _shown(table[:, :, frame], last).items():
            switches += last.get(truth, found) != found
            last[truth] = found
    return switches


def _shown(table: Float[NDArray[np.float64], "A B"], last: dict[int, int]) -> dict[int, int]:
    """One frame's pairs; who was a pair stays one as long as the masks still meet."""
    if not table.size:
        return {}
    favoured = table.copy()
    for truth, found in last.items():
        favoured[truth, found] += 1.0 if table[truth, found] >= SAME else 0.0
    rows, columns = linear_sum_assignment(-favoured)
    return {int(row): int(column) for row, column in zip(rows, columns, strict=True) if table[row, column] >= SAME}
