"""The worker alone: what it says goes to the channel only, and it ends when its server is gone."""

import queue
import subprocess
import sys
import uuid

import pytest

from backend.server.job_file import read_content, write_content
from backend.server.job_folder import folder_of
from backend.server.worker_process import SOURCE, Ended, Told, WorkerProcess
from revision_blender.wire.codec import content_of_request
from tests.backend import slow_stages
from tests.backend.server_harness import PATIENCE, job

TALKATIVE = "print('to standard output', flush=True); import os; os.write(1, b'past Python too')\n"


@pytest.fixture
def worker(tmp_path):
    stages = tmp_path / "stages.py"
    stages.write_text(TALKATIVE + "from tests.backend.slow_stages import abilities, stage_of\n")
    heard: queue.SimpleQueue[Told | Ended] = queue.SimpleQueue()
    process = WorkerProcess(tmp_path, tmp_path / "worker.log", stages, heard.put)
    yield process, heard
    process.end(PATIENCE)
    while not isinstance(heard.get(timeout=PATIENCE), Ended):
        pass


def _next(heard, *events):
    while True:
        told = heard.get(timeout=PATIENCE)
        assert isinstance(told, Told), told
        if told.event in events:
            return told


def _queued(tmp_path, request):
    job_id = str(uuid.uuid4())
    folder_of(tmp_path, job_id).make()
    write_content(folder_of(tmp_path, job_id).request, content_of_request(request))
    return job_id


def test_what_libraries_print_goes_to_the_log(worker, tmp_path):
    process, heard = worker
    assert heard.get(timeout=PATIENCE).event == "ready"
    job_id = _queued(tmp_path, job())
    process.run(job_id)
    assert _next(heard, "done", "failed").event == "done"
    assert read_content(folder_of(tmp_path, job_id).result).kind == "decode"
    log = (tmp_path / "worker.log").read_text()
    assert "to standard output" in log and "past Python too" in log


def test_a_cancelled_job_leaves_no_result(worker, tmp_path):
    process, heard = worker
    job_id = _queued(tmp_path, job(100_000, 10))
    process.run(job_id)
    _next(heard, "progress")
    process.cancel(job_id)
    assert _next(heard, "cancelled", "done").event == "cancelled"
    assert not folder_of(tmp_path, job_id).result.exists()


def test_it_ends_with_its_server_even_in_the_middle_of_a_job(tmp_path):
    command = [
        sys.executable,
        "-m",
        "backend.server.worker",
        "--jobs",
        str(tmp_path),
        "--log",
        "log",
        "--test-stages",
        str(slow_stages.SELF),
    ]
    job_id = _queued(tmp_path, job(100_000, 10, slow_stages.DEAF))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=SOURCE) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b'{"run": "%s"}\n' % job_id.encode())
        process.stdin.flush()
        while b"deaf" not in process.stdout.readline():
            pass
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
