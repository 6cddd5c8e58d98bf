"""From the Lift panel to one request: the whole clip, or one track of it again."""

from pathlib import Path

import bpy

from ..revision_blender.motion.clip import Clip
from ..revision_blender.motion.clip_file import load_clip
from ..revision_blender.motion.errors import RevisionError
from ..revision_blender.motion.subjects import Prompt, prompts_to_json
from ..revision_blender.scene.properties import PROVIDER_KINDS, RevisionSettings, RevisionTake
from ..revision_blender.scene.subjects import prompts_of
from ..revision_blender.scene.take import find_take
from ..revision_blender.wire.requests import LiftRequest
from .arrived_lift import ASK, ONLY
from .asking import Build, Made, free_name, lifted, new_ticket, read_frames
from .tickets import Ticket
from .where import absolute, pngs


def lift(scene: bpy.types.Scene) -> tuple[Ticket, Build]:
    """S2 of the take's coarse frames, which are read without loss. A second lift makes a second take. Raises RevisionError."""
    settings: RevisionSettings = scene.revision
    entry = settings.take()
    asked = _Asked(settings, entry)
    made = asked.made | {"of_take": entry.take_id} | ({ASK: True} if settings.choose_found else {})
    if find_take(scene, entry.take_id) is None:
        ticket = new_ticket(scene, "lift", entry.name, made, entry.take_id)
    else:
        ticket = new_ticket(scene, "lift", free_name(settings, entry.name), made)
    return ticket, asked.request


def lift_again(scene: bpy.types.Scene, name: str) -> tuple[Ticket, Build]:
    """One track of the take: the camera, the floor and the other tracks stay as they were lifted. Raises RevisionError."""
    entry, _take = lifted(scene)
    if not entry.lift:
        raise RevisionError(f"{entry.name} was not lifted from a clip: there is nothing to lift {name} from again.")
    asked = _Asked(scene.revision, entry, name)
    ticket = new_ticket(scene, "lift", entry.name, asked.made | {ONLY: name}, entry.take_id)
    ticket.title = f"Lift {name} · {entry.name}"
    return ticket, asked.request


class _Asked:
    """What the panel says now; ``request`` reads the files later, on a thread. Raises RevisionError."""

    def __init__(self, settings: RevisionSettings, entry: RevisionTake, only: str = "") -> None:
        self._files, self._fps, self._focal = pngs(entry.frames), entry.fps, settings.focal
        self._prompts: tuple[Prompt, ...] = prompts_of(entry)
        self._people, self._most = settings.find_people, settings.most_people
        self._providers, self._only = chosen_providers(settings), only
        self._known: Path | None = absolute(entry.lift) if only else None
        self.made: Made = {"frames": entry.frames, "fps": self._fps, "focal": self._focal}
        self.made |= {"people": self._people, "most_people": self._most, "providers": " ".join(self._providers)}
        if self._prompts:
            self.made["prompts"] = prompts_to_json(self._prompts)

    def request(self) -> LiftRequest:
        return LiftRequest(
            frames=read_frames(self._files),
            fps=self._fps,
            focal=self._focal,
            prompts=self._prompts,
            people=self._people,
            most_people=self._most,
            providers=self._providers,
            only=self._only,
            known=_clip_at(self._known) if self._known is not None else None,
        )


def _clip_at(file: Path) -> Clip:
    if not file.is_file():
        raise RevisionError(f"The lift {file} is gone: press Lift to lift the whole clip again.")
    return load_clip(file)


def chosen_providers(settings: RevisionSettings) -> tuple[str, ...]:
    """As "kind=name", the kinds that are left to the machine left out."""
    named = ((kind, getattr(settings.providers, kind).strip()) for kind in PROVIDER_KINDS)
    return tuple(f"{kind}={name}" for kind, name in named if name)
