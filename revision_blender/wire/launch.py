"""Joins the backend that is running, or starts one that outlives this program."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from . import paths, protocol
from .ask import ask, is_live, port_is_open
from .connection import ConnectionInfo, read_connection
from .errors import WireError
from .protocol import Type
from .source_copy import make_copy, prune_copies, source_hash

START_SECONDS = 90.0  # a cold disk and two busy cores
STOP_SECONDS = 20.0
EXIT_ALREADY_RUNNING = 3  # of ``python -m backend serve``
_LOG_LINES = 12


def join_or_start(python: Path, source: Path, home: Path, idle_minutes: float) -> ConnectionInfo:
    """The connection to a live backend of exactly this source; blocks, so call it from a thread.

    python: interpreter of the backend's environment. source: folder that holds ``backend`` and ``revision_blender``.
    A backend of another version is replaced if it has nothing to do. Raises WireError with a sentence: it has, the start
    failed (with the last lines of its log), or no connection came within the time.
    """
    running = find_live(home)
    if running is not None and not _is_same(running, source):
        _replace(running)
        running = None
    if running is not None:
        return running
    copy = make_copy(source, paths.copies_folder(home))
    info = _start(python, copy, home, idle_minutes)
    prune_copies(paths.copies_folder(home), copy)
    return info


def find_live(home: Path) -> ConnectionInfo | None:
    """The backend that answers for this home folder, if any. A stale or broken file is as good as none."""
    try:
        info = read_connection(paths.connection_file(home))
    except WireError:
        return None  # a running backend's lock still keeps a second one out; then _start tells why
    return info if info is not None and is_live(info) else None


def stop_backend(info: ConnectionInfo) -> None:
    """Asks it to end, and waits for that; raises WireError when it does not."""
    ask(info, Type.STOP)
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        if not port_is_open(info.host, info.control_port):
            return
        time.sleep(0.1)
    raise WireError(f"The backend (process {info.pid}) does not end itself. End that process by hand and start again.")


def _is_same(info: ConnectionInfo, source: Path) -> bool:
    return (info.protocol, info.version, info.source) == (protocol.PROTOCOL, protocol.VERSION, source_hash(source.resolve()))


def _replace(info: ConnectionInfo) -> None:
    """Ends a backend of another version; one that is working is left alone."""
    status = ask(info, Type.STATUS)
    jobs = status.fields.get("open_jobs") if status is not None else None
    if jobs:
        raise WireError(
            f"A backend of another version ({info.version}, process {info.pid}) is still working on {len(jobs)} job(s). "
            "Wait until it is done or cancel them, then start again."
        )
    stop_backend(info)


def _start(python: Path, copy: Path, home: Path, idle_minutes: float) -> ConnectionInfo:
    log_file = paths.logs_folder(home) / "start.log"
    command = [str(python), "-m", "backend", "serve", "--home", str(home), "--idle-minutes", f"{idle_minutes:g}"]
    try:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                command, cwd=copy, env=_environment(copy), stdin=subprocess.DEVNULL, stdout=log, stderr=log, **_detached()
            )
    except OSError as error:
        raise WireError(
            f"The backend cannot be started with {python}: {error.strerror or error}. Make the backend environment again."
        ) from error
    # Somebody has to wait for the child as long as this program lives, or it stays behind as a zombie.
    threading.Thread(target=process.wait, name="revision-backend-end", daemon=True).start()
    return _wait_for(process, home, log_file)


def _wait_for(process: subprocess.Popen[Any], home: Path, log_file: Path) -> ConnectionInfo:
    """Another program may be starting a backend too: whoever gets the lock, both join the same one."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        info = find_live(home)
        if info is not None:
            return info
        if process.returncode == EXIT_ALREADY_RUNNING:
            read_connection(paths.connection_file(home))  # raises the sentence if its file is why it was not found
        elif process.returncode is not None:
            raise WireError(
                f"The backend ended while starting (status {process.returncode}). The last lines of {log_file}:\n{_tail(log_file)}"
            )
        time.sleep(0.1)
    if process.returncode == EXIT_ALREADY_RUNNING:
        raise WireError(f"A backend holds {paths.lock_file(home)} but does not answer. End its process by hand and start again.")
    raise WireError(f"The backend did not answer within {START_SECONDS:.0f} seconds. The last lines of {log_file}:\n{_tail(log_file)}")


def _tail(log_file: Path) -> str:
    lines = log_file.read_text(encoding="utf-8", errors="replace").splitlines() if log_file.exists() else []
    return "\n".join(lines[-_LOG_LINES:]) or "(it is empty)"


def _environment(copy: Path) -> dict[str, str]:
    """Ours, without what Blender's own Python may have set for itself."""
    kept = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONSTARTUP", "PYTHONPATH", "PYTHONSAFEPATH")
    }
    return {**kept, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}


def _detached() -> dict[str, Any]:
    """It must outlive this program, and no signal meant for this one's terminal may reach it."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
