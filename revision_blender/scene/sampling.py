"""Looking at the scene at other times without touching it: the user's frame, unkeyed poses and selection stay as they are."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import bpy

from .removal import remove
from .timing import split_frame


def go_to(scene: bpy.types.Scene, frame: float) -> bpy.types.Depsgraph:
    """Evaluates ``scene`` at a frame with fraction; returns what it evaluates to."""
    whole, fraction = split_frame(frame)
    scene.frame_set(whole, subframe=fraction)
    return scene.view_layers[0].depsgraph


@contextmanager
def only_these(scene: bpy.types.Scene, objects: Sequence[bpy.types.Object]) -> Iterator[bpy.types.Scene]:
    """A passing scene of ``objects`` and whatever they depend on: evaluates in a fraction of the whole scene's time.

    Objects that are turned off in viewports, which Blender leaves out of every evaluation, are on inside.
    """
    off = [thing for thing in objects if thing.hide_viewport]
    passing = bpy.data.scenes.new("ReVision sampling")
    try:
        passing.render.fps, passing.render.fps_base = scene.render.fps, scene.render.fps_base
        for thing in objects:
            passing.collection.objects.link(thing)
        for thing in off:
            thing.hide_viewport = False
        yield passing
    finally:
        for thing in off:
            thing.hide_viewport = True
        remove(passing)


@contextmanager
def a_copy(scene: bpy.types.Scene) -> Iterator[bpy.types.Scene]:
    """A passing scene with the same objects, view layer visibility and physics settings as ``scene``."""
    passing = scene.copy()
    try:
        yield passing
    finally:
        remove(passing)
