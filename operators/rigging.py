"""What is done to a body that stands in the scene: correctives, handles of the limbs, hands, joints after a shape edit."""

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ..revision_blender.motion.errors import RevisionError
from ..revision_blender.scene import marks
from ..revision_blender.scene.rigs import hands, ik
from ..revision_blender.scene.rigs.correctives import correctives_used, use_correctives
from ..revision_blender.scene.rigs.limbs import limbs_of
from ..revision_blender.scene.take import Take, find_takes
from ..revision_blender.scene.take_body import update_joints
from .body_shelf import shelf

HAND_POSES = (("flat", "Flat", "Fingers straight"), ("relaxed", "Relaxed", "The hand at rest"))


def body_in_hand(context: bpy.types.Context) -> tuple[Take, bpy.types.Object, bpy.types.Object] | None:
    """The take, rig and mesh that the animator works on: the active object's, else the first of the chosen take."""
    takes = find_takes(context.scene)
    active = context.active_object.name if context.active_object is not None else ""
    for take in takes:
        for _track, rig, mesh in take.bodies:
            if active in (rig, mesh):
                return take, bpy.data.objects[rig], bpy.data.objects[mesh]
    chosen = context.scene.revision.take()
    take = next((take for take in takes if chosen is not None and take.take_id == chosen.take_id), None)
    if take is None or not take.bodies:
        return None
    _track, rig, mesh = take.bodies[0]
    return take, bpy.data.objects[rig], bpy.data.objects[mesh]


def why_no_body(context: bpy.types.Context) -> str:
    return "" if body_in_hand(context) is not None else "Lift a clip or import a motion first"


class BodyOperator:
    """Mix-in: works on the body in hand, is greyed out with a reason, and reports what goes wrong in one sentence."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = why_no_body(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context: bpy.types.Context) -> set[str]:
        found = body_in_hand(context)
        if found is None:
            self.report({"ERROR"}, why_no_body(context))
            return {"CANCELLED"}
        try:
            self.work(context, *found)
        except RevisionError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class REVISION_OT_use_correctives(BodyOperator, bpy.types.Operator):
    """Turns the body's pose correctives on or off; without them it plays faster and creases at the joints"""

    bl_idname = "revision.use_correctives"
    bl_label = "Pose Correctives"
    bl_options = {"REGISTER", "UNDO"}

    def work(self, _context: bpy.types.Context, _take: Take, _rig: bpy.types.Object, mesh: bpy.types.Object) -> None:
        use_correctives(mesh, not correctives_used(mesh))


class REVISION_OT_switch_limb(BodyOperator, bpy.types.Operator):
    """Poses this limb by a handle at its end, or bone by bone; the pose stays as it is"""

    bl_idname = "revision.switch_limb"
    bl_label = "Switch IK/FK"
    bl_options = {"REGISTER", "UNDO"}

    limb: StringProperty(name="Limb", description="Left Hand and so on, as the rig names it")
    to_ik: BoolProperty(name="IK", description="By the handle")

    def work(self, _context: bpy.types.Context, _take: Take, rig: bpy.types.Object, _mesh: bpy.types.Object) -> None:
        ik.switch(rig, self.limb, self.to_ik)


class REVISION_OT_bake_limbs(BodyOperator, bpy.types.Operator):
    """Writes what the handles do into the limbs' own keys, over the take, and switches the handles off"""

    bl_idname = "revision.bake_limbs"
    bl_label = "Bake IK to FK"
    bl_options = {"REGISTER", "UNDO"}

    def work(self, context: bpy.types.Context, _take: Take, rig: bpy.types.Object, _mesh: bpy.types.Object) -> None:
        for _words in ik.bake(context.scene, rig, [limb.name for limb in limbs_of(rig)]):
            pass


class REVISION_OT_pose_hands(BodyOperator, bpy.types.Operator):
    """Poses all fingers, over the whole motion where they have keys"""

    bl_idname = "revision.pose_hands"
    bl_label = "Pose Hands"
    bl_options = {"REGISTER", "UNDO"}

    pose: EnumProperty(name="Hands", items=HAND_POSES, default="relaxed")

    def work(self, _context: bpy.types.Context, _take: Take, rig: bpy.types.Object, _mesh: bpy.types.Object) -> None:
        hands.hands(rig, self.pose)


class REVISION_OT_update_joints(BodyOperator, bpy.types.Operator):
    """Moves the bones to where the joints of the edited shape are; the motion stays"""

    bl_idname = "revision.update_joints"
    bl_label = "Fit Bones to Shape"
    bl_options = {"REGISTER", "UNDO"}

    def work(self, _context: bpy.types.Context, take: Take, rig: bpy.types.Object, mesh: bpy.types.Object) -> None:
        update_joints(rig, mesh, shelf().load(str(rig[marks.MODEL])), take.T_blender_world)


classes = (REVISION_OT_use_correctives, REVISION_OT_switch_limb, REVISION_OT_bake_limbs, REVISION_OT_pose_hands, REVISION_OT_update_joints)
register, unregister = bpy.utils.register_classes_factory(classes)
