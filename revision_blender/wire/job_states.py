"""What the client knows of its jobs: each change is told once, whether it came as an event, an answer or by asking again."""

from collections.abc import Callable, Iterable

from .events import Event, JobAccepted, JobCancelled, JobDone, JobFailed, JobSummary
from .mailbox import Command, Submit

SUBMITTED = "submitted"  # not answered yet: the server need not know it
OPEN = ("queued", "running")


class JobStates:
    """put: where events go."""

    def __init__(self, put: Callable[[Event], None]) -> None:
        self._put = put
        self._states: dict[str, str] = {}
        self._change = -1

    def watch(self, job_id: str) -> None:
        """A job that is being submitted."""
        self._states.setdefault(job_id, SUBMITTED)

    def accepted(self, job_id: str) -> None:
        self._put(JobAccepted(job_id))

    def forget_submitted(self, command: Command | None) -> None:
        if isinstance(command, Submit) and self._states.get(command.job_id) == SUBMITTED:
            del self._states[command.job_id]

    def hear(self, job_id: str, state: str, message: str, change: int) -> None:
        """A job's state; change: the ledger's number of that change."""
        if change == self._change + 1:
            self._change = change
        self._note(job_id, state, message)

    def missed(self, change: int) -> bool:
        """True when the ledger has changed in a way that was not heard."""
        return change != self._change

    def sync(self, jobs: Iterable[JobSummary], change: int) -> None:
        """The whole ledger. Of jobs never heard of, nothing is told: the list itself tells."""
        self._change = change
        listed = {job.job_id: job for job in jobs}
        for job_id, job in listed.items():
            if job_id in self._states:
                self._note(job_id, job.state, job.message)
            else:
                self._states[job_id] = job.state
        for job_id in [job_id for job_id, state in self._states.items() if state in OPEN and job_id not in listed]:
            self._note(job_id, "failed", "The backend does not know this job any more: its home folder was changed or emptied. Start the job again.")

    def _note(self, job_id: str, state: str, message: str) -> None:
        if self._states.get(job_id) == state:
            return
        self._states[job_id] = state
        if state == "done":
            self._put(JobDone(job_id))
        elif state == "failed":
            self._put(JobFailed(job_id, message))
        elif state == "cancelled":
            self._put(JobCancelled(job_id))
