"""A ghost: transparent, unselectable copies of a take's bodies and boxes that play another of its motions, to compare.

It is linked into the take's collection, never rendered (so no mask and no video sees it), and wholly made of data of its own but
for the actions and the armature, so that taking it away leaves nothing behind.
"""

import bpy
import numpy as np

from . import actions, marks
from .errors import SceneError
from .motions import TITLES, working_actions
from .presence import hide_like
from .removal import remove
from .sampling import HIDDEN
from .take_record import Take, the_object

GHOST = "ghost"  # the role of its objects; GHOST_OF says which motion they play
GHOST_OF = "revision_ghost_of"
_MATERIAL = "ReVision Ghost"
_COLOUR = (0.25, 0.55, 0.95, 0.3)


def ghost_role(take: Take) -> str:
    """The motion that the take's ghost plays; empty where it has none."""
    return next((str(thing.get(GHOST_OF, "")) for thing in _ghosts(take)), "")


def hide_ghost(take: Take) -> None:
    """Removes the take's ghost, if there is one."""
    for thing in _ghosts(take):
        data = thing.data
        remove(thing)
        if data is not None and data.users == 0:
            remove(data)
    material = bpy.data.materials.get(_MATERIAL)
    if material is not None and material.users == 0:
        remove(material)


def show_ghost(scene: bpy.types.Scene, take: Take, role: str) -> None:
    """Makes the take's ghost play the newest motion of ``role``; one that was there is replaced.

    Raises SceneError where no track has that motion.
    """
    hide_ghost(take)
    made: list[bpy.types.Object] = []
    for track_id, rig, body in take.bodies:
        if found := working_actions(take.take_id, track_id, role):
            made += _ghost_body(the_object(rig, "rig"), the_object(body, "body"), found[0])
    for track_id, box, points in take.objects:
        if found := working_actions(take.take_id, track_id, role):
            made += _ghost_box(the_object(box, "box"), the_object(points, "points"), found[0])
    if not made:
        raise SceneError(f"The take has no motion {TITLES.get(role, role)!r} to show as a ghost; undo its deletion or make it again.")
    collection = bpy.data.collections[take.collection_name]
    for thing in made:
        thing[marks.ROLE], thing[GHOST_OF] = GHOST, role
        thing.hide_select = thing.hide_render = True
        collection.objects.link(thing)
    scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)


def _ghosts(take: Take) -> list[bpy.types.Object]:
    collection = bpy.data.collections.get(take.collection_name)
    return [] if collection is None else [thing for thing in collection.all_objects if thing.get(marks.ROLE) == GHOST]


def _ghost_body(rig: bpy.types.Object, body: bpy.types.Object, action: bpy.types.Action) -> list[bpy.types.Object]:
    ghost_rig = _copied(rig, action)
    ghost_rig.driver_remove(HIDDEN)
    ghost_rig.hide_viewport = True  # its bones are in nobody's way; what it skins is evaluated all the same
    for bone in ghost_rig.pose.bones:
        for constraint in bone.constraints:
            for prop in ("target", "pole_target"):
                if getattr(constraint, prop, None) == rig:
                    setattr(constraint, prop, ghost_rig)
    skin = body.copy()
    skin.name = f"{body.name} ghost"
    skin.data = body.data.copy()
    _flatten(skin)
    skin.parent = ghost_rig
    for modifier in skin.modifiers:
        if modifier.type == "ARMATURE":
            modifier.object = ghost_rig
    hide_like(skin, body)
    return [ghost_rig, _dressed(skin)]


def _ghost_box(box: bpy.types.Object, points: bpy.types.Object, action: bpy.types.Action) -> list[bpy.types.Object]:
    ghost_box = _copied(box, action)
    ghost_points = points.copy()
    ghost_points.name = f"{points.name} ghost"
    ghost_points.data = points.data.copy()
    ghost_points.parent = ghost_box
    keys, slot = ghost_points.data.shape_keys, next((slot for slot in action.slots if slot.target_id_type == "KEY"), None)
    if keys is not None:
        keys.animation_data_clear()
        if slot is not None:
            actions.assign(keys, action, slot)
    hide_like(ghost_points, points)
    return [ghost_box, _dressed(ghost_points)]


def _copied(thing: bpy.types.Object, action: bpy.types.Action) -> bpy.types.Object:
    """A copy that moves by ``action`` and whose own drivers look at itself."""
    ghost = thing.copy()
    ghost.name = f"{thing.name} ghost"
    data = ghost.animation_data
    if data is not None:
        for track in list(data.nla_tracks):
            data.nla_tracks.remove(track)
        for variable in (variable for curve in data.drivers for variable in curve.driver.variables):
            for target in variable.targets:
                if target.id == thing:
                    target.id = ghost
    actions.assign(ghost, action, action.slots[0])
    return ghost


def _flatten(skin: bpy.types.Object) -> None:
    """The shape as it is now without its keys: correctives follow the bones of the other rig, and cost the more of playing."""
    keys = skin.data.shape_keys
    if keys is None:
        return
    driven = {curve.data_path for curve in keys.animation_data.drivers} if keys.animation_data else set()
    count = 3 * len(skin.data.vertices)
    basis, moved = np.empty(count, dtype=np.float32), np.empty(count, dtype=np.float32)
    keys.reference_key.points.foreach_get("co", basis)
    shape = basis.copy()
    for block in keys.key_blocks[1:]:
        if block.value != 0.0 and not block.mute and block.path_from_id("value") not in driven:
            block.points.foreach_get("co", moved)
            shape += block.value * (moved - basis)
    skin.shape_key_clear()
    skin.data.attributes["position"].data.foreach_set("vector", shape)
    skin.data.update()


def _dressed(skin: bpy.types.Object) -> bpy.types.Object:
    """Blue and see-through in the viewport's solid shading."""
    skin.data.materials.clear()
    skin.data.materials.append(_material())
    skin.color = _COLOUR
    skin.show_transparent = True
    return skin


def _material() -> bpy.types.Material:
    found = bpy.data.materials.get(_MATERIAL)
    if found is None:
        found = bpy.data.materials.new(_MATERIAL)
        found.diffuse_color = _COLOUR
        found.roughness = 1.0
    return found
