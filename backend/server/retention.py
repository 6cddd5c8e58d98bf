"""How long results are kept: the newest ``KEEP_JOBS`` finished jobs and ``KEEP_BYTES`` of files, whichever ends first."""

from pathlib import Path

from backend.server.job_folder import folder_of
from backend.server.ledger import FINAL, Ledger

KEEP_JOBS = 200
KEEP_BYTES = 20 << 30


def prune(ledger: Ledger, jobs: Path, keep_jobs: int = KEEP_JOBS, keep_bytes: int = KEEP_BYTES) -> list[str]:
    """Forgets the oldest finished jobs beyond the limits, never the newest one; returns their ids."""
    finished = sorted((job for job in ledger.snapshot()[1] if job.state in FINAL), key=lambda job: job.finished, reverse=True)
    total, gone = 0, []
    for index, job in enumerate(finished):
        total += folder_of(jobs, job.job_id).size
        if index > 0 and (index >= keep_jobs or total > keep_bytes):
            # The row goes last: a folder without a row is swept away at the next start, a row without a folder misleads.
            folder_of(jobs, job.job_id).remove()
            ledger.forget(job.job_id)
            gone.append(job.job_id)
    return gone
