"""Refuses a message that was heard before, with memory for a bounded time only."""

import threading
import time
from collections import deque
from collections.abc import Callable

from .errors import WireError
from .protocol import REPLAY_WINDOW_SECONDS


class ReplayGuard:
    """Remembers signatures for the time window and refuses messages from outside it; both ends share one clock.

    Shared by the sockets of one side, since a message caught on one of them must not work on another.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: set[bytes] = set()
        self._order: deque[tuple[float, bytes]] = deque()

    def check(self, signature: bytes, sent: float) -> None:
        """Raises WireError when the signature was seen before or ``sent`` (seconds since 1970) lies outside the window."""
        now = self._clock()
        if not abs(now - sent) <= REPLAY_WINDOW_SECONDS:
            raise WireError(f"A message of {now - sent:.0f} seconds ago arrived and was dropped; it may have been replayed.")
        with self._lock:
            # A message from the window's far future stays acceptable for two windows.
            while self._order and now - self._order[0][0] > 2 * REPLAY_WINDOW_SECONDS:
                self._seen.discard(self._order.popleft()[1])
            if signature in self._seen:
                raise WireError("A message arrived for the second time and was dropped; it may have been replayed.")
            self._seen.add(signature)
            self._order.append((now, signature))
