"""Runs inside the real Blender: lays the window out, then does nothing but say how things stand. It presses no button.

Started as ``blender … --python inside.py -- STATUS_FILE [FILE.blend options]``. Ten times a second it writes one JSON file; what
the user copies (Ctrl+C over a button copies its command) is told there too, and that is how the test finds buttons.
"""

import importlib
import json
import math
import os
import sys
from pathlib import Path

import bpy
from mathutils import Euler

STATUS = Path(sys.argv[sys.argv.index("--") + 1])
NAME = "bl_ext.user_default.revision_blender"
PERIOD = 0.08
SETTINGS = ("source", "picture", "footage", "frames", "prompt", "engine", "model_choice", "model_folder", "preset", "follow_mode", "follow")

state = {"copied": 0, "command": "", "draws": 0, "beats": 0, "strips_shown": 0, "answered": 0, "answer": None}


def lay_out() -> None:
    """The tab open in the 3D viewport, the sequencer under it."""
    window = bpy.context.window_manager.windows[0]
    screen = window.screen
    for area in screen.areas:
        if area.type == "DOPESHEET_EDITOR":
            area.ui_type = "SEQUENCE_EDITOR"
    view = view_area()
    view.spaces[0].show_region_ui = True
    view.spaces[0].shading.type = "SOLID"


def view_area() -> bpy.types.Area:
    areas = bpy.context.window_manager.windows[0].screen.areas
    return max((area for area in areas if area.type == "VIEW_3D"), key=lambda area: area.width * area.height)


def sidebar() -> bpy.types.Region:
    return next(region for region in view_area().regions if region.type == "UI")


def show_strips() -> None:
    """Asked for by a file beside the status: the sequencer in the viewport's place, a beat later all strips in view."""
    window = bpy.context.window_manager.windows[0]
    if state["strips_shown"] == 0:
        area = view_area()
        area.ui_type = "SEQUENCE_EDITOR"
        area.spaces[0].view_type = "SEQUENCER_PREVIEW"
    elif state["strips_shown"] == 10:
        area = max(window.screen.areas, key=lambda area: area.width * area.height)
        for kind, fit in (("WINDOW", bpy.ops.sequencer.view_all), ("PREVIEW", bpy.ops.sequencer.view_all_preview)):
            region = next(region for region in area.regions if region.type == kind)
            with bpy.context.temp_override(window=window, area=area, region=region):
                fit()
    state["strips_shown"] += 1


def answer() -> None:
    """Does what the file ``ask.json`` beside the status names: what a mouse that drags, or a file manager outside, would do."""
    asked = STATUS.with_name("ask.json")
    if not asked.exists():
        return
    words = json.loads(asked.read_text())
    asked.unlink()
    state["answer"] = ASKED[words.pop("what")](**words)
    state["answered"] += 1


def drop(path: str) -> None:
    """What Blender does when a file is let go over the viewport: it invokes the file handler's operator with these values."""
    area, name = view_area(), Path(path)
    region = next(region for region in area.regions if region.type == "WINDOW")
    values = {"filepath": path, "directory": str(name.parent), "files": [{"name": name.name}]}
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=area, region=region):
        bpy.ops.revision.import_motion("INVOKE_DEFAULT", **values)


def look(place: list[float], turn: list[float], distance: float, frame: int) -> None:
    """The viewport turned (degrees from the top, about z) and brought before a place, at a frame."""
    region = view_area().spaces[0].region_3d
    region.view_perspective = "PERSP"
    region.view_location, region.view_distance = place, distance
    region.view_rotation = Euler((math.radians(turn[0]), 0.0, math.radians(turn[1]))).to_quaternion()
    bpy.context.scene.frame_set(frame)


def show(**settings: bool | str | float) -> None:
    """The viewport's own settings, by their path: ``overlay.show_bones``."""
    space = view_area().spaces[0]
    for path, value in settings.items():
        owner, _, name = path.rpartition(".")
        setattr(space.path_resolve(owner) if owner else space, name, value)


def choose(name: str) -> None:
    """One click on an object, in the outliner for example."""
    layer = bpy.context.view_layer
    for thing in layer.objects:
        thing.select_set(thing.name == name)
    layer.objects.active = layer.objects[name]


def pose(name: str) -> dict[str, list[list[float]]]:
    """Where the bones of a rig are now, in the world."""
    rig = bpy.data.objects[name]
    return {bone.name: [list(row) for row in rig.matrix_world @ bone.matrix] for bone in rig.pose.bones}


def change(**settings: bool | str | float) -> None:
    """Settings of the scene, as another add-on's script would change them: ``engine``, ``preset``."""
    for name, value in settings.items():
        setattr(bpy.context.scene.revision, name, value)


def allow_online() -> None:
    """The tick in the System preferences."""
    bpy.context.preferences.system.use_online_access = True


def clip_in_view() -> dict:
    """Where the chosen take's clip is drawn in the window: its top left corner from the window's top left, and screen pixels a pixel."""
    view = importlib.import_module(f"{NAME}.revision_blender.scene.subjects_view")
    area, scene = view_area(), bpy.context.scene
    space, region = area.spaces.active, next(region for region in area.regions if region.type == "WINDOW")
    camera = view.looked_through(scene, space)
    clip = importlib.import_module(f"{NAME}.operators.clip_frames").clip_frames(scene.revision.take())
    found = view.picture_in_view(region, space.region_3d, scene, camera, clip.width, clip.height)
    height = bpy.context.window_manager.windows[0].height
    return {"x": region.x + found.left, "y": height - region.y - found.top, "across": found.across, "camera": camera.name}


def subjects() -> list[dict]:
    """What is shown of the chosen take's clip, as the lifter gets it."""
    rooms = [importlib.import_module(f"{NAME}.revision_blender.{path}") for path in ("scene.subjects", "motion.subjects")]
    entry = bpy.context.scene.revision.take()
    return [rooms[1].prompt_values(prompt) for prompt in rooms[0].prompts_of(entry)] if entry is not None else []


def found() -> dict[str, bool]:
    """The picker of a lift that waits, from the top: who is ticked."""
    return {choice.track_id: choice.use for choice in bpy.context.window_manager.revision_found}


def go(frame: int) -> None:
    bpy.context.scene.frame_set(frame)


ASKED = {
    "allow_online": allow_online,
    "change": change,
    "choose": choose,
    "clip_in_view": clip_in_view,
    "drop": drop,
    "found": found,
    "go": go,
    "look": look,
    "pose": pose,
    "show": show,
    "subjects": subjects,
}


def strips() -> list[dict]:
    editor = bpy.context.scene.sequence_editor
    return [{"name": strip.name, "channel": strip.channel} for strip in editor.strips] if editor else []


def scene_now() -> dict:
    scene = bpy.context.scene
    active = bpy.context.view_layer.objects.active
    return {
        "file": bpy.data.filepath,
        "strips": strips(),
        "takes": [thing["revision_take"] for thing in scene.collection.children_recursive if "revision_take" in thing],
        "objects": [thing.name for thing in scene.objects],
        "actions": [action.name for action in bpy.data.actions],
        "active": active.name if active else "",
        "mode": active.mode if active else "",
        "selected": sorted(thing.name for thing in bpy.context.view_layer.objects if thing.select_get()),
        "source": {key: str(getattr(scene.revision, key)) for key in SETTINGS},
        "frame": scene.frame_current,
        "windows": [[area.type for area in window.screen.areas] for window in bpy.context.window_manager.windows],
        "view_transform": scene.view_settings.view_transform,
    }


def session_now() -> dict:
    session = importlib.import_module(f"{NAME}.operators.session").current()
    pump = importlib.import_module(f"{NAME}.operators.pump")
    jobs = [
        {"job_id": t.job_id, "kind": t.kind, "status": t.status, "fraction": t.fraction, "words": t.words, "message": t.message}
        for t in session.tickets.values()
    ]
    held = sorted(pump.durations)
    pump_now = {"steps": len(held), "p99": held[int(0.99 * (len(held) - 1))] if held else 0.0, "longest": held[-20:]}
    return {"backend": session.link.state.name, "why": session.link.why, "trouble": session.trouble, "jobs": jobs, "pump": pump_now}


def tell() -> float:
    state["beats"] += 1
    manager = bpy.context.window_manager
    if manager.clipboard.strip():
        state["copied"] += 1
        state["command"] = manager.clipboard
        manager.clipboard = " "
    if STATUS.with_name("show_strips").exists():
        show_strips()
    answer()
    region = None if state["strips_shown"] else sidebar()
    place = {"x": 0, "y": 0, "width": 0, "height": 0, "tab": ""}
    if region is not None:
        place = {"x": region.x, "y": region.y, "width": region.width, "height": region.height, "tab": region.active_panel_category}
    whole = {**state, "sidebar": place, "window": [manager.windows[0].width, manager.windows[0].height], **scene_now(), **session_now()}
    partial = STATUS.with_suffix(".partial")
    partial.write_text(json.dumps(whole))
    os.replace(partial, STATUS)
    return PERIOD


def count_draw() -> None:
    state["draws"] += 1


def begin() -> None:
    bpy.ops.preferences.addon_enable(module=NAME)
    bpy.context.preferences.view.show_splash = False
    bpy.context.preferences.view.show_tooltips = False
    bpy.types.SpaceView3D.draw_handler_add(count_draw, (), "WINDOW", "POST_VIEW")
    lay_out()
    tell()
    bpy.app.timers.register(tell, first_interval=PERIOD, persistent=True)


bpy.app.timers.register(begin, first_interval=0.5)
