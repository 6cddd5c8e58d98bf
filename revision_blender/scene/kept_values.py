"""Keeping animated values through an evaluation at another time.

Blender writes what it evaluates back into the original data, whichever scene was evaluated; a pose that the animator has
not keyed yet would be lost. The values of everything animated or driven are noted before and put back after.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy

from .actions import movers_of


def _owners() -> Iterator[bpy.types.ID]:
    """All data in the file that can carry animation, node trees inside materials and the like included."""
    for prop in bpy.data.bl_rna.properties:
        if prop.type != "COLLECTION" or prop.identifier == "scenes":
            continue
        for owner in getattr(bpy.data, prop.identifier):
            tree = getattr(owner, "node_tree", None)
            for thing in (owner, tree):
                if thing is not None and getattr(thing, "animation_data", None) is not None:
                    yield thing


def _paths(owner: bpy.types.ID) -> set[str]:
    return {curve.data_path for moving in movers_of(owner) for curve in moving.curves} | {
        curve.data_path for curve in owner.animation_data.drivers
    }


def _split(path: str) -> tuple[str, str]:
    """A data path as the path of what holds the property and the property: ``a.b`` or ``a["b"]``."""
    if path.endswith("]") and not path.endswith('"]'):
        path = path[: path.rindex("[")]  # an element of an array: the whole array is kept
    if path.endswith('"]'):
        at = path.rindex('["')
        return path[:at], path[at:]
    holder, _, name = path.rpartition(".")
    return holder, name


def _read(owner: bpy.types.ID, path: str) -> Any:
    value = owner.path_resolve(path)
    return tuple(value) if hasattr(value, "__len__") and not isinstance(value, str) else value


def _note(owner: bpy.types.ID) -> dict[str, Any]:
    noted = {}
    for path in _paths(owner):
        try:
            noted[path] = _read(owner, path)
        except ValueError:  # a curve of something that is no longer there; Blender passes over it as well
            continue
    return noted


def _put_back(owner: bpy.types.ID, noted: dict[str, Any]) -> None:
    for path, value in noted.items():
        if _read(owner, path) == value:
            continue
        holder_path, name = _split(path)
        holder = owner.path_resolve(holder_path) if holder_path else owner
        if name.startswith("["):
            holder[name[2:-2]] = value
        else:
            setattr(holder, name, value)


@contextmanager
def kept_values(scene: bpy.types.Scene) -> Iterator[None]:
    """Whatever is evaluated inside, animated and driven values, unkeyed poses among them, are afterwards as before."""
    noted = [(owner, _note(owner)) for owner in _owners()]
    try:
        yield
    finally:
        for owner, values in noted:
            _put_back(owner, values)
        layer = bpy.context.view_layer if bpy.context.scene == scene else scene.view_layers[0]
        layer.update()
