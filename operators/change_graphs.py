"""What refining changed, as a small picture for the panel and in words: sliding, sinking and jitter, before and after."""

from typing import Any

import bpy
import bpy.utils.previews
import numpy as np
from numpy.typing import NDArray

from ..revision_blender.scene import marks
from .step_previews import packed

WIDTH, STRIP, GAP = 300, 92, 12  # pixels
_BACKGROUND, _PANEL = (48, 48, 48), (36, 36, 36)
_BEFORE, _AFTER = (150, 150, 150), (255, 160, 60)
_SHOWN = 8  # pictures kept
_MEASURES = (("Sliding", "mm a frame", 1.0, 1), ("Sinking", "mm", 1.0, 1), ("Jitter", "m/s³", 10.0, 0))


def changes_of(action: bpy.types.Action | None) -> NDArray[np.float64] | None:
    """``(2, 3, F)`` as ``RefineResult.changes``; None for motion that was not refined."""
    stored = action.get(marks.CHANGES) if action is not None else None
    if stored is None or len(stored) == 0 or len(stored) % 6:
        return None
    return np.array(stored, dtype=np.float64).reshape(2, 3, -1)


def words_of(changes: NDArray[np.float64]) -> tuple[str, ...]:
    """ "Sliding 6.1 → 1.2 mm a frame": the means over the frames that have them; what was not measured is left out."""
    lines = []
    for (name, unit, scale, digits), before, after in zip(_MEASURES, *changes, strict=True):
        pair = [row[np.isfinite(row)] for row in (before, after)]
        if all(len(known) for known in pair):
            told = [f"{known.mean() * scale:.{digits}f}" for known in pair]
            lines.append(f"{name} {told[0]} → {told[1]} {unit}")
    return tuple(lines)


def picture(changes: NDArray[np.float64]) -> NDArray[np.uint8]:
    """``(h, w, 3)``: a strip a measure, frames from left to right, the motion before in grey and after in orange, on one scale."""
    image = np.full((3 * STRIP + 2 * GAP, WIDTH, 3), _BACKGROUND, dtype=np.uint8)
    for number in range(3):
        strip = image[number * (STRIP + GAP) :][:STRIP]
        strip[:] = _PANEL
        rows = changes[:, number]
        known = rows[np.isfinite(rows)]
        top = max(float(known.max(initial=0.0)), 1e-6)
        for row, colour in zip(rows, (_BEFORE, _AFTER), strict=True):
            _draw(strip, row / top, colour)
    return image


def _draw(strip: NDArray[np.uint8], values: NDArray[np.float64], colour: tuple[int, int, int]) -> None:
    """A line two pixels thick; broken where nothing is known. values: ``(F,)`` in [0, 1]."""
    frames = len(values)
    columns = np.arange(WIDTH)
    at = columns / max(WIDTH - 1, 1) * max(frames - 1, 0)
    known = np.isfinite(values)
    if not known.any():
        return
    there = known[np.floor(at).astype(int)] & known[np.minimum(np.ceil(at).astype(int), frames - 1)]
    height = np.interp(at, np.flatnonzero(known), values[known])
    pixel = (STRIP - 4) * (1.0 - np.clip(height, 0.0, 1.0)) + 1.0
    ends = np.append(pixel[1:], pixel[-1:])
    low, high = np.minimum(pixel, ends), np.maximum(pixel, ends) + 1.5
    rows = np.arange(STRIP)[:, None]
    strip[(rows + 0.5 >= low) & (rows - 0.5 <= high) & there] = colour


class ChangeGraphs:
    """The pictures of the motions that the panel has shown lately."""

    def __init__(self) -> None:
        self._pictures: Any = None
        self._names: list[str] = []

    def icon(self, changes: NDArray[np.float64]) -> int:
        if self._pictures is None:
            self._pictures = bpy.utils.previews.new()
        name = str(hash(changes.tobytes()))
        if name not in self._names:
            while len(self._names) >= _SHOWN:
                del self._pictures[self._names.pop(0)]
            drawn = picture(changes)
            made = self._pictures.new(name)
            made.image_size = (drawn.shape[1], drawn.shape[0])
            made.image_pixels.foreach_set(packed(drawn))
            self._names.append(name)
        return int(self._pictures[name].icon_id)

    def close(self) -> None:
        if self._pictures is not None:
            bpy.utils.previews.remove(self._pictures)
            self._pictures = None
        self._names.clear()


graphs = ChangeGraphs()


def register() -> None:
    """Pictures are drawn when a panel first asks for them."""


def unregister() -> None:
    graphs.close()
