"""Real servers in processes of their own, and a client to talk to them; every wait is bounded and waits for a state."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np

from revision_blender.wire import paths
from revision_blender.wire.ask import ask
from revision_blender.wire.client import Client
from revision_blender.wire.connection import ConnectionInfo
from revision_blender.wire.events import Event
from revision_blender.wire.framing import Message
from revision_blender.wire.launch import find_live
from revision_blender.wire.protocol import Type
from revision_blender.wire.requests import DecodeRequest
from tests.backend import slow_stages

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds: only reached when something is broken
Found = TypeVar("Found")
Kind = TypeVar("Kind", bound=Event)


def wait_until(look: Callable[[], Found], what: str, seconds: float = PATIENCE) -> Found:
    """The first true value that ``look`` returns."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come within {seconds:.0f} seconds")


class ServerProcess:
    """``python -m backend serve`` with slow stages, in a home folder of its own."""

    def __init__(self, home: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        home.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "backend", "serve", "--home", str(home), "--test-stages", str(slow_stages.SELF), *options]
        self.home = home
        self.log = home / "test-output.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env={**os.environ, **(environment or {})})
        self.info: ConnectionInfo = wait_until(self._started, "the server")

    def _started(self) -> ConnectionInfo | None:
        assert self.process.poll() is None, self.log.read_text()
        info = find_live(self.home)
        return info if info is not None and info.pid == self.process.pid else None

    def status(self) -> dict:
        answer = ask(self.info, Type.STATUS)
        assert answer is not None
        return dict(answer.fields)

    def job_files(self, job_id: str) -> list[str]:
        return sorted(path.name for path in (paths.jobs_folder(self.home) / job_id).glob("*"))

    def ask(self, question: Type, **fields: object) -> Message | None:
        return ask(self.info, question, fields)

    def kill(self) -> None:
        """As the system does when memory runs out: no chance to tidy up."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)


@contextmanager
def server(home: Path, *options: str) -> Iterator[ServerProcess]:
    running = ServerProcess(home, *options)
    try:
        yield running
    finally:
        running.end()


@contextmanager
def client(info: ConnectionInfo) -> Iterator["Listener"]:
    talking = Client(info)
    try:
        yield Listener(talking)
    finally:
        talking.close()


class Listener:
    """A client and every event that it has told so far."""

    def __init__(self, talking: Client) -> None:
        self.client = talking
        self.events: list[Event] = []

    def wait_for(self, kind: type[Kind], job_id: str | None = None, where: Callable[[Kind], bool] = lambda _event: True) -> Kind:
        """The first event of this kind that was not waited for yet."""

        def look() -> Kind | None:
            self.events += self.client.poll()
            for index, event in enumerate(self.events):
                if isinstance(event, kind) and job_id in (None, getattr(event, "job_id", None)) and where(event):
                    return self.events.pop(index)
            return None

        try:
            return wait_until(look, kind.__name__)
        except AssertionError as error:
            raise AssertionError(f"{error}; heard were {self.events}") from None


def job(steps: int = 3, milliseconds: int = 10, what: int = slow_stages.FINE, frames: int = 4) -> DecodeRequest:
    """``steps`` steps of ``milliseconds`` each, then ``frames`` frames whose gray values are 0, 1, 2 and so on."""
    return DecodeRequest((np.arange(frames) % 256).astype(np.uint8), frames=steps, stride=milliseconds, max_side=what)


def is_alive(pid: int) -> bool:
    """A process that has ended but was not waited for does not count as alive."""
    try:
        os.kill(pid, 0)
        return not Path("/proc").is_dir() or Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def kill_worker(running: ServerProcess) -> int:
    """Kills the worker that the server names; returns its process id."""
    pid = wait_until(lambda: running.status()["worker_pid"], "a worker")
    os.kill(pid, signal.SIGKILL)
    return pid
