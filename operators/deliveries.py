"""Finished results in line to enter the scene: at a safe moment, in small steps, one undo step each."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..revision_blender.wire.events import Collected
from . import handover
from .moments import why_not_now
from .tickets import Ticket

_NOT_FOR_THE_SCENE = frozenset({"model"})  # results that need no safe moment and leave nothing to undo
_LONGER = {"import": 0.02}  # seconds more a step for what the user waits for with the mouse in hand


@dataclass
class Delivery:
    """A result on its way into the scene. folder: where its files are. steps: None until it may begin. over: all done but the undo step."""

    ticket: Ticket
    collected: Collected
    folder: Path
    steps: Iterator[str] | None = None
    over: bool = False


class Deliveries:
    """ended: called with the ticket, its last status and a message, when a delivery is over."""

    def __init__(self, ended: Callable[[Ticket, str, str], None]) -> None:
        self._ended = ended
        self._queue: deque[Delivery] = deque()

    @property
    def waiting(self) -> bool:
        return bool(self._queue)

    @property
    def placing(self) -> bool:
        """One is in the middle of entering the scene."""
        return bool(self._queue) and self._queue[0].steps is not None

    def holds(self, job_id: str) -> bool:
        return any(queued.ticket.job_id == job_id for queued in self._queue)

    def add(self, delivery: Delivery) -> None:
        self._queue.append(delivery)

    def drop(self, job_id: str) -> None:
        """Only one that has not begun, half a result would stay behind; an import takes back what it has made."""
        for delivery in [queued for queued in self._queue if queued.ticket.job_id == job_id]:
            if delivery.steps is None or (delivery.ticket.kind == "import" and not delivery.over):
                self._queue.remove(delivery)
                if delivery.steps is not None:
                    delivery.steps.close()  # type: ignore[attr-defined]

    def begin_anew(self) -> None:
        """After an undo: what the first one had made is gone, and there is nothing left that it could take back."""
        if not self._queue:
            return
        self._queue[0].over = False
        steps, self._queue[0].steps = self._queue[0].steps, None
        if steps is not None:
            with suppress(ReferenceError):
                steps.close()  # type: ignore[attr-defined]

    def forget(self) -> None:
        self.begin_anew()
        self._queue.clear()

    def step(self, deadline: float) -> bool:
        """Goes on with the first until ``deadline`` (of ``time.perf_counter``); True when there is something new to show."""
        if not self._queue:
            return False
        delivery = self._queue[0]
        ticket, scene = delivery.ticket, delivery.ticket.scene()
        before = (ticket.words, ticket.status)
        if scene is None:
            self._queue.popleft()
            self._ended(ticket, "FAILED", "Its scene was deleted; nothing was changed.")
            return True
        deadline += _LONGER.get(ticket.kind, 0.0)
        ticket.words = _why_not_now(ticket) or self._advance(delivery, scene, deadline)
        return (ticket.words, ticket.status) != before

    def _advance(self, delivery: Delivery, scene: bpy.types.Scene, deadline: float) -> str:
        ticket = delivery.ticket
        if delivery.over:  # a step of its own: Blender writes the whole scene down
            self._queue.popleft()
            self._ended(ticket, "DONE", handover.remark(ticket, delivery.collected))
            if ticket.kind not in _NOT_FOR_THE_SCENE:
                handover.remember_for_undo(f"ReVision: {ticket.title}")
            return ""
        if delivery.steps is None:
            nothing = ticket.kind in _NOT_FOR_THE_SCENE
            delivery.steps = _no_steps() if nothing else handover.steps(scene, ticket, delivery.collected, delivery.folder)
        try:
            while True:
                words = next(delivery.steps)
                if time.perf_counter() >= deadline:
                    return words
        except StopIteration:
            delivery.over = True
            return "putting the result into the scene"
        except Exception as error:  # whatever went wrong is the job's end, in words, and not the pump's
            self._queue.popleft()
            self._ended(ticket, "FAILED", handover.words_of(error))
        return ""


def _no_steps() -> Iterator[str]:
    yield from ()


def _why_not_now(ticket: Ticket) -> str:
    return "" if ticket.kind in _NOT_FOR_THE_SCENE else why_not_now(makes_rigs=ticket.kind in ("lift", "import"))
