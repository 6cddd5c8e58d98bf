"""Bodies and things that are not on every frame, as in a clip of several shots: they show only where somebody saw them.

The motion says so by its confidence (``BodyTrack.there``). In the viewport and in renders the mesh is hidden by keys that stand
in the motion's own action, in a slot for the mesh; the rig or box is hidden by a driver that looks at the mesh.
"""

import bpy
import numpy as np
from numpy.typing import NDArray

from ..motion.clip import Track
from ..motion.clip_resample import confidence_between
from . import actions, marks
from .keys import Channel, KeyOptions, write_keys
from .rigs.rest_pose import rest_of
from .sampling import HIDDEN
from .take_record import Array, Take, the_object
from .timing import whole_frames

_HIDING = (HIDDEN, "hide_render")
_GROUP = "On the Frame"


def key_presence(shown: bpy.types.Object, action: bpy.types.Action, track: Track, frames: Array, options: KeyOptions) -> None:
    """Writes into the motion ``action`` when ``shown``, the mesh of ``track``, is hidden; nothing for one that is on every frame, or
    trusted on none. frames: ``(F,)`` the scene frames of the track's frames, rising."""
    there = track.there
    if there.all() or not there.any():
        return
    if options.resample:
        frames, at = whole_frames(frames)
        there = there[np.floor(at + 1e-6).astype(np.int64)]
    changes = np.flatnonzero(np.concatenate([[True], there[1:] != there[:-1]]))
    hidden = np.where(there[changes], 0.0, 1.0)[:, None]
    slot = action.slots.new(id_type="OBJECT", name=shown.name)
    write_keys(
        actions.channelbag(action, slot, ensure=True),
        np.asarray(frames)[changes],
        [Channel(path, hidden, _GROUP) for path in _HIDING],
        "CONSTANT",
    )


def show_by(holder: bpy.types.Object, shown: bpy.types.Object, action: bpy.types.Action) -> None:
    """Shows a rig or box and its mesh as the motion ``action`` says; always, where it says nothing."""
    slot = next((slot for slot in action.slots[1:] if slot.target_id_type == "OBJECT"), None)  # the first is the rig's or box's
    if slot is not None:
        actions.assign(shown, action, slot)
    elif _is_hidden_by_motion(shown):
        shown.animation_data.action = None
        shown.hide_viewport = shown.hide_render = False
    else:
        return
    holder.driver_remove(HIDDEN)
    holder.hide_viewport = False
    if slot is not None:
        _hide_with(holder, shown)


def hide_like(copy: bpy.types.Object, shown: bpy.types.Object) -> None:
    """A copy of the mesh ``shown`` is seen in the viewport when that is; its renders are its own matter."""
    if _is_hidden_by_motion(shown):
        copy.animation_data.action = None
        copy.hide_viewport = False
        _hide_with(copy, shown)


def _is_hidden_by_motion(shown: bpy.types.Object) -> bool:
    data = shown.animation_data
    return data is not None and data.action is not None and marks.ROLE in data.action


def _hide_with(follower: bpy.types.Object, shown: bpy.types.Object) -> None:
    driver = follower.driver_add(HIDDEN).driver
    driver.type = "SUM"
    variable = driver.variables.new()
    variable.targets[0].id, variable.targets[0].data_path = shown, HIDDEN


def kept_confidence(holder: bpy.types.Object, frames: int, columns: int) -> NDArray[np.float64]:
    """``(frames, columns)`` that the motion of a rig or box was written with; ones where it has none. A take at another rate than
    its motion has the same seconds."""
    action = holder.animation_data.action if holder.animation_data else None
    stored = action.get(marks.CONFIDENCE) if action is not None else None
    if stored is None or len(stored) == 0 or len(stored) % columns or (frames == 1 and len(stored) != columns):
        return np.ones((frames, columns))
    known = np.array(stored, dtype=np.float64).reshape(-1, columns)
    if len(known) == frames:
        return known
    return confidence_between(known, np.linspace(0.0, len(known) - 1.0, frames))


def frames_there(take: Take, holder: bpy.types.Object) -> NDArray[np.bool_]:
    """``(F,)``: on which frames of the take what its rig or box shows is."""
    columns = len(rest_of(holder).names) if holder.type == "ARMATURE" else 1
    return kept_confidence(holder, take.n_frames, columns).any(axis=1)


def absent_meshes(take: Take) -> list[frozenset[str]]:
    """For each frame of the take, the names of the meshes that are not there."""
    there = {mesh: frames_there(take, the_object(holder, "rig")) for _, holder, mesh in (*take.bodies, *take.objects)}
    return [frozenset(mesh for mesh, on in there.items() if not on[frame]) for frame in range(take.n_frames)]
