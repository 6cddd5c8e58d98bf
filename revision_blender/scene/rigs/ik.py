"""Limbs by bones or by handles: what operators call."""

import bpy

from .ik_bake import bake
from .ik_handles import Array, handle_channels, key_frames_of, to_handles
from .limbs import Limb, limb_of, limbs_of

__all__ = ["Limb", "bake", "handle_channels", "is_on_handle", "key_frames_of", "limb_of", "limbs_of", "switch", "to_handles"]


def is_on_handle(rig: bpy.types.Object, limb: str) -> bool:
    """Whether the limb follows its handle at the present frame, also where it does so only in part."""
    return float(rig[limb_of(rig, limb).switch]) > 0.0


def switch(rig: bpy.types.Object, limb: str, to_ik: bool, frames: Array | None = None) -> None:
    """Switches one limb of ``rig`` to its handle or back to its bones, in one go, in the present scene; see ``to_handles``
    and ``bake`` for the small steps and what ``frames`` means."""
    scene = bpy.context.scene
    for _ in to_handles(scene, rig, [limb], frames) if to_ik else bake(scene, rig, [limb], frames):
        pass
