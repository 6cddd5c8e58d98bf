"""Results on their way into the scene: files first, on a thread; then small steps on the main thread; one undo step."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np

from ..revision_blender.motion.bodies.body_model import open_human
from ..revision_blender.motion.clip_file import save_clip
from ..revision_blender.motion.errors import RevisionError
from ..revision_blender.scene import marks, sequencer
from ..revision_blender.scene.capture import captured_pins
from ..revision_blender.scene.ghosts import ghost_role, show_ghost
from ..revision_blender.scene.motions import roles_of, shown_action, shown_role
from ..revision_blender.scene.part_masks import mask_preview
from ..revision_blender.scene.pose_pins import keep_pinned
from ..revision_blender.scene.properties import RevisionTake
from ..revision_blender.scene.take import Take, apply_motion, find_take
from ..revision_blender.wire.collect import write_frames
from ..revision_blender.wire.events import Collected
from ..revision_blender.wire.requests import LiftResult, MasksResult, RefineResult, VideoResult
from . import arrivals, arrived_lift, figures
from .tickets import Ticket
from .where import confidence_folder, stored

REFINED_FILE = "refined.npz"


def write_files(collected: Collected, folder: Path) -> Collected:
    """Keeps what the wire did not write already: clips and label images. Runs on a thread."""
    match collected.result:
        case LiftResult(clip=clip, raw=raw):
            folder.mkdir(parents=True, exist_ok=True)
            save_clip(folder / arrived_lift.LIFT_FILE, clip)
            save_clip(folder / arrived_lift.RAW_FILE, raw)
            open_human()  # read here and kept, so that the main thread need not wait for the file
            arrived_lift.preload(clip)
        case RefineResult(clip=clip):
            folder.mkdir(parents=True, exist_ok=True)
            save_clip(folder / REFINED_FILE, clip)
        case MasksResult(labels=labels, confidence=confidence):
            files = write_frames(folder, labels, collected.job_id)
            write_frames(confidence_folder(files[0].parent), confidence, collected.job_id)
            return replace(collected, files=files)
    return collected


def steps(scene: bpy.types.Scene, ticket: Ticket, collected: Collected, folder: Path) -> Iterator[str]:
    """Puts a result into the scene, a small step at each ``next``, yielding words. Raises RevisionError."""
    match ticket.kind:
        case "coarse" | "decode":
            return _video_of_new_take(scene, ticket, collected)
        case "lift":
            return arrived_lift.place(scene, ticket, collected, folder, _made(ticket, collected))
        case "import":
            return arrivals.place(scene, collected.result, str(ticket.provenance["take"]), ticket.take_id)
        case "refine":
            return _refined(scene, ticket, collected)
        case "masks":
            return _masks(scene, ticket, collected)
        case _:
            return _fine(scene, ticket, collected)


def _video_of_new_take(scene: bpy.types.Scene, ticket: Ticket, collected: Collected) -> Iterator[str]:
    yield "adding the strip"
    settings = scene.revision
    take = settings.take_of(ticket.take_id) or settings.takes.add()
    take.name = str(ticket.provenance["take"])
    take.take_id = ticket.take_id
    take.picture = str(ticket.provenance.get("picture", ""))
    take.prompt = str(ticket.provenance.get("prompt", ""))
    take.frames, take.fps = stored(collected.files[0].parent), collected.result.fps
    asked = float(ticket.provenance.get("fps", 0.0))
    take.final_fps = asked if asked > take.fps * (1.0 + 1e-6) else 0.0  # an economised clip: S3 makes all of the frames
    take.start_frame = float(scene.frame_start)
    settings.take_name = take.name
    yield "adding the strip"
    _add_strip(scene, take, ticket, collected, ticket.title)


def _fine(scene: bpy.types.Scene, ticket: Ticket, collected: Collected) -> Iterator[str]:
    yield "adding the strip"
    _add_strip(scene, _take_of(scene, ticket), ticket, collected, ticket.title)


def _add_strip(scene: bpy.types.Scene, take: RevisionTake, ticket: Ticket, collected: Collected, name: str) -> None:
    fps, start, made = collected.result.fps, take.start_frame, _made(ticket, collected)
    sequencer.add_video(scene, collected.files, fps=fps, name=name, start_frame=start, provenance=made)
    _open_in_sequencer(scene)


def _open_in_sequencer(scene: bpy.types.Scene) -> None:
    """From Blender 5.0 on a workspace names the scene that its sequencer shows; where it names none, the strip could not be seen."""
    for window in bpy.context.window_manager.windows:
        if window.scene == scene and getattr(window.workspace, "sequencer_scene", scene) is None:
            window.workspace.sequencer_scene = scene


def _made(ticket: Ticket, collected: Collected) -> dict[str, str | float | int]:
    """How the result was made: what was asked, by which job, and the figures that the backend reports."""
    report = {f"report_{key}": value for key, value in collected.result.report.items()}
    return {"stage": ticket.kind, "take_id": ticket.take_id, "job_id": ticket.job_id, **ticket.provenance, **report}


def _refined(scene: bpy.types.Scene, ticket: Ticket, collected: Collected) -> Iterator[str]:
    take = find_take(scene, ticket.take_id)
    if take is None:
        raise RevisionError("The take that was refined is no longer in the scene; undo its deletion, then press Fetch Again.")
    before, pins = shown_role(take), captured_pins(scene, take)
    yield "noting what is pinned"
    yield from apply_motion(scene, take, collected.result.clip, role="refined", provenance=_made(ticket, collected))
    keep_pinned(scene, take, pins)
    _keep_changes(take, collected.result)
    ghost = ghost_role(take)
    if ghost:
        yield "renewing the ghost"
        show_ghost(scene, take, before if before in roles_of(take) and before != "refined" else ghost)


def _keep_changes(take: Take, result: RefineResult) -> None:
    """On the action that plays and on its original: the graph goes where the motion goes."""
    action = shown_action(take)
    for holder in (action, action.get(marks.ORIGINAL)) if action is not None else ():
        if isinstance(holder, bpy.types.Action) and result.changes.size:
            holder[marks.CHANGES] = np.ascontiguousarray(result.changes, dtype=np.float64).ravel()


def _masks(scene: bpy.types.Scene, ticket: Ticket, collected: Collected) -> Iterator[str]:
    yield "keeping the masks"
    take = _take_of(scene, ticket)
    take.masks = stored(collected.files[0].parent)
    take.masks_motion = str(ticket.provenance.get("motion", ""))
    yield "showing the masks"
    mask_preview.show(take.name, collected.result.labels)


def _take_of(scene: bpy.types.Scene, ticket: Ticket) -> RevisionTake:
    take = scene.revision.take_of(ticket.take_id)
    if take is None:
        raise RevisionError("The take that this belongs to is no longer in the scene; the files are kept in the results folder.")
    return take


def remark(ticket: Ticket, collected: Collected) -> str:
    """What there is to say of a result that is in the scene; empty where it speaks for itself."""
    if isinstance(collected.result, arrivals.Arrival):
        return arrivals.words_of(collected.result)
    if isinstance(collected.result, (RefineResult, LiftResult)):
        return sentences_of(collected.result.notes)
    if isinstance(collected.result, VideoResult) and "model" in ticket.provenance:
        return figures.comparison(ticket.provenance, collected.result.report)
    return ""


def sentences_of(notes: str) -> str:
    """Notes, one a line, as sentences one after another; a track's name ("person_1") at the beginning stays as it is."""
    lines = [note.strip().rstrip(".") for note in notes.splitlines()]
    return " ".join(f"{line if '_' in line.split()[0] else line[:1].upper() + line[1:]}." for line in lines if line)


def remember_for_undo(words: str) -> None:
    """One undo step for all that a delivery did."""
    windows = bpy.context.window_manager.windows
    if bpy.app.background or not windows:
        return
    with bpy.context.temp_override(window=windows[0]):
        bpy.ops.ed.undo_push(message=words)


def tell(words: str) -> None:
    """Says it in the status bar, beside the panel; a timer has no operator of its own to report with."""
    windows = bpy.context.window_manager.windows
    if bpy.app.background or not windows:
        return
    with bpy.context.temp_override(window=windows[0]):
        bpy.ops.revision.tell(words=words)


def words_of(error: Exception) -> str:
    """The user's sentence: our own errors speak for themselves, others say what they are."""
    return str(error) if isinstance(error, (RevisionError, OSError)) else f"{type(error).__name__}: {error}"
