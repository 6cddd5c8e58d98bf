"""The server's handle on its worker process: starts it, sends commands, hears answers and its end."""

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from revision_blender.wire.paths import HOME_VARIABLE

log = logging.getLogger("revision.server")
MAX_LOG_BYTES = 4 << 20  # then a new one is begun, and the one before it kept
SOURCE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Told:
    """What a worker said. worker: which one, since an older one's words may come late."""

    worker: "WorkerProcess"
    event: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Ended:
    """A worker process is gone. code: its exit status, negative for a signal."""

    worker: "WorkerProcess"
    code: int


class WorkerProcess:
    """hear: called with Told and Ended from a thread of this object."""

    def __init__(self, jobs: Path, log_file: Path, test_stages: Path | None, hear: Callable[[Told | Ended], None]) -> None:
        command = [sys.executable, "-m", "backend.server.worker", "--jobs", str(jobs), "--log", str(log_file)]
        command += ["--test-stages", str(test_stages)] if test_stages else []
        if log_file.exists() and log_file.stat().st_size > MAX_LOG_BYTES:
            log_file.replace(log_file.with_suffix(".log.1"))
        with log_file.open("ab") as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=SOURCE, env=_environment(jobs.parent)
            )
        self._hear = hear
        threading.Thread(target=self._listen, name="worker-answers", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def run(self, job_id: str) -> None:
        self._send({"run": job_id})

    def cancel(self, job_id: str) -> None:
        self._send({"cancel": job_id})

    def kill(self) -> None:
        self._process.kill()

    def end(self, seconds: float) -> None:
        """Closes the pipe, on which the worker ends itself; kills it after ``seconds``."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it is gone already
            self._process.stdin.close()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, command: Mapping[str, str]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            log.warning("Worker %d does not take commands (%s); its end is about to be noticed.", self.pid, error)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as answers:
            for line in answers:
                try:
                    values = json.loads(line)
                    self._hear(Told(self, values.pop("event"), values))
                except (ValueError, KeyError, AttributeError):
                    log.warning("Worker %d said something that is no answer: %r", self.pid, line[:200])
        self._hear(Ended(self, self._process.wait()))


def _environment(home: Path) -> dict[str, str]:
    """The source's folder comes first on the path, also where Python is told not to look in the current one."""
    found = os.environ.get("PYTHONPATH")
    path = str(SOURCE) + (os.pathsep + found if found else "")
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", HOME_VARIABLE: str(home)}
