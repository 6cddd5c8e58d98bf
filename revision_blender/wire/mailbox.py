"""Two queues between the interface's thread and the client's: commands in, events out. Neither side ever waits."""

import contextlib
import socket
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from .events import Event, JobPreview, JobProgress
from .requests import Request


@dataclass(frozen=True, eq=False)
class Submit:
    job_id: str
    request: Request


@dataclass(frozen=True)
class Cancel:
    job_id: str


@dataclass(frozen=True)
class ListJobs:
    pass


@dataclass(frozen=True)
class Collect:
    job_id: str
    folder: Path | None


@dataclass(frozen=True)
class Close:
    pass


Command = Submit | Cancel | ListJobs | Collect | Close


class Commands:
    """Any thread puts; the I/O thread polls ``wake`` among its sockets and takes."""

    def __init__(self) -> None:
        self._queue: deque[Command] = deque()
        self.wake, self._waker = socket.socketpair()
        self.wake.setblocking(False)
        self._waker.setblocking(False)

    def put(self, command: Command) -> None:
        self._queue.append(command)
        with contextlib.suppress(BlockingIOError):  # so many wake-ups wait already that one more changes nothing
            self._waker.send(b"!")

    def take(self) -> list[Command]:
        """Everything put so far, in order."""
        try:
            while self.wake.recv(4096):
                pass
        except BlockingIOError:
            pass  # read empty
        taken = []
        while self._queue:
            taken.append(self._queue.popleft())
        return taken

    def close(self) -> None:
        self.wake.close()
        self._waker.close()


class Events:
    """The client's threads put; the interface polls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: deque[Event] = deque()

    def put(self, event: Event) -> None:
        """Appends; a newer progress or preview takes the place of one that nobody has read, so that the queue cannot grow by them."""
        with self._lock:
            if isinstance(event, JobProgress | JobPreview):
                self._drop_older(event)
            self._queue.append(event)

    def _drop_older(self, event: JobProgress | JobPreview) -> None:
        """Looks back to the last event of another kind only: there is at most one of each kind and job behind it."""
        for index in range(len(self._queue) - 1, -1, -1):
            older = self._queue[index]
            if not isinstance(older, JobProgress | JobPreview):
                return
            if type(older) is type(event) and older.job_id == event.job_id:
                del self._queue[index]
                return

    def take(self, limit: int) -> list[Event]:
        with self._lock:
            return [self._queue.popleft() for _ in range(min(limit, len(self._queue)))]
