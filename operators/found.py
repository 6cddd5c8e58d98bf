"""Lifts that found several people or animals, and wait until the user has said which of them come into the scene."""

import json
from collections.abc import Sequence

import bpy

from ..revision_blender.motion.clip import Clip, Track
from ..revision_blender.motion.errors import RevisionError
from ..revision_blender.wire.events import Collected
from .arrived_lift import ASK, CHOSEN, ONLY
from .deliveries import Delivery
from .person_choice import RevisionPersonChoice, list_choices
from .tickets import Ticket

LISTED = "revision_found"  # of the window manager: neither saved nor undone


class FoundLifts:
    """The waiting ones, in the order in which they came; the first one's tracks stand in the picker."""

    def __init__(self) -> None:
        self._waiting: dict[str, Delivery] = {}

    @staticmethod
    def asks(ticket: Ticket, collected: Collected) -> bool:
        """Whether this is a lift of which the user wants to choose, and there is a choice."""
        made = ticket.provenance
        if ticket.kind != "lift" or not made.get(ASK) or CHOSEN in made or made.get(ONLY):
            return False
        return len(collected.result.clip.bodies) > 1

    @property
    def first(self) -> Delivery | None:
        return next(iter(self._waiting.values()), None)

    def holds(self, job_id: str) -> bool:
        return job_id in self._waiting

    def add(self, delivery: Delivery) -> None:
        self._waiting[delivery.ticket.job_id] = delivery
        delivery.ticket.words = "waiting: choose below who comes into the scene"
        self.keep_listed()

    def drop(self, job_id: str) -> None:
        self._waiting.pop(job_id, None)
        self.keep_listed()

    def forget(self) -> None:
        self._waiting.clear()

    def take(self, names: Sequence[str]) -> Delivery:
        """The first one with only these tracks to be placed. Raises RevisionError where none of that name was found, or none is named."""
        delivery = self.first
        if delivery is None:
            raise RevisionError("No lift waits for a choice; turn on Choose Who Comes and press Lift.")
        found = [track.track_id for track in delivery.collected.result.clip.tracks]
        unknown = [name for name in names if name not in found]
        if unknown or not names:
            problem = f"{unknown[0]!r} was not found" if unknown else "Nobody is chosen"
            raise RevisionError(f"{problem}; choose from {', '.join(found)}.")
        delivery.ticket.provenance[CHOSEN] = json.dumps([name for name in found if name in names])
        self.drop(delivery.ticket.job_id)
        return delivery

    def keep_listed(self) -> None:
        """Brings the picker in line with the first one that waits: opening a file empties it, for instance."""
        manager = bpy.context.window_manager
        choices = getattr(manager, LISTED, None) if manager is not None else None
        if choices is None:
            return
        found = [] if self.first is None else _told(self.first.collected.result.clip)
        if [(choice.track_id, choice.words) for choice in choices] != found:
            list_choices(choices, found)


def _told(clip: Clip) -> list[tuple[str, str]]:
    return [(track.track_id, _frames_of(track)) for track in clip.tracks]


def _frames_of(track: Track) -> str:
    count = int(track.there.sum())
    return "all frames" if count == track.n_frames else f"{count} of {track.n_frames} frames"


def register() -> None:
    setattr(bpy.types.WindowManager, LISTED, bpy.props.CollectionProperty(type=RevisionPersonChoice, options={"SKIP_SAVE"}))


def unregister() -> None:
    delattr(bpy.types.WindowManager, LISTED)
