"""Which bone collection a bone is in, and its colour: what an animator shows, hides and selects at once."""

import bpy

from .limbs import Limb

_HANDLES, _HIDDEN = "Handles", "Mechanism"
# Blender's own blue and red are too dark on its gray viewport. Left is blue, right red, the middle yellow, handles green and orange.
_COLOURS = {"left": (0.30, 0.62, 1.0), "right": (1.0, 0.36, 0.36), "middle": (0.98, 0.80, 0.22)}
_HANDLE_COLOURS = {"left": (0.25, 0.95, 0.65), "right": (1.0, 0.62, 0.15)}
_SELECTED, _ACTIVE = (1.0, 1.0, 1.0), (0.75, 1.0, 1.0)
_FINGERS = ("index", "middle", "pinky", "ring", "thumb")
_FACE = ("jaw", "left_eye", "right_eye", "mouth", "left_ear", "right_ear")
_PERSON = ("Torso", "Face", "Left Arm", "Right Arm", "Left Fingers", "Right Fingers", "Left Leg", "Right Leg")
_ANIMAL = ("Torso", "Face", "Tail", "Left Front Leg", "Right Front Leg", "Left Back Leg", "Right Back Leg")


def group_of(name: str, family: str) -> str:
    """The collection of a joint's bone."""
    if name in _FACE:
        return "Face"
    if name.startswith("tail"):
        return "Tail"
    side, _, part = name.partition("_")
    where = _on_a_side(part, family) if side in ("left", "right") else ""
    return f"{side} {where}".title() if where else "Torso"


def _on_a_side(part: str, family: str) -> str:
    if family == "smal":
        return f"{part.partition('_')[0]} leg"
    if part.rstrip("123") in _FINGERS:
        return "fingers"
    if part in ("hip", "knee", "ankle", "foot"):
        return "leg"
    return "arm" if part in ("shoulder", "elbow", "wrist", "hand") else ""


def colour(bone: bpy.types.Bone, *, handle: bool = False) -> None:
    """Gives a bone the colour of its side."""
    side = bone.name.partition("_")[0]
    normal = _HANDLE_COLOURS.get(side) if handle else None
    bone.color.palette = "CUSTOM"
    bone.color.custom.normal = normal or _COLOURS.get(side, _COLOURS["middle"])
    bone.color.custom.select, bone.color.custom.active = _SELECTED, _ACTIVE


def group_bones(rig: bpy.types.Object, family: str, joints: tuple[str, ...], limbs: tuple[Limb, ...]) -> None:
    """Makes the collections and assigns every bone; the handles' are hidden, since limbs start turned bone by bone."""
    collections, bones = rig.data.collections, rig.data.bones
    used = {group_of(name, family) for name in joints}
    made = {title: collections.new(title) for title in (_ANIMAL if family == "smal" else _PERSON) if title in used}
    for name in joints:
        made[group_of(name, family)].assign(bones[name])
        colour(bones[name])
    if not limbs:
        return
    handles, hidden = collections.new(_HANDLES), collections.new(_HIDDEN)
    hidden.is_visible = False
    for limb in limbs:
        own = collections.new(f"{limb.title} Handle", parent=handles)
        for name in (*limb.handles, *_kept(limb, joints)):
            own.assign(bones[name])
        for name in limb.handles:
            colour(bones[name], handle=True)
        for name in limb.hidden:
            hidden.assign(bones[name])
        own.is_visible = False


def _kept(limb: Limb, joints: tuple[str, ...]) -> tuple[str, ...]:
    """Bones of the limb that go on being turned by themselves under a handle: a person's toes and the hand's one bone."""
    return tuple(name for name in joints if name == limb.name) if not limb.foot else ()


def show_handles(rig: bpy.types.Object, limb: Limb, shown: bool) -> None:
    """Shows the limb's handles and hides the bones they turn, or the other way round. Collections that are gone stay gone."""
    everything = rig.data.collections_all
    own = everything.get(f"{limb.title} Handle")
    if own is not None:
        own.is_visible = shown
    turned = next((found for found in rig.data.bones[limb.lower].collections if not found.name.endswith("Handle")), None)
    if turned is not None:
        turned.is_visible = not shown
