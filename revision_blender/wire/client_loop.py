"""The client's thread: keeps a session with the server alive and turns commands into messages and messages into events."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import zmq

from . import protocol
from .codec import Content, content_from, content_of_request
from .collect import deliver
from .connection import ConnectionInfo, file_identity, read_again
from .errors import WireError
from .events import Connected, Disconnected, JobPreview, JobProgress, JobsListed, Refused
from .framing import Message
from .job_states import JobStates
from .mailbox import Cancel, Close, Collect, Command, Commands, Events, ListJobs, Submit
from .parsing import engines_in, frames_in, jobs_in, number_in, text_in
from .protocol import Type
from .session import Session

FIRST_PAUSE_SECONDS = 0.5
WELCOME_SECONDS = 5.0
ANSWER_SECONDS = 60.0  # unanswered that long, a message is sent again: every one of them may come twice


@dataclass
class _Pending:
    """A message without an answer yet, and the command behind it (None: our own question)."""

    message: Message
    command: Command | None
    sent: float = float("-inf")


class ClientLoop:
    """All state of the client's thread."""

    def __init__(self, connection: ConnectionInfo, commands: Commands, events: Events) -> None:
        self._connection, self._commands, self._events = connection, commands, events
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._collector = ThreadPoolExecutor(1, "revision-collect")
        self._states = JobStates(events.put)
        self._pending: dict[str, _Pending] = {}
        self._session: Session | None = None
        self._pause, self._next_try = FIRST_PAUSE_SECONDS, 0.0
        self._tried_file: object = None
        self._told_why = ""
        self._closing = False
        self._on: dict[Type, Callable[[Message], None]] = {
            Type.WELCOME: self._on_welcome, Type.ENGINES: self._on_engines, Type.ACCEPTED: self._on_accepted,
            Type.REFUSED: self._on_refused, Type.JOB_LIST: self._on_job_list, Type.RESULT: self._on_result,
            Type.CANCEL_NOTED: self._on_state, Type.STATE: self._on_state, Type.PROGRESS: self._on_progress,
            Type.PREVIEW: self._on_preview, Type.HEARTBEAT: self._on_heartbeat, Type.ENDING: self._on_ending,
        }  # fmt: skip

    def run(self) -> None:
        try:
            while not self._closing:
                self._connect_when_due()
                self._wait()
                self._hear()
                for command in self._commands.take():
                    self._obey(command)
                self._notice_silence()
                self._send_what_is_due()
        except Exception as error:
            self._events.put(
                Disconnected(
                    f"The connection ended with an error of its own ({type(error).__name__}: {error}). Stop and start the backend."
                )
            )
            raise
        finally:
            self._drop_session()
            self._collector.shutdown(wait=True, cancel_futures=True)
            self._context.term()

    # --- connecting

    def _connect_when_due(self) -> None:
        """Tries again after the pause, or at once when the connection file is another one than at the last try."""
        if self._session is not None:
            return
        file_now = file_identity(self._connection.file)
        if time.monotonic() < self._next_try and file_now == self._tried_file:
            return
        self._tried_file = file_now
        try:
            self._connection = read_again(self._connection)
            self._session = Session(self._context, self._connection)
            self._session.send(Message(Type.HELLO, {"version": protocol.VERSION}))
        except WireError as error:
            self._lose(str(error))

    def _lose(self, why: str) -> None:
        """No session: tells why, once, and doubles the pause."""
        self._drop_session()
        self._next_try = time.monotonic() + self._pause
        self._pause = min(2.0 * self._pause, protocol.LONGEST_PAUSE_SECONDS)
        if why != self._told_why:
            self._told_why = why
            self._events.put(Disconnected(why))

    def _drop_session(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
        for pending in self._pending.values():
            pending.sent = float("-inf")

    def _notice_silence(self) -> None:
        if self._session is None:
            return
        allowed = protocol.HEARTBEAT_SECONDS * (protocol.MISSES_UNTIL_DEAD + 0.5) if self._session.welcomed else WELCOME_SECONDS
        if not self._session.welcomed and file_identity(self._connection.file) != self._tried_file:
            self._drop_session()  # a backend was started while we were calling the one before it
        elif self._session.silence > allowed:
            self._lose("The backend does not answer; trying again. If it stays away, start it again: its jobs are kept.")

    # --- waiting and hearing

    def _wait(self) -> None:
        poller = zmq.Poller()
        poller.register(self._commands.wake, zmq.POLLIN)
        for socket in self._session.sockets if self._session else ():
            poller.register(socket, zmq.POLLIN)
        poller.poll(250)

    def _hear(self) -> None:
        """Handles everything that has arrived; a message that is not the server's is dropped."""
        while (session := self._session) is not None:
            try:
                for message in session.received():
                    self._handle(message)
                    if self._session is not session:
                        break
                else:
                    return
            except WireError:
                continue  # a foreign or damaged message: what was lost with it is asked for again

    def _handle(self, message: Message) -> None:
        if message.version != protocol.PROTOCOL:
            self._lose(protocol.version_sentence(message.version, side="backend"))
        elif message.type in self._on:
            self._on[message.type](message)

    # --- commands

    def _obey(self, command: Command) -> None:
        match command:
            case Submit(job_id, request):
                try:
                    content = content_of_request(request)
                except WireError as error:
                    self._events.put(Refused(job_id, str(error)))
                    return
                self._states.watch(job_id)
                self._ask(Message(Type.SUBMIT, {"job_id": job_id, **_header(content)}, content.arrays), command)
            case Cancel(job_id):
                self._ask(Message(Type.CANCEL, {"job_id": job_id}), command)
            case ListJobs():
                self._ask(Message(Type.JOBS), command)
            case Collect(job_id, _):
                self._ask(Message(Type.FETCH, {"job_id": job_id}), command)
            case Close():
                self._closing = True

    def _ask(self, message: Message, command: Command | None) -> None:
        self._pending[message.message_id] = _Pending(message, command)

    def _send_what_is_due(self) -> None:
        if self._session is None or not self._session.welcomed:
            return
        for message_id, pending in list(self._pending.items()):
            if time.monotonic() - pending.sent < ANSWER_SECONDS:
                continue
            try:
                self._session.send(pending.message)
                pending.sent = time.monotonic()
            except zmq.Again:
                return  # the queue is full: later
            except WireError as error:
                del self._pending[message_id]
                self._events.put(Refused(getattr(pending.command, "job_id", ""), str(error)))

    # --- messages

    def _on_welcome(self, message: Message) -> None:
        assert self._session is not None
        self._session.welcomed = True
        self._states.new_session()
        self._pause, self._told_why = FIRST_PAUSE_SECONDS, ""
        self._events.put(Connected(text_in(message, "version"), engines_in(message)))
        self._ask(Message(Type.JOBS), None)

    def _on_engines(self, message: Message) -> None:
        if self._session is not None and self._session.welcomed:
            self._events.put(Connected(text_in(message, "version"), engines_in(message)))

    def _on_accepted(self, message: Message) -> None:
        if self._pending.pop(message.parent, None) is not None:
            self._states.accepted(text_in(message, "job_id"))
            self._on_state(message)

    def _on_refused(self, message: Message) -> None:
        pending = self._pending.pop(message.parent, None)
        if pending is not None:
            self._states.forget_submitted(pending.command)
            job_id = text_in(message, "job_id") or getattr(pending.command, "job_id", "")
            self._events.put(Refused(job_id, text_in(message, "message")))
        elif self._session is not None and not self._session.welcomed:
            self._lose(text_in(message, "message"))

    def _on_job_list(self, message: Message) -> None:
        pending = self._pending.pop(message.parent, None)
        jobs = jobs_in(message)
        self._states.sync(jobs, int(number_in(message, "change")))
        if pending is not None and pending.command is not None:
            self._events.put(JobsListed(jobs))

    def _on_result(self, message: Message) -> None:
        pending = self._pending.pop(message.parent, None)
        if pending is not None and isinstance(pending.command, Collect):
            content, wanted = content_from(message.fields, message.arrays), pending.command
            self._collector.submit(deliver, wanted.job_id, content, wanted.folder, self._events.put)

    def _on_state(self, message: Message) -> None:
        if message.type == Type.CANCEL_NOTED:
            self._pending.pop(message.parent, None)
        self._states.hear(
            text_in(message, "job_id"), text_in(message, "state"), text_in(message, "message"), int(number_in(message, "change"))
        )

    def _on_progress(self, message: Message) -> None:
        left = number_in(message, "seconds_left") if message.fields.get("seconds_left") is not None else None
        self._events.put(JobProgress(text_in(message, "job_id"), number_in(message, "fraction"), text_in(message, "words"), left))

    def _on_preview(self, message: Message) -> None:
        self._events.put(JobPreview(text_in(message, "job_id"), frames_in(message, "frames")))

    def _on_heartbeat(self, message: Message) -> None:
        """An event may be lost (a subscription that came late, a full queue): the ledger's number of changes tells."""
        asked = any(pending.message.type == Type.JOBS for pending in self._pending.values())
        if self._session is not None and self._session.welcomed and not asked and self._states.missed(int(number_in(message, "change"))):
            self._ask(Message(Type.JOBS), None)

    def _on_ending(self, message: Message) -> None:
        self._lose(text_in(message, "why"))


def _header(content: Content) -> dict[str, object]:
    return {"kind": content.kind, "values": dict(content.values)}
