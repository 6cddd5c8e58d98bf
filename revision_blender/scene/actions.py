"""The actions API, the same for Blender 4.5 and 5.x: slots, layers and channelbags (``action.fcurves`` is gone from 5.0)."""

from collections.abc import Iterable

import bpy


def new_action(name: str, owner: bpy.types.ID, id_type: str = "OBJECT") -> tuple[bpy.types.Action, bpy.types.ActionSlot]:
    """An empty layered action with one slot for ``owner``, kept in the file even where nothing uses it."""
    action = bpy.data.actions.new(name)
    action.use_fake_user = True
    slot = action.slots.new(id_type=id_type, name=owner.name)
    layer = action.layers.new("Layer")
    layer.strips.new(type="KEYFRAME")
    return action, slot


def channelbag(action: bpy.types.Action, slot: bpy.types.ActionSlot, *, ensure: bool = False) -> bpy.types.ActionChannelbag | None:
    """The curves of ``slot``; ``None`` where there are none and ``ensure`` is false."""
    for layer in action.layers:
        for strip in layer.strips:
            bag = strip.channelbag(slot, ensure=ensure)
            if bag is not None:
                return bag
    return None


def assign(owner: bpy.types.ID, action: bpy.types.Action, slot: bpy.types.ActionSlot) -> None:
    """Makes ``owner`` move by ``slot`` of ``action``; the action that it had stays in the file."""
    data = owner.animation_data_create()
    if data.action is not None:
        data.action.use_fake_user = True
    data.action = action
    data.action_slot = slot


def curves_of(owner: bpy.types.ID) -> Iterable[bpy.types.FCurve]:
    """The curves that move ``owner`` now, none where it has no action."""
    data = owner.animation_data
    if data is None or data.action is None or data.action_slot is None:
        return ()
    bag = channelbag(data.action, data.action_slot)
    return () if bag is None else bag.fcurves


def working_copy(action: bpy.types.Action, name: str) -> tuple[bpy.types.Action, bpy.types.ActionSlot]:
    """A copy of a one-slot action, to be edited while the original stays as it is."""
    copy = action.copy()
    copy.name = name
    copy.use_fake_user = True
    return copy, copy.slots[0]
