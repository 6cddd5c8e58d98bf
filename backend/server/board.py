"""What is known only while the server runs: how far the running job is, and what the worker's engines can do."""

from typing import Any


class Board:
    """Written by the supervisor, read by the sockets' threads; every write replaces one whole value."""

    def __init__(self) -> None:
        self.engines: list[dict[str, Any]] = []  # as the worker told it, on its way to the clients
        self.worker_pid = 0
        self._progress: dict[str, tuple[float, str]] = {}

    def note(self, job_id: str, fraction: float, words: str) -> None:
        self._progress[job_id] = (fraction, words)

    def forget(self, job_id: str) -> None:
        self._progress.pop(job_id, None)

    def progress(self, job_id: str) -> tuple[float, str]:
        """Fraction in [0, 1] and words; nothing for a job that is not in work."""
        return self._progress.get(job_id, (0.0, ""))
