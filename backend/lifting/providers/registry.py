"""Which provider does what in a lift: the list, the user's choice, the automatic one, and the way back when one fails."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar, cast

from backend.errors import EngineError, InputError
from backend.lifting.providers.base import KINDS, Ability, Kind, Provider
from backend.lifting.providers.pretrained import first_line
from revision_blender.wire.paths import home_folder

Result = TypeVar("Result")

# Modules that hold providers, the best of each kind first. Each has ``PROVIDERS``, a tuple of classes that are made with the home folder.
_MODULES = (
    "grounding_dino", "sam2_video", "depth_anything", "vitpose", "rtmpose", "yolo", "hmr2", "hamer", "animer", "hands_mediapipe",
)  # fmt: skip
# What a lift does on any machine, by kind: the name under which it can be chosen, and its licence.
_BUNDLED: dict[Kind, tuple[str, str]] = {
    "detection": ("mediapipe", "Apache-2.0; finds people only, other subjects are shown by the user"),
    "tracking": ("flow", "GPL-3.0-or-later, part of this project"),
    "segmentation": ("mediapipe", "Apache-2.0"),
    "depth": ("contact", "GPL-3.0-or-later, part of this project"),
    "people": ("mediapipe", "Apache-2.0, the fit is part of this project"),
    "keypoints": ("mediapipe", "Apache-2.0"),
    "hands": ("none", ""),
    "animals": ("silhouette", "GPL-3.0-or-later, part of this project"),
    "camera": ("background", "GPL-3.0-or-later, part of this project"),
}


def bundled(kind: Kind) -> str:
    """The name of what works on any machine."""
    return _BUNDLED[kind][0]


@cache
def providers(home: Path) -> tuple[Provider, ...]:
    """Every provider beside the bundled ways, made once a process."""
    names = [f"backend.lifting.providers.{name}" for name in _MODULES]
    made = [provider(home) for name in names if find_spec(name) is not None for provider in import_module(name).PROVIDERS]
    return tuple(cast("list[Provider]", made))


def abilities(home: Path | None = None) -> tuple[Ability, ...]:
    """What can be done here, by kind, the bundled way of each kind last."""
    found = [provider.ability() for provider in providers(home or home_folder())]
    own = [Ability(kind, name, True, "", "", licence, 0.0) for kind, (name, licence) in _BUNDLED.items()]
    return tuple(ability for kind in KINDS for ability in (*found, *own) if ability.kind == kind)


def parsed_choices(words: tuple[str, ...]) -> dict[Kind, str]:
    """The user's "kind=name" as a table. Raises ``InputError`` for a kind that does not exist and a kind that is chosen twice."""
    chosen: dict[Kind, str] = {}
    for word in words:
        kind, equals, name = word.partition("=")
        if not equals or kind not in KINDS or not name:
            raise InputError(f"The provider {word[:80]!r} is no choice; write kind=name with a kind of: {', '.join(KINDS)}.")
        if chosen.setdefault(cast("Kind", kind), name) != name:
            raise InputError(f"The kind {kind} is chosen twice ({chosen[cast('Kind', kind)]} and {name}); choose one.")
    return chosen


@dataclass(frozen=True, eq=False)
class Choices:
    """What does the work of each kind in one lift. notes: sentences that a lift collects, also about a provider that failed."""

    chosen: dict[Kind, str]
    made: tuple[Provider, ...]
    notes: list[str] = field(default_factory=list)

    def named(self, kind: Kind) -> str:
        """The provider that would be asked first, the bundled way's name where it is that."""
        first = next(iter(self._able(kind)), None)
        return first.name if first is not None else bundled(kind)

    def attempt(self, kind: Kind, use: Callable[[Any], Result], fallback: Callable[[], Result]) -> Result:
        """What the chosen provider gives; where it cannot run or fails, the bundled way's result, and a note that says so.

        Programming errors and ``Cancelled`` pass through; ``EngineError``, ``OSError`` and lack of memory fall back.
        """
        for provider in self._able(kind):
            try:
                return use(provider)
            except MemoryError:
                self._say(kind, provider.name, "the memory does not suffice")
            except (EngineError, OSError) as error:
                self._say(kind, provider.name, str(error) or first_line(error))
            except RuntimeError as error:  # torch's own, such as a card without free memory
                self._say(kind, provider.name, first_line(error))
        return fallback()

    def _able(self, kind: Kind) -> list[Provider]:
        wanted = self.chosen.get(kind)
        if wanted == bundled(kind):
            return []
        of_kind = [provider for provider in self.made if provider.kind == kind]
        if wanted is None:
            return [provider for provider in of_kind if (can := provider.ability()).can_run and can.automatic]
        chosen = next((provider for provider in of_kind if provider.name == wanted), None)
        if chosen is None:
            known = ", ".join([*(provider.name for provider in of_kind), bundled(kind)])
            raise InputError(f"There is no provider {wanted!r} of the kind {kind}; known are {known}.")
        able = chosen.ability()
        if not able.can_run:
            self._say(kind, chosen.name, able.missing)
        return [chosen] if able.can_run else []

    def _say(self, kind: Kind, name: str, why: str) -> None:
        note = f"The provider {name} for {kind} could not be used ({why.rstrip('.')}); {bundled(kind)} did it instead."
        if note not in self.notes:
            self.notes.append(note)


def choices(words: tuple[str, ...], home: Path | None = None) -> Choices:
    """The user's choices, checked. Raises ``InputError`` for a kind or a name that does not exist."""
    made = providers(home or home_folder())
    found = Choices(parsed_choices(words), made)
    for kind in found.chosen:
        found.named(kind)
    found.notes.clear()  # what cannot run is said where it is asked
    return found
