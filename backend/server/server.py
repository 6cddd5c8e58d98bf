"""The server: sockets, threads and the order in which they start and end. Never imports torch."""

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, Any

import zmq

from backend.errors import BackendError
from backend.server.board import Board
from backend.server.desk import Desk
from backend.server.job_folder import sweep
from backend.server.ledger import Ledger
from backend.server.publisher import Publisher
from backend.server.sentences import disk_sentence
from backend.server.single import take_lock
from backend.server.sockets import Socket, Sockets, bind_sockets, port_of, serve_one
from backend.server.supervisor import Supervisor
from revision_blender.wire import paths, protocol
from revision_blender.wire.ask import is_live
from revision_blender.wire.connection import LOOPBACK, ConnectionInfo, new_key, read_connection, remove_connection, write_connection
from revision_blender.wire.errors import WireError
from revision_blender.wire.replay import ReplayGuard
from revision_blender.wire.source_copy import source_hash

log = logging.getLogger("revision.server")
POLL_MILLISECONDS = 250
ENDING_SECONDS = 10.0


class AlreadyRunning(BackendError):
    """Another server has this home folder."""


@dataclass(frozen=True)
class ServeOptions:
    """idle_minutes: the server ends itself after that long without a job or a question; 0 means never.

    port: first of three in a row, 0 for any. test_stages: a Python file with a ``stage_of``, for the project's own tests.
    """

    home: Path
    idle_minutes: float = 30.0
    host: str = LOOPBACK
    port: int = 0
    test_stages: Path | None = None


class Server:
    """One life of the server: ``run`` returns when it was asked to stop, by a client, a signal or its idleness."""

    def __init__(self, options: ServeOptions) -> None:
        self._options = options
        self._stopping = threading.Event()
        self._why = "The backend was stopped. Jobs that it had not finished go on when it is started again."

    def stop(self, why: str = "") -> None:
        """May be called from any thread and from a signal handler."""
        self._why = why or self._why
        self._stopping.set()

    def _on_crash(self, crash: threading.ExceptHookArgs) -> None:
        """A thread died of a mistake of ours. A server without it would only look alive, so it ends; the ledger keeps the jobs."""
        log.critical("The thread %s died.", crash.thread, exc_info=crash.exc_value)
        self.stop(
            "The backend ended after an error of its own; its log has the details. Jobs that it had not finished go on when it is started again."
        )

    def run(self, ready: Callable[[ConnectionInfo], None] = lambda _info: None) -> None:
        """ready: called once the server can be talked to. Raises AlreadyRunning, or BackendError with a sentence."""
        try:
            self._run_alone(self._options.home, ready)
        except OSError as error:
            raise BackendError(disk_sentence(error, self._options.home)) from error

    def _run_alone(self, home: Path, ready: Callable[[ConnectionInfo], None]) -> None:
        lock = _patient_lock(home)
        if lock is None:
            raise AlreadyRunning(f"A backend is running already in {home}. Use it, or stop it first: python -m backend stop")
        context: zmq.Context[Any] = zmq.Context()
        threading.excepthook = self._on_crash
        try:
            with lock, _log_to(paths.logs_folder(home)):
                self._run(context, ready)
        finally:
            context.destroy(linger=0)

    def _run(self, context: zmq.Context[Any], ready: Callable[[ConnectionInfo], None]) -> None:
        home = self._options.home
        jobs = paths.jobs_folder(home)
        jobs.mkdir(parents=True, exist_ok=True)
        sockets = bind_sockets(context, self._options.host, self._options.port)
        ledger = Ledger(paths.ledger_file(home))
        sweep(jobs, {job.job_id for job in ledger.snapshot()[1] if job.state in ("queued", "running", "done")})
        info = _connection(sockets, paths.connection_file(home))
        publisher = Publisher(sockets.events, info.secret, lambda: ledger.change)
        board = Board()
        supervisor = Supervisor(ledger, publisher, board, jobs, paths.logs_folder(home) / "worker.log", self._options.test_stages)
        desk = Desk(info.start_id, ledger, board, publisher, supervisor, jobs, self.stop)
        guard = ReplayGuard()
        control = threading.Thread(
            target=self._serve_control, args=(sockets.control, info.secret, guard, desk), name="control", daemon=True
        )
        for thread in (publisher, supervisor, control):
            thread.start()
        assert info.file is not None
        write_connection(info.file, info)
        log.info("Backend %s, process %d, home %s.", info.version, info.pid, home)
        ready(info)
        try:
            self._serve_requests(sockets.requests, info.secret, guard, desk, ledger)
        finally:
            remove_connection(info.file, info.start_id)
            publisher.tell(protocol.Type.ENDING, {"why": self._why})
            supervisor.end()
            control.join()
            publisher.end()
            sockets.requests.close(linger=500)
            ledger.close()
            log.info("Ended. %s", self._why)

    def _serve_requests(self, socket: Socket, key: bytes, guard: ReplayGuard, desk: Desk, ledger: Ledger) -> None:
        while not self._stopping.is_set():
            if socket.poll(POLL_MILLISECONDS):
                serve_one(socket, key, guard, desk.answer, protocol.FOR_REQUESTS)
            elif ledger.count_open():
                desk.last_used = time.monotonic()  # the idle time counts from the end of the last job
            elif 0 < self._options.idle_minutes < (time.monotonic() - desk.last_used) / 60.0:
                self.stop(f"The backend ended itself after {self._options.idle_minutes:g} idle minutes; it starts again when it is needed.")

    def _serve_control(self, socket: Socket, key: bytes, guard: ReplayGuard, desk: Desk) -> None:
        """Its own thread, so that a cancel never waits behind a clip on its way in or out."""
        while not self._stopping.is_set():
            if socket.poll(POLL_MILLISECONDS):
                serve_one(socket, key, guard, desk.answer, protocol.FOR_CONTROL)
        socket.close(linger=500)  # the answer to "stop" still goes out


def _patient_lock(home: Path) -> IO[bytes] | None:
    """The home's lock; a server that is just ending, and answers no more, is given the time for that."""
    deadline = time.monotonic() + ENDING_SECONDS
    while (lock := take_lock(paths.lock_file(home))) is None and time.monotonic() < deadline and not _answers(home):
        time.sleep(0.1)
    return lock


def _answers(home: Path) -> bool:
    """True also for a file that may not be used: it is a living server's, since an ending one has removed it."""
    try:
        info = read_connection(paths.connection_file(home))
    except WireError:
        return True
    return info is not None and is_live(info)


def _connection(sockets: Sockets, file: Path) -> ConnectionInfo:
    ports = (port_of(sockets.requests), port_of(sockets.control), port_of(sockets.events))
    return ConnectionInfo(
        LOOPBACK, *ports, new_key(), os.getpid(), protocol.PROTOCOL, protocol.VERSION, source_hash(), str(uuid.uuid4()), file
    )


@contextmanager
def _log_to(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(folder / "server.log", maxBytes=1 << 20, backupCount=2, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s: %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()
