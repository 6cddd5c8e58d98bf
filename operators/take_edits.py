"""What the operators have in common that change a take at once, in this Blender."""

from collections.abc import Callable
from typing import ClassVar

import bpy

from ..revision_blender.motion.errors import RevisionError
from . import pin_counts, reasons
from .pressing import can_press


class TakeEdit:
    """Mix-in: greyed out with a reason; what goes wrong is reported in one sentence, what ``edit`` returns as well."""

    bl_options = {"REGISTER", "UNDO"}
    why_not: ClassVar[Callable[[bpy.types.Scene], str]] = staticmethod(reasons.why_not_lifted)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_press(cls, cls.why_not(context.scene))

    def edit(self, context: bpy.types.Context) -> str:
        """Does the work; a sentence for the user, or nothing."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            words = self.edit(context)
        except (RevisionError, OSError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        finally:
            pin_counts.forget()
        if words:
            self.report({"INFO"}, words)
        return {"FINISHED"}
