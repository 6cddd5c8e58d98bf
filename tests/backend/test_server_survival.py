"""kill -9 of the worker and of the server, strangers on the sockets, idleness: what was accepted is never lost."""

import os
import socket
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zmq

from revision_blender.wire import client_loop, paths, protocol
from revision_blender.wire.connection import read_connection, write_connection
from revision_blender.wire.errors import WireError
from revision_blender.wire.events import Collected, Connected, Disconnected, JobAccepted, JobDone, JobFailed, JobProgress, Refused
from revision_blender.wire.framing import Message, pack, unpack
from revision_blender.wire.launch import find_live, join_or_start, stop_backend
from revision_blender.wire.protocol import Type
from revision_blender.wire.replay import ReplayGuard
from tests.backend.server_harness import ROOT, ServerProcess, client, is_alive, job, kill_worker, server, wait_until

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills by signal")


def test_a_job_survives_the_death_of_its_worker(tmp_path):
    with server(tmp_path) as running, client(running.info) as listener:
        job_id = listener.client.submit(job(100, 10))
        listener.wait_for(JobProgress, job_id, lambda event: event.words.startswith("step"))
        pid = kill_worker(running)
        listener.wait_for(JobDone, job_id)
        assert running.status()["worker_pid"] not in (0, pid)
        listener.client.collect(job_id, None)
        assert len(listener.wait_for(Collected, job_id).result.frames) == 4


def test_an_idle_worker_that_died_is_replaced(tmp_path):
    with server(tmp_path) as running, client(running.info) as listener:
        pid = kill_worker(running)
        wait_until(lambda: running.status()["worker_pid"] != pid, "the news of the worker's death")
        listener.wait_for(JobDone, listener.client.submit(job()))


def test_jobs_survive_the_death_of_the_server_and_are_collected_by_the_same_client(tmp_path):
    first = ServerProcess(tmp_path / "home")
    try:
        with client(first.info) as listener:
            running, waiting = listener.client.submit(job(150, 10)), listener.client.submit(job())
            listener.wait_for(JobAccepted, waiting)
            listener.wait_for(JobProgress, running, lambda event: event.words.startswith("step"))
            worker = first.status()["worker_pid"]
            first.kill()
            listener.wait_for(Disconnected)
            wait_until(lambda: not is_alive(worker), "the end of the orphaned worker")
            during = listener.client.submit(job())
            with server(tmp_path / "home") as second:
                assert second.info.start_id != first.info.start_id
                listener.wait_for(Connected, where=lambda _event: True)
                for job_id in (running, waiting, during):
                    listener.wait_for(JobDone, job_id)
                    listener.client.collect(job_id, tmp_path / job_id)
                    assert len(listener.wait_for(Collected, job_id).files) == 4
    finally:
        first.end()


def test_a_result_written_before_the_death_of_the_server_is_not_made_again(tmp_path):
    with server(tmp_path) as running, client(running.info) as listener:
        job_id = listener.client.submit(job())
        listener.wait_for(JobDone, job_id)
        running.kill()
    with sqlite3.connect(paths.ledger_file(tmp_path)) as ledger:
        ledger.execute("update jobs set state = 'running'")
    ledger.close()
    (tmp_path / "jobs" / job_id / "result.bin.x.part").write_bytes(b"half")
    with server(tmp_path) as running, client(running.info) as listener:
        listener.client.collect(job_id, None)
        listener.wait_for(Collected, job_id)
        assert running.job_files(job_id) == ["result.bin"]


def test_strangers_are_not_heard_and_the_server_lives(tmp_path):
    draw = np.random.default_rng(0)
    with server(tmp_path) as running:
        context = zmq.Context()
        try:
            for port in (running.info.request_port, running.info.control_port):
                dealer = context.socket(zmq.DEALER)
                dealer.linger = 1000
                dealer.connect(running.info.address(port))
                for count in range(1, 20):
                    dealer.send_multipart([draw.bytes(int(draw.integers(0, 500))) for _ in range(count)])
                dealer.send_multipart(pack(Message(Type.STOP), b"wrong key"))
                good = pack(Message(Type.PING), running.info.secret)
                dealer.send_multipart(good)
                dealer.send_multipart(good)
                answered = dealer.poll(5000) and dealer.recv_multipart()
                assert answered and unpack(answered, running.info.secret, ReplayGuard()).parent
                assert not dealer.poll(200), "a replayed message was answered"
                dealer.close()
                with socket.create_connection((running.info.host, port)) as raw:
                    raw.sendall(draw.bytes(4000))
        finally:
            context.term()
        assert running.status()["pid"] == running.process.pid
        log = (paths.logs_folder(tmp_path) / "server.log").read_text()
        assert "wrong signature" in log and "second time" in log


def test_an_extension_of_another_version_is_told_what_to_do(tmp_path, monkeypatch):
    with server(tmp_path) as running:
        context = zmq.Context()
        with context.socket(zmq.DEALER) as dealer:
            dealer.linger = 0
            dealer.connect(running.info.address(running.info.request_port))
            dealer.send_multipart(pack(replace(Message(Type.HELLO), version=99), running.info.secret))
            assert dealer.poll(5000)
            answer = unpack(dealer.recv_multipart(), running.info.secret, ReplayGuard())
            assert answer.type == Type.REFUSED and "version 99" in answer.fields["message"]
        context.term()
        # And the other way round: the client reads from the file that the backend is another one.
        write_connection(tmp_path / "other.json", replace(running.info, protocol=99))
        info = read_connection(tmp_path / "other.json")
        assert info is not None
        with client(info) as listener:
            assert "version 99" in listener.wait_for(Disconnected).why


def test_a_stale_connection_file_is_recognised_and_replaced(tmp_path):
    first = ServerProcess(tmp_path)
    first.kill()
    assert paths.connection_file(tmp_path).exists() and find_live(tmp_path) is None
    # Another program has taken the port meanwhile: it answers nothing that is signed.
    taken = socket.create_server((first.info.host, first.info.control_port))
    with taken, server(tmp_path) as second:
        assert find_live(tmp_path) == second.info


def test_the_client_waits_for_a_backend_to_come(tmp_path):
    first = ServerProcess(tmp_path)
    first.end()
    with client(first.info) as listener:
        assert "start it" in listener.wait_for(Disconnected).why
        job_id = listener.client.submit(job())
        with server(tmp_path):
            listener.wait_for(JobDone, job_id)


def test_it_ends_itself_when_idle_and_only_then(tmp_path):
    with server(tmp_path, "--idle-minutes", "0.02") as running, client(running.info) as listener:
        job_id = listener.client.submit(job(200, 10))
        listener.wait_for(JobDone, job_id)  # two seconds of work outlast the idle time of 1.2
        assert "idle" in listener.wait_for(Disconnected, where=lambda event: "idle" in event.why).why
        wait_until(lambda: running.process.poll() is not None, "the end of the idle server")
        assert running.process.returncode == 0 and not paths.connection_file(tmp_path).exists()


def test_a_full_disk_refuses_the_job_and_the_server_lives(tmp_path):
    small = job(frames=100)
    large = replace(small, file=np.zeros(3 << 20, np.uint8))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with server(tmp_path) as running, client(running.info) as listener:
        # The files of the server may not grow beyond 1 MB: writing fails as it does on a full disk.
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (1 << 20, before[1]))
        job_id = listener.client.submit(large)
        assert "is full" in listener.wait_for(Refused, job_id).message
        assert running.job_files(job_id) == []
        listener.wait_for(JobDone, listener.client.submit(small))


def test_the_launcher_starts_one_joins_it_and_stops_it(tmp_path):
    python = Path(sys.executable)
    info = join_or_start(python, ROOT, tmp_path, 5.0)
    try:
        assert info.version == protocol.VERSION and join_or_start(python, ROOT, tmp_path, 5.0) == info
        with client(info) as listener:
            listener.wait_for(Connected)
        # A copy of another version that has nothing to do gives way.
        write_connection(paths.connection_file(tmp_path), replace(info, source="older"))
        newer = join_or_start(python, ROOT, tmp_path, 5.0)
        assert newer.start_id != info.start_id
        info = newer
    finally:
        stop_backend(info)
    assert find_live(tmp_path) is None


def test_a_full_disk_under_the_worker_fails_the_job_and_the_worker_lives(tmp_path):
    with server(tmp_path) as running, client(running.info) as listener:
        pid = wait_until(lambda: running.status()["worker_pid"], "the worker")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1 << 20, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        job_id = listener.client.submit(job(frames=20_000))
        assert "is full" in listener.wait_for(JobFailed, job_id).message
        wait_until(lambda: running.job_files(job_id) == [], "the removal of partial files")
        listener.wait_for(JobDone, listener.client.submit(job()))
        assert running.status()["worker_pid"] == pid


def test_a_connection_file_that_others_can_read_is_not_used(tmp_path):
    with server(tmp_path) as running:
        paths.connection_file(tmp_path).chmod(0o644)
        assert find_live(tmp_path) is None
        with pytest.raises(WireError, match="read by other users"):
            join_or_start(Path(sys.executable), ROOT, tmp_path, 5.0)
        with client(running.info) as listener:
            assert "read by other users" in listener.wait_for(Disconnected).why


def test_a_backend_that_cannot_start_says_why(tmp_path):
    with pytest.raises(WireError, match="cannot be started"):
        join_or_start(tmp_path / "no-python", ROOT, tmp_path, 5.0)
    source = tmp_path / "source" / "backend"
    source.mkdir(parents=True)
    (source / "__main__.py").write_text("raise SystemExit('torch is missing')")
    with pytest.raises(WireError, match="torch is missing"):
        join_or_start(Path(sys.executable), tmp_path / "source", tmp_path, 5.0)


def test_the_pause_between_attempts_is_bounded():
    assert client_loop.FIRST_PAUSE_SECONDS < protocol.LONGEST_PAUSE_SECONDS == 32.0
