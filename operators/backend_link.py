"""The one connection to the backend: starting or joining it off the main thread, and saying in plain words how it stands."""

import time
from enum import Enum
from pathlib import Path

from ..revision_blender.wire import launch
from ..revision_blender.wire.client import Client
from ..revision_blender.wire.connection import ConnectionInfo
from ..revision_blender.wire.environment import find_backend_python
from ..revision_blender.wire.events import Connected, Disconnected, EngineAbility, Event
from .chores import Chore
from .where import SOURCE

_LOOK_AGAIN = 2.0  # seconds for which a search for the environment counts
_RESTART_AFTER = 4.0  # seconds without an answer until a backend with work to do is started anew
_RESTART_PAUSE = 8.0  # seconds between such attempts


class State(Enum):
    """How the backend stands. The value is what the panel says."""

    OFF = "Not running"
    STARTING = "Starting"
    RUNNING = "Running"
    SILENT = "Does not answer"
    FAILED = "Could not be started"


class BackendLink:
    """state, why: for the panel. engines: what they can do, empty until the backend knows."""

    def __init__(self) -> None:
        self.state, self.why, self.version = State.OFF, "", ""
        self.engines: tuple[EngineAbility, ...] = ()
        self.client: Client | None = None
        self._starting: Chore | None = None
        self._stopping: Chore | None = None
        self._silent_since = 0.0
        self._last_attempt = 0.0
        self._looked: tuple[float, str, Path | None] = (0.0, "", None)

    def python(self, chosen: str, home: Path) -> Path | None:
        """The interpreter of the backend: the preferences', else what was made or named; looked for every other second."""
        when, for_chosen, found = self._looked
        if time.monotonic() - when > _LOOK_AGAIN or for_chosen != chosen:
            found = Path(chosen) if chosen else find_backend_python(SOURCE, home)
            if found is not None and not found.is_file():
                found = None
            self._looked = (time.monotonic(), chosen, found)
        return found

    @property
    def usable(self) -> bool:
        return self.client is not None and self.state in (State.RUNNING, State.SILENT)

    def start(self, python: Path, home: Path, idle_minutes: float) -> None:
        """Joins a running backend, else starts one; comes back at once."""
        if self._starting is not None:
            return
        self.state, self.why, self._last_attempt = State.STARTING, "", time.monotonic()
        self._starting = Chore(lambda: launch.join_or_start(python, SOURCE, home, idle_minutes), self._joined, self._not_started)

    def _joined(self, connection: ConnectionInfo) -> None:
        """A client that waits for a backend of this home finds the new one by itself, and keeps what it has not sent yet."""
        if self.client is None:
            self.client = Client(connection)

    def _not_started(self, error: Exception) -> None:
        self.state, self.why = State.FAILED, str(error)

    def stop(self, home: Path) -> None:
        """Asks the backend to end; unfinished jobs stay in its ledger and go on at the next start."""
        client, self.client = self.client, None
        self.state, self.why, self.engines = State.OFF, "", ()

        def end() -> None:
            if client is not None:
                client.close()
            running = launch.find_live(home)
            if running is not None:
                launch.stop_backend(running)

        self._stopping = Chore(end, lambda _outcome: None, self._not_stopped)

    def _not_stopped(self, error: Exception) -> None:
        self.why = str(error)

    def poll(self) -> tuple[list[Event], bool]:
        """What has come in, and whether the panel has something new to say."""
        before = (self.state, self.why, self.engines)
        for name in ("_starting", "_stopping"):
            chore = getattr(self, name)
            if chore is not None and chore.finished:
                setattr(self, name, None)
                chore.settle()
        events = list(self.client.poll()) if self.client is not None else []
        for event in events:
            self._heed(event)
        return events, (self.state, self.why, self.engines) != before

    def _heed(self, event: Event) -> None:
        match event:
            case Connected():
                self.state, self.why, self.version, self.engines = State.RUNNING, "", event.version, event.engines
            case Disconnected():
                if self.state is not State.SILENT:
                    self._silent_since = time.monotonic()
                self.state, self.why = State.SILENT, event.why

    def wants_restart(self) -> bool:
        """True when a backend that has work of ours has been silent for long enough."""
        now = time.monotonic()
        silent = self.state is State.SILENT and now - self._silent_since > _RESTART_AFTER
        return silent and self._starting is None and now - self._last_attempt > _RESTART_PAUSE

    def close(self) -> None:
        """Ends the threads; the backend goes on."""
        if self.client is not None:
            self.client.close()
            self.client = None
        for chore in (self._starting, self._stopping):
            if chore is not None:
                chore.join(5.0)
