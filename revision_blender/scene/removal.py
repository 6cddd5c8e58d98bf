"""Taking back passing data, also where an undo took it first.

``bpy.data.batch_remove`` crashes Blender on data that an undo freed; the single removals raise ReferenceError.
"""

import bpy


def remove(*things: bpy.types.ID) -> None:
    """Removes data of any kind, in the order given; what is gone already counts as removed."""
    for thing in things:
        try:
            _collection_of(thing).remove(thing)
        except ReferenceError:  # freed by an undo: nothing is left to remove
            continue


def _collection_of(thing: bpy.types.ID) -> bpy.types.bpy_prop_collection:
    collections = {
        bpy.types.Scene: bpy.data.scenes,
        bpy.types.Object: bpy.data.objects,
        bpy.types.Camera: bpy.data.cameras,
        bpy.types.Mesh: bpy.data.meshes,
        bpy.types.Armature: bpy.data.armatures,
        bpy.types.Material: bpy.data.materials,
        bpy.types.Action: bpy.data.actions,
    }
    return next(collection for kind, collection in collections.items() if isinstance(thing, kind))
