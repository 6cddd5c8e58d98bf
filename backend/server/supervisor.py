"""Keeps one worker process busy with the ledger's jobs, through deaths, cancellations and full disks."""

import logging
import math
import queue
import sqlite3
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.server.board import Board
from backend.server.job_folder import folder_of
from backend.server.ledger import MAX_TRIES, OPEN, Job, Ledger
from backend.server.preview_line import preview_from
from backend.server.publisher import Publisher
from backend.server.rate import Rate
from backend.server.retention import prune
from backend.server.sentences import died_sentence, disk_sentence
from backend.server.worker_process import Ended, Told, WorkerProcess
from revision_blender.wire.protocol import VERSION, Type

log = logging.getLogger("revision.server")
KILL_SECONDS = 2.0  # that long a cancelled job may take to stop by itself
TICK_SECONDS = 0.25
DISK_SECONDS = 2.0  # between two attempts while the disk is full


@dataclass
class _Current:
    """The job in work. kill_at: when a cancelled one is stopped by force."""

    job: Job
    rate: Rate
    kill_at: float | None = None


@dataclass(frozen=True)
class _Woken:
    """Something in the ledger changed. cancelled: the job that the user gave up, if that is what it was."""

    cancelled: str = ""


class Supervisor(threading.Thread):
    """Alone starts, ends and commands workers; other threads call ``wake`` and ``cancelled``."""

    def __init__(self, ledger: Ledger, publisher: Publisher, board: Board, jobs: Path, log_file: Path, test_stages: Path | None) -> None:
        super().__init__(name="supervisor", daemon=True)
        self._ledger, self._publisher, self._board, self._jobs = ledger, publisher, board, jobs
        self._log_file, self._test_stages = log_file, test_stages
        self._inbox: queue.SimpleQueue[Told | Ended | _Woken] = queue.SimpleQueue()
        self._worker: WorkerProcess | None = None
        self._current: _Current | None = None
        self._ending = threading.Event()

    def wake(self) -> None:
        self._inbox.put(_Woken())

    def cancelled(self, job_id: str) -> None:
        """The ledger says cancelled already; what is left is to stop the work and remove the files."""
        self._inbox.put(_Woken(job_id))

    def end(self) -> None:
        """A running job stays in the ledger as running and is taken up again by the next server."""
        self._ending.set()
        self.wake()
        self.join()

    def run(self) -> None:
        self._worker = self._new_worker()
        try:
            while not self._ending.is_set():
                self._turn()
        finally:
            if self._worker is not None:
                self._worker.end(1.0)

    def _turn(self) -> None:
        try:
            self._start_next()
            self._hear_one()
            self._enforce_cancel()
        except (sqlite3.Error, OSError) as error:
            self._wait_for_disk(error)

    def _new_worker(self) -> WorkerProcess:
        worker = WorkerProcess(self._jobs, self._log_file, self._test_stages, self._inbox.put)
        self._board.worker_pid = worker.pid
        log.info("Worker %d started.", worker.pid)
        return worker

    def _wait_for_disk(self, error: sqlite3.Error | OSError) -> None:
        """The ledger or a file cannot be written. A job keeps its state in the ledger and goes on when that is over."""
        sentence = disk_sentence(error, self._jobs.parent)
        log.error("%s (%r)", sentence, error)
        if self._current is not None:
            self._publisher.tell(
                Type.PROGRESS, {"job_id": self._current.job.job_id, "fraction": 0.0, "words": sentence, "seconds_left": None}
            )
        self._ending.wait(DISK_SECONDS)

    def _start_next(self) -> None:
        """A row that is running while nobody works on it was left by a server that died."""
        if self._current is not None or (job := self._ledger.next_open()) is None:
            return
        if folder_of(self._jobs, job.job_id).result.exists():
            self._settle(job.job_id, "done", "")  # finished, but the word was lost
            return
        self._worker = self._worker or self._new_worker()
        running = self._ledger.move(job.job_id, OPEN, "running")
        if running is not None:
            self._current = _Current(running, Rate())
            self._tell(running)
            self._worker.run(job.job_id)

    def _hear_one(self) -> None:
        try:
            heard = self._inbox.get(timeout=TICK_SECONDS)
        except queue.Empty:
            return
        match heard:
            case _Woken(job_id):
                if job_id:
                    self._stop_work(job_id)
            case Told(worker, event, values):
                if worker is self._worker:
                    self._on_told(event, values)
            case Ended(worker, code):
                if worker is self._worker:
                    self._on_ended(code)

    # --- what the worker says

    def _on_told(self, event: str, values: Mapping[str, Any]) -> None:
        if event == "engines":
            self._board.engines = values["engines"]
            self._publisher.tell(Type.ENGINES, {"version": VERSION, "engines": self._board.engines})
        elif self._current is None or values.get("job_id") != self._current.job.job_id:
            return
        elif event == "progress":
            self._on_progress(self._current, values["fraction"], values["words"])
        elif event == "preview":
            self._on_preview(self._current, values)
        elif event == "done":
            self._finish("done", "")
        elif event == "failed":
            self._finish("failed", values["message"])
        elif event == "cancelled":
            self._finish("cancelled", "")

    def _on_progress(self, current: _Current, fraction: float, words: str) -> None:
        if current.kill_at is not None or not math.isfinite(fraction):
            return
        self._board.note(current.job.job_id, fraction, words)
        left = current.rate.seconds_left(fraction)
        self._publisher.tell(Type.PROGRESS, {"job_id": current.job.job_id, "fraction": fraction, "words": words, "seconds_left": left})

    def _on_preview(self, current: _Current, values: Mapping[str, Any]) -> None:
        """Goes to whoever listens now, and is kept nowhere."""
        frames = preview_from(values)
        if frames is not None and current.kill_at is None:
            self._publisher.tell(Type.PREVIEW, {"job_id": current.job.job_id}, {"frames": frames})

    def _finish(self, state: str, message: str) -> None:
        """The worker is done with the current job, one way or the other."""
        assert self._current is not None
        job_id, self._current = self._current.job.job_id, None
        self._board.forget(job_id)
        self._settle(job_id, state, message)

    def _settle(self, job_id: str, state: str, message: str) -> None:
        """The job's last state and what stays of its files; a job cancelled meanwhile stays cancelled."""
        moved = self._ledger.move(job_id, OPEN, state, message)
        folder = folder_of(self._jobs, job_id)
        if moved is not None and state == "done":
            folder.request.unlink(missing_ok=True)
            prune(self._ledger, self._jobs)
        else:
            folder.remove()
        if moved is not None:
            log.info("Job %s: %s%s", job_id, state, f": {message}" if message else ".")
            self._tell(moved)

    def _on_ended(self, code: int) -> None:
        """The worker died. Its job is tried once more, unless the user had given it up."""
        log.warning("The worker ended with status %d.", code)
        self._worker, self._board.worker_pid = None, 0
        if self._current is None:
            return
        job_id, given_up, self._current = self._current.job.job_id, self._current.kill_at is not None, None
        folder = folder_of(self._jobs, job_id)
        folder.sweep_partial()
        if given_up:
            folder.remove()
        elif not folder.result.exists() and self._ledger.count_try(job_id) >= MAX_TRIES:
            self._settle(job_id, "failed", died_sentence(code, str(self._log_file)))
        else:
            self._board.note(job_id, 0.0, "starting again: the worker ended unexpectedly")

    # --- cancelling

    def _stop_work(self, job_id: str) -> None:
        if self._current is None or self._current.job.job_id != job_id:
            folder_of(self._jobs, job_id).remove()
        elif self._worker is not None:
            self._current.kill_at = time.monotonic() + KILL_SECONDS
            self._worker.cancel(job_id)

    def _enforce_cancel(self) -> None:
        if self._current is not None and self._current.kill_at is not None and time.monotonic() > self._current.kill_at and self._worker:
            self._worker.kill()
            self._current.kill_at = float("inf")  # killed once; its end is about to be heard

    def _tell(self, job: Job) -> None:
        self._publisher.tell(Type.STATE, {"job_id": job.job_id, "state": job.state, "message": job.message, "change": job.change})
