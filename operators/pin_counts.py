"""How much of a take is pinned, in a sentence. Panels ask at every redraw: keys are counted again only after something changed."""

from collections.abc import Iterator
from dataclasses import dataclass

import bpy

from ..revision_blender.scene import marks
from ..revision_blender.scene.capture import captured_pins
from ..revision_blender.scene.errors import SceneError
from ..revision_blender.scene.place_pins import place_pins, words_of
from ..revision_blender.scene.take import Take


@dataclass(frozen=True)
class _Counted:
    """motions: the take and the actions that moved it when its keys were counted."""

    motions: tuple[str, ...]
    keys: int
    frames: int


_last: list[_Counted] = []


def sentence(scene: bpy.types.Scene, take: Take) -> str:
    """ "12 pinned keys on 3 frames, 1 pinned hand"."""
    keys, frames = _keys(scene, take)
    parts = [f"{keys} pinned {'key' if keys == 1 else 'keys'} on {frames} {'frame' if frames == 1 else 'frames'}"] if keys else []
    places = place_pins(take)
    for track_id, rig, _body in take.bodies:
        family = str(bpy.data.objects[rig].get(marks.FAMILY, "smpl")) if rig in bpy.data.objects else "smpl"
        parts += words_of([pin for pin in places if pin.track_id == track_id], family)
    return ", ".join(parts) if parts else "No pins: every key you set is one"


def _keys(scene: bpy.types.Scene, take: Take) -> tuple[int, int]:
    motions = (take.take_id, *_actions(take))
    if not _last or _last[0].motions != motions:
        try:
            pins = captured_pins(scene, take)
        except (SceneError, ReferenceError):
            return 0, 0
        keys = sum(int(pin.joints.sum() + pin.translation.sum()) for pin in pins)
        frames = sum(int((pin.joints.any(axis=1) | pin.translation).sum()) for pin in pins)
        _last[:] = [_Counted(motions, keys, frames)]
    return _last[0].keys, _last[0].frames


def _actions(take: Take) -> Iterator[str]:
    for name in [rig for _track, rig, _body in take.bodies] + [box for _track, box, _points in take.objects]:
        data = bpy.data.objects[name].animation_data if name in bpy.data.objects else None
        yield data.action.name if data is not None and data.action is not None else ""


def forget() -> None:
    """Keys may have changed."""
    _last.clear()


@bpy.app.handlers.persistent
def _changed(_scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Setting a key or moving one tags its action; playing does not."""
    if _last and any(isinstance(update.id, bpy.types.Action) for update in depsgraph.updates):
        forget()


@bpy.app.handlers.persistent
def _other(*_arguments: object) -> None:
    forget()


_HANDLERS = (("depsgraph_update_post", _changed), ("undo_post", _other), ("redo_post", _other), ("load_post", _other))


def register() -> None:
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(handler)
    forget()
