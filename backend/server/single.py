"""One server for each home folder: a lock that the system itself releases, however the server ends."""

import sys
from pathlib import Path
from typing import IO


def take_lock(path: Path) -> IO[bytes] | None:
    """The open lock file, to be kept for as long as the server lives; None when another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = path.open("a+b")
    try:
        _lock(stream)
    except OSError:
        stream.close()
        return None
    return stream


def _lock(stream: IO[bytes]) -> None:
    """Raises OSError at once when another process has the lock."""
    if sys.platform == "win32":
        import msvcrt

        stream.seek(0)
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
