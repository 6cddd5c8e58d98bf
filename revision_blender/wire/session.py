"""The client's three sockets to one running server: requests, control, events."""

import time
from collections.abc import Iterator
from typing import Any

import zmq

from . import protocol
from .connection import ConnectionInfo
from .framing import Message, pack, unpack
from .replay import ReplayGuard

Socket = zmq.Socket[Any]


class Session:
    """Owned by one thread. Silence is measured from the last sound of the server, whatever it was."""

    def __init__(self, context: zmq.Context[Any], info: ConnectionInfo) -> None:
        self.info = info
        self.welcomed = False
        self._guard = ReplayGuard()
        self._requests = self._open(context, zmq.DEALER, info.request_port)
        self._control = self._open(context, zmq.DEALER, info.control_port)
        self._events = self._open(context, zmq.SUB, info.event_port)
        self._events.subscribe(b"")
        self._last_heard = time.monotonic()

    def _open(self, context: zmq.Context[Any], kind: int, port: int) -> Socket:
        socket = context.socket(kind)
        socket.linger = 0  # else the host program hangs at its end
        socket.maxmsgsize = protocol.MAX_PART_BYTES
        socket.connect(self.info.address(port))
        return socket

    @property
    def sockets(self) -> tuple[Socket, Socket, Socket]:
        return self._requests, self._control, self._events

    def send(self, message: Message) -> None:
        """Never waits: raises zmq.Again when the queue to the server is full."""
        socket = self._control if message.type in protocol.FOR_CONTROL else self._requests
        socket.send_multipart(pack(message, self.info.secret), zmq.NOBLOCK, copy=False)

    def received(self) -> Iterator[Message]:
        """The messages that have arrived, one at a time; raises WireError for one that is not the server's."""
        for socket in self.sockets:
            while (parts := _arrived(socket)) is not None:
                message = unpack(parts, self.info.secret, self._guard)
                self._last_heard = time.monotonic()
                yield message

    @property
    def silence(self) -> float:
        """Seconds since the server was last heard."""
        return time.monotonic() - self._last_heard

    def close(self) -> None:
        for socket in self.sockets:
            socket.close()


def _arrived(socket: Socket) -> list[Any] | None:
    try:
        return socket.recv_multipart(zmq.NOBLOCK, copy=False)
    except zmq.Again:
        return None
