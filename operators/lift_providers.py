"""Which models can take part in a lift on the backend's machine: asked of ``doctor`` on a thread, when the user wants to see it."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..revision_blender.motion.errors import RevisionError
from ..revision_blender.scene import properties
from .chores import Chore
from .pressing import can_press
from .session import current
from .settings import backend_choice
from .where import SOURCE

SECONDS = 180.0  # doctor loads torch in a process of its own
_TICK = 0.25


@dataclass(frozen=True)
class ProviderFacts:
    """As the backend's ``Ability``. size: megabytes of weights."""

    kind: str
    name: str
    can_run: bool
    missing: str
    where: str
    licence: str
    size: float


class ProviderList:
    """facts: by kind, empty until asked. why: what went wrong, in a sentence."""

    def __init__(self) -> None:
        self.facts: dict[str, tuple[ProviderFacts, ...]] = {}
        self.why = ""
        self._chore: Chore[dict[str, tuple[ProviderFacts, ...]]] | None = None

    @property
    def asking(self) -> bool:
        return self._chore is not None

    def ask(self, python: Path, home: Path) -> None:
        if self._chore is None:
            self.why = ""
            self._chore = Chore(lambda: ask_doctor(python, home), self._told, self._not_told)

    def settle(self) -> bool:
        """True when an answer has come."""
        chore = self._chore
        if chore is None or not chore.finished:
            return False
        self._chore = None
        chore.settle()
        return True

    def close(self) -> None:
        if self._chore is not None:
            self._chore.join(1.0)

    def _told(self, facts: dict[str, tuple[ProviderFacts, ...]]) -> None:
        self.facts = facts
        properties.provider_names.clear()
        properties.provider_names.update({kind: tuple(one.name for one in found) for kind, found in facts.items()})

    def _not_told(self, error: Exception) -> None:
        self.why = str(error)


def ask_doctor(python: Path, home: Path) -> dict[str, tuple[ProviderFacts, ...]]:
    """Runs ``doctor`` with the backend's interpreter; touches no Blender data. Raises RevisionError."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [str(python), "-m", "backend", "doctor", "--json", "--home", str(home)]
    try:
        done = subprocess.run(
            command,
            cwd=SOURCE,
            env={**kept, "PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RevisionError(f"The models could not be looked at with {python} ({error}); make the backend environment again.") from error
    return parsed(done.stdout, done.stderr)


def parsed(answer: str, errors: str = "") -> dict[str, tuple[ProviderFacts, ...]]:
    """The providers in ``doctor``'s JSON, by kind. Raises RevisionError where there is none to be read."""
    try:
        facts = json.loads(answer.strip().splitlines()[-1])
        found = [_fact(values) for values in facts["machine"]["providers"]]
    except (ValueError, LookupError, TypeError) as error:
        last = (errors.strip().splitlines() or ["no answer"])[-1]
        raise RevisionError(f"The backend's doctor did not tell its models ({last[:200]}); see python -m backend doctor.") from error
    return {kind: tuple(fact for fact in found if fact.kind == kind) for kind in properties.PROVIDER_KINDS}


def _fact(values: dict[str, Any]) -> ProviderFacts:
    words = {name: str(values[name]) for name in ("kind", "name", "missing", "where", "licence")}
    return ProviderFacts(can_run=bool(values["can_run"]), size=float(values["size"]), **words)


providers = ProviderList()


class REVISION_OT_look_at_models(bpy.types.Operator):
    """Asks the backend which models can take part in a lift on its machine, and what the others lack"""

    bl_idname = "revision.look_at_models"
    bl_label = "Look at Models"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        choice = backend_choice()
        missing = "" if current().link.python(choice.python, choice.home) else current().why_no_backend()
        return can_press(cls, "The models are being looked at" if providers.asking else missing)

    def execute(self, context: bpy.types.Context) -> set[str]:
        choice = backend_choice()
        python = current().link.python(choice.python, choice.home)
        if python is None:
            self.report({"ERROR"}, current().why_no_backend())
            return {"CANCELLED"}
        providers.ask(python, choice.home)
        if not bpy.app.timers.is_registered(_look):
            bpy.app.timers.register(_look, first_interval=_TICK, persistent=True)
        return {"FINISHED"}


def _look() -> float | None:
    """A timer that ends with the answer."""
    if providers.settle():
        current().changed = True
    return _TICK if providers.asking else None


classes = (REVISION_OT_look_at_models,)
register, _unregister_classes = bpy.utils.register_classes_factory(classes)


def unregister() -> None:
    if bpy.app.timers.is_registered(_look):
        bpy.app.timers.unregister(_look)
    providers.close()
    _unregister_classes()
