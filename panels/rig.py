"""The panels Motion Files and Rig: what comes in from files and goes out, and the handles of the body in hand."""

import bpy

from ..operators.body_shelf import shelf
from ..operators.rigging import body_in_hand
from ..revision_blender.scene.rigs.correctives import correctives_used
from ..revision_blender.scene.rigs.hands import fingers_of
from ..revision_blender.scene.rigs.limbs import limbs_of
from .base import SidebarPanel, under_way
from .wording import sentences


class REVISION_PT_motion_files(SidebarPanel, bpy.types.Panel):
    bl_idname = "REVISION_PT_motion_files"
    bl_label = "Motion Files"
    bl_order = 4
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        row = self.layout.row(align=True)
        row.operator("revision.import_motion", text="Import", icon="IMPORT")
        row.operator("revision.export_motion", text="Export", icon="EXPORT")
        under_way(self.layout, context.scene, "import")
        self.layout.operator("revision.add_body_model", icon="ADD")
        sentences(self.layout, "Bodies: " + ", ".join(shelf().names()), icon="OUTLINER_OB_ARMATURE")


class REVISION_PT_rig(SidebarPanel, bpy.types.Panel):
    bl_idname = "REVISION_PT_rig"
    bl_label = "Rig"
    bl_order = 5
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return body_in_hand(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        found = body_in_hand(context)
        if found is None:
            return
        _take, rig, mesh = found
        layout = self.layout
        layout.label(text=rig.name, icon="ARMATURE_DATA")
        used = correctives_used(mesh)
        layout.operator("revision.use_correctives", depress=used, icon="CHECKBOX_HLT" if used else "CHECKBOX_DEHLT")
        _draw_limbs(layout, rig)
        if fingers_of(rig):
            layout.operator_menu_enum("revision.pose_hands", "pose", text="Pose Hands", icon="VIEW_PAN")
        layout.operator("revision.update_joints", icon="BONE_DATA")


def _draw_limbs(layout: bpy.types.UILayout, rig: bpy.types.Object) -> None:
    limbs = limbs_of(rig)
    if not limbs:
        return
    column = layout.column(align=True)
    for limb in limbs:
        on = rig[limb.switch] > 0.5
        row = column.row(align=True)
        row.label(text=limb.title)
        for text, to_ik in (("FK", False), ("IK", True)):
            button = row.operator("revision.switch_limb", text=text, depress=on == to_ik)
            button.limb, button.to_ik = limb.name, to_ik
    layout.operator("revision.bake_limbs", icon="ACTION")


classes = (REVISION_PT_motion_files, REVISION_PT_rig)
register, unregister = bpy.utils.register_classes_factory(classes)
