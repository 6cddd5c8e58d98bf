"""A mistake of our own ends in a sentence, never in a server that only looks alive."""

import queue
import threading

import pytest

from backend.server.board import Board
from backend.server.desk import Desk
from backend.server.ledger import Ledger
from backend.server.server import ServeOptions, Server
from revision_blender.wire import protocol
from revision_blender.wire.events import Disconnected
from revision_blender.wire.framing import Message
from revision_blender.wire.mailbox import Commands, Events, ListJobs
from revision_blender.wire.protocol import Type
from tests.backend.server_harness import PATIENCE


class _Told:
    """In the place of the publisher and of the supervisor: takes what they are told."""

    def tell(self, event, fields):
        pass

    def wake(self):
        pass


def test_an_unexpected_error_refuses_one_message(tmp_path, monkeypatch):
    ledger = Ledger(tmp_path / "jobs.sqlite")
    desk = Desk("start", ledger, Board(), _Told(), _Told(), tmp_path, lambda _why: None)
    monkeypatch.setattr(ledger, "snapshot", lambda: 1 / 0)
    answer = desk.answer(Message(Type.JOBS), protocol.FOR_REQUESTS)
    ledger.close()
    assert answer.type == Type.REFUSED and "ZeroDivisionError" in answer.fields["message"]


def test_a_thread_that_dies_ends_the_server(tmp_path, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)  # put back afterwards: the server sets its own
    monkeypatch.setattr("backend.server.supervisor.Supervisor._turn", lambda self: 1 / 0)
    Server(ServeOptions(tmp_path, idle_minutes=0.0)).run()
    assert "ZeroDivisionError" in (tmp_path / "logs" / "server.log").read_text() and not (tmp_path / "connection.json").exists()


def test_the_client_says_when_its_own_thread_ends(monkeypatch):
    from revision_blender.wire import client_loop

    ended: queue.SimpleQueue[object] = queue.SimpleQueue()
    monkeypatch.setattr(threading, "excepthook", lambda crash: ended.put(crash.exc_type))
    monkeypatch.setattr(client_loop.ClientLoop, "_connect_when_due", lambda self: None)
    monkeypatch.setattr(client_loop.ClientLoop, "_obey", lambda self, command: 1 / 0)
    commands, events = Commands(), Events()
    commands.put(ListJobs())
    thread = threading.Thread(target=client_loop.ClientLoop(None, commands, events).run)
    thread.start()
    thread.join(PATIENCE)
    commands.close()
    told = events.take(9)
    assert ended.get(timeout=1) is ZeroDivisionError and len(told) == 1 and isinstance(told[0], Disconnected)
    with pytest.raises(queue.Empty):
        ended.get_nowait()
