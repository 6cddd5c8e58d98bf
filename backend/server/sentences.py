"""What went wrong in a stage or on the disk, as a sentence for the user."""

import errno
import sqlite3
from pathlib import Path

from backend.errors import BackendError
from revision_blender.motion.errors import RevisionError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def disk_sentence(error: OSError | sqlite3.Error, folder: Path) -> str:
    """For a write below ``folder`` that failed."""
    if (isinstance(error, OSError) and error.errno in _FULL) or "full" in str(error):
        return f"The disk that holds {folder} is full. Free some space and try again."
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return f"{folder} cannot be written to: {reason}. Check the folder's rights and its disk, then try again."


def failure_sentence(error: Exception, folder: Path, log: str) -> str:
    """For a job that ended with ``error``. folder: where the job writes. log: where the details stand."""
    if isinstance(error, BackendError | RevisionError):
        return str(error)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "There is not enough memory for this job. Take fewer frames or a smaller picture, or close other programs."
    if isinstance(error, OSError) and error.errno in _FULL:
        return disk_sentence(error, folder)
    return f"The job ended with an unexpected error: {type(error).__name__}: {str(error)[:300]}. Details stand in {log}."


def died_sentence(code: int | None, log: str) -> str:
    """For a job whose worker process ended every time. code: its exit status, negative for a signal."""
    how = f"by signal {-code}" if code is not None and code < 0 else f"with status {code}"
    why = " Often that means that the machine ran out of memory: take fewer frames or a smaller picture." if code == -9 else ""
    return f"The worker process ended {how} while working on this, and again when it was tried once more.{why} Details stand in {log}."
