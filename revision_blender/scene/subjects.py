"""Showing the lifter a subject: boxes and clicks on frames of a take's clip, and what is asked of the lifter with them.

Frames are the clip's, counted from 0; pixels are the picture's, from its top left corner.
"""

import math

import bpy

from ..motion.errors import RevisionError
from ..motion.subjects import MAX_CLICKS, OFF, ON, PARTS, Box, Click, Prompt
from .errors import SceneError
from .properties import RevisionTake
from .subject_properties import RevisionClick, RevisionShown, RevisionSubject
from .timing import scene_fps

SMALLEST_BOX = 3.0  # pixels a side: anything smaller was a click by mistake
_SLACK = 1e-4  # of a clip frame, as in ``timing``
MAIN_PARTS = ("nose", "tail_base", "front_left_paw", "front_right_paw", "back_left_paw", "back_right_paw")


def chosen(entry: RevisionTake) -> RevisionSubject | None:
    """The subject that is chosen in the list."""
    return entry.subjects[entry.subject_index] if 0 <= entry.subject_index < len(entry.subjects) else None


def find(entry: RevisionTake, name: str) -> RevisionSubject:
    """Raises SceneError where there is none of that name."""
    found = next((subject for subject in entry.subjects if subject.name == name), None)
    if found is None:
        raise SceneError(f"{entry.name} has no subject {name!r}; add it in Lift.")
    return found


def add(entry: RevisionTake, kind: str, name: str = "") -> RevisionSubject:
    """A new subject, chosen. name: empty for the first of ``kind_1``, ``kind_2`` ... that is free."""
    taken = {subject.name for subject in entry.subjects}
    free = next(candidate for number in range(1, len(taken) + 2) if (candidate := f"{kind}_{number}") not in taken)
    subject = entry.subjects.add()
    subject.kind = kind
    subject.name = name or free
    entry.subject_index = len(entry.subjects) - 1
    return entry.subjects[-1]


def remove(entry: RevisionTake, index: int) -> None:
    entry.subjects.remove(index)
    entry.subject_index = max(0, min(entry.subject_index, len(entry.subjects) - 1))


def clip_frame(scene: bpy.types.Scene, entry: RevisionTake, n_frames: int) -> int:
    """The frame of the clip whose picture shows now. Raises SceneError outside the clip."""
    along = (scene.frame_current_final - entry.start_frame) / scene_fps(scene) * entry.fps
    frame = math.floor(along + _SLACK)
    if not 0 <= frame < n_frames:
        first, last = scene_frame(scene, entry, 0), scene_frame(scene, entry, n_frames - 1)
        raise SceneError(f"Frame {scene.frame_current} is not in {entry.name}, which lasts from {first} to {last}; go there first.")
    return frame


def scene_frame(scene: bpy.types.Scene, entry: RevisionTake, frame: int) -> int:
    """The first whole scene frame at which the clip's ``frame`` shows."""
    return math.ceil(entry.start_frame + frame / entry.fps * scene_fps(scene) - _SLACK)


def shown_at(subject: RevisionSubject, frame: int) -> RevisionShown | None:
    return next((shown for shown in subject.shown if shown.frame == frame), None)


def _ensured(subject: RevisionSubject, frame: int) -> RevisionShown:
    """Frames stay in order."""
    found = shown_at(subject, frame)
    if found is not None:
        return found
    place = sum(shown.frame < frame for shown in subject.shown)
    made = subject.shown.add()
    made.frame = frame
    subject.shown.move(len(subject.shown) - 1, place)
    return subject.shown[place]


def set_box(subject: RevisionSubject, frame: int, box: Box, size: tuple[int, int]) -> None:
    """One box a frame; what lies beyond the picture of ``size`` width, height is cut off. Raises SceneError where too little is left."""
    left, right = sorted(min(max(float(value), 0.0), float(size[0])) for value in (box[0], box[2]))
    top, bottom = sorted(min(max(float(value), 0.0), float(size[1])) for value in (box[1], box[3]))
    if right - left < SMALLEST_BOX or bottom - top < SMALLEST_BOX:
        raise SceneError(f"The box is {right - left:.0f} x {bottom - top:.0f} pixels; draw it around {subject.name}, with the button held.")
    shown = _ensured(subject, frame)
    shown.box, shown.has_box = (left, top, right, bottom), True


def add_click(subject: RevisionSubject, frame: int, x: float, y: float, part: str, size: tuple[int, int]) -> None:
    """A named part of an animal is at one place a frame: a second click moves it. Raises SceneError off the picture."""
    if part not in PARTS:
        raise SceneError(f"A click is on {part!r}; known are {', '.join(PARTS)}.")
    if not (0.0 <= x <= size[0] and 0.0 <= y <= size[1]):
        raise SceneError(f"({x:.0f}, {y:.0f}) is not on the picture, which is {size[0]} x {size[1]} pixels; click on it.")
    shown = _ensured(subject, frame)
    if part not in (ON, OFF):
        _drop_clicks(shown, lambda click: click.part == part)
    if len(shown.clicks) >= MAX_CLICKS:
        raise SceneError(f"{subject.name} has {MAX_CLICKS} clicks on this frame, the most there can be; take one back first.")
    click = shown.clicks.add()
    click.x, click.y, click.part = x, y, part


def remove_click(subject: RevisionSubject, frame: int, x: float, y: float, reach: float) -> bool:
    """Takes away the click nearest to a pixel, if one is within ``reach`` pixels."""
    shown = shown_at(subject, frame)
    if shown is None or not len(shown.clicks):
        return False
    distances = [math.hypot(click.x - x, click.y - y) for click in shown.clicks]
    nearest = min(range(len(distances)), key=distances.__getitem__)
    if distances[nearest] > reach:
        return False
    shown.clicks.remove(nearest)
    _tidy(subject)
    return True


def _drop_clicks(shown: RevisionShown, which) -> None:  # noqa: ANN001 -- of a RevisionClick
    for index in [index for index, click in enumerate(shown.clicks) if which(click)][::-1]:
        shown.clicks.remove(index)


def forget(subject: RevisionSubject, frame: int) -> bool:
    """Takes back what is shown on a frame."""
    index = next((index for index, shown in enumerate(subject.shown) if shown.frame == frame), None)
    if index is not None:
        subject.shown.remove(index)
    return index is not None


def _tidy(subject: RevisionSubject) -> None:
    """Frames on which nothing is left are shown no more."""
    for index in [index for index, shown in enumerate(subject.shown) if not shown.has_box and not len(shown.clicks)][::-1]:
        subject.shown.remove(index)


def next_part(subject: RevisionSubject, frame: int) -> str:
    """Which part of an animal is to be clicked next on a frame; ``on`` where none is left, and for people and things."""
    if subject.kind != "animal":
        return ON
    shown = shown_at(subject, frame)
    clicked = {click.part for click in shown.clicks} if shown is not None else set()
    return next((part for part in MAIN_PARTS if part not in clicked), ON)


def prompts_of(entry: RevisionTake) -> tuple[Prompt, ...]:
    """Everything that is shown of a take's subjects, for the lifter. Raises RevisionError."""
    return tuple(_prompt(subject, shown) for subject in entry.subjects for shown in subject.shown if shown.has_box or len(shown.clicks))


def _prompt(subject: RevisionSubject, shown: RevisionShown) -> Prompt:
    clicks = tuple(Click(float(click.x), float(click.y), click.part) for click in shown.clicks)
    return Prompt(subject.name, subject.kind, shown.frame, tuple(shown.box) if shown.has_box else None, clicks, subject.label.strip())


def show(entry: RevisionTake, prompt: Prompt) -> RevisionSubject:
    """Keeps a prompt in the list, as if the user had drawn it."""
    subject = next((subject for subject in entry.subjects if subject.name == prompt.name), None) or add(entry, prompt.kind, prompt.name)
    subject.kind, subject.label = prompt.kind, prompt.label or subject.label
    shown = _ensured(subject, prompt.frame)
    shown.has_box = prompt.box is not None
    if prompt.box is not None:
        shown.box = prompt.box
    shown.clicks.clear()
    for click in prompt.clicks:
        _write(shown.clicks.add(), click)
    return subject


def _write(kept: RevisionClick, click: Click) -> None:
    kept.x, kept.y, kept.part = click.x, click.y, click.part


def copy(source: RevisionTake, target: RevisionTake) -> None:
    """A take of the same clip has the same subjects."""
    target.subjects.clear()
    for subject in source.subjects:
        made = target.subjects.add()
        made.kind, made.label = subject.kind, subject.label
        made.name = subject.name
    try:
        for prompt in prompts_of(source):
            show(target, prompt)
    except RevisionError:  # a prompt that cannot be asked for cannot be copied; asking for it says what is wrong
        pass
    target.subject_index = source.subject_index
