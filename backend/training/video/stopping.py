"""How a run ends before its last step: at its minute, by Ctrl-C, by SIGTERM; always between two steps."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def asked_to_stop(minutes: float) -> Iterator[Callable[[], bool]]:
    """Gives what says whether the run shall end. minutes: 0 for no limit. In a thread, which gets no signals, only the time counts."""
    asked: list[int] = []
    began = time.monotonic()
    try:
        before = {number: signal.signal(number, lambda got, _frame: asked.append(got)) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:
        before = {}
    try:
        yield lambda: bool(asked) or 0.0 < minutes * 60.0 < time.monotonic() - began
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
