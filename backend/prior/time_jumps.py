"""Where a motion jumps over something that was cut out of it, and how long that was."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.prior.state.take import Take
from backend.prior.time_channels import mirrored, poses_of

Array = NDArray[np.floating]

_SHORTEST = 2  # frames: less is a seam or a slip of the capture
LONGEST = 25  # frames that are put in at one jump at most: longer gaps are another take
_ROUND = 10  # frames on either side that a jump is compared with
_OUT_OF_LINE, _SUDDEN, _BOTH = 2.4, 2.6, 8.0  # least ratios to what is around, and of their product; see ``find_jump``
_FAR_OUT, _LESS_SUDDEN, _CLEARLY = 2.2, 2.0, 14.0  # or these
_LEAST = 0.04  # metres
_STILL = 0.003  # metres a frame under which everything is the same stillness
_WINDOW = 3  # frames on either side that two moments are compared by
_ALIKE = 0.4  # of the jump's length: nearer moments of the same clip tell how long the gap was
_TRAVELLED = 0.25  # metres over which the root's own speed tells it
_UNDERRATED = 1.4  # how much longer than straight paths at the speed around gaps are: limbs turn back within them


@dataclass(frozen=True)
class Jump:
    """Something is missing just before frame ``at``: ``length`` frames."""

    at: int
    length: int


def find_jump(rows: Array, take: Take) -> Jump | None:
    """The clearest jump of ``(F, C)`` channels (metres) of ``take``; None where the motion goes on as motions do.

    A cut moves the whole body by many frames' worth in one, out of line with the velocities on both sides of it. Noise jumps everywhere
    alike (both ratios stay under 1.5), a landing only bends the velocity, a limb that a capture lost for a frame is out of line by up to
    9 times, but sudden by less than 2. At the first step there is nothing to compare with.
    """
    if len(rows) < 2 * _WINDOW + 2:
        return None
    step = np.diff(rows, axis=0)
    speed, off = np.linalg.norm(step, axis=1), _out_of_line(step)
    line = off / np.maximum(_largest_around(off, _ROUND, 1), _STILL)
    sudden = speed / np.maximum(_largest_around(speed, _ROUND // 2, 0), _STILL)
    score = line * sudden
    clear = (line > _OUT_OF_LINE) & (sudden > _SUDDEN) & (score > _BOTH)
    clear |= (line > _FAR_OUT) & (sudden > _LESS_SUDDEN) & (score > _CLEARLY)
    clear &= off > _LEAST
    clear[:1], clear[len(score) - _WINDOW + 1 :] = False, False
    if not clear.any():
        return None
    at = int(np.where(clear, score, 0.0).argmax()) + 1
    if _comes_back(rows, at):
        return None
    length = _length(rows, take, at)
    return Jump(at, length) if length >= _SHORTEST else None


def _out_of_line(step: Array) -> Array:
    """``(F - 1,)`` metres from each step to the line between the steps before and after it."""
    before, after = np.concatenate([step[1:2], step[:-1]]), np.concatenate([step[1:], step[-2:-1]])
    way = after - before
    share = ((step - before) * way).sum(1) / np.maximum((way * way).sum(1), 1e-12)
    return np.linalg.norm(step - before - np.clip(share, 0.0, 1.0)[:, None] * way, axis=1)


def _largest_around(values: Array, reach: int, left_out: int) -> Array:
    """The largest value within ``reach``, those within ``left_out`` of the place itself and itself left out."""
    padded = np.pad(values, reach)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).copy()
    around[:, reach - left_out : reach + left_out + 1] = 0.0
    return around.max(axis=1)


def _comes_back(rows: Array, at: int) -> bool:
    """Some frames further on the motion jumps back to where it was: a wild stretch, nothing cut out."""
    velocity = rows[at - 1] - rows[at - 2]
    gap = np.linalg.norm(rows[at] - rows[at - 1])
    later = np.arange(at + 1, min(at + 13, len(rows)))
    earlier = np.arange(max(at - 13, 0), at - 1)
    ahead = np.linalg.norm(rows[later] - rows[at - 1] - (later - at + 1)[:, None] * velocity, axis=1)
    velocity = rows[at + 1] - rows[at]
    behind = np.linalg.norm(rows[earlier] - rows[at] - (earlier - at)[:, None] * velocity, axis=1)
    leaps = np.linalg.norm(np.diff(rows, axis=0), axis=1)
    returns = (ahead < 0.5 * gap) & (leaps[later - 1] > 0.6 * gap)
    returned = (behind < 0.5 * gap) & (leaps[earlier] > 0.6 * gap)
    return bool(returns.any() or returned.any())


def _length(rows: Array, take: Take, at: int) -> int:
    """Frames that are missing before ``at``: by the same change elsewhere in the clip, by the root's speed, or by that of all."""
    gap = float(np.linalg.norm(rows[at] - rows[at - 1]))
    frames, distance = _same_elsewhere(take, at)
    if distance < _ALIKE * gap:
        return frames
    way = float(np.linalg.norm(rows[at, :3] - rows[at - 1, :3]))
    by_root = way / max(_speed_around(rows[:, :3], at), 1e-6) - 1.0
    if way > _TRAVELLED or rows.shape[1] < 60:
        return int(np.clip(round(by_root), 1, LONGEST))
    return int(np.clip(round(_UNDERRATED * gap / max(_speed_around(rows, at), 1e-6)) - 1, 1, LONGEST))


def _speed_around(rows: Array, at: int) -> float:
    """Metres a frame, mean over some frames before and after the jump."""
    speed = np.linalg.norm(np.diff(rows, axis=0), axis=1)
    return float(np.concatenate([speed[max(0, at - 9) : at - 1], speed[at : at + 8]]).mean())


def _same_elsewhere(take: Take, at: int) -> tuple[int, float]:
    """How many frames the clip takes elsewhere (or its mirror image) from the pose before the jump to that after, and how unlike both are.

    Steps repeat themselves: what was cut out of one is found in another. Poses are compared in their own heading.
    """
    poses, heading = poses_of(take)
    root = np.asarray(take.root, dtype=np.float64)
    if at < _WINDOW:
        return 1, np.inf
    before, after = poses[at - _WINDOW : at], poses[at : at + _WINDOW]
    way = (heading[at - 1] @ (root[at] - root[at - 1]))[[0, 2]]
    best, length = np.inf, 1
    for other in (take, mirrored(take)) if take.kind == "human" else (take,):
        there, turned = poses_of(other)
        place = np.asarray(other.root, dtype=np.float64)
        windows = np.lib.stride_tricks.sliding_window_view(there, _WINDOW, axis=0).transpose(0, 2, 1)
        starts = np.square(windows - before).sum(axis=(1, 2)) / _WINDOW  # of windows by their first frame
        ends = np.square(windows - after).sum(axis=(1, 2)) / _WINDOW
        for step in range(2, LONGEST + 2):
            last = np.arange(_WINDOW - 1, len(there) - step - _WINDOW + 1)  # the frame that is to stand for the last before the jump
            last = last[(last - _WINDOW + 1 >= at) | (last + step + _WINDOW <= at)]
            if not len(last):
                continue
            moved = np.einsum("fij,fj->fi", turned[last], place[last + step] - place[last])[:, [0, 2]]
            cost = starts[last - _WINDOW + 1] + ends[last + step] + np.square(moved - way).sum(axis=1)
            if cost.min() < best:
                best, length = float(cost.min()), step - 1
    return length, float(np.sqrt(best))
