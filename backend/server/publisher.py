"""The event socket: whatever happens goes out to everyone who listens, and a heartbeat every second."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import zmq

from revision_blender.wire.errors import WireError
from revision_blender.wire.framing import Arrays, Message, pack
from revision_blender.wire.protocol import HEARTBEAT_SECONDS, Type

log = logging.getLogger("revision.server")


class Publisher(threading.Thread):
    """Owns the PUB socket; any thread tells. change: asked for the ledger's number of changes at each heartbeat."""

    def __init__(self, socket: zmq.Socket[bytes], key: bytes, change: Callable[[], int]) -> None:
        super().__init__(name="events", daemon=True)
        self._socket, self._key, self._change = socket, key, change
        self._queue: queue.SimpleQueue[Message | None] = queue.SimpleQueue()

    def tell(self, event: Type, fields: Mapping[str, Any], arrays: Arrays | None = None) -> None:
        self._queue.put(Message(event, fields, arrays or {}))

    def run(self) -> None:
        next_beat = time.monotonic()
        while True:
            try:
                message = self._queue.get(timeout=max(next_beat - time.monotonic(), 0.0))
            except queue.Empty:
                message = Message(Type.HEARTBEAT, {"change": self._change()})
                next_beat = time.monotonic() + HEARTBEAT_SECONDS
            if message is None:
                return
            try:
                self._socket.send_multipart(pack(message, self._key))
            except WireError:
                log.exception("An event could not be sent; clients find its change by asking.")

    def end(self) -> None:
        """What was told before still goes out; waits for the thread."""
        self._queue.put(None)
        self.join()
        self._socket.close(linger=500)
