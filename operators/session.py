"""The session: every job from the button to the scene, and the only state that this Blender keeps beside its files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import bpy

from ..revision_blender.scene.migration import migrate_file
from ..revision_blender.wire.events import (
    Collected,
    Connected,
    Event,
    JobAccepted,
    JobCancelled,
    JobDone,
    JobFailed,
    JobPreview,
    JobProgress,
    JobsListed,
    JobSummary,
    Refused,
)
from ..revision_blender.wire.requests import Request, Result
from . import handover, settings
from .backend_link import BackendLink, State
from .chores import Chore
from .deliveries import Deliveries, Delivery
from .found import FoundLifts
from .model_watch import ModelWatch
from .outbox import Outbox
from .step_previews import StepPreviews
from .tickets import Ticket, drop_row, tickets_in_file, write_row
from .where import results_folder

_UNKNOWN = "The backend does not know this job: it never arrived there. Press the button again."


class Session:
    """changed: the panels have something new to show. trouble: the last thing that went wrong outside any job."""

    def __init__(self) -> None:
        self.link = BackendLink()
        self.models = ModelWatch(self.show_trouble)
        self.previews = StepPreviews()
        self.tickets: dict[str, Ticket] = {}
        self.changed = True
        self.trouble = ""
        self.file_is_new = True  # set by the load handler, heeded at the next step
        self.undone = False  # the same of the undo handler
        self._dismissed: set[str] = set()
        self._outbox = Outbox()
        self._own: set[str] = set()  # jobs that this Blender does itself; the backend knows nothing of them
        self._collecting: set[str] = set()
        self._chores: list[Chore] = []
        self._deliveries = Deliveries(self._end)
        self.found = FoundLifts()  # those that wait for the user's choice

    # What the panels and operators ask

    @property
    def placing(self) -> bool:
        """A result is entering the scene right now."""
        return self._deliveries.placing

    @property
    def busy(self) -> bool:
        starting = self.link.state is State.STARTING
        return starting or bool(self._chores or self._deliveries.waiting) or any(not ticket.ended for ticket in self.tickets.values())

    def why_no_backend(self) -> str:
        """Why no job can be given to a backend, in a sentence; empty when one can, or one can be started."""
        choice = settings.backend_choice()
        if self.link.usable or self.link.state is State.STARTING or self.link.python(choice.python, choice.home):
            return ""
        if choice.python:
            return f"The backend's Python {choice.python} is not there: correct it in the preferences"
        return "The backend's environment is missing: make it in the preferences"

    def job_of_take(self, take_id: str, kind: str) -> Ticket | None:
        """The unfinished job of that kind for the take."""
        return next((t for t in self.tickets.values() if t.take_id == take_id and t.kind == kind and not t.ended), None)

    def job_of_kind(self, scene: bpy.types.Scene, kind: str) -> Ticket | None:
        """The newest unfinished job of that kind in the scene."""
        uid = scene.session_uid
        return next((t for t in reversed(self.tickets.values()) if t.kind == kind and t.scene_uid == uid and not t.ended), None)

    # What the operators do

    def start_backend(self) -> None:
        """Joins or starts the backend off the main thread. Does nothing where it runs or cannot be started."""
        choice = settings.backend_choice()
        python = self.link.python(choice.python, choice.home)
        if python is not None:
            self.link.start(python, choice.home, choice.idle_minutes)
        self.changed = True

    def stop_backend(self) -> None:
        """Unfinished jobs go on when the backend is started again."""
        self.link.stop(settings.backend_choice().home)
        self._collecting.clear()
        for ticket in self.tickets.values():
            if not ticket.ended:
                ticket.words, ticket.seconds_left = "goes on when the backend is started", None
        self.changed = True

    def submit(self, ticket: Ticket, build: Callable[[], Request]) -> None:
        """Takes a job on. build: makes the request on a thread (it reads files); it must not touch bpy."""
        self._heed_new_file()
        self.tickets[ticket.job_id] = ticket
        ticket.words = "preparing"
        self._write(ticket)
        self._chore(build, lambda request: self._built(ticket, request), ticket)
        if self.link.client is None:
            self.start_backend()

    def cancel(self, job_id: str) -> None:
        ticket = self.tickets[job_id]
        unsent = not self._outbox.was_sent(job_id)
        self._outbox.drop(job_id)
        self._deliveries.drop(job_id)
        self.found.drop(job_id)
        if unsent or ticket.status == "PLACING" or self.link.client is None:
            self._end(ticket, "CANCELLED")
        if not unsent and self.link.client is not None:
            ticket.words = "cancelling"
            self.link.client.cancel(job_id)
        self.changed = True

    def fetch_again(self, job_id: str) -> None:
        """For a result that could not be placed: the backend keeps it, and the reason may be gone by now."""
        ticket = self.tickets[job_id]
        ticket.message, ticket.kept, ticket.words = "", False, "asking the backend about it"
        self._set(ticket, "RUNNING")
        if self.link.usable:
            self.link.client.list_jobs()  # type: ignore[union-attr]
        else:
            self.start_backend()

    def place_found(self, names: Sequence[str]) -> None:
        """The lift that waits for a choice comes into the scene with these tracks only. Raises RevisionError."""
        delivery = self.found.take(names)
        delivery.ticket.words = "in line for the scene"
        self._write(delivery.ticket)
        self._deliveries.add(delivery)

    def dismiss(self, job_id: str) -> None:
        ticket = self.tickets.pop(job_id)
        self._dismissed.add(job_id)
        scene = ticket.scene()
        if scene is not None:
            drop_row(scene, job_id)
        self.changed = True

    def begin_own(self, ticket: Ticket) -> None:
        """Work that this Blender does itself stands in the list like a job."""
        self._heed_new_file()
        self.tickets[ticket.job_id] = ticket
        self._own.add(ticket.job_id)
        self._set(ticket, "RUNNING")

    def end_own(self, ticket: Ticket, status: str, message: str = "") -> None:
        self._end(ticket, status, message)

    def take_result(self, ticket: Ticket, result: Callable[[], Result]) -> None:
        """A result that this Blender made itself goes the way of all others. result: finishes it on a thread, without bpy."""
        self.tickets[ticket.job_id] = ticket
        ticket.fraction, ticket.words = 1.0, "keeping the result"
        self._set(ticket, "PLACING")
        folder = self._folder(ticket)

        def write() -> Collected:
            return handover.write_files(Collected(ticket.job_id, ticket.kind, result(), ()), folder)

        self._chore(write, lambda files: self._queue(ticket, files, folder), ticket)

    def show_trouble(self, words: str) -> None:
        self.trouble, self.changed = words, True

    # The pump's side

    def step(self, deadline: float) -> None:
        """Handles what has come in until ``deadline`` (of ``time.perf_counter``); one thing at least."""
        self._heed_new_file()
        if self.undone:
            self._after_undo()
        events, news = self.link.poll()
        self.changed |= news or bool(events)
        for event in events:
            self._heed(event)
        for chore in [chore for chore in self._chores if chore.finished]:
            self._chores.remove(chore)
            chore.settle()
            self.changed = True
        if self.link.wants_restart() and any(not ticket.ended for ticket in self.tickets.values()):
            self.start_backend()
        self.changed |= self.models.settle()
        self.changed |= self.previews.moved_on()
        self.found.keep_listed()
        self.changed |= self._deliveries.step(deadline)

    def _heed_new_file(self) -> None:
        """A button may be pressed before the first step after a file was opened: what it starts belongs to the new file."""
        if self.file_is_new:
            self._file_opened()

    def _file_opened(self) -> None:
        """Forgets the jobs of the file before (the backend keeps them) and takes on those of this one."""
        self.file_is_new = False
        migrate_file()
        self._deliveries.forget()
        self.found.forget()
        self._dismissed.clear()
        self._own.clear()
        self._outbox.forget_senders()
        self._collecting.clear()
        self.previews.close()
        self.tickets = {ticket.job_id: ticket for ticket in tickets_in_file()}
        self.changed = True
        if all(ticket.ended for ticket in self.tickets.values()):
            return
        if self.link.usable:
            self.link.client.list_jobs()  # type: ignore[union-attr]
        else:
            self.start_backend()

    def close(self) -> None:
        """Ends the threads; jobs go on at the backend."""
        self.link.close()
        for chore in self._chores:
            chore.join(5.0)
        self.models.close()
        self.previews.close()
        self._deliveries.forget()

    # Inside

    def _chore(self, work: Callable[[], object], then: Callable[..., None], ticket: Ticket) -> None:
        self._chores.append(Chore(work, then, lambda error: self._end(ticket, "FAILED", handover.words_of(error))))

    def _built(self, ticket: Ticket, request: Request) -> None:
        if ticket.ended:
            return
        ticket.words = "waiting for the backend"
        self._outbox.add(ticket.job_id, request)
        self._outbox.send(self.link.client)

    def _heed(self, event: Event) -> None:
        match event:
            case Connected():
                self._outbox.send(self.link.client)
                if any(not ticket.ended for ticket in self.tickets.values()):
                    self.link.client.list_jobs()  # type: ignore[union-attr]
            case JobsListed(jobs):
                self._compare({job.job_id: job for job in jobs})
            case Refused(job_id="", message=message):
                self.show_trouble(message)
            case JobAccepted() | JobProgress() | JobPreview() | JobDone() | JobFailed() | JobCancelled() | Collected() | Refused():
                ticket = self.tickets.get(event.job_id)
                if ticket is not None and not ticket.ended:
                    self._heed_job(ticket, event)

    def _heed_job(self, ticket: Ticket, event: Event) -> None:
        match event:
            case JobAccepted():
                self._outbox.drop(ticket.job_id)
                ticket.words = ticket.words if ticket.status == "RUNNING" else "in the queue"
                self._set(ticket, "RUNNING")
            case JobProgress(fraction=fraction, words=words, seconds_left=seconds_left):
                ticket.fraction, ticket.words, ticket.seconds_left = fraction, words, seconds_left
            case JobPreview(frames=frames):
                self.previews.take(ticket.job_id, frames)
            case JobDone():
                self._collect(ticket)
            case JobFailed(message=message):
                self._end(ticket, "FAILED", message)
            case JobCancelled():
                self._end(ticket, "CANCELLED")
            case Refused(message=message):
                self._end(ticket, "FAILED", message)
            case Collected():
                self._write_files(ticket, event)

    def _compare(self, ledger: dict[str, JobSummary]) -> None:
        """Brings the jobs of this file in line with the backend's ledger."""
        for ticket in [ticket for ticket in self.tickets.values() if not ticket.ended and ticket.job_id not in self._own]:
            job = ledger.get(ticket.job_id)
            if job is None:
                if self._outbox.holds(ticket.job_id):
                    continue  # it is on its way
                if ticket.status != "WAITING" or ticket.words == "asking the backend about it":
                    self._end(ticket, "FAILED", _UNKNOWN)
                continue
            self._outbox.accepted(ticket.job_id, self.link.client)
            match job.state:
                case "done":
                    self._collect(ticket)
                case "failed":
                    self._end(ticket, "FAILED", job.message)
                case "cancelled":
                    self._end(ticket, "CANCELLED")
                case _:
                    ticket.fraction, ticket.words = job.fraction, job.words or "in the queue"
                    self._set(ticket, "RUNNING")

    def _folder(self, ticket: Ticket) -> Path:
        return results_folder(str(ticket.provenance.get("take", "take")), ticket.kind, ticket.job_id)

    def _collect(self, ticket: Ticket) -> None:
        if ticket.job_id in self._collecting or self._awaits_its_moment(ticket.job_id) or self.link.client is None:
            return
        self._collecting.add(ticket.job_id)
        ticket.fraction, ticket.words, ticket.seconds_left = 1.0, "fetching the result", None
        self._set(ticket, "PLACING")
        self.link.client.collect(ticket.job_id, self._folder(ticket))

    def _write_files(self, ticket: Ticket, collected: Collected) -> None:
        folder = self._folder(ticket)
        self._chore(lambda: handover.write_files(collected, folder), lambda files: self._queue(ticket, files, folder), ticket)

    def _queue(self, ticket: Ticket, collected: Collected, folder: Path) -> None:
        """Once, however often it was fetched; not where another file was opened meanwhile, whose own ticket fetches it again."""
        current = self.tickets.get(ticket.job_id) is ticket
        if current and not ticket.ended and not self._awaits_its_moment(ticket.job_id):
            line = self.found if self.found.asks(ticket, collected) else self._deliveries
            line.add(Delivery(ticket, collected, folder))

    def _awaits_its_moment(self, job_id: str) -> bool:
        return self._deliveries.holds(job_id) or self.found.holds(job_id)

    def _after_undo(self) -> None:
        """Undo takes rows out of scenes and objects from under a delivery: put the first back, begin the second anew."""
        self.undone = False
        for scene in bpy.data.scenes:
            for job_id in self._dismissed:
                drop_row(scene, job_id)
        for ticket in self.tickets.values():
            self._write(ticket)
        self._deliveries.begin_anew()
        self.changed = True

    def _set(self, ticket: Ticket, status: str) -> None:
        ticket.status = status
        self._write(ticket)

    def _end(self, ticket: Ticket, status: str, message: str = "") -> None:
        ticket.kept = status == "FAILED" and ticket.status == "PLACING" and ticket.job_id not in self._own
        ticket.message, ticket.words, ticket.seconds_left = message, "", None
        self._collecting.discard(ticket.job_id)
        self._outbox.drop(ticket.job_id)
        self.previews.drop(ticket.job_id)
        if ticket.kind == "model":
            self.models.look_again()
        self._set(ticket, status)
        if status == "FAILED":
            handover.tell(f"{ticket.title}: {message}")

    def _write(self, ticket: Ticket) -> None:
        write_row(ticket)
        self.changed = True


_current: list[Session] = []


def current() -> Session:
    """The session of this Blender; there is one from register() to unregister()."""
    return _current[0]


@bpy.app.handlers.persistent
def _undone(*_arguments: object) -> None:
    current().undone = True


@bpy.app.handlers.persistent
def _opened(*_arguments: object) -> None:
    migrate_file()
    current().file_is_new = True


_HANDLERS = (("undo_post", _undone), ("redo_post", _undone), ("load_post", _opened))


def register() -> None:
    _current.append(Session())
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(handler)
    _current.pop().close()
