"""One act of a Blender session in a process of its own, so that a test can end it as a crash would.

Run by test_survival.py with the interpreter that has bpy; what happens is said in lines of JSON on the standard output.
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path

import bpy

EXTENSION = "bl_ext.user_default.revision_blender"
PATIENCE = 100.0  # seconds: only reached when something is broken


def say(**words: object) -> None:
    # Blender and libraries print as well: a line of ours is told by its start
    os.write(1, ("\nACT " + json.dumps(words) + "\n").encode())


def room(path: str):
    return importlib.import_module(f"{EXTENSION}.{path}")


def install(archive: str) -> None:
    bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    bpy.ops.wm.save_userpref()
    say(installed=True)


def enable() -> None:
    import addon_utils  # is on the path once bpy is imported

    bpy.ops.wm.read_userpref()
    if EXTENSION not in bpy.context.preferences.addons:
        addon_utils.enable(EXTENSION, default_set=True)


def submit(blend: str, footage: str, steps: str) -> None:
    """A job of ``steps`` steps of 50 ms; the file is saved while it runs; then the session goes on until it is ended."""
    enable()
    pump, session = room("operators.pump"), room("operators.session").current()
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=False)
    settings = bpy.context.scene.revision
    settings.source, settings.footage, settings.frames, settings.footage_stride = "FOOTAGE", footage, int(steps), 50
    bpy.ops.revision.load_footage()
    (ticket,) = session.tickets.values()
    assert pump.run_until(lambda: ticket.words.startswith("step"), PATIENCE), (ticket, session.link.state, session.link.why)
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    say(running=ticket.job_id)
    pump.run_until(lambda: ticket.ended, PATIENCE)
    say(ended=ticket.status, message=ticket.message)
    time.sleep(PATIENCE)


def resume(blend: str, *then: str) -> None:
    """Opens the file and waits for its jobs. then: "save" keeps what came."""
    enable()
    pump, session = room("operators.pump"), room("operators.session").current()
    bpy.ops.wm.open_mainfile(filepath=blend)
    pump.step()
    say(known=[ticket.status for ticket in session.tickets.values()])
    assert pump.run_until(lambda: all(ticket.ended for ticket in session.tickets.values()), PATIENCE), session.tickets
    for _ in range(20):
        pump.step()
    editor = bpy.context.scene.sequence_editor
    strips = list(editor.strips) if editor is not None else []
    if "save" in then:
        bpy.ops.wm.save_mainfile()
    say(
        strips=[strip.name for strip in strips],
        pictures=[len({element.filename for element in strip.elements}) for strip in strips],
        jobs=[(row.status, row.message) for row in bpy.context.scene.revision.jobs],
        takes=[take.name for take in bpy.context.scene.revision.takes],
        there=[(Path(bpy.path.abspath(strip.directory)) / strip.elements[0].filename).is_file() for strip in strips],
    )
    time.sleep(PATIENCE if "stay" in then else 0.0)


if __name__ == "__main__":
    {"install": install, "submit": submit, "resume": resume}[sys.argv[1]](*sys.argv[2:])
