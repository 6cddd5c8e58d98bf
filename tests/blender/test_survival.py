"""kill -9 of Blender, of the server and of the worker in the middle of a job; cancel; other files; undo: once, always.

Through the extension's buttons, the wire and a real server with its worker. The stages are the slow ones of
tests/backend/slow_stages.py: the "interpreter of the backend" is a script that adds the option for test stages.
"""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import bpy
import pytest
from user_session import PATIENCE, ROOT, Backend, Here, four_bytes, opened, results, slow_python, strips

ACTS = Path(__file__).with_name("blender_process.py")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="kills by signal"),
    pytest.mark.skipif(not os.environ.get("REVISION_PYTHON"), reason="REVISION_PYTHON names the backend's interpreter"),
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REVISION_PYTHON", str(slow_python(tmp_path)))
    monkeypatch.setenv("REVISION_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    return four_bytes(tmp_path)


@pytest.fixture
def backend(home: Path, room) -> Iterator[Backend]:
    running = Backend(home, room)
    yield running
    running.end()


@pytest.fixture
def here(home: Path, scene, room, footage: Path, tmp_path: Path) -> Iterator[Here]:
    with opened(room, footage, tmp_path / "scene.blend") as current:
        yield current


ONE_RESULT = ["frame_0000.png", "frame_0001.png", "frame_0002.png", "frame_0003.png", "revision_job.txt"]
THE_STRIP = ["Footage · dance"]


# Blender


class Blender:
    """A Blender process doing one act, and what it says."""

    def __init__(self, folder: Path, *act: str) -> None:
        env = {**os.environ, "BLENDER_USER_RESOURCES": str(folder / "resources")}
        self.log = folder / f"{act[0]}.log"
        command = [sys.executable, str(ACTS), *act]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=env, cwd=folder)
        self._said: queue.Queue[dict | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(b"ACT "):
                self._said.put(json.loads(line[4:]))
        self._said.put(None)

    def says(self, word: str) -> object:
        """Waits for a line with that word."""
        while True:
            line = self._said.get(timeout=PATIENCE)
            assert line is not None, self.log.read_text()[-2000:]
            if word in line:
                return line[word] if len(line) == 1 else line

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def end(self) -> None:
        assert self.process.wait(PATIENCE) == 0, self.log.read_text()[-2000:]


@pytest.fixture
def blender(home: Path, tmp_path: Path) -> Iterator[Callable[..., Blender]]:
    """Starts Blender processes that have the extension installed; ends those that are left."""
    archives = [Path(os.environ["REVISION_ZIP"]).resolve()] if os.environ.get("REVISION_ZIP") else sorted((ROOT / "dist").glob("*.zip"))
    if not archives:
        pytest.skip("no built zip: run python run.py package first")
    (tmp_path / "resources").mkdir()
    started: list[Blender] = []

    def start(*act: str) -> Blender:
        started.append(Blender(tmp_path, *act))
        return started[-1]

    install = start("install", str(archives[-1]))
    try:
        install.says("installed")
        install.end()
        yield start
    finally:
        for each in started:
            each.kill()


def test_blender_killed_in_mid_job_and_again_before_it_saved_the_result(blender, backend: Backend, footage: Path, tmp_path: Path) -> None:
    file = tmp_path / "scene.blend"
    first = blender("submit", str(file), str(footage), "60")
    job_id = first.says("running")
    server = backend.info.pid
    first.kill()
    assert backend.info.pid == server, "the backend outlives Blender"

    second = blender("resume", str(file), "stay")
    assert second.says("known") == ["RUNNING"]
    seen = second.says("strips")
    assert (seen["strips"], seen["pictures"], seen["there"], seen["takes"]) == (THE_STRIP, [4], [True], ["dance"])
    assert seen["jobs"] == [["DONE", ""]]
    second.kill()  # nothing was saved: the file still knows the job as running

    third = blender("resume", str(file), "save")
    assert third.says("known") == ["RUNNING"]
    assert third.says("strips")["strips"] == THE_STRIP
    third.end()
    fourth = blender("resume", str(file))
    assert fourth.says("known") == ["DONE"]
    assert fourth.says("strips")["strips"] == THE_STRIP
    fourth.end()
    assert results(tmp_path) == [f"dance/decode-{job_id[:8]}/{name}" for name in ONE_RESULT]


# Server and worker


def test_the_server_killed_in_mid_job(here: Here, backend: Backend, tmp_path: Path) -> None:
    ticket = here.press(40)
    here.until_running(ticket)
    before = backend.info.start_id
    backend.kill_server()
    here.until_ended(ticket)  # nobody presses anything: the add-on starts a backend that has work of ours
    assert backend.info.start_id != before
    here.steps()
    assert strips() == THE_STRIP
    assert results(tmp_path) == [f"dance/decode-{ticket.job_id[:8]}/{name}" for name in ONE_RESULT]


def test_the_worker_killed_in_mid_job(here: Here, backend: Backend) -> None:
    ticket = here.press(30)
    here.until_running(ticket)
    pid = backend.kill_worker()
    here.until_ended(ticket)
    here.steps()
    assert strips() == THE_STRIP
    assert backend.status()["worker_pid"] not in (0, pid)


# Cancel


def test_cancel_while_it_runs(here: Here, backend: Backend, tmp_path: Path) -> None:
    ticket = here.press(200)
    here.until_running(ticket)
    begun = time.monotonic()
    bpy.ops.revision.cancel_job(job_id=ticket.job_id)
    here.until_ended(ticket, "CANCELLED")
    print(f"cancelled after {time.monotonic() - begun:.3f} s")
    following = here.press(2)
    here.until_ended(following)
    assert [strip.partition(" · ")[0] for strip in strips()] == ["Footage"]
    here.until(lambda: backend.job_files(ticket.job_id) == [])
    assert not any(ticket.job_id[:8] in name for name in results(tmp_path))
    assert bpy.context.scene.revision.job_of(ticket.job_id).status == "CANCELLED"


# Other files


def test_another_file_is_opened_while_a_job_runs_and_the_first_one_again(here: Here, backend: Backend, tmp_path: Path) -> None:
    ticket = here.press(20)
    here.until_running(ticket)
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=False)
    here.steps()
    assert here.session.tickets == {}
    here.until(lambda: not backend.status()["open_jobs"])  # it ends while the other file is open
    here.steps(5)
    assert strips() == []
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    here.pump.step()
    here.until_ended(here.session.tickets[ticket.job_id])
    here.steps()
    assert strips() == THE_STRIP


def test_another_file_is_opened_before_the_backend_has_the_job(here: Here, backend: Backend, tmp_path: Path) -> None:
    ticket = here.press(5)
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=False)
    here.until(lambda: backend.info is not None and (backend.home / "jobs" / ticket.job_id).is_dir())
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    here.pump.step()
    here.until_ended(here.session.tickets[ticket.job_id])
    assert strips() == THE_STRIP


def test_a_result_that_waits_for_its_moment_comes_once_though_the_backend_comes_anew(here: Here, backend: Backend) -> None:
    wall = bpy.data.objects.new("Wall", bpy.data.meshes.new("Wall"))
    bpy.context.scene.collection.objects.link(wall)
    bpy.context.view_layer.objects.active = wall
    bpy.ops.object.mode_set(mode="EDIT")
    ticket = here.press(2)
    here.until(lambda: ticket.words.startswith("waits until"))
    bpy.ops.revision.stop_backend()
    here.until(lambda: backend.info is None and here.session.link._stopping is None)
    bpy.ops.revision.start_backend()
    here.until(lambda: here.session.link.state.name == "RUNNING")
    here.steps()
    bpy.ops.object.mode_set(mode="OBJECT")
    here.until_ended(ticket)
    here.steps()
    assert strips() == THE_STRIP


# Undo


def test_undo_and_redo_after_a_delivery_neither_lose_nor_double(here: Here, backend: Backend) -> None:
    """Blender without a window pushes no undo step by itself, but it can be told to, and can undo."""
    bpy.ops.ed.undo_push(message="before")
    ticket = here.press(2)
    here.until_ended(ticket)
    bpy.ops.ed.undo_push(message="delivered")
    assert bpy.ops.ed.undo() == {"FINISHED"}
    here.steps()
    assert (ticket.status, strips()) == ("DONE", []), "the user undid the delivery: it stays undone"
    assert bpy.ops.ed.redo() == {"FINISHED"}
    here.steps()
    assert strips() == THE_STRIP
    assert [(row.job_id, row.status) for row in bpy.context.scene.revision.jobs] == [(ticket.job_id, "DONE")]
