"""Chores: functions that run on a thread of their own, and whose outcome the pump hands over on the main thread."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Outcome = TypeVar("Outcome")


class Chore(Generic[Outcome]):
    """work: runs at once on a thread, never touches bpy. then, failed: called by ``settle`` on the main thread."""

    def __init__(self, work: Callable[[], Outcome], then: Callable[[Outcome], None], failed: Callable[[Exception], None]) -> None:
        self._work, self._then, self._failed = work, then, failed
        self._outcome: Outcome | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="revision-chore", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._outcome = self._work()
        except Exception as error:
            self._error = error  # handed to ``failed``, where it is shown

    @property
    def finished(self) -> bool:
        return not self._thread.is_alive()

    def settle(self) -> None:
        """Hands the outcome over. Call once, when finished."""
        if self._error is not None:
            self._failed(self._error)
        else:
            self._then(self._outcome)  # type: ignore[arg-type]

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)
