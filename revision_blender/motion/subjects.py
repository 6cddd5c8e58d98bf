"""What the user shows the lifter: one subject of a video on one frame, as a box or a few clicks.

Also the ``boxes.json`` of the command line: a list of objects with ``frame``, ``kind``, ``name`` and ``box`` or ``clicks``.
"""

import json
import math
import unicodedata
from dataclasses import dataclass
from typing import Any, Literal, get_args

from .errors import ClipError

SubjectKind = Literal["person", "animal", "object"]
KINDS: tuple[SubjectKind, ...] = get_args(SubjectKind)

ON, OFF = "on", "off"  # a pixel of the subject, a pixel beside it
ANIMAL_PARTS = (
    "nose", "tail_base", "front_left_paw", "front_right_paw", "back_left_paw", "back_right_paw",
    "left_ear", "right_ear", "tail_tip", "withers", "throat",
)  # fmt: skip
PARTS = (ON, OFF, *ANIMAL_PARTS)
MAX_PROMPTS = 1000
MAX_CLICKS = 64
MAX_NAME = 63  # characters, as Blender's names
MAX_FRAME = 1 << 20
UNWRITABLE = ("Cc", "Cs")  # Unicode's control characters and halves of characters: no file or terminal shows them

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Click:
    """x, y: pixels from the picture's top left corner. part: one of ``PARTS``; left and right are the animal's own."""

    x: float
    y: float
    part: str = ON

    def __post_init__(self) -> None:
        if not (math.isfinite(self.x) and math.isfinite(self.y)):
            raise ClipError(f"a click lies at ({self.x}, {self.y}); two finite numbers of pixels are needed")
        if self.part not in PARTS:
            raise ClipError(f"a click is on {str(self.part)[:40]!r}; known are {', '.join(PARTS)}")


@dataclass(frozen=True)
class Prompt:
    """One subject on one frame of a clip; several with the same name correct each other's frames.

    name: the track's. frame: counted from 0. box: left, top, right, bottom in pixels, or nothing. label: what an object or an
    animal is, in words ("ball", "dog").
    """

    name: str
    kind: SubjectKind
    frame: int
    box: Box | None = None
    clicks: tuple[Click, ...] = ()
    label: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > MAX_NAME or any(unicodedata.category(letter) in UNWRITABLE for letter in self.name):
            raise ClipError(f"a subject is named {self.name[:80]!r}; give it a name of 1 to {MAX_NAME} characters, all of them printable")
        if self.kind not in KINDS:
            raise ClipError(f"{self.name} is of the kind {str(self.kind)[:40]!r}; known are {', '.join(KINDS)}")
        if not 0 <= self.frame <= MAX_FRAME:
            raise ClipError(f"{self.name} is shown on frame {str(self.frame)[:20]}; frames are counted from 0 to at most {MAX_FRAME}")
        if self.box is None and not self.clicks:
            raise ClipError(f"{self.name} has neither a box nor a click on frame {self.frame}; draw one of them")
        if len(self.clicks) > MAX_CLICKS:
            raise ClipError(f"{self.name} has {len(self.clicks)} clicks on frame {self.frame}; {MAX_CLICKS} are the most")
        if self.box is not None and not (all(map(math.isfinite, self.box)) and self.box[0] < self.box[2] and self.box[1] < self.box[3]):
            raise ClipError(
                f"the box of {self.name} is {self.box}; left, top, right, bottom are needed, with left < right and top < bottom"
            )


def prompt_values(prompt: Prompt) -> dict[str, Any]:
    """As JSON values; ``prompt_from`` reads them back."""
    values: dict[str, Any] = {"name": prompt.name, "kind": prompt.kind, "frame": prompt.frame}
    if prompt.box is not None:
        values["box"] = list(prompt.box)
    if prompt.clicks:
        values["clicks"] = [{"x": click.x, "y": click.y, "part": click.part} for click in prompt.clicks]
    return values | ({"label": prompt.label} if prompt.label else {})


def prompt_from(values: Any) -> Prompt:
    """Raises ClipError for values that are no prompt, with what is wrong."""
    known = {"name", "kind", "frame", "box", "clicks", "label"}
    if not isinstance(values, dict) or set(values) - known or not {"name", "kind", "frame"} <= set(values):
        raise ClipError(f"a subject is {str(values)[:80]}; an object with name, kind, frame, box or clicks, and perhaps label is needed")
    name, kind, frame, label = values["name"], values["kind"], values["frame"], values.get("label", "")
    if not isinstance(name, str) or not isinstance(label, str) or not isinstance(kind, str) or type(frame) is not int:
        raise ClipError(f"a subject is {str(values)[:80]}; name, kind and label are words, frame is a whole number")
    if len(label) > MAX_NAME:
        raise ClipError(f"the label of {name[:80]!r} has {len(label)} characters; {MAX_NAME} are the most")
    clicks = values.get("clicks", [])
    if not isinstance(clicks, list):
        raise ClipError(f"the clicks of {name[:80]!r} are {str(clicks)[:80]}; a list is needed")
    return Prompt(name, kind, frame, _box(name, values.get("box")), tuple(_click(name, click) for click in clicks), label)  # type: ignore[arg-type]


def _box(name: str, values: Any) -> Box | None:
    if values is None:
        return None
    if not isinstance(values, list) or len(values) != 4 or not all(type(value) in (int, float) for value in values):
        raise ClipError(f"the box of {name[:80]!r} is {str(values)[:80]}; four numbers left, top, right, bottom are needed")
    left, top, right, bottom = map(_pixels, values)
    return left, top, right, bottom


def _click(name: str, values: Any) -> Click:
    if not isinstance(values, dict) or set(values) - {"x", "y", "part"} or not all(type(values.get(axis)) in (int, float) for axis in "xy"):
        raise ClipError(f"a click of {name[:80]!r} is {str(values)[:80]}; an object with x, y in pixels and perhaps part is needed")
    part = values.get("part", ON)
    if not isinstance(part, str):
        raise ClipError(f"a click of {name[:80]!r} is on {str(part)[:40]}; known are {', '.join(PARTS)}")
    return Click(_pixels(values["x"]), _pixels(values["y"]), part)


def _pixels(value: float) -> float:
    """JSON's whole numbers have any length; what no float holds is infinite, which ``Click`` and ``Prompt`` refuse."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def prompts_from_values(values: Any) -> tuple[Prompt, ...]:
    """Raises ClipError."""
    if not isinstance(values, list) or len(values) > MAX_PROMPTS:
        raise ClipError(f"the subjects are {str(values)[:80]}; a list of at most {MAX_PROMPTS} is needed")
    prompts = tuple(prompt_from(value) for value in values)
    kinds: dict[str, str] = {}
    for prompt in prompts:
        if kinds.setdefault(prompt.name, prompt.kind) != prompt.kind:
            raise ClipError(f"{prompt.name} is a {kinds[prompt.name]} on one frame and a {prompt.kind} on another; give it one kind")
    return prompts


def prompts_from_json(text: str) -> tuple[Prompt, ...]:
    """The subjects in the text of a ``boxes.json``. Raises ClipError."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ClipError(f"the subjects are no JSON: {error}") from error
    return prompts_from_values(values)


def prompts_to_json(prompts: tuple[Prompt, ...]) -> str:
    return json.dumps([prompt_values(prompt) for prompt in prompts], indent=1)
