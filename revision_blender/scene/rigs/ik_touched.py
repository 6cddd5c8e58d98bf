"""Which keys on handles are the animator's, and which joints they turn when."""

from collections.abc import Iterable

import bpy
import numpy as np
from numpy.typing import NDArray

from .. import actions
from ..keys import read_keys
from .ik_handles import bags_of, handle_paths
from .limbs import Limb, limbs_of

Array = NDArray[np.floating]

_SAME_KEY = 1e-5  # 32-bit rounding


def handled_frames(rig: bpy.types.Object, limb: Limb) -> NDArray[np.float64]:
    """``(K,)`` scene frames at which the animator keyed one of the limb's handles, or changed a key that a switch had written."""
    bags = bags_of(rig)
    bag = bags[1] if len(bags) > 1 else None
    found = [np.empty(0)]
    for curve in actions.curves_of(rig):
        if curve.data_path not in handle_paths(limb) or curve.data_path.startswith("["):
            continue
        keys = read_keys(curve)
        theirs = ~keys.generated
        before = bag.fcurves.find(curve.data_path, index=curve.array_index) if bag is not None else None
        if before is not None:
            theirs |= np.abs(np.array([before.evaluate(float(frame)) for frame in keys.frames]) - keys.values) > _SAME_KEY
        found.append(keys.frames[theirs].astype(np.float64))
    return np.unique(np.concatenate(found))


def joints_of_handles(rig: bpy.types.Object) -> dict[str, Limb]:
    """The limb by the data path of every key that its handles can have: what a key of the animator's there turns."""
    return {path: limb for limb in limbs_of(rig) for path in handle_paths(limb) if not path.startswith("[")}


def frames_on_handle(rig: bpy.types.Object, curves: Iterable[bpy.types.FCurve], limb: Limb, frames: Array) -> NDArray[np.bool_]:
    """``(K,)`` whether the limb follows its handles at ``frames``. curves: those of the action that is asked about."""
    path = f'["{limb.switch}"]'
    switch = next((curve for curve in curves if curve.data_path == path), None)
    if switch is None:
        return np.full(len(frames), float(rig[limb.switch]) > 0.0)
    return np.array([switch.evaluate(frame) > 0.0 for frame in frames.tolist()], dtype=np.bool_)
