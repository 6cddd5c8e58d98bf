"""The durable list of jobs: SQLite with a write-ahead log; what was accepted is on disk before the answer goes out."""

import sqlite3
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from backend.errors import BackendError

OPEN = ("queued", "running")
FINAL = ("done", "failed", "cancelled")
MAX_TRIES = 2  # a job whose worker died is tried once more

_SCHEMA = """
create table if not exists jobs (
    job_id text primary key, kind text not null, state text not null, message text not null default '',
    tries integer not null default 0, submitted real not null, finished real not null default 0, change integer not null
);
"""
_COLUMNS = "job_id, kind, state, message, tries, submitted, finished, change"


@dataclass(frozen=True)
class Job:
    """One row. tries: how many workers died of it. change: the ledger's number when this row last changed."""

    job_id: str
    kind: str
    state: str
    message: str
    tries: int
    submitted: float
    finished: float
    change: int


class Ledger:
    """May be used from every thread. Each change of a row takes the next number, kept over restarts."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10.0)
        try:
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            self._db.executescript(_SCHEMA)
            self._change: int = self._db.execute("select coalesce(max(change), 0) from jobs").fetchone()[0]
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise BackendError(
                f"The list of jobs {path} cannot be used ({error}). Make room, or move the file away and start again."
            ) from error

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @property
    def change(self) -> int:
        """The number of the last change."""
        return self._change

    def snapshot(self) -> tuple[int, list[Job]]:
        """The last change and every job, oldest first, as one moment saw them."""
        with self._lock:
            return self._change, self._jobs("order by rowid")

    def get(self, job_id: str) -> Job | None:
        with self._lock:
            found = self._jobs("where job_id = ?", job_id)
        return found[0] if found else None

    def add(self, job_id: str, kind: str) -> Job:
        """A new queued job; the one that stands there already if the id is known."""
        with self._lock:
            known = self.get(job_id)
            if known is not None:
                return known
            values = (job_id, kind, "queued", time.time(), self._change + 1)
            self._db.execute("insert into jobs (job_id, kind, state, submitted, change) values (?, ?, ?, ?, ?)", values)
            self._change += 1
            return self._existing(job_id)

    def next_open(self) -> Job | None:
        """The oldest job that is queued or was in work when a server died."""
        with self._lock:
            found = self._jobs("where state in ('queued', 'running') order by rowid limit 1")
        return found[0] if found else None

    def count_open(self) -> int:
        with self._lock:
            return self._db.execute("select count(*) from jobs where state in ('queued', 'running')").fetchone()[0]

    def move(self, job_id: str, sources: Collection[str], state: str, message: str = "") -> Job | None:
        """Moves a job from one of the ``sources`` states to ``state``; None, and nothing changed, if it is in another."""
        with self._lock:
            job = self.get(job_id)
            if job is None or job.state not in sources:
                return None
            finished = time.time() if state in FINAL else 0.0
            update = "update jobs set state = ?, message = ?, finished = ?, change = ? where job_id = ?"
            self._db.execute(update, (state, message, finished, self._change + 1, job_id))
            self._change += 1
            return self._existing(job_id)

    def count_try(self, job_id: str) -> int:
        """One more worker died of this job; returns how many."""
        with self._lock:
            self._db.execute("update jobs set tries = tries + 1 where job_id = ?", (job_id,))
            return self._existing(job_id).tries

    def forget(self, job_id: str) -> None:
        with self._lock:
            self._db.execute("delete from jobs where job_id = ?", (job_id,))

    def _existing(self, job_id: str) -> Job:
        return self._jobs("where job_id = ?", job_id)[0]

    def _jobs(self, clause: str, *values: str) -> list[Job]:
        return [Job(*row) for row in self._db.execute(f"select {_COLUMNS} from jobs {clause}", values)]
