"""Where the backend keeps what must outlive a process: one home folder a user."""

import os
import sys
from pathlib import Path

HOME_VARIABLE = "REVISION_HOME"


def _state_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")


def home_folder() -> Path:
    """The home folder: what REVISION_HOME says, else ``revision-blender`` in the platform's folder for user state."""
    chosen = os.environ.get(HOME_VARIABLE)
    return Path(chosen).expanduser().absolute() if chosen else _state_folder() / "revision-blender"


def connection_file(home: Path) -> Path:
    return home / "connection.json"


def lock_file(home: Path) -> Path:
    """Held by the one server of a home for as long as it lives."""
    return home / "server.lock"


def ledger_file(home: Path) -> Path:
    return home / "jobs.sqlite"


def jobs_folder(home: Path) -> Path:
    return home / "jobs"


def logs_folder(home: Path) -> Path:
    return home / "logs"


def copies_folder(home: Path) -> Path:
    """Versioned copies of the backend's source, ``<version>-<hash>`` each."""
    return home / "copies"


def environments_folder(home: Path) -> Path:
    return home / "environments"


def bodies_folder(home: Path) -> Path:
    """Body models that the user has added, one ``.npz`` each."""
    return home / "bodies"


def models_folder(home: Path) -> Path:
    """Weights of lifting models that the user has put there, one folder a provider."""
    return home / "models"
