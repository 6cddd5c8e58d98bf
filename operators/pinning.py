"""Pin Pose, Pin Hand/Foot Here, Clear Pins: what a refiner has to leave as it is."""

import bpy
from bpy.props import EnumProperty

from ..revision_blender.scene.errors import SceneError
from ..revision_blender.scene.motions import movers
from ..revision_blender.scene.place_pins import clear_place_pins, joint_of_bone, pin_places
from ..revision_blender.scene.pose_pins import pin_pose, unpin
from ..revision_blender.scene.take import Take, find_take, find_takes
from ..revision_blender.scene.timing import scene_fps
from .rigging import body_in_hand
from .take_edits import TakeEdit

CLEARED = (
    ("PLACES", "Hands and Feet", "The pinned places of hands and feet"),
    ("FRAME", "Keys at This Frame", "The keys that you set at this frame; the motion there is again as it came"),
    ("ALL", "Everything", "All pinned places and all keys that you set; the motion is again as it came"),
)
SPANS = (
    ("FRAME", "This Frame", "At the current frame only"),
    ("PREVIEW", "Preview Range", "Over the whole preview range: the hand or foot stays there"),
)


def chosen_take(scene: bpy.types.Scene) -> Take | None:
    entry = scene.revision.take()
    return find_take(scene, entry.take_id) if entry is not None else None


class REVISION_OT_pin_pose(TakeEdit, bpy.types.Operator):
    """Keys the whole pose of the body or box in hand at this frame; Refine leaves it exactly as it is"""

    bl_idname = "revision.pin_pose"
    bl_label = "Pin Pose"

    def edit(self, context: bpy.types.Context) -> str:
        thing = _thing_in_hand(context)
        frame = context.scene.frame_current_final
        pin_pose(thing, frame)
        return f"{thing.name} is pinned at frame {frame:g}"


class REVISION_OT_pin_place(TakeEdit, bpy.types.Operator):
    """Pins the selected hands and feet to the place where they are now; Refine brings them there within a millimetre.
    Move the marker to move the place, delete it to let go"""

    bl_idname = "revision.pin_place"
    bl_label = "Pin Hand/Foot Here"

    span: EnumProperty(name="Over", items=SPANS, default="FRAME")

    def edit(self, context: bpy.types.Context) -> str:
        found = body_in_hand(context)
        if found is None:
            raise SceneError("There is no body in hand; select the rig of a person or an animal.")
        take, rig, _mesh = found
        joints = list(dict.fromkeys(joint_of_bone(rig, bone) for bone in _selected_bones(context, rig)))
        if not joints:
            raise SceneError(f"No bone of {rig.name} is selected; select a wrist, an ankle, a foot or a paw in Pose Mode.")
        made = pin_places(context.scene, take, rig, joints, self._span(context.scene))
        return ", ".join(empty.name for empty in made)

    def _span(self, scene: bpy.types.Scene) -> tuple[float, float]:
        if self.span == "FRAME":
            return scene.frame_current_final, scene.frame_current_final
        if not scene.use_preview_range:
            raise SceneError("The scene has no preview range; set one in the timeline (P), or pin this frame only.")
        return float(scene.frame_preview_start), float(scene.frame_preview_end)


class REVISION_OT_clear_pins(TakeEdit, bpy.types.Operator):
    """Lets go of what is pinned"""

    bl_idname = "revision.clear_pins"
    bl_label = "Clear Pins"

    what: EnumProperty(name="What", items=CLEARED, default="PLACES")

    def edit(self, context: bpy.types.Context) -> str:
        take = chosen_take(context.scene)
        if take is None:
            raise SceneError("There is no take in this scene; lift a clip or import a motion first.")
        places = clear_place_pins(take) if self.what in ("PLACES", "ALL") else 0
        keys = sum(unpin(thing, self._span(context.scene, take)) for _track, thing in movers(take)) if self.what != "PLACES" else 0
        if keys:
            context.scene.frame_set(context.scene.frame_current, subframe=context.scene.frame_subframe)
        told = [f"{places} pinned {'place' if places == 1 else 'places'}"] * bool(places) + [f"{keys} channels of keys"] * bool(keys)
        return f"Let go of {' and '.join(told)}" if told else "Nothing was pinned"

    def _span(self, scene: bpy.types.Scene, take: Take) -> tuple[float, float] | None:
        half = 0.5 * scene_fps(scene) / take.fps
        now = scene.frame_current_final
        return (now - half, now + half) if self.what == "FRAME" else None


def _thing_in_hand(context: bpy.types.Context) -> bpy.types.Object:
    """The rig of the body in hand; the box where a box or its points are active."""
    active = context.active_object.name if context.active_object is not None else ""
    for take in find_takes(context.scene):
        for _track, box, points in take.objects:
            if active in (box, points):
                return bpy.data.objects[box]
    found = body_in_hand(context)
    if found is not None:
        return found[1]
    take = chosen_take(context.scene)
    box = next((bpy.data.objects[box] for _track, box, _points in take.objects), None) if take is not None else None
    if box is None:
        raise SceneError("There is no body in hand; select the rig of a person or an animal.")
    return box


def _selected_bones(context: bpy.types.Context, rig: bpy.types.Object) -> list[str]:
    """Selected bones of the rig: pose bones carry the selection from Blender 5 on, bones before."""
    return [bone.name for bone in rig.pose.bones if (bone.select if hasattr(bone, "select") else bone.bone.select)]


classes = (REVISION_OT_pin_pose, REVISION_OT_pin_place, REVISION_OT_clear_pins)
register, unregister = bpy.utils.register_classes_factory(classes)
