"""Which of a take's motions plays, and a ghost of another beside it."""

import bpy
from bpy.props import StringProperty

from ..revision_blender.scene.errors import SceneError
from ..revision_blender.scene.ghosts import ghost_role, hide_ghost, show_ghost
from ..revision_blender.scene.motions import TITLES, play, roles_of, shown_role
from ..revision_blender.scene.take import Take
from . import reasons
from .pinning import chosen_take
from .take_edits import TakeEdit


class _Comparing(TakeEdit):
    """Mix-in: works on the chosen take where it has more than one motion."""

    why_not = staticmethod(reasons.why_not_compared)

    def edit(self, context: bpy.types.Context) -> str:
        take = chosen_take(context.scene)
        if take is None:
            raise SceneError("There is no take in this scene; lift a clip or import a motion first.")
        self.work(context.scene, take)
        return ""


class REVISION_OT_play_motion(_Comparing, bpy.types.Operator):
    """Lets the take move by this motion; the others stay as they are, a ghost goes on with the one that played until now"""

    bl_idname = "revision.play_motion"
    bl_label = "Play Motion"

    role: StringProperty(name="Motion", description="raw, lift, imported or refined")

    def work(self, scene: bpy.types.Scene, take: Take) -> None:
        before, ghost = shown_role(take), ghost_role(take)
        play(scene, take, self.role)
        if ghost == self.role and before in roles_of(take) and before != self.role:
            show_ghost(scene, take, before)


class REVISION_OT_ghost(_Comparing, bpy.types.Operator):
    """Shows another motion of the take beside the one that plays, transparent and out of the way; or takes it away"""

    bl_idname = "revision.ghost"
    bl_label = "Ghost"

    role: StringProperty(name="Motion", description="raw, lift, imported or refined; empty: the nearest to the one that plays")

    def work(self, scene: bpy.types.Scene, take: Take) -> None:
        shown = ghost_role(take)
        if shown and self.role in ("", shown):
            hide_ghost(take)
        else:
            show_ghost(scene, take, self.role or other_role(take))


def other_role(take: Take) -> str:
    """What to compare with: of the motions that do not play the most refined."""
    playing = shown_role(take)
    others = [role for role in roles_of(take) if role != playing]
    if not others:
        raise SceneError(f"The take has the motion {TITLES.get(playing, playing)!r} only; Refine makes another.")
    return others[-1]


classes = (REVISION_OT_play_motion, REVISION_OT_ghost)
register, unregister = bpy.utils.register_classes_factory(classes)
