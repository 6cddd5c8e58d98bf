"""What the preferences say about the backend, or their defaults where the extension runs without preferences."""

from dataclasses import dataclass
from pathlib import Path

import bpy

from ..revision_blender.wire.paths import home_folder
from .where import EXTENSION


@dataclass(frozen=True)
class BackendChoice:
    """python: an interpreter named by the user, empty for the environment that the extension made."""

    python: str
    home: Path
    idle_minutes: float


def preferences() -> bpy.types.AddonPreferences | None:
    entry = bpy.context.preferences.addons.get(EXTENSION)
    return entry.preferences if entry is not None else None


def backend_choice() -> BackendChoice:
    entry = preferences()
    if entry is None:
        return BackendChoice("", home_folder(), 30.0)
    home = Path(bpy.path.abspath(entry.home)) if entry.home else home_folder()
    return BackendChoice(entry.python, home, entry.idle_minutes)
