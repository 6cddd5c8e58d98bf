"""The server's sockets: bound to loopback only, on ports that the system chooses unless told otherwise."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import zmq

from backend.errors import BackendError
from revision_blender.wire import protocol
from revision_blender.wire.connection import LOOPBACK
from revision_blender.wire.errors import WireError
from revision_blender.wire.framing import Message, pack, unpack
from revision_blender.wire.protocol import Type
from revision_blender.wire.replay import ReplayGuard

log = logging.getLogger("revision.server")
Socket = zmq.Socket[Any]
MOST_EVENTS_WAITING = 256  # for a listener that hangs; what it misses beyond, it finds by asking
Answer = Callable[[Message, frozenset[Type]], Message]


@dataclass(frozen=True)
class Sockets:
    requests: Socket
    control: Socket
    events: Socket


def bind_sockets(context: zmq.Context[Any], host: str, first_port: int) -> Sockets:
    """Binds all three. first_port: the first of three in a row, 0 for any. Raises BackendError with a sentence."""
    if host != LOOPBACK:
        raise BackendError(
            f"The backend is not opened to the network: {host!r} was asked for, and only {LOOPBACK} is possible. "
            "To use it from another machine, forward its ports through SSH."
        )
    kinds = (zmq.ROUTER, zmq.ROUTER, zmq.PUB)
    return Sockets(*(_bound(context, kind, host, first_port + index if first_port else 0) for index, kind in enumerate(kinds)))


def _bound(context: zmq.Context[Any], kind: int, host: str, port: int) -> Socket:
    socket = context.socket(kind)
    socket.linger = 0
    socket.maxmsgsize = protocol.MAX_PART_BYTES
    if kind == zmq.PUB:
        socket.sndhwm = MOST_EVENTS_WAITING
    try:
        socket.bind(f"tcp://{host}:{port or '*'}")
    except (zmq.ZMQError, OverflowError) as error:
        socket.close()
        raise BackendError(
            f"Port {port} cannot be used ({error}): another program may have it. Choose another --port, or none to let the system choose."
        ) from error
    return socket


def port_of(socket: Socket) -> int:
    return int(socket.get_string(zmq.LAST_ENDPOINT).rpartition(":")[2])


def serve_one(socket: Socket, key: bytes, guard: ReplayGuard, answer: Answer, allowed: frozenset[Type]) -> None:
    """Receives one message, which must be waiting, and answers it. What is not ours is dropped and logged."""
    sender, *parts = socket.recv_multipart(copy=False)
    try:
        message = unpack(parts, key, guard)
    except WireError as error:
        log.warning("%s", error)
        return
    reply = answer(message, allowed)
    try:
        packed = pack(reply, key)
    except WireError as error:
        packed = pack(Message(Type.REFUSED, {"job_id": "", "message": str(error)}, parent=message.message_id), key)
    socket.send_multipart([sender.bytes, *packed], copy=False)
