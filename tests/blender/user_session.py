"""What the tests from the user's side share: a backend of one's own, this Blender's session, what stands in the scene."""

import os
import shlex
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import bpy

ROOT = Path(__file__).resolve().parents[2]
SLOW_STAGES = ROOT / "tests" / "backend" / "slow_stages.py"
PATIENCE = 90.0  # seconds: only reached when something is broken
STEP = 50  # milliseconds of one step of a slow stage


def slow_python(folder: Path) -> Path:
    """An "interpreter of the backend" that adds the option for test stages: those of tests/backend/slow_stages.py."""
    script = folder / "slow-backend.sh"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(os.environ["REVISION_PYTHON"])} "$@" --test-stages {shlex.quote(str(SLOW_STAGES))}\n')
    script.chmod(0o755)
    return script


def four_bytes(folder: Path) -> Path:
    """Footage that the slow stage turns into four frames."""
    path = folder / "dance.mp4"
    path.write_bytes(bytes((10, 20, 30, 40)))
    return path


def wait_until(look: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < deadline, f"{what} did not come within {PATIENCE:.0f} s"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """A process that has ended but was not waited for does not count as alive."""
    try:
        os.kill(pid, 0)
        return not Path("/proc").is_dir() or Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


class Backend:
    """The running server of a home, asked through the extension's own wire."""

    def __init__(self, home: Path, room: Callable[[str], ModuleType]) -> None:
        self.home = home
        self._launch, self._ask = room("revision_blender.wire.launch"), room("revision_blender.wire.ask")
        self._protocol = room("revision_blender.wire.protocol")

    @property
    def info(self):
        return self._launch.find_live(self.home)

    def status(self) -> dict:
        answer = self._ask.ask(self.info, self._protocol.Type.STATUS)
        assert answer is not None
        return dict(answer.fields)

    def kill_server(self) -> None:
        pid, worker = self.info.pid, self.status()["worker_pid"]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid) and not is_alive(worker), "the end of the server and of its orphaned worker")

    def kill_worker(self) -> int:
        pid = self.status()["worker_pid"]
        os.kill(pid, signal.SIGKILL)
        return pid

    def job_files(self, job_id: str) -> list[str]:
        return sorted(path.name for path in (self.home / "jobs" / job_id).glob("*"))

    def end(self) -> None:
        info = self.info
        if info is not None:
            self._launch.stop_backend(info)


class Here:
    """This Blender's session, and what a user would see."""

    def __init__(self, room: Callable[[str], ModuleType], footage: Path) -> None:
        self.session, self.pump = room("operators.session").current(), room("operators.pump")
        self.footage = footage

    def press(self, steps: int):
        """Load Footage; comes back when its job runs."""
        settings = bpy.context.scene.revision
        settings.source, settings.footage, settings.frames, settings.footage_stride = "FOOTAGE", str(self.footage), steps, STEP
        bpy.ops.revision.load_footage()
        return list(self.session.tickets.values())[-1]

    def until(self, reached: Callable[[], object]) -> None:
        tickets, link = self.session.tickets, self.session.link
        assert self.pump.run_until(lambda: bool(reached()), PATIENCE), (tickets, link.state, link.why, self.session.trouble)

    def until_running(self, ticket) -> None:
        self.until(lambda: ticket.words.startswith("step"))

    def until_ended(self, ticket, status: str = "DONE") -> None:
        self.until(lambda: ticket.ended)
        assert ticket.status == status, ticket

    def steps(self, count: int = 30) -> None:
        for _ in range(count):
            time.sleep(min(self.pump.step(), 0.05))


@contextmanager
def opened(room: Callable[[str], ModuleType], footage: Path, file: Path) -> Iterator[Here]:
    """This Blender with an empty file saved as ``file``; afterwards without a backend and without jobs."""
    current = Here(room, footage)
    link = current.session.link
    link._looked = (0.0, "", None)  # another test's interpreter is remembered for two seconds
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    current.pump.step()
    try:
        yield current
    finally:
        for chore in (link._starting, link._stopping):
            if chore is not None:
                chore.join(PATIENCE)
        link.close()
        link.__init__()
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=False)
        current.session.tickets.clear()
        current.session.trouble = ""


def strips() -> list[str]:
    editor = bpy.context.scene.sequence_editor
    return [strip.name for strip in editor.strips] if editor is not None else []


def results(folder: Path) -> list[str]:
    """Everything below the results folder, hidden partial folders too, relative."""
    return sorted(str(path.relative_to(folder / "revision_results")) for path in (folder / "revision_results").rglob("*") if path.is_file())
