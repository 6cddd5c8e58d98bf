"""Motion of any rate on the prior's clock of ``take.FPS`` frames a second, and back.

Between frames a rotation follows the cubic whose speed at each frame is that from its neighbours (Catmull and Rom's), in the tangent
space of the frame before; places follow the same cubic. At the frames themselves both give the frames, bit for bit.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backend.errors import InputError
from backend.prior.state.fill import filled
from backend.prior.state.take import FPS, Array, Damaged, Take
from revision_blender.motion.rotation import axis_angle_from_matrix, matrix_from_axis_angle

SLOWEST, FASTEST = 5.0, 120.0
_GUESSED = 0.3  # of the trust, past the last frame
_WHOLE = 1e-6  # of a frame: nearer to a frame is the frame


def to_clock(damaged: Damaged) -> tuple[Damaged, Array]:
    """The motion at ``take.FPS``, from its first frame to its last or the clock's next after it, and ``(F,)`` seconds ``away``.

    Missing entries are filled first; an entry between a missing and a known frame is missing. Only frames that meet one of the clock's
    stay pinned. What lies past the last frame goes on as the last frames did and is trusted less. ``InputError`` for rates outside 5 to 120.
    """
    fps = damaged.take.fps
    if not SLOWEST <= fps <= FASTEST:
        raise InputError(
            f"the clip's rate is {fps:g} frames a second; the motion prior knows {SLOWEST:g} to {FASTEST:g}, resample the clip"
        )
    frames = damaged.take.n_frames
    if frames == 0:
        raise InputError("a motion without frames cannot be refined; record at least one")
    if fps == FPS:
        return damaged, np.zeros(frames)
    at = np.arange(int(np.ceil((frames - 1) * FPS / fps - _WHOLE)) + 1) * (fps / FPS)
    near = np.abs(at - np.round(at)) < _WHOLE
    at = np.where(near, np.round(at), at)
    whole = filled(damaged)
    low = np.minimum(np.floor(at).astype(np.int64), frames - 1)
    high = np.where(near, low, np.minimum(low + 1, frames - 1))
    away = np.minimum(at - low, np.abs(high - at)) / fps
    on_frame = near & (at <= frames - 1)
    inside: Array = np.where(at > frames - 1, _GUESSED, 1.0).astype(np.float64)
    return (
        Damaged(
            _sampled(whole.take, at, FPS),
            np.minimum(whole.trust[low], whole.trust[high]) * inside[:, None],
            np.minimum(whole.root_trust[low], whole.root_trust[high]) * inside,
            whole.pinned[low] & on_frame[:, None],
            whole.root_pinned[low] & on_frame,
        ),
        away,
    )


def from_clock(take: Take, fps: float, frames: int) -> Take:
    """``frames`` frames at ``fps`` of a motion at ``take.FPS``."""
    if fps == take.fps and frames == take.n_frames:
        return take
    at = np.arange(frames) * (take.fps / fps)
    near = np.abs(at - np.round(at)) < _WHOLE
    return _sampled(take, np.where(near, np.round(at), at), fps)


def _sampled(take: Take, at: Array, fps: float) -> Take:
    """The take at fractional frames; beyond its end it goes on as before."""
    points = None if take.points is None else _cubic(take.points, at)
    return replace(take, fps=fps, rotations=_turning(take.rotations, at), root=_cubic(take.root, at), points=points)


def _neighbours(frames: int, at: Array) -> tuple[NDArray[np.int64], NDArray[np.int64], Array, NDArray[np.bool_]]:
    """The frames at and after each time, the part of the way, and where there is any."""
    low = np.clip(np.floor(at).astype(np.int64), 0, max(frames - 2, 0))
    part = at - low
    if frames < 2:
        part = np.zeros_like(part)
    return low, np.minimum(low + 1, frames - 1), part, (part != 0.0) & (part != 1.0)


def _weights(part: Array) -> tuple[Array, Array, Array]:
    """Of the steps into, over and out of the span, in the cubic's ``value at start + ...``; past the end the span's own step goes on."""
    inside = np.minimum(part, 1.0)
    square, cube = inside**2, inside**3
    start, over, end = cube - 2.0 * square + inside, 3.0 * square - 2.0 * cube, cube - square
    return 0.5 * start, over + 0.5 * (start + end) + np.maximum(part - 1.0, 0.0), 0.5 * end


def _cubic(values: Array, at: Array) -> Array:
    """``(F, ...)`` at the times."""
    frames = len(values)
    low, high, part, between = _neighbours(frames, at)
    result = np.where((part == 1.0).reshape(-1, *([1] * (values.ndim - 1))), values[high], values[low])
    low, high = low[between], high[between]
    before, over, after = (weight.reshape(-1, *([1] * (values.ndim - 1))) for weight in _weights(part[between]))
    step = values[high] - values[low]
    into = np.where(_column(low > 0, values), values[low] - values[np.maximum(low - 1, 0)], step)
    out = np.where(_column(high < frames - 1, values), values[np.minimum(high + 1, frames - 1)] - values[high], step)
    result[between] = values[low] + before * into + over * step + after * out
    return result


def _turning(rotations: Array, at: Array) -> Array:
    """``(F, J, 3, 3)`` at the times; steps are rotation vectors in the frame before, turned as little as frames are apart."""
    frames = len(rotations)
    low, high, part, between = _neighbours(frames, at)
    result = np.where((part == 1.0)[:, None, None, None], rotations[high], rotations[low])
    low, high = low[between], high[between]
    if len(low) == 0:
        return result
    steps = axis_angle_from_matrix(np.swapaxes(rotations[:-1], -1, -2) @ rotations[1:])
    step = steps[low]
    into = np.where(_column(low > 0, step), steps[np.maximum(low - 1, 0)], step)
    out = np.where(_column(high < frames - 1, step), steps[np.minimum(low + 1, frames - 2)], step)
    before, over, after = (weight[:, None, None] for weight in _weights(part[between]))
    result[between] = rotations[low] @ matrix_from_axis_angle(before * into + over * step + after * out)
    return result


def _column(flags: NDArray[np.bool_], like: Array) -> NDArray[np.bool_]:
    return flags.reshape(-1, *([1] * (like.ndim - 1)))
