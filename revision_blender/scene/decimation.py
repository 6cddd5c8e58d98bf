"""Thinning what is about to be keyed: the fewest Bezier keys that stay within the stated error."""

from collections.abc import Generator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..motion.decimation import Kind, thinning
from .keys import Channel, KeyOptions
from .steps import at_once

Array = NDArray[np.floating]


def thinned(channels: Sequence[Channel], frames: Array, options: KeyOptions) -> tuple[Channel, ...]:
    """``thinned_in_steps`` at once."""
    return at_once(thinned_in_steps(channels, frames, options))


def thinned_in_steps(channels: Sequence[Channel], frames: Array, options: KeyOptions) -> Generator[str, None, tuple[Channel, ...]]:
    """The channels with keys only where they are needed; those without a ``measure`` and, without an error, all as they are.

    frames: ``(F,)`` scene frames of the values. All columns of a channel keep keys at the same frames. Yields words after
    each part of long motions and returns the channels.
    """
    rows = list(channels)
    errors: tuple[tuple[Kind, float | None], ...] = (("rotation", options.error), ("place", options.place_error))
    for kind, error in errors:
        chosen = [number for number, row in enumerate(rows) if row.measure == kind]
        if error is None or not chosen:
            continue
        done = 0
        for curves in thinning(frames, np.stack([rows[number].values for number in chosen]), error, kind):
            for number, curve in zip(chosen[done : done + len(curves)], curves, strict=True):
                row = rows[number]
                rows[number] = replace(row, values=row.values[curve.at], frames=np.asarray(frames)[curve.at], slopes=curve.slopes)
            done += len(curves)
            yield f"fewer keys: {done} of {len(chosen)} curves"
    return tuple(rows)
