"""How long a job will still take, from how fast it went so far."""

import time
from collections.abc import Callable


class Rate:
    """Assumes that the rest goes as fast as what is done; says nothing before there is a second and 2 % to go by."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()

    def seconds_left(self, fraction: float) -> float | None:
        """fraction: of the whole job, in [0, 1]."""
        spent = self._clock() - self._start
        if fraction < 0.02 or spent < 1.0:
            return None
        return spent * (1.0 - min(fraction, 1.0)) / fraction
