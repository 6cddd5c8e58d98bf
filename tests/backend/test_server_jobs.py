"""Jobs through real processes: accepted, worked on, collected, refused, failed with a sentence, cancelled."""

import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from revision_blender.wire import paths
from revision_blender.wire.connection import read_connection
from revision_blender.wire.events import (
    Collected,
    Connected,
    EngineAbility,
    JobAccepted,
    JobCancelled,
    JobDone,
    JobFailed,
    JobProgress,
    JobsListed,
    Refused,
)
from revision_blender.wire.png import read_png
from revision_blender.wire.protocol import Type
from revision_blender.wire.requests import MasksRequest, VideoResult
from tests.backend import slow_stages
from tests.backend.server_harness import ROOT, client, job, server, wait_until

FOREVER = 100_000  # steps


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with server(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture
def listener(running):
    with client(running.info) as listener:
        listener.wait_for(Connected)
        yield listener


def test_a_job_is_done_and_its_result_collected(running, listener, tmp_path):
    job_id = listener.client.submit(job())
    listener.wait_for(JobAccepted, job_id)
    listener.wait_for(JobProgress, job_id)
    listener.wait_for(JobDone, job_id)
    assert running.job_files(job_id) == ["result.bin"]
    listener.client.collect(job_id, tmp_path / "clip")
    found = listener.wait_for(Collected, job_id)
    assert found.kind == "decode" and isinstance(found.result, VideoResult) and found.result.report == {"steps": 3.0}
    assert found.result.frames[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
    assert [int(read_png(path)[0, 0, 0]) for path in found.files] == [0, 1, 2, 3]


def test_the_engines_are_told_once_the_worker_knows_them(running):
    with client(running.info) as listener:
        assert listener.wait_for(Connected, where=lambda event: bool(event.engines)).engines == (
            EngineAbility("slow", True, False, "cpu", ""),
        )


def test_submitting_twice_is_harmless(listener):
    job_id = str(uuid.uuid4())
    for _ in range(2):
        listener.client.submit(job(), job_id)
        listener.wait_for(JobAccepted, job_id)
    listener.wait_for(JobDone, job_id)
    listener.client.list_jobs()
    assert [row.state for row in listener.wait_for(JobsListed).jobs if row.job_id == job_id] == ["done"]


def test_another_client_finds_and_collects_the_job(running, listener, tmp_path):
    job_id = listener.client.submit(job())
    listener.wait_for(JobDone, job_id)
    with client(running.info) as other:
        other.client.list_jobs()
        assert any(row.job_id == job_id and row.state == "done" for row in other.wait_for(JobsListed).jobs)
        other.client.collect(job_id, tmp_path / "clip")
        assert len(other.wait_for(Collected, job_id).files) == 4


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (slow_stages.WRONG, "no person in the picture"),
        (slow_stages.UNEXPECTED, "RuntimeError: odd"),
        (slow_stages.FULL, "is full. Free some space"),
    ],
)
def test_a_failure_comes_as_a_sentence_and_the_next_job_is_done(listener, running, what, words):
    job_id = listener.client.submit(job(what=what))
    assert words in listener.wait_for(JobFailed, job_id).message
    assert running.job_files(job_id) == []
    listener.wait_for(JobDone, listener.client.submit(job()))


def test_a_worker_that_dies_twice_fails_the_job_with_a_sentence(listener, running):
    job_id = listener.client.submit(job(what=slow_stages.DIES))
    assert "status 7" in listener.wait_for(JobFailed, job_id).message
    listener.wait_for(JobDone, listener.client.submit(job()))


@pytest.mark.parametrize("what", [slow_stages.FINE, slow_stages.DEAF])
def test_cancel_is_heard_at_once_and_the_worker_is_free_again(listener, running, what):
    job_id = listener.client.submit(job(FOREVER, 20, what))
    listener.wait_for(JobProgress, job_id, lambda event: event.words.startswith(("deaf", "step")))
    listener.client.cancel(job_id)
    listener.wait_for(JobCancelled, job_id)
    wait_until(lambda: not (paths.jobs_folder(running.home) / job_id).exists(), "the removal of partial files")
    listener.wait_for(JobDone, listener.client.submit(job()))


def test_a_job_that_waits_can_be_cancelled(listener, running):
    first = listener.client.submit(job(FOREVER, 20))
    second = listener.client.submit(job())
    listener.wait_for(JobAccepted, second)
    listener.client.cancel(second)
    listener.wait_for(JobCancelled, second)
    wait_until(lambda: running.job_files(second) == [], "the removal of the files")
    listener.client.cancel(first)
    listener.wait_for(JobCancelled, first)


def test_what_cannot_be_done_is_said(listener):
    unknown = str(uuid.uuid4())
    listener.client.collect(unknown, None)
    assert "knows no job" in listener.wait_for(Refused, unknown).message
    listener.client.cancel("../../etc")
    assert "no job id" in listener.wait_for(Refused, "../../etc").message
    done = listener.client.submit(job())
    listener.wait_for(JobDone, done)
    listener.client.cancel(done)
    assert "cannot be cancelled" in listener.wait_for(Refused, done).message
    listener.client.submit(replace(job(), file=np.zeros((2, 2), np.uint8)), unknown)
    assert "file is" in listener.wait_for(Refused, unknown).message


def test_a_result_that_is_not_there_yet_is_refused(listener):
    job_id = listener.client.submit(job(FOREVER, 20))
    listener.wait_for(JobAccepted, job_id)
    listener.client.collect(job_id, None)
    assert "wait for it" in listener.wait_for(Refused, job_id).message
    listener.client.cancel(job_id)
    listener.wait_for(JobCancelled, job_id)


def test_the_server_never_imports_torch_nor_a_stage(running):
    code = (
        "import sys, backend.__main__, backend.server.server\n"
        "found = [name for name in sys.modules if name.split('.')[0] in ('torch', 'cv2', 'mediapipe', 'bpy') or name.startswith('backend.engines')]\n"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
    maps = Path(f"/proc/{running.process.pid}/maps")
    if maps.exists():
        assert "torch" not in maps.read_text()


def test_a_second_server_says_that_one_is_running(running):
    command = [sys.executable, "-m", "backend", "serve", "--home", str(running.home)]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 3 and "running already" in second.stderr
    assert read_connection(paths.connection_file(running.home)) == running.info


@pytest.mark.parametrize(
    ("options", "words"), [(["--host", "0.0.0.0"], "not opened to the network"), (["--port", "{port}"], "another program may have it")]
)
def test_a_port_taken_and_a_network_host_are_said_in_a_sentence(running, tmp_path, options, words):
    arguments = [option.format(port=running.info.request_port) for option in options]
    command = [sys.executable, "-m", "backend", "serve", "--home", str(tmp_path), *arguments]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 1 and words in found.stderr and "Traceback" not in found.stderr


def test_a_home_that_cannot_be_written_is_said_in_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "backend", "serve", "--home", str(tmp_path / "file" / "home")]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 1 and "cannot be written to" in found.stderr and "Traceback" not in found.stderr


def test_the_command_line_tells_the_same(running, listener):
    job_id = listener.client.submit(job())
    listener.wait_for(JobDone, job_id)
    for command, words in (("status", f"process {running.process.pid}"), ("jobs", job_id)):
        found = subprocess.run(
            [sys.executable, "-m", "backend", command, "--home", str(running.home)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert words in found.stdout


def test_a_masks_request_reaches_the_stage_of_its_kind(listener):
    """The test stages know no other kind than theirs: the failure of their assertion shows where the request went."""
    from tests.wire.wire_samples import sample_clip

    assert "AssertionError: masks" in listener.wait_for(JobFailed, listener.client.submit(MasksRequest(sample_clip()))).message


def test_control_messages_do_not_pass_on_the_request_socket(running):
    answer = running.ask(Type.SUBMIT)
    assert answer is not None and answer.type == Type.REFUSED and "does not belong" in answer.fields["message"]
