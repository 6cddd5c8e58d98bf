"""How a stage tells what it is doing, and learns that it should stop."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from backend.errors import Cancelled

Item = TypeVar("Item")
Frames = NDArray[np.uint8]  # (F, h, w, 3)


@dataclass(frozen=True)
class Progress:
    """Reports a fraction in [0, 1] of this part of the work, with words; raises ``Cancelled`` when the user asked for it.

    report: takes the overall fraction and the words. cancelled: asked at every report. start, stop: this part's share.
    show: takes frames ``(F, h, w, 3)`` as they look so far; may drop them. show_due: whether frames shown now would be looked at.
    """

    report: Callable[[float, str], None]
    cancelled: Callable[[], bool] = lambda: False
    start: float = 0.0
    stop: float = 1.0
    show: Callable[[Frames], None] = lambda _frames: None
    show_due: Callable[[], bool] = lambda: False

    def __call__(self, fraction: float, words: str) -> None:
        if self.cancelled():
            raise Cancelled
        self.report(self.start + (self.stop - self.start) * min(max(fraction, 0.0), 1.0), words)

    def part(self, start: float, stop: float) -> "Progress":
        """A progress for the share [start, stop] of this one."""
        width = self.stop - self.start
        return replace(self, start=self.start + width * start, stop=self.start + width * stop)

    def preview(self, make: Callable[[], Frames]) -> None:
        """Shows what ``make`` returns; asks for it only when it would be looked at."""
        if self.show_due():
            self.show(make())

    def each(self, items: Iterable[Item], total: int, words: str) -> Iterator[Item]:
        """Yields the items, reporting before each."""
        for index, item in enumerate(items):
            self(index / max(total, 1), words)
            yield item


def silent() -> Progress:
    """For tests and for calls from a script that shows nothing."""
    return Progress(lambda _fraction, _words: None)
