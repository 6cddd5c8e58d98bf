"""The interface's end of the wire: methods that never wait, and events to poll."""

import atexit
import threading
import uuid
from pathlib import Path

from .client_loop import ClientLoop
from .connection import ConnectionInfo
from .events import Event
from .mailbox import Cancel, Close, Collect, Command, Commands, Events, ListJobs, Submit
from .requests import Request


class Client:
    """Talks to the backend from a thread of its own, which owns every socket; may be called from any thread.

    It goes on trying while the backend is away, reads the connection file again when the backend was started anew, and then
    sends again what was not answered. Nothing is printed or raised: whatever happens comes as an event. Once closed, it does nothing.
    """

    def __init__(self, connection: ConnectionInfo) -> None:
        self._commands = Commands()
        self._events = Events()
        self._closed = False
        self._thread = threading.Thread(target=ClientLoop(connection, self._commands, self._events).run, name="revision-wire", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def submit(self, request: Request, job_id: str | None = None) -> str:
        """Hands a job over and returns its id; submitting one id twice is harmless. Answer: JobAccepted or Refused.

        The request's arrays are read later, by the other thread: they must not be changed any more.
        """
        job_id = job_id or str(uuid.uuid4())
        self._put(Submit(job_id, request))
        return job_id

    def cancel(self, job_id: str) -> None:
        """Answer: JobCancelled, at once, whatever the worker is doing."""
        self._put(Cancel(job_id))

    def list_jobs(self) -> None:
        """Answer: JobsListed."""
        self._put(ListJobs())

    def collect(self, job_id: str, folder: Path | None) -> None:
        """Fetches a finished job's result; answer: Collected, or Refused. A video's frames are written into ``folder``.

        The files of the answer say where the frames are: where another thing stood, the folder has a number behind its name.
        """
        self._put(Collect(job_id, folder))

    def _put(self, command: Command) -> None:
        if not self._closed:
            self._commands.put(command)

    def poll(self, limit: int = 64) -> list[Event]:
        """The oldest events not polled yet, at most ``limit``."""
        return self._events.take(limit)

    def close(self) -> None:
        """Ends the thread and waits for it; jobs go on in the backend. May be called more than once."""
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        self._commands.put(Close())
        self._thread.join()
        self._commands.close()
