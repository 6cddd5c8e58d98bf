"""The fewest keys whose curves stay within a stated error of a motion that has a value at every frame.

Curves run through the motion's own values at the keys; between two keys every channel is a cubic in time (a Bezier
segment whose handles lie at thirds, as Blender draws it), with one slope a key for both sides. Keys go in where the error is
largest until no frame is off by more than allowed; then those that are not needed any more go out again. The slopes are the
least squares fit of the whole curve. All curves of a body are worked on together.

Rotations are quaternions whose four channels are interpolated one by one and made unit afterwards, as Blender does it; their
error is the angle of the rotation that is left, in radians.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .errors import ClipError

Array = NDArray[np.floating]
Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]
Kind = Literal["rotation", "place"]

_RIDGE = 1e-4  # pull of a slope to the finite difference: decides where a segment holds too few frames to say
_COUPLED = 6  # 2^6 keys: a slope's influence falls by more than half a key
_ROUNDS = 40  # bound on passes; about 10 are usual
_TOGETHER = 16384  # frames of all curves worked on at a time: what fits a processor's cache
_FIRST = 64  # frames between the keys to begin with
_FLOAT32 = 2e-6  # kept free for the 32-bit numbers of stored keys


@dataclass(frozen=True, eq=False)
class Thinned:
    """Keys of one curve. at: ``(K,)`` frame indices that keep a key. slopes: ``(K, C)`` change of the values a unit of time."""

    at: Indices
    slopes: Array


def curve_error(values: Array, wanted: Array, kind: Kind) -> Array:
    """``(..., C)`` interpolated and wanted values to ``(...)``: metres apart, or radians of the rotation between the two."""
    if kind == "place":
        return _length(values - wanted)
    unit = values / np.maximum(_length(values), 1e-12)[..., None]
    return 4.0 * np.arcsin(np.minimum(0.5 * _length(unit - wanted), 1.0))


def _length(vectors: Array) -> Array:
    return np.sqrt(np.einsum("...c,...c->...", vectors, vectors))


def fewest_keys(times: Array, values: Array, error: float, kind: Kind) -> tuple[Thinned, ...]:
    """Thins ``B`` curves, all at once. As ``thinning``."""
    return tuple(curve for group in thinning(times, values, error, kind) for curve in group)


def thinning(times: Array, values: Array, error: float, kind: Kind) -> Iterator[tuple[Thinned, ...]]:
    """Thins ``B`` curves in order, some of them (a few tenths of a second) at each ``next``. times: ``(F,)`` rising. values: ``(B, F, C)``; of quaternions unit and never antipodal in time.

    error: what each frame may be off, radians of the rotation or metres. Raises ClipError for an error that is not positive
    or times that do not rise.
    """
    times, values = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if not 0.0 < error < np.inf:
        raise ClipError(f"keys cannot be thinned to an error of {error}; it must be more than 0")
    if len(times) != values.shape[1] or len(times) == 0 or (np.diff(times) <= 0.0).any():
        raise ClipError(f"keys at {len(times)} times for {values.shape[1]} frames; one rising time a frame is needed")
    if len(times) == 1 or len(values) == 0:
        yield tuple(Thinned(np.zeros(1, dtype=np.int64), np.zeros((1, values.shape[2]))) for _ in values)
        return
    together = max(1, _TOGETHER // len(times))
    for first in range(0, len(values), together):
        yield _Work(times, values[first : first + together], max(error - _FLOAT32, 0.5 * error), kind).thinned()


@dataclass(frozen=True, eq=False)
class _Segments:
    """Frames of all curves in one row, ``N = B F``, and the segment that each lies in. at: ``(K,)`` the keys. of: ``(N,)``
    index into ``at`` of the key at or before. basis: ``(4, N)`` Hermite's polynomials:
    value before, slope before, value after, slope after (slopes already times the width)."""

    at: Indices
    of: Indices
    basis: Array

    @property
    def after(self) -> Indices:
        return np.minimum(self.of + 1, len(self.at) - 1)


class _Work:
    """One run over ``B`` curves; the numbers that every pass needs."""

    def __init__(self, times: Array, values: Array, error: float, kind: Kind) -> None:
        self.curves, self.frames, channels = values.shape
        self.values = values.reshape(-1, channels)
        self.times = np.tile(times, self.curves)
        self.error = error
        self.kind: Kind = kind
        first = np.arange(self.curves) * self.frames
        self.ends = np.zeros(self.curves * self.frames, dtype=np.bool_)
        self.ends[first] = self.ends[first + self.frames - 1] = True

    def thinned(self) -> tuple[Thinned, ...]:
        keys = self._grown(self.ends | np.tile(np.arange(self.frames) % _FIRST == 0, self.curves))
        keys = self._pruned(keys)
        segments = self._segments(keys)
        slopes = self._slopes(segments)
        cuts = np.searchsorted(segments.at, np.arange(1, self.curves) * self.frames)
        rows = zip(np.split(segments.at, cuts), np.split(slopes, cuts), strict=True)
        return tuple(self._one(at - curve * self.frames, slope, curve) for curve, (at, slope) in enumerate(rows))

    def _one(self, at: Indices, slopes: Array, curve: int) -> Thinned:
        own = self.values[curve * self.frames : (curve + 1) * self.frames]
        if len(at) == 2 and curve_error(np.broadcast_to(own[0], own.shape), own, self.kind).max() <= self.error:
            return Thinned(at[:1], np.zeros_like(slopes[:1]))  # stands still: one key says so
        return Thinned(at, slopes)

    def _segments(self, keys: Flags) -> _Segments:
        at = np.flatnonzero(keys)
        of = np.cumsum(keys) - 1
        after = np.minimum(of + 1, len(at) - 1)
        start = self.times[at[of]]
        width = np.where(keys, 1.0, self.times[at[after]] - start)  # at a key no slope counts
        u = (self.times - start) / width
        v = 1.0 - u
        basis = np.stack([v * v * (1.0 + 2.0 * u), u * v * v * width, u * u * (3.0 - 2.0 * u), -u * u * v * width])
        return _Segments(at, of, basis)

    def _rest(self, segments: _Segments) -> Array:
        """``(N, C)`` what the slopes have to add to the curve."""
        known = self.values[segments.at]
        before, _, after, _ = segments.basis[..., None]
        return self.values - before * known[segments.of] - after * known[segments.after]

    def _sums(self, segments: _Segments) -> tuple[Array, Array, Array, Array, Array]:
        """Normal equations by segment: a a, a b, b b ``(K,)`` and a r, b r ``(K, C)`` for the slopes before and after."""
        rest = self._rest(segments)
        a, b = segments.basis[1], segments.basis[3]
        columns = np.concatenate([np.stack([a * a, a * b, b * b], axis=1), a[:, None] * rest, b[:, None] * rest], axis=1)
        sums = np.add.reduceat(columns, segments.at, axis=0)
        channels = rest.shape[1]
        return sums[:, 0], sums[:, 1], sums[:, 2], sums[:, 3 : 3 + channels], sums[:, 3 + channels :]

    def _guess(self, segments: _Segments) -> tuple[Array, Array]:
        """Finite differences over the neighbouring frames ``(K, C)`` and how much they weigh ``(K,)``."""
        before = np.where(self.ends[segments.at] & (segments.at % self.frames == 0), segments.at, segments.at - 1)
        after = np.where(segments.at % self.frames == self.frames - 1, segments.at, segments.at + 1)
        step = self.times[after] - self.times[before]
        return (self.values[after] - self.values[before]) / step[:, None], _RIDGE * step**2

    def _slopes(self, segments: _Segments) -> Array:
        """``(K, C)``: one slope a key, least squares over all frames: a tridiagonal system, solved by cyclic reduction."""
        aa, ab, bb, ar, br = self._sums(segments)
        guess, weight = self._guess(segments)
        diagonal, right = aa + weight, ar + weight[:, None] * guess
        diagonal[1:] += bb[:-1]
        right[1:] += br[:-1]
        upper, lower = ab.copy(), np.concatenate([[0.0], ab[:-1]])
        upper[-1] = 0.0
        return _solved(lower, diagonal, upper, right)

    def _errors(self, segments: _Segments, before: Array, after: Array) -> Array:
        """``(N,)`` of the curve with slopes ``before`` and ``after`` ``(K, C)`` at both ends of each segment."""
        shown = self.values - self._rest(segments)
        shown = shown + segments.basis[1][:, None] * before[segments.of] + segments.basis[3][:, None] * after[segments.of]
        return curve_error(shown, self.values, self.kind)

    def _fitted_errors(self, segments: _Segments) -> Array:
        slopes = self._slopes(segments)
        return self._errors(segments, slopes, np.roll(slopes, -1, axis=0))

    def _grown(self, keys: Flags) -> Flags:
        """With a key more at the worst frame of every segment that is off by too much, until none is."""
        for _ in range(self.frames):
            segments = self._segments(keys)
            errors = self._fitted_errors(segments)
            if errors.max() <= self.error:
                break
            worst = np.maximum.reduceat(errors, segments.at)[segments.of]
            chosen = np.flatnonzero((errors == worst) & (errors > self.error) & ~keys)
            _, first = np.unique(segments.of[chosen], return_index=True)
            if len(first) == 0:  # only keys are off, by rounding
                break
            keys = keys.copy()
            keys[chosen[first]] = True
        return keys

    def _pruned(self, keys: Flags) -> Flags:
        """Without the keys that can go: cheapest first, no two neighbours in one pass, each pass checked."""
        kept = self.ends.copy()  # those that were tried and are needed
        for _ in range(_ROUNDS):
            costs = self._costs(keys)
            costs[kept | ~keys] = np.inf
            at = np.flatnonzero(keys)
            cost = costs[at]
            lowest = (cost < np.inf) & (cost <= np.append(cost[1:], np.inf)) & (cost < np.insert(cost[:-1], 0, np.inf))
            out = at[lowest & (cost <= self.error)]
            if len(out) == 0:
                break
            keys, refused = self._without(keys, out)
            kept[refused] = True
        return keys

    def _costs(self, keys: Flags) -> Array:
        """``(N,)`` at each key: the error if it alone went, both segments becoming one with slopes of its own."""
        costs = np.full(len(keys), np.inf)
        rank = np.cumsum(keys)
        for parity in (0, 1):
            tried = keys & ~self.ends & (rank % 2 == parity)
            segments = self._segments(keys & ~tried)
            before, after = self._own_slopes(segments)
            worst = np.maximum.reduceat(self._errors(segments, before, after), segments.at)
            costs[tried] = worst[segments.of[tried]]
        return costs

    def _own_slopes(self, segments: _Segments) -> tuple[Array, Array]:
        aa, ab, bb, ar, br = self._sums(segments)
        guess, weight = self._guess(segments)
        next_guess, next_weight = np.roll(guess, -1, axis=0), np.roll(weight, -1)
        aa, bb = aa + weight, bb + next_weight
        ar, br = ar + weight[:, None] * guess, br + next_weight[:, None] * next_guess
        scale = 1.0 / (aa * bb - ab * ab)[:, None]
        return scale * (bb[:, None] * ar - ab[:, None] * br), scale * (aa[:, None] * br - ab[:, None] * ar)

    def _without(self, keys: Flags, out: Indices) -> tuple[Flags, Indices]:
        """Takes ``out`` away and puts back what turns out to be needed. Returns the keys and what was put back."""
        left = keys.copy()
        left[out] = False
        refused = np.zeros(len(keys), dtype=np.bool_)
        while True:
            segments = self._segments(left)
            off = np.maximum.reduceat(self._fitted_errors(segments), segments.at) > self.error
            if not off.any():
                return left, np.flatnonzero(refused)
            gone = keys & ~left
            back = gone & off[segments.of]
            while not back.any():  # slopes are shared, so a segment can suffer from what went out beside it
                off = off | np.append(off[1:], False) | np.insert(off[:-1], 0, False)
                back = gone & off[segments.of]
            refused |= back
            left |= back


def _solved(lower: Array, diagonal: Array, upper: Array, right: Array) -> Array:
    """The tridiagonal system ``lower x[i-1] + diagonal x[i] + upper x[i+1] = right``, whose diagonal dominates. right: ``(K, C)``."""
    step, count = 1, len(diagonal)
    for _ in range(_COUPLED):
        if step >= count:
            break
        down, up = np.zeros(count), np.zeros(count)
        down[step:] = -lower[step:] / diagonal[:-step]
        up[:-step] = -upper[:-step] / diagonal[step:]
        new_diagonal, new_right = diagonal.copy(), right.copy()
        new_lower, new_upper = np.zeros(count), np.zeros(count)
        new_diagonal[step:] += down[step:] * upper[:-step]
        new_right[step:] += down[step:, None] * right[:-step]
        new_lower[step:] = down[step:] * lower[:-step]
        new_diagonal[:-step] += up[:-step] * lower[step:]
        new_right[:-step] += up[:-step, None] * right[step:]
        new_upper[:-step] = up[:-step] * upper[step:]
        lower, diagonal, upper, right = new_lower, new_diagonal, new_upper, new_right
        step *= 2
    return right / diagonal[:, None]
