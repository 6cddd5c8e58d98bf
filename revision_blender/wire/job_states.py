"""What the client knows of its jobs: each change is told once, whether it came as an event, an answer or by asking again."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .events import Event, JobAccepted, JobCancelled, JobDone, JobFailed, JobSummary
from .mailbox import Command, Submit

SUBMITTED = "submitted"  # not answered yet: the server need not know it
OPEN = ("queued", "running")
LOST = "The backend does not know this job any more: its home folder was changed or emptied. Start the job again."


@dataclass(frozen=True)
class _Known:
    """change: the ledger's number at which the state was heard; an older word about the job is ignored."""

    state: str
    change: int


class JobStates:
    """put: where events go."""

    def __init__(self, put: Callable[[Event], None]) -> None:
        self._put = put
        self._known: dict[str, _Known] = {}
        self._change = -1

    def new_session(self) -> None:
        """Another server, perhaps with another ledger: its numbers say nothing about the old ones."""
        self._known = {job_id: _Known(known.state, -1) for job_id, known in self._known.items()}
        self._change = -1

    def watch(self, job_id: str) -> None:
        """A job that is being submitted."""
        self._known.setdefault(job_id, _Known(SUBMITTED, -1))

    def accepted(self, job_id: str) -> None:
        self._put(JobAccepted(job_id))

    def forget_submitted(self, command: Command | None) -> None:
        """The server refused: it will never list the job."""
        if isinstance(command, Submit) and self._known.get(command.job_id) == _Known(SUBMITTED, -1):
            del self._known[command.job_id]

    def hear(self, job_id: str, state: str, message: str, change: int) -> None:
        """A job's state; change: the ledger's number of that change."""
        if change == self._change + 1:
            self._change = change
        self._note(job_id, state, message, change)

    def missed(self, change: int) -> bool:
        """True when the ledger has changed in a way that was not heard."""
        return change != self._change

    def sync(self, jobs: Iterable[JobSummary], change: int) -> None:
        """The whole ledger. Of jobs never heard of, nothing is told: the list itself tells."""
        self._change = change
        listed = {job.job_id: job for job in jobs}
        for job_id, job in listed.items():
            if job_id in self._known:
                self._note(job_id, job.state, job.message, change)
            else:
                self._known[job_id] = _Known(job.state, change)
        for job_id in [job_id for job_id, known in self._known.items() if known.state in OPEN and job_id not in listed]:
            self._note(job_id, "failed", LOST, change)

    def _note(self, job_id: str, state: str, message: str, change: int) -> None:
        known = self._known.get(job_id)
        if known is not None and (known.state == state or change < known.change):
            return
        self._known[job_id] = _Known(state, change)
        if state == "done":
            self._put(JobDone(job_id))
        elif state == "failed":
            self._put(JobFailed(job_id, message))
        elif state == "cancelled":
            self._put(JobCancelled(job_id))
