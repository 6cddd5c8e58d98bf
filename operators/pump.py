"""The pump: the one place where the backend's events meet Blender's main thread.

An application timer calls it; timers never fire without a window, so tests and headless runs call ``step`` themselves.
It measures how long it held the main thread.
"""

import time
import traceback
from collections import deque
from collections.abc import Callable

import bpy

from . import session

BUDGET = 0.002  # seconds of the main thread after which a step puts the rest off; the last small thing may take as long again
BUSY, IDLE, PLACING = 0.05, 0.2, 0.01  # seconds until the next step

durations: deque[float] = deque(maxlen=20_000)  # seconds; read by tests and by the status script of the window tests


def step() -> float:
    """Handles what has come in, and stops soon after ``BUDGET``; returns the seconds until the next step is due."""
    begun = time.perf_counter()
    current = session.current()
    try:
        current.step(begun + BUDGET)
    except Exception as error:
        # A timer that raises is dropped by Blender, and every job with it: show the error and go on.
        traceback.print_exc()
        current.show_trouble(f"{type(error).__name__}: {error}")
    if current.changed:
        current.changed = False
        redraw_sidebars()
    durations.append(time.perf_counter() - begun)
    return PLACING if current.placing else BUSY if current.busy else IDLE


def run_until(reached: Callable[[], bool], seconds: float) -> bool:
    """For scripts and tests without a window: steps until ``reached()`` or the time is over; returns which."""
    end = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > end:
            return False
        time.sleep(min(step(), 0.05))
    return True


def redraw_sidebars() -> None:
    """Only the sidebars of 3D viewports; redrawing a viewport for a progress bar would stall the animator."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()


def register() -> None:
    durations.clear()
    bpy.app.timers.register(step, first_interval=BUSY, persistent=True)


def unregister() -> None:
    if bpy.app.timers.is_registered(step):
        bpy.app.timers.unregister(step)
