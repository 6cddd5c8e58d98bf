"""The process that works: takes a job's request from its folder, runs the stage, leaves the result there.

Commands come as JSON lines on standard input, answers go as JSON lines to what was standard output at the start; whatever
a library prints goes to the log instead. When standard input ends, the server is gone, and so is this process: its job is
still in the ledger.
"""

import argparse
import importlib.util
import json
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from backend.engines.base import Ability
from backend.errors import Cancelled
from backend.progress import Frames, Progress
from backend.server.job_file import read_content, write_content
from backend.server.job_folder import JobFolder, folder_of
from backend.server.preview_line import line_of
from backend.server.sentences import failure_sentence
from backend.stages.registry import Stage, stage_of
from revision_blender.wire.codec import content_of_result, request_from

log = logging.getLogger("revision.worker")
Abilities = Callable[[], Sequence[Ability]]
StageOf = Callable[[str], Stage]
PROGRESS_SECONDS = 0.05  # between two reports with the same words
PREVIEW_SECONDS = 0.5  # between two previews


class Channel:
    """The way back to the server; lines from one thread at a time."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._lock = stream, threading.Lock()

    def tell(self, event: str, **values: Any) -> None:
        with self._lock:
            self._stream.write(json.dumps({"event": event, **values}) + "\n")
            self._stream.flush()


class Worker:
    """One job at a time. jobs: the folder of all job folders. log_name: told to the user with an unexpected error."""

    def __init__(self, channel: Channel, jobs: Path, work: "Work", log_name: str) -> None:
        self._channel, self._jobs, self._log_name = channel, jobs, log_name
        self._abilities, self._stage, self._warm_up = work.abilities, work.stage_of, work.warm_up
        self._todo: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._cancelled: set[str] = set()
        self._getting_ready = False

    def listen(self, commands: TextIO) -> None:
        """Runs on its own thread until the server closes the pipe or dies; then ends the process, whatever it is doing."""
        for line in commands:
            command = json.loads(line)
            if "run" in command:
                if self._getting_ready:
                    self._channel.tell("progress", job_id=command["run"], fraction=0.0, words="the backend is getting ready")
                self._todo.put(command["run"])
            elif "cancel" in command:
                self._cancelled.add(command["cancel"])
        os._exit(0)

    def run(self) -> None:
        """Tells the engines' abilities, then warms up, each when there is nothing to do first, since both may take seconds."""
        self._channel.tell("ready")
        waiting = [self._tell_engines, self._get_warm]
        while True:
            if waiting and self._todo.empty():
                self._getting_ready = True
                waiting.pop(0)()
                self._getting_ready = False
            else:
                self._work_on(self._todo.get())

    def _get_warm(self) -> None:
        try:
            self._warm_up()
        except Exception:
            log.exception("Compiling ahead of the first job failed; the job will try again.")

    def _tell_engines(self) -> None:
        try:
            self._channel.tell("engines", engines=[asdict(ability) for ability in self._abilities()])
        except Exception:
            log.exception("The engines could not be asked what they can do.")

    def _work_on(self, job_id: str) -> None:
        folder = folder_of(self._jobs, job_id)
        try:
            self._produce(job_id, folder)
        except Cancelled:
            self._channel.tell("cancelled", job_id=job_id)
        except Exception as error:  # the boundary: every failure becomes a sentence in the ledger, and stands in the log
            log.exception("Job %s failed.", job_id)
            self._channel.tell("failed", job_id=job_id, message=failure_sentence(error, folder.path, self._log_name)[:2000])
        else:
            self._channel.tell("done", job_id=job_id)

    def _produce(self, job_id: str, folder: JobFolder) -> None:
        request = request_from(read_content(folder.request))
        shower = _Shower(self._channel, job_id)
        progress = Progress(self._reporter(job_id), lambda: job_id in self._cancelled, show=shower.show, show_due=shower.due)
        progress(0.0, "starting")
        result = self._stage(request.kind)(request, progress)
        progress(1.0, "saving")
        write_content(folder.result, content_of_result(request.kind, result))

    def _reporter(self, job_id: str) -> Callable[[float, str], None]:
        last_time, last_words = 0.0, ""

        def report(fraction: float, words: str) -> None:
            nonlocal last_time, last_words
            now = time.monotonic()
            if words != last_words or now - last_time >= PROGRESS_SECONDS:
                last_time, last_words = now, words
                self._channel.tell("progress", job_id=job_id, fraction=float(fraction), words=words)

        return report


class _Shower:
    """Sends previews of one job, at most one in ``PREVIEW_SECONDS``; what comes sooner is dropped."""

    def __init__(self, channel: Channel, job_id: str) -> None:
        self._channel, self._job_id = channel, job_id
        self._next_time = 0.0

    def due(self) -> bool:
        return time.monotonic() >= self._next_time

    def show(self, frames: Frames) -> None:
        if self.due():
            self._next_time = time.monotonic() + PREVIEW_SECONDS
            self._channel.tell("preview", job_id=self._job_id, **line_of(frames))


def _abilities() -> Sequence[Ability]:
    from backend.engines import registry  # imports what engines need, hence here and not at the top

    return registry.abilities()


def _warm_up() -> None:
    from backend.engines.warm_up import warm_up

    warm_up()


@dataclass(frozen=True)
class Work:
    """What a worker can do. warm_up: what the first job would otherwise wait for."""

    abilities: Abilities
    stage_of: StageOf
    warm_up: Callable[[], None]


def _work(file: Path | None) -> Work:
    """The real engines and stages; for the project's own tests, ``abilities`` and ``stage_of`` of a file."""
    if file is None:
        return Work(_abilities, stage_of, _warm_up)
    spec = importlib.util.spec_from_file_location("revision_test_stages", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Work(module.abilities, module.stage_of, lambda: None)


def _private_output() -> TextIO:
    """Standard output for us alone: what anything else prints goes where errors go."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return channel


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m backend.server.worker", description="Started by the server; not for use by hand.")
    parser.add_argument("--jobs", type=Path, required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--test-stages", type=Path)
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the server, which ends us
    channel = Channel(_private_output())
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    worker = Worker(channel, arguments.jobs, _work(arguments.test_stages), arguments.log)
    threading.Thread(target=worker.listen, args=(sys.stdin,), name="commands", daemon=True).start()
    worker.run()


if __name__ == "__main__":
    main()
