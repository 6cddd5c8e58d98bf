"""What the server answers to each message: no sockets here, so that every answer can be tested by calling it."""

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from backend.server.board import Board
from backend.server.job_file import read_content, write_content
from backend.server.job_folder import checked_job_id, folder_of
from backend.server.ledger import OPEN, Job, Ledger
from backend.server.publisher import Publisher
from backend.server.sentences import disk_sentence
from backend.server.supervisor import Supervisor
from revision_blender.wire import protocol
from revision_blender.wire.codec import content_from, request_from
from revision_blender.wire.errors import WireError
from revision_blender.wire.framing import Message
from revision_blender.wire.protocol import Type

FOR_EVERY_VERSION = {Type.PING, Type.STATUS, Type.STOP}  # so that a newer extension can replace an older backend
log = logging.getLogger("revision.server")


class Desk:
    """Answers for both sockets' threads. stop: called when a client asks the server to end itself."""

    def __init__(
        self,
        start_id: str,
        ledger: Ledger,
        board: Board,
        publisher: Publisher,
        supervisor: Supervisor,
        jobs: Path,
        stop: Callable[[str], None],
    ) -> None:
        self._start_id, self._ledger, self._board = start_id, ledger, board
        self._publisher, self._supervisor, self._jobs, self._stop = publisher, supervisor, jobs, stop
        self.last_used = time.monotonic()
        self._started = time.time()
        self._on = {
            Type.HELLO: self._hello, Type.SUBMIT: self._submit, Type.JOBS: self._list, Type.FETCH: self._fetch,
            Type.PING: self._ping, Type.CANCEL: self._cancel, Type.STATUS: self._status, Type.STOP: self._stop_server,
        }  # fmt: skip

    def answer(self, message: Message, allowed: frozenset[Type]) -> Message:
        """The one answer to a message; what cannot be done becomes a refusal with a sentence."""
        try:
            if message.version != protocol.PROTOCOL and message.type not in FOR_EVERY_VERSION:
                raise WireError(protocol.version_sentence(message.version, side="extension"))
            if message.type not in allowed:
                raise WireError(f"A {message.type} message does not belong on this socket.")
            kind, fields, arrays = self._on[message.type](message)
        except (WireError, OSError, sqlite3.Error) as error:
            sentence = str(error) if isinstance(error, WireError) else disk_sentence(error, self._jobs.parent)
            log.warning("Refused a %s message: %s", message.type, sentence)
            kind, fields, arrays = _refusal(message, sentence)
        except Exception as error:  # the boundary: one message must not end the server; the log has the details
            log.exception("A %s message ended in an unexpected error.", message.type)
            kind, fields, arrays = _refusal(
                message, f"The backend met an unexpected error ({type(error).__name__}: {error}); its log has the details."
            )
        return Message(kind, fields, arrays, parent=message.message_id)

    # --- request socket

    def _hello(self, _message: Message) -> "_Answer":
        self.last_used = time.monotonic()
        return Type.WELCOME, {"version": protocol.VERSION, "start_id": self._start_id, "engines": self._board.engines}, {}

    def _submit(self, message: Message) -> "_Answer":
        """On disk first, then in the ledger, then the answer: an accepted job survives everything."""
        self.last_used = time.monotonic()
        job_id = checked_job_id(message.fields.get("job_id"))
        job = self._ledger.get(job_id)
        if job is None:
            content = content_from(message.fields, message.arrays)
            request_from(content)
            folder = folder_of(self._jobs, job_id)
            folder.make()
            try:
                write_content(folder.request, content)
                job = self._ledger.add(job_id, content.kind)
            except (OSError, sqlite3.Error):
                folder.remove()
                raise
            log.info("Job %s (%s) accepted.", job_id, job.kind)
            self._tell(job)
            self._supervisor.wake()
        return Type.ACCEPTED, _state(job), {}

    def _list(self, _message: Message) -> "_Answer":
        change, jobs = self._ledger.snapshot()
        return Type.JOB_LIST, {"change": change, "jobs": [self._summary(job) for job in jobs]}, {}

    def _fetch(self, message: Message) -> "_Answer":
        self.last_used = time.monotonic()
        job = self._known(message)
        if job.state != "done":
            why = f": {job.message}" if job.message else "; wait for it." if job.state in OPEN else "."
            raise WireError(f"There is no result to collect: the job is {job.state}{why}")
        try:
            content = read_content(folder_of(self._jobs, job.job_id).result)
        except FileNotFoundError as error:
            raise WireError("The job's result is not there any more: its file was deleted. Start the job again.") from error
        return Type.RESULT, {"job_id": job.job_id, "kind": content.kind, "values": dict(content.values)}, content.arrays

    # --- control socket

    def _ping(self, _message: Message) -> "_Answer":
        return Type.PONG, {"start_id": self._start_id}, {}

    def _cancel(self, message: Message) -> "_Answer":
        """The job counts as cancelled from this moment; the worker is told, and stopped by force if it does not hear."""
        job = self._known(message)
        moved = self._ledger.move(job.job_id, OPEN, "cancelled")
        if moved is not None:
            log.info("Job %s cancelled.", job.job_id)
            self._tell(moved)
            self._supervisor.cancelled(job.job_id)
            job = moved
        elif (job := self._known(message)).state != "cancelled":
            raise WireError(f"The job cannot be cancelled any more: it is {job.state}.")
        return Type.CANCEL_NOTED, _state(job), {}

    def _status(self, _message: Message) -> "_Answer":
        change, jobs = self._ledger.snapshot()
        running = [self._summary(job) for job in jobs if job.state in OPEN]
        facts = {
            "version": protocol.VERSION, "pid": os.getpid(), "worker_pid": self._board.worker_pid, "start_id": self._start_id,
            "started": self._started, "idle_seconds": 0.0 if running else time.monotonic() - self.last_used,
            "change": change, "open_jobs": running, "engines": self._board.engines,
        }  # fmt: skip
        return Type.STATUS_IS, facts, {}

    def _stop_server(self, _message: Message) -> "_Answer":
        self._stop("The backend was asked to stop. Jobs that it had not finished go on when it is started again.")
        return Type.STOPPING, {"open_jobs": self._ledger.count_open()}, {}

    # --- helpers

    def _known(self, message: Message) -> Job:
        job_id = checked_job_id(message.fields.get("job_id"))
        job = self._ledger.get(job_id)
        if job is None:
            raise WireError(f"The backend knows no job {job_id}.")
        return job

    def _summary(self, job: Job) -> dict[str, Any]:
        fraction, words = self._board.progress(job.job_id)
        return {
            "job_id": job.job_id, "kind": job.kind, "state": job.state, "fraction": 1.0 if job.state == "done" else fraction, "words": words,
            "message": job.message, "submitted": job.submitted, "finished": job.finished,
        }  # fmt: skip

    def _tell(self, job: Job) -> None:
        self._publisher.tell(Type.STATE, _state(job))


_Answer = tuple[Type, Mapping[str, Any], Mapping[str, Any]]


def _refusal(message: Message, sentence: str) -> _Answer:
    job_id = message.fields.get("job_id")
    return Type.REFUSED, {"job_id": job_id if isinstance(job_id, str) else "", "message": sentence}, {}


def _state(job: Job) -> dict[str, Any]:
    return {"job_id": job.job_id, "state": job.state, "message": job.message, "change": job.change}
