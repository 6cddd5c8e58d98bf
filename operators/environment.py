"""Make Backend Environment: the backend's own Python, installed outside Blender's, with progress and a log."""

import threading
from collections import deque
from pathlib import Path

import bpy

from ..revision_blender.wire.environment import make_backend_environment
from ..revision_blender.wire.paths import environments_folder
from .chores import Chore
from .pressing import can_press
from .session import current
from .settings import backend_choice
from .where import SOURCE

_TICK = 0.25  # seconds between two looks at the installation
_KEPT_LINES = 200


class Making:
    """One installation. fraction, lines: written by its thread, read by the preferences. error: empty when it went well."""

    def __init__(self, home: Path) -> None:
        self.fraction, self.error, self.over = 0.0, "", False
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._cancelled = threading.Event()
        folder = environments_folder(home) / "backend"
        self._chore = Chore(
            lambda: make_backend_environment(SOURCE, folder, self._report, self._cancelled.is_set), self._made, self._not_made
        )

    def _report(self, fraction: float, words: str) -> None:
        self.fraction = max(self.fraction, fraction)
        self.lines.append(words)

    def _made(self, python: Path) -> None:
        self.over = True
        self.lines.append(f"The backend runs on {python}")

    def _not_made(self, error: Exception) -> None:
        self.over, self.error = True, str(error)
        self.lines.append(str(error))

    def look(self) -> bool:
        """True when it is over; call it until then."""
        if not self.over and self._chore.finished:
            self._chore.settle()
        return self.over

    def cancel(self) -> None:
        self._cancelled.set()

    def close(self) -> None:
        self.cancel()
        self._chore.join(10.0)


_making: list[Making] = []


def making() -> Making | None:
    """The installation under way or the last one of this session."""
    return _making[-1] if _making else None


def _why_not() -> str:
    if not bpy.app.online_access:
        return "Turn on Allow Online Access in the System preferences: the packages come from the internet"
    under_way = making()
    return "It is being made" if under_way is not None and not under_way.over else ""


class REVISION_OT_make_environment(bpy.types.Operator):
    """Installs the backend's own Python environment (torch and more, about 2 GB) outside Blender; nothing enters Blender's Python"""

    bl_idname = "revision.make_environment"
    bl_label = "Make Backend Environment"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return can_press(cls, _why_not())

    def execute(self, context: bpy.types.Context) -> set[str]:
        _making.clear()
        _making.append(Making(backend_choice().home))
        if bpy.app.background or context.window is None:
            return {"FINISHED"}  # the caller looks at ``making()``
        self._timer = context.window_manager.event_timer_add(_TICK, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        _redraw_preferences(context)
        under_way = making()
        if under_way is not None and not under_way.look():
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self._timer)
        current().changed = True
        if under_way is not None and under_way.error:
            self.report({"ERROR"}, under_way.error)
            return {"CANCELLED"}
        return {"FINISHED"}


class REVISION_OT_cancel_environment(bpy.types.Operator):
    """Stops the installation; what was installed so far is thrown away at the next try"""

    bl_idname = "revision.cancel_environment"
    bl_label = "Cancel"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        under_way = making()
        if under_way is not None:
            under_way.cancel()
        return {"FINISHED"}


def _redraw_preferences(context: bpy.types.Context) -> None:
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()


classes = (REVISION_OT_make_environment, REVISION_OT_cancel_environment)
register, _unregister_classes = bpy.utils.register_classes_factory(classes)


def unregister() -> None:
    if _making:
        _making.pop().close()
    _unregister_classes()
