"""One question on the control socket and its answer, for whoever holds no client: the launcher and the command line."""

import socket
import time
from collections.abc import Mapping
from typing import Any

import zmq

from .connection import ConnectionInfo
from .errors import WireError
from .framing import Message, pack, unpack
from .protocol import Type
from .replay import ReplayGuard


def ask(info: ConnectionInfo, question: Type, fields: Mapping[str, Any] | None = None, *, seconds: float = 3.0) -> Message | None:
    """The server's answer, None when it does not come in time; blocks that long at most."""
    message = Message(question, fields or {})
    guard = ReplayGuard()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        with context.socket(zmq.DEALER) as dealer:
            dealer.linger = 0
            dealer.connect(info.address(info.control_port))
            dealer.send_multipart(pack(message, info.secret))
            return _answer_to(message, dealer, info, guard, time.monotonic() + seconds)
    finally:
        context.term()


def _answer_to(message: Message, dealer: zmq.Socket[bytes], info: ConnectionInfo, guard: ReplayGuard, deadline: float) -> Message | None:
    while (left := deadline - time.monotonic()) > 0:
        if not dealer.poll(int(left * 1000) + 1):
            continue
        try:
            answer = unpack(dealer.recv_multipart(), info.secret, guard)
        except WireError:
            continue  # another program took the port: whatever it says is not an answer
        if answer.parent == message.message_id:
            return answer
    return None


def is_live(info: ConnectionInfo, *, seconds: float = 3.0) -> bool:
    """True when the very server of this connection file answers.

    A dead one's port is closed, or belongs to a program without the key by now; process ids prove neither.
    """
    if not port_is_open(info.host, info.control_port):
        return False
    answer = ask(info, Type.PING, seconds=seconds)
    return answer is not None and answer.type == Type.PONG and answer.fields.get("start_id") == info.start_id


def port_is_open(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1.0).close()
    except OSError:
        return False
    return True
