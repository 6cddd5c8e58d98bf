"""The bodies that this Blender can show: the bundled ones and the official files that the user has added."""

from functools import cache
from pathlib import Path

from ..revision_blender.motion.bodies.shelf import BodyShelf
from ..revision_blender.wire.paths import bodies_folder
from .settings import backend_choice


def shelf() -> BodyShelf:
    """The shelf in the backend's home, so that the backend finds the same bodies by the same names."""
    return _shelf_at(bodies_folder(backend_choice().home))


@cache
def _shelf_at(folder: Path) -> BodyShelf:
    return BodyShelf(folder)


def body_items(_owner: object, _context: object) -> list[tuple[str, str, str]]:
    """For an EnumProperty: every body on the shelf."""
    global _items  # noqa: PLW0603 -- Blender keeps no reference to the strings of an enumeration that is made anew at each redraw
    _items = [(name, name.replace("_", " ").title(), f"Show the motion on the body {name}") for name in shelf().names()]
    return _items


_items: list[tuple[str, str, str]] = []
