"""The actions API, the same for Blender 4.5 and 5.x: slots, layers and channelbags (``action.fcurves`` is gone from 5.0)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray


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


@dataclass(frozen=True, eq=False)
class Moving:
    """An action that moves something, through one slot, straight or as a strip. strip: ``None`` for the action itself.
    replaces: whether strips do not show through what it moves."""

    action: bpy.types.Action
    slot: bpy.types.ActionSlot
    strip: bpy.types.NlaStrip | None = None
    replaces: bool = False

    @property
    def curves(self) -> Iterable[bpy.types.FCurve]:
        bag = channelbag(self.action, self.slot)
        return () if bag is None else bag.fcurves

    def scene_frames(self, frames: NDArray[np.floating]) -> NDArray[np.float64]:
        """Scene frames at which the action's ``frames`` ``(K,)`` show; of a strip that repeats, every time."""
        own = np.asarray(frames, dtype=np.float64)
        if self.strip is None:
            return own
        strip = self.strip
        own = own[(own >= strip.action_frame_start - 1e-3) & (own <= strip.action_frame_end + 1e-3)]
        along = strip.action_frame_end - own if strip.use_reverse else own - strip.action_frame_start
        length = (strip.action_frame_end - strip.action_frame_start) * strip.scale
        shown = [strip.frame_start + along * strip.scale + turn * length for turn in range(max(1, int(np.ceil(strip.repeat - 1e-6))))]
        every = np.concatenate(shown)
        return every[every <= strip.frame_end + 1e-3]


def movers_of(owner: bpy.types.ID) -> Iterator[Moving]:
    """Everything that moves ``owner`` now: its action, and the NLA strips that are not muted."""
    data = owner.animation_data
    if data is None:
        return
    if data.action is not None and data.action_slot is not None:
        yield Moving(data.action, data.action_slot, None, data.action_blend_type == "REPLACE" and data.action_influence >= 1.0)
    if not data.use_nla:
        return
    for track in data.nla_tracks:
        for strip in () if track.mute else track.strips:
            if not strip.mute and strip.action is not None and strip.action_slot is not None:
                yield Moving(strip.action, strip.action_slot, strip)


def slot_named(action: bpy.types.Action, identifier: str) -> bpy.types.ActionSlot | None:
    """The slot of that identifier, ``None`` where the action has none."""
    return next((slot for slot in action.slots if slot.identifier == identifier), None)


def working_copy(action: bpy.types.Action, name: str) -> tuple[bpy.types.Action, bpy.types.ActionSlot]:
    """A copy of a one-slot action, to be edited while the original stays as it is."""
    copy = action.copy()
    copy.name = name
    copy.use_fake_user = True
    return copy, copy.slots[0]
