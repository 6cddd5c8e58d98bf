"""A clip of 25 frames of 1024 x 576 over the wire, both ways, through a real server process. Bar: 50 ms one way.

One JSON line: ``raw_ms`` is bare pyzmq moving the same frames in the same run, without signature, check or array;
``to_backend_ms`` and ``from_backend_ms`` are medians of the transfer alone (sign, send, receive, check and
assemble, in another process), measured by an echo of the arrays' arrival; ``accepted_ms`` and ``collected_ms`` are what a
user of the real server sees, with the durable write of the request and the read of the result in between.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import zmq
from numpy.typing import NDArray

from backend.server.job_file import write_content
from revision_blender.wire import codec, paths
from revision_blender.wire.events import Collected, JobAccepted, JobDone
from revision_blender.wire.framing import Message, pack, unpack
from revision_blender.wire.protocol import Type
from revision_blender.wire.replay import ReplayGuard
from revision_blender.wire.requests import LiftRequest, VideoResult
from tests.backend.server_harness import client, job, server

BAR_MS = 50.0
KEY = b"benchmark" * 4
ROUNDS = 15


def _peer(port: int) -> None:
    """The other process: answers a clip with its arrival time, and a question with a clip."""
    frames, guard = _frames(), ReplayGuard()
    context: zmq.Context[Any] = zmq.Context()
    with context.socket(zmq.DEALER) as socket:
        socket.linger = 1000
        socket.connect(f"tcp://127.0.0.1:{port}")
        socket.send_multipart(pack(Message(Type.HELLO), KEY))
        while _answer_one(socket, frames, guard):
            pass
    context.term()


def _answer_one(socket: zmq.Socket[Any], frames: NDArray[np.uint8], guard: ReplayGuard) -> bool:
    """A function of its own, so that memory is given back between two messages, as in the server."""
    parts = socket.recv_multipart(copy=False)
    if len(parts) == len(frames):
        socket.send(repr(time.monotonic()).encode())
        return True
    message = unpack(parts, KEY, guard)
    if message.type == Type.SUBMIT:
        codec.request_from(codec.content_from(message.fields, message.arrays))
        socket.send_multipart(pack(Message(Type.ACCEPTED, {"arrived": time.monotonic()}), KEY))
    elif message.type == Type.FETCH:
        started = time.monotonic()
        content = codec.content_of_result("fine", VideoResult(frames, 12.0))
        reply = Message(Type.RESULT, {"kind": "fine", "values": dict(content.values), "started": started}, content.arrays)
        socket.send_multipart(pack(reply, KEY), copy=False)
    return message.type != Type.STOP


def _frames() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (25, 576, 1024, 3), np.uint8)


def transfer() -> tuple[list[float], list[float], list[float]]:
    """Milliseconds of bare frames, and of each way, in rounds; both processes read one monotonic clock."""
    frames, raw, to_backend, from_backend = _frames(), [], [], []
    context: zmq.Context[Any] = zmq.Context()
    guard = ReplayGuard()
    with context.socket(zmq.DEALER) as socket:
        socket.linger = 0
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        peer = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.bench_wire", "--peer", str(port)], cwd=Path(__file__).parents[2])
        unpack(socket.recv_multipart(), KEY, guard)
        for _ in range(ROUNDS):
            raw.append(_raw(socket, frames))
            to_backend.append(_there(socket, frames, guard))
            from_backend.append(_back(socket, guard))
        socket.send_multipart(pack(Message(Type.STOP), KEY))
        peer.wait(30)
    context.term()
    return raw, to_backend, from_backend


def _raw(socket: zmq.Socket[Any], frames: NDArray[np.uint8]) -> float:
    start = time.monotonic()
    socket.send_multipart([frame.reshape(-1).data for frame in frames], copy=False)
    return 1000 * (float(socket.recv()) - start)


def _there(socket: zmq.Socket[Any], frames: NDArray[np.uint8], guard: ReplayGuard) -> float:
    start = time.monotonic()
    content = codec.content_of_request(LiftRequest(frames))
    message = Message(Type.SUBMIT, {"kind": "lift", "values": dict(content.values)}, content.arrays)
    socket.send_multipart(pack(message, KEY), copy=False)
    return 1000 * (unpack(socket.recv_multipart(), KEY, guard).fields["arrived"] - start)


def _back(socket: zmq.Socket[Any], guard: ReplayGuard) -> float:
    socket.send_multipart(pack(Message(Type.FETCH), KEY))
    reply = unpack(socket.recv_multipart(copy=False), KEY, guard)
    codec.result_from(codec.content_from(reply.fields, reply.arrays))
    return 1000 * (time.monotonic() - reply.fields["started"])


def through_the_server() -> tuple[float, float]:
    """Milliseconds until a clip is accepted (on disk, synced) and until a finished one is collected, in the real server."""
    request = LiftRequest(_frames())
    with tempfile.TemporaryDirectory() as home, server(Path(home)) as running, client(running.info) as listener:
        done = listener.client.submit(job())
        listener.wait_for(JobDone, done)
        content = codec.content_of_result("decode", VideoResult(request.frames, 12.0))
        write_content(paths.jobs_folder(Path(home)) / done / "result.bin", content)
        accepted, collected = [], []
        for _ in range(5):
            accepted.append(_timed(lambda: listener.wait_for(JobAccepted, listener.client.submit(request))))
            collected.append(_timed(lambda: (listener.client.collect(done, None), listener.wait_for(Collected, done))))
        return statistics.median(accepted), statistics.median(collected)


def _timed(action: Callable[[], object]) -> float:
    start = time.monotonic()
    action()
    return 1000 * (time.monotonic() - start)


def main() -> None:
    raw, to_backend, from_backend = transfer()
    accepted, collected = through_the_server()
    figures = {
        "name": "wire",
        "megabytes": round(_frames().nbytes / 1e6, 1),
        "raw_ms": round(statistics.median(raw), 1),
        "to_backend_ms": round(statistics.median(to_backend), 1),
        "from_backend_ms": round(statistics.median(from_backend), 1),
        "best_ms": [round(min(to_backend), 1), round(min(from_backend), 1)],
        "accepted_ms": round(accepted, 1),
        "collected_ms": round(collected, 1),
        "bar_ms": BAR_MS,
        "ratio_to_raw": round(statistics.median(to_backend) / statistics.median(raw), 2),
    }
    print(json.dumps({**figures, "met": max(figures["to_backend_ms"], figures["from_backend_ms"]) <= BAR_MS}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peer"]:
        _peer(int(sys.argv[2]))
    else:
        main()
