"""The connection file: how a program of the same user finds the running backend and proves that it may talk to it."""

import json
import os
import secrets
import stat
import tempfile
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from . import protocol
from .errors import WireError

LOOPBACK = "127.0.0.1"
_MAX_BYTES = 1 << 16


@dataclass(frozen=True)
class ConnectionInfo:
    """Everything a client needs. key: secret, hex. start_id: new at every start of a server, unlike pid.

    source: hash of the source that the server runs from. file: where this was read, so that a client can read it again
    after the server was started anew; None where there is no file.
    """

    host: str
    request_port: int
    control_port: int
    event_port: int
    key: str
    pid: int
    protocol: int
    version: str
    source: str
    start_id: str
    file: Path | None = None

    @property
    def secret(self) -> bytes:
        return bytes.fromhex(self.key)

    def address(self, port: int) -> str:
        return f"tcp://{self.host}:{port}"


_FIELDS = {item.name: item.type for item in fields(ConnectionInfo) if item.name != "file"}


def new_key() -> str:
    return secrets.token_hex(32)


def write_connection(path: Path, info: ConnectionInfo) -> None:
    """Writes the file readable by its owner only, whole or not at all."""
    data = asdict(replace(info, file=None))
    del data["file"]
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp creates with mode 0600: there is no moment at which others could read the key.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(data, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_connection(path: Path) -> ConnectionInfo | None:
    """What the file says, None when there is none. Raises WireError for a file that others may read, or that is damaged."""
    try:
        with path.open("rb") as stream:
            _check_private(path, os.fstat(stream.fileno()))
            data = stream.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise WireError(
            f"The connection file {path} cannot be read: {error.strerror}. Stop the backend, delete the file and start again."
        ) from error
    return replace(_parsed(path, data), file=path)


def remove_connection(path: Path, start_id: str) -> None:
    """Removes the file if it is still the one of this start."""
    try:
        info = read_connection(path)
    except WireError:
        return  # not ours: we write none that cannot be read
    if info is not None and info.start_id == start_id:
        path.unlink(missing_ok=True)


def _check_private(path: Path, status: os.stat_result) -> None:
    if os.name == "nt":
        return  # a user's profile folder is private there; mode bits say nothing
    if stat.S_IMODE(status.st_mode) & 0o077 or status.st_uid != os.getuid():
        raise WireError(
            f"The connection file {path} can be read by other users (mode {stat.S_IMODE(status.st_mode):04o}, owner {status.st_uid}), "
            "so its key is no secret any more. Stop the backend, delete the file and start again."
        )


def _parsed(path: Path, data: bytes) -> ConnectionInfo:
    try:
        values = json.loads(data) if len(data) <= _MAX_BYTES else None
        return _checked(values)
    except (ValueError, KeyError, RecursionError) as error:
        raise WireError(f"The connection file {path} is damaged ({error}). Stop the backend, delete the file and start again.") from error


def _checked(values: Any) -> ConnectionInfo:
    if not isinstance(values, dict):
        raise ValueError("not a JSON object of a sensible size")
    for name, kind in _FIELDS.items():
        if type(values[name]) is not kind:
            raise ValueError(f"{name} is {str(values[name])[:40]!r}")
    info = ConnectionInfo(**{name: values[name] for name in _FIELDS})
    if info.host != LOOPBACK:
        raise ValueError(f"the host is {info.host[:40]!r}; only {LOOPBACK} is connected to")
    if len(info.secret) != 32 or not all(0 < port < 65536 for port in (info.request_port, info.control_port, info.event_port)):
        raise ValueError("key or ports are out of range")
    return info


def check_version(info: ConnectionInfo) -> None:
    """Raises WireError when the backend of this file speaks another protocol."""
    if info.protocol != protocol.PROTOCOL:
        raise WireError(protocol.version_sentence(info.protocol, side="backend"))


def file_identity(file: Path | None) -> tuple[int, int] | None:
    """Another value whenever the connection file was written anew; None without a file."""
    try:
        status = file.stat() if file is not None else None
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_ino) if status is not None else None


def read_again(connection: ConnectionInfo) -> ConnectionInfo:
    """What its file says now. Raises WireError when no backend runs, another version does, or the file may not be used."""
    if connection.file is None:
        return connection
    found = read_connection(connection.file)
    if found is None:
        raise WireError("No backend is running; start it.")
    check_version(found)
    return found
