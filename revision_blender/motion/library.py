"""The bundled motions, and the one that fits a prompt.

The motions are windows of the CMU motion capture database (mocap.cs.cmu.edu, created with funding from NSF EIA-0196217),
retargeted by ``authoring/motion_library.py``. Each starts over the origin facing +z, y is up, the floor is y = 0.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ClipError
from .rotation import matrix_from_axis_angle

Array = NDArray[np.floating]

LIBRARY = Path(__file__).parents[1] / "data" / "motion_library.npz"
QUANTUM = np.pi / 32767.0  # radians a step of the stored axis-angle vectors
AS_RECORDED = 0.7  # the strength that leaves a motion as it was captured
DEFAULT = "walk"

_STRONGER = ("fast", "quick", "strong", "high", "hard", "big", "energetic", "wild", "powerful", "vigorous")
_WEAKER = ("slow", "calm", "gentle", "small", "little", "careful", "relaxed", "leisurely", "tired", "slowly", "gently", "calmly")
_NUDGE = 0.15  # of strength, for each such word


@dataclass(frozen=True, eq=False)
class Motion:
    """One recorded motion of the open human's mean body.

    words: what a prompt may call it, the best first. rotations: ``(F, 24, 3, 3)`` R_parent_joint, joint 0 to the world.
    translation: ``(F, 3)`` metres, as in SMPL. root_rest: ``(3,)`` the body's rest joint 0. leg_length: metres, hip to ankle.
    cyclic: whether it may go on from its end as a walk does.
    """

    name: str
    words: tuple[str, ...]
    fps: float
    rotations: Array
    translation: Array
    root_rest: Array
    leg_length: float
    cyclic: bool

    @property
    def n_frames(self) -> int:
        return len(self.rotations)

    @property
    def seconds(self) -> float:
        return (self.n_frames - 1) / self.fps

    @property
    def pelvis(self) -> Array:
        """``(F, 3)`` metres: the place of joint 0."""
        return self.translation + self.root_rest


@dataclass(frozen=True)
class Match:
    """Which motion a prompt asks for. reason: one sentence for the user."""

    motion: Motion
    reason: str


@cache
def motions() -> tuple[Motion, ...]:
    """All bundled motions, in the file's order; several may share their words."""
    try:
        with np.load(LIBRARY, allow_pickle=False) as stored:
            return tuple(_unpacked(stored))
    except (OSError, ValueError, KeyError) as error:
        raise ClipError(f"the motion library {LIBRARY.name} cannot be read ({error}); install the add-on again") from error


def _unpacked(stored: Mapping[str, NDArray[Any]]) -> list[Motion]:
    rotations = matrix_from_axis_angle(stored["rotations"].astype(np.float64) * QUANTUM)
    translation = stored["translation"].astype(np.float64)
    found = []
    for row, (name, words) in enumerate(zip(stored["names"], stored["words"], strict=True)):
        part = slice(int(stored["starts"][row]), int(stored["starts"][row + 1]))
        found.append(
            Motion(
                name=str(name),
                words=tuple(str(words).split()),
                fps=float(stored["fps"]),
                rotations=rotations[part],
                translation=translation[part],
                root_rest=stored["root_rest"].astype(np.float64),
                leg_length=float(stored["leg_length"]),
                cyclic=bool(stored["cyclic"][row]),
            )
        )
    return found


def stem(word: str) -> str:
    """A word without its English ending: "kicking", "kicked", "kicks" become "kick", "waving" becomes "wav"."""
    for ending in ("ing", "ed", "es", "er", "s", "e"):
        if word.endswith(ending) and not word.endswith("ss") and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    doubled = len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl"
    return word[:-1] if doubled else word


def _stems(text: str) -> list[str]:
    return [stem(word) for word in re.findall(r"[a-z]+", text.lower())]


def match_prompt(prompt: str, seed: int) -> Match:
    """The motion named earliest in the prompt, the seed choosing among equals; the default, and why, where none is named."""
    asked = _stems(prompt)
    scores = [_score(motion, asked) for motion in motions()]
    best = max(scores)
    if best <= 0.0:
        chosen = [motion for motion in motions() if motion.words[0] == DEFAULT]
        names = ", ".join(sorted({motion.words[0] for motion in motions()}))
        reason = f"No bundled motion is named in the prompt, so it is a {DEFAULT}; there are: {names}."
    else:
        chosen = [motion for motion, score in zip(motions(), scores, strict=True) if score == best]
        reason = f"The prompt asks for: {chosen[0].words[0]}."
    return Match(chosen[int(seed) % len(chosen)], reason)


def _score(motion: Motion, asked: list[str]) -> float:
    """More for more words of the motion in the prompt, for the motion's first word, and for a word early in the prompt."""
    words = [stem(word) for word in motion.words]
    places = [asked.index(word) for word in words if word in asked]
    if not places:
        return 0.0
    return len(places) + (0.5 if words[0] in asked else 0.0) - 0.001 * min(places)


def motion_for_prompt(prompt: str, strength: float = AS_RECORDED, seed: int = 0) -> Motion:
    """``match_prompt``'s motion at a strength in [0, 1]; words such as "slowly" or "fast" shift it a little."""
    asked = set(_stems(prompt))
    stronger, weaker = (len(asked & {stem(word) for word in words}) for words in (_STRONGER, _WEAKER))
    return with_strength(match_prompt(prompt, seed).motion, float(np.clip(strength + _NUDGE * (stronger - weaker), 0.0, 1.0)))


def with_strength(motion: Motion, strength: float) -> Motion:
    """The motion faster and larger above ``AS_RECORDED``, slower and smaller below; ``AS_RECORDED`` returns it as it is.

    Only the clock is changed by more than the eye forgives: at strength 0 the motion runs at two thirds of its speed, at 1 a
    fifth faster. The poses themselves stay as captured, so that feet stay where they were put.
    """
    if not 0.0 <= strength <= 1.0:
        raise ClipError(f"the motion strength is {strength}; choose from 0 to 1")
    change = strength - AS_RECORDED
    return replace(motion, fps=motion.fps * (1.0 + (0.65 if change > 0.0 else 0.48) * change))
