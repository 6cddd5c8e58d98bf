"""Requests on their way to the backend: built here, handed to a client, and kept until the backend has accepted them."""

from ..revision_blender.wire.client import Client
from ..revision_blender.wire.requests import Request


class Outbox:
    """By job id; a job is in it from the moment its request is built to the moment the backend lists it."""

    def __init__(self) -> None:
        self._waiting: dict[str, Request] = {}
        self._sent_by: dict[str, Client | None] = {}  # job id -> the client that was given it

    def add(self, job_id: str, request: Request) -> None:
        self._waiting[job_id] = request

    def send(self, client: Client | None) -> None:
        """Hands what waits to the client; to a new client again, which is harmless: the id makes them one job."""
        if client is None:
            return
        for job_id, request in self._waiting.items():
            if self._sent_by.get(job_id) is not client:
                self._sent_by[job_id] = client
                client.submit(request, job_id)

    def drop(self, job_id: str) -> None:
        """The backend has it, or nobody wants it any more."""
        self._waiting.pop(job_id, None)

    def holds(self, job_id: str) -> bool:
        """Not accepted yet."""
        return job_id in self._waiting

    def was_sent(self, job_id: str) -> bool:
        return job_id in self._sent_by

    def accepted(self, job_id: str, client: Client | None) -> None:
        """The backend's ledger knows the job, whoever sent it."""
        self.drop(job_id)
        self._sent_by.setdefault(job_id, client)

    def forget_senders(self) -> None:
        """Another file was opened: what the backend has not accepted yet still goes there, the file before may have been saved."""
        self._sent_by.clear()
