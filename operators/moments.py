"""When a result may enter the scene: never under the animator's hands."""

import bpy

# The modal operators that hold data while they run; other add-ons keep harmless ones alive for hours.
_HOLDING = (
    "TRANSFORM_OT_", "MESH_OT_", "CURVE_OT_", "ARMATURE_OT_", "POSE_OT_", "PAINT_OT_", "SCULPT_OT_", "OBJECT_OT_", "GRAPH_OT_", "ACTION_OT_",
    "NLA_OT_", "SEQUENCER_OT_", "GREASE_PENCIL_OT_", "NODE_OT_", "ANIM_OT_", "REVISION_OT_", "WM_OT_",
)  # fmt: skip
_MODES = {"OBJECT": frozenset({"OBJECT"}), "POSE": frozenset({"OBJECT", "POSE"})}


def why_not_now(*, makes_rigs: bool) -> str:
    """What a result waits for, in words; empty when it may come now. makes_rigs: pose mode is in the way, too."""
    if bpy.app.is_job_running("RENDER"):
        return "waits until the render ends"
    allowed = _MODES["OBJECT" if makes_rigs else "POSE"]
    for window in bpy.context.window_manager.windows:
        active = window.view_layer.objects.active
        if active is not None and active.mode not in allowed:
            return f"waits until you leave {_mode_words(active.mode)}"
        if any(operator.bl_idname.startswith(_HOLDING) for operator in window.modal_operators):
            return "waits until you finish what you are doing"
    if bpy.app.background:
        active = bpy.context.view_layer.objects.active if bpy.context.view_layer else None
        if active is not None and active.mode not in allowed:
            return f"waits until you leave {_mode_words(active.mode)}"
    return ""


def _mode_words(mode: str) -> str:
    return mode.replace("_", " ").title().removesuffix(" Mode") + " Mode"
