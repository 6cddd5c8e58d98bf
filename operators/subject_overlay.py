"""Boxes and clicks of the frame that shows, drawn over the clip in viewports that look through its camera; and what is being drawn now."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import blf
import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from ..revision_blender.motion.subjects import OFF, ON, Box
from ..revision_blender.scene import subjects, subjects_view
from ..revision_blender.scene.errors import SceneError
from ..revision_blender.scene.subject_properties import RevisionShown, RevisionSubject
from ..revision_blender.scene.subjects_view import PictureInView
from .clip_frames import known_frames
from .label_places import Plate, drops
from .subject_gestures import Clicking, RubberBand

Colour = tuple[float, float, float, float]
_FONT = 0
_KINDS: dict[str, Colour] = {"person": (1.0, 0.62, 0.2, 1.0), "animal": (0.35, 0.9, 0.45, 1.0), "object": (0.35, 0.75, 1.0, 1.0)}
_PARTS: dict[str, Colour] = {ON: (1.0, 1.0, 1.0, 1.0), OFF: (1.0, 0.25, 0.25, 1.0)}
_ON_AND_OFF = {ON: "on it", OFF: "beside it"}
_LEFT, _RIGHT, _MIDDLE = (1.0, 0.45, 0.75, 1.0), (0.55, 0.55, 1.0, 1.0), (1.0, 0.85, 0.25, 1.0)
_SHADE: Colour = (0.0, 0.0, 0.0, 0.65)
_DOT, _RING = 4.5, 6.0  # radius on the screen, and with its dark rim

_gesture: list[RubberBand | Clicking] = []


def begin(gesture: RubberBand | Clicking) -> None:
    _gesture[:] = [gesture]


def end() -> None:
    _gesture.clear()


def colour_of(part: str) -> Colour:
    """Of a clicked part: an animal's left and right differ, what is in the middle too."""
    if part in _PARTS:
        return _PARTS[part]
    return _LEFT if "left" in part else _RIGHT if "right" in part else _MIDDLE


def _draw() -> None:
    """For every viewport at every redraw: looks first at what costs nothing."""
    context = bpy.context
    settings = getattr(context.scene, "revision", None)
    space = context.space_data
    if settings is None or space is None or context.region_data is None or context.region_data.view_perspective != "CAMERA":
        return
    entry = settings.take()
    if entry is None or not (_gesture or (settings.show_subjects and len(entry.subjects))):
        return
    camera = subjects_view.looked_through(context.scene, space)
    clip = known_frames(entry) if subjects_view.shows_clip(camera, entry.take_id) else None
    if clip is None or camera is None:
        return
    picture = subjects_view.picture_in_view(context.region, context.region_data, context.scene, camera, *clip.size)
    try:
        frame = subjects.clip_frame(context.scene, entry, len(clip.files))
    except SceneError:
        return
    if picture is not None:
        chosen = subjects.chosen(entry)
        shown = list(_shown(entry.subjects, frame)) if settings.show_subjects or _gesture else []
        _draw_all(picture, shown, chosen.name if chosen is not None else "", context.preferences.system.ui_scale)


def _shown(listed: Sequence[RevisionSubject], frame: int) -> Iterator[tuple[RevisionSubject, RevisionShown]]:
    for subject in listed:
        shown = subjects.shown_at(subject, frame)
        if shown is not None:
            yield subject, shown


def _draw_all(picture: PictureInView, shown: list[tuple[RevisionSubject, RevisionShown]], chosen: str, scale: float) -> None:
    gpu.state.blend_set("ALPHA")
    try:
        for subject, kept in shown:
            strong = 1.0 if subject.name == chosen else 0.55
            colour = (*_KINDS[subject.kind][:3], strong)
            if kept.has_box:
                _draw_box(picture, tuple(kept.box), colour, scale)
                _words(subject.name, *picture.place(kept.box[0], kept.box[1]), colour, scale, side="above")
            _draw_clicks(picture, subject.name, kept, subject.name == chosen, scale)
            if len(kept.clicks) and not kept.has_box:
                first = kept.clicks[0]
                _words(subject.name, *picture.place(first.x, first.y), colour, scale, side="above")
        for gesture in _gesture:
            _draw_gesture(picture, gesture, scale)
    finally:
        gpu.state.blend_set("NONE")


def _draw_clicks(picture: PictureInView, name: str, kept: RevisionShown, is_chosen: bool, scale: float) -> None:
    """Dots last, so that no name covers one; names, of the chosen subject's, on the side that faces away from the middle of all."""
    strong = 1.0 if is_chosen else 0.55
    middle = sum(click.x for click in kept.clicks) / max(1, len(kept.clicks))
    named = [click for click in kept.clicks if is_chosen and click.part != ON]
    words = [click.part.replace("_", " ") if click.part != OFF else f"not {name}" for click in named]
    places = [
        _left_bottom(word, *picture.place(click.x, click.y), scale, "left" if click.x < middle else "right")
        for click, word in zip(named, words, strict=True)
    ]
    dots = [_around(*picture.place(click.x, click.y), _RING * scale) for click in kept.clicks]
    down = drops([_plate_of(word, *place, scale) for word, place in zip(words, places, strict=True)], dots)
    for click, word, (left, bottom), lower in zip(named, words, places, down, strict=True):
        _write(word, left, bottom - lower, (*colour_of(click.part)[:3], strong), scale)
    gpu.state.blend_set("ALPHA")
    for click in kept.clicks:
        _draw_dot(picture, click.x, click.y, (*colour_of(click.part)[:3], strong), scale)


def _draw_gesture(picture: PictureInView, gesture: RubberBand | Clicking, scale: float) -> None:
    if isinstance(gesture, Clicking):
        if gesture.at is not None:
            x, y = picture.place(*gesture.at)
            words = _ON_AND_OFF.get(gesture.part, gesture.part.replace("_", " "))
            _words(words, x + 6.0 * scale, y - 26.0 * scale, colour_of(gesture.part), scale)
        return
    if gesture.box is not None:
        _draw_box(picture, gesture.box, (1.0, 1.0, 1.0, 1.0), scale)
    elif gesture.at is not None and 0.0 <= gesture.at[0] <= picture.width and 0.0 <= gesture.at[1] <= picture.height:
        x, y = gesture.at
        ends = [picture.place(*end) for end in ((0.0, y), (picture.width, y), (x, 0.0), (x, picture.height))]
        _lines([(ends[0], ends[1]), (ends[2], ends[3])], (1.0, 1.0, 1.0, 0.5), 1.0 * scale)


def _draw_box(picture: PictureInView, box: Box, colour: Colour, scale: float) -> None:
    left, top, right, bottom = box
    corners = [picture.place(*corner) for corner in ((left, top), (right, top), (right, bottom), (left, bottom))]
    sides = list(zip(corners, corners[1:] + corners[:1], strict=True))
    _lines(sides, (*_SHADE[:3], _SHADE[3] * colour[3]), 4.0 * scale)
    _lines(sides, colour, 2.0 * scale)


def _lines(pairs: list[tuple[tuple[float, float], tuple[float, float]]], colour: Colour, width: float) -> None:
    shader = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
    places = [(x, y, 0.0) for pair in pairs for x, y in pair]
    shader.bind()
    shader.uniform_float("viewportSize", gpu.state.viewport_get()[2:])
    shader.uniform_float("lineWidth", width)
    shader.uniform_float("color", colour)
    batch_for_shader(shader, "LINES", {"pos": places}).draw(shader)


def _draw_dot(picture: PictureInView, x: float, y: float, colour: Colour, scale: float) -> None:
    centre = picture.place(x, y)
    _disc(centre, _RING * scale, (*_SHADE[:3], colour[3]))
    _disc(centre, _DOT * scale, colour)


def _disc(centre: tuple[float, float], radius: float, colour: Colour) -> None:
    turn = np.linspace(0.0, 2.0 * np.pi, 21)
    rim = np.stack([centre[0] + radius * np.cos(turn), centre[1] + radius * np.sin(turn)], axis=1)
    wedges = [place for first, second in pairwise(rim) for place in (centre, tuple(first), tuple(second))]
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    shader.bind()
    shader.uniform_float("color", colour)
    batch_for_shader(shader, "TRIS", {"pos": [(float(px), float(py), 0.0) for px, py in wedges]}).draw(shader)


def _words(words: str, x: float, y: float, colour: Colour, scale: float, *, side: str = "right") -> None:
    """Beside a dot at ``x``, ``y``, or above a corner."""
    _write(words, *_left_bottom(words, x, y, scale, side), colour, scale)


def _left_bottom(words: str, x: float, y: float, scale: float, side: str) -> tuple[float, float]:
    """Where words begin that stand right or left of a dot, or above a corner."""
    blf.size(_FONT, 12.0 * scale)
    left = {"right": x + 10.0 * scale, "left": x - blf.dimensions(_FONT, words)[0] - 10.0 * scale, "above": x}[side]
    return left, y + (7.0 if side == "above" else -4.0) * scale


def _plate_of(words: str, left: float, bottom: float, scale: float) -> Plate:
    """The dark plate behind words: as high for "nose" as for "paw"."""
    blf.size(_FONT, 12.0 * scale)
    return left - 3.0 * scale, bottom - 4.0 * scale, left + blf.dimensions(_FONT, words)[0] + 3.0 * scale, bottom + 13.0 * scale


def _around(x: float, y: float, reach: float) -> Plate:
    return x - reach, y - reach, x + reach, y + reach


def _write(words: str, left: float, bottom: float, colour: Colour, scale: float) -> None:
    """On a dark plate, readable over any picture."""
    plate = _plate_of(words, left, bottom, scale)
    gpu.state.blend_set("ALPHA")  # drawing words leaves it off
    _plate(plate[:2], plate[2:], (*_SHADE[:3], 0.8 * colour[3]))
    blf.position(_FONT, left, bottom, 0.0)
    blf.color(_FONT, *colour)
    blf.draw(_FONT, words)


def _plate(low: tuple[float, float], high: tuple[float, float], colour: Colour) -> None:
    corners = [(low[0], low[1], 0.0), (high[0], low[1], 0.0), (high[0], high[1], 0.0), (low[0], high[1], 0.0)]
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    shader.bind()
    shader.uniform_float("color", colour)
    batch_for_shader(shader, "TRIS", {"pos": [corners[index] for index in (0, 1, 2, 0, 2, 3)]}).draw(shader)


_handle: list[Any] = []
_drawing: Callable[[], None] = _draw


def register() -> None:
    _handle.append(bpy.types.SpaceView3D.draw_handler_add(_drawing, (), "WINDOW", "POST_PIXEL"))


def unregister() -> None:
    _gesture.clear()
    while _handle:
        bpy.types.SpaceView3D.draw_handler_remove(_handle.pop(), "WINDOW")
