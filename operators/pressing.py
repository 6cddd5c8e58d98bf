"""What the buttons have in common: greyed out with a reason, a sentence for bad input, a job for good."""

from collections.abc import Callable

import bpy

from ..revision_blender.motion.errors import RevisionError
from .asking import Build
from .session import current
from .tickets import Ticket

Ask = Callable[[bpy.types.Scene], tuple[Ticket, Build]]


def can_press(operator: type[bpy.types.Operator], reason: str) -> bool:
    """For ``poll``: the reason becomes the greyed-out button's tooltip."""
    if reason:
        operator.poll_message_set(reason)
    return not reason


def submit(operator: bpy.types.Operator, scene: bpy.types.Scene, ask: Ask) -> set[str]:
    """For ``execute``: hands the job over, or reports why not and changes nothing."""
    try:
        ticket, build = ask(scene)
    except (RevisionError, OSError) as error:
        operator.report({"ERROR"}, str(error))
        return {"CANCELLED"}
    current().submit(ticket, build)
    return {"FINISHED"}
