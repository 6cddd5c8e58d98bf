"""Words in panels: Blender cuts long labels off, so sentences are broken into lines that fit the sidebar."""

import functools

import blf
import bpy

_FONT = 0
_MARGIN = 62.0  # pixels at interface scale 1: the panel's borders, the box's, the tabs and the label's own padding
_ICON = 22.0


def sentences(layout: bpy.types.UILayout, text: str, *, icon: str = "NONE") -> None:
    """Draws ``text`` as lines no wider than the region, the icon before the first."""
    context = bpy.context
    scale = context.preferences.system.ui_scale
    points = context.preferences.ui_styles[0].widget.points
    width = context.region.width - scale * (_MARGIN + (_ICON if icon != "NONE" else 0.0))
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(lines_of(text, width, points * scale)):
        if icon == "NONE":
            column.label(text=line)
        else:
            column.label(text=line, icon=icon if number == 0 else "BLANK1")


@functools.lru_cache(maxsize=256)
def lines_of(text: str, width: float, size: float) -> tuple[str, ...]:
    """Breaks at spaces; a word that is too long for a line (a path) is broken where it has to be."""
    blf.size(_FONT, size)
    lines, line = [], ""
    for word in _pieces(text, width):
        longer = f"{line} {word}" if line else word
        if line and blf.dimensions(_FONT, longer)[0] > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return (*lines, line)


def _pieces(text: str, width: float) -> list[str]:
    pieces: list[str] = []
    for word in text.split():
        wide = blf.dimensions(_FONT, word)[0]
        kept = len(word) if wide <= width else max(8, int(len(word) * width / wide) - 1)
        pieces += [word[start : start + kept] for start in range(0, len(word), kept)]
    return pieces


def duration(seconds: float) -> str:
    """Seconds left, as people say it."""
    if seconds < 90.0:
        return f"{max(1.0, seconds):.0f} s left"
    return f"{seconds / 60.0:.0f} min left" if seconds < 5400.0 else f"{seconds / 3600.0:.1f} h left"
