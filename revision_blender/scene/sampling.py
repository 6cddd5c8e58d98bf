"""Looking at the scene at other times without touching it: the user's frame, unkeyed poses and selection stay as they are."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import bpy

from . import actions
from .removal import remove
from .timing import split_frame

HIDDEN = "hide_viewport"


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
    passing = bpy.data.scenes.new("ReVision sampling")
    try:
        passing.render.fps, passing.render.fps_base = scene.render.fps, scene.render.fps_base
        for thing in objects:
            passing.collection.objects.link(thing)
        with turned_on(objects):
            yield passing
    finally:
        remove(passing)


@contextmanager
def turned_on(things: Sequence[bpy.types.Object]) -> Iterator[None]:
    """Inside, ``things`` are on in viewports, whether they were turned off by hand, by a key or by a driver."""
    hidden = [thing for thing in things if thing.hide_viewport]
    hiding = [curve for thing in things for curve in _hiding(thing)]
    for curve in hiding:
        curve.mute = True
    for thing in hidden:
        thing.hide_viewport = False
    try:
        yield
    finally:
        for thing in hidden:
            thing.hide_viewport = True
        for curve in hiding:
            curve.mute = False


def _hiding(thing: bpy.types.Object) -> list[bpy.types.FCurve]:
    """The keys and drivers that turn a thing off in viewports."""
    drivers = thing.animation_data.drivers if thing.animation_data is not None else ()
    keyed = (curve for moving in actions.movers_of(thing) for curve in moving.curves)
    return [curve for curve in (*drivers, *keyed) if curve.data_path == HIDDEN and not curve.mute]


@contextmanager
def a_copy(scene: bpy.types.Scene) -> Iterator[bpy.types.Scene]:
    """A passing scene with the same objects, view layer visibility and physics settings as ``scene``."""
    passing = scene.copy()
    try:
        yield passing
    finally:
        remove(passing)
