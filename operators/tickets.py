"""A job as this session of Blender knows it, and its row in the scene.

The row is saved with the file and is undone with everything else; the ticket is neither. Tickets are what counts, rows are
brought in line with them: after an undo a row that vanished comes back, and a result that was placed is not placed again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import bpy

ENDED = frozenset({"DONE", "FAILED", "CANCELLED"})


@dataclass
class Ticket:
    """status: one of the scene properties' STATUSES. fraction, words, seconds_left: for the bar, never saved.

    scene_uid: the scene's session id, which renaming and undo leave alone. kept: it failed only on its way into the scene; the
    backend has the result.
    """

    job_id: str
    kind: str
    take_id: str
    title: str
    scene_uid: int
    provenance: dict[str, str | float | int] = field(default_factory=dict)
    status: str = "WAITING"
    message: str = ""
    fraction: float = 0.0
    words: str = ""
    seconds_left: float | None = None
    kept: bool = False

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    def scene(self) -> bpy.types.Scene | None:
        return next((scene for scene in bpy.data.scenes if scene.session_uid == self.scene_uid), None)


def write_row(ticket: Ticket) -> None:
    """Makes the scene's row say what the ticket says; touches nothing that says so already."""
    scene = ticket.scene()
    if scene is None:
        return
    row = scene.revision.job_of(ticket.job_id)
    if row is None:
        row = scene.revision.jobs.add()
    wanted: Mapping[str, str] = {
        "job_id": ticket.job_id,
        "kind": ticket.kind,
        "take_id": ticket.take_id,
        "title": ticket.title,
        "status": ticket.status,
        "message": ticket.message,
        "provenance": json.dumps(ticket.provenance),
    }
    for name, value in wanted.items():
        if getattr(row, name) != value:
            setattr(row, name, value)


def drop_row(scene: bpy.types.Scene, job_id: str) -> None:
    index = next((index for index, row in enumerate(scene.revision.jobs) if row.job_id == job_id), None)
    if index is not None:
        scene.revision.jobs.remove(index)


def tickets_in_file() -> list[Ticket]:
    """The jobs that the open file remembers."""
    return [
        Ticket(
            job_id=row.job_id,
            kind=row.kind,
            take_id=row.take_id,
            title=row.title,
            scene_uid=scene.session_uid,
            provenance=json.loads(row.provenance or "{}"),
            status=row.status,
            message=row.message,
            words="" if row.status in ENDED else "asking the backend about it",
        )
        for scene in bpy.data.scenes
        for row in scene.revision.jobs
    ]
