"""From the scene's settings to one request: what needs Blender is read at once, what needs files later, on a thread."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ..revision_blender.masks.confidence import confidence_maps
from ..revision_blender.motion.clip import Clip
from ..revision_blender.motion.clip_arrays import clip_to_arrays
from ..revision_blender.motion.clip_file import load_clip, save_clip
from ..revision_blender.motion.errors import RevisionError
from ..revision_blender.scene.capture import capture_clip, capture_for_refine, capture_pose
from ..revision_blender.scene.motions import shown_role
from ..revision_blender.scene.picture import picture_pixels
from ..revision_blender.scene.properties import RevisionSettings, RevisionTake
from ..revision_blender.scene.take import Take, find_take
from ..revision_blender.wire.png import read_png
from ..revision_blender.wire.requests import (
    AUTO,
    CoarseRequest,
    DecodeRequest,
    FineRequest,
    MasksRequest,
    ModelRequest,
    RefineRequest,
    Request,
)
from . import chosen_model, estimate, figures
from .tickets import Ticket
from .where import absolute, confidence_folder, pngs, results_folder, stored

Build = Callable[[], Request]
Made = dict[str, str | float | int]
MAX_FOOTAGE_BYTES = 2_000_000_000  # one message part holds it, and so does memory


def coarse(scene: bpy.types.Scene) -> tuple[Ticket, Build]:
    """S1 from the picture. Raises RevisionError where the picture cannot be used."""
    settings: RevisionSettings = scene.revision
    path = absolute(settings.picture)
    request = CoarseRequest(
        picture=picture_pixels(path),
        prompt=settings.prompt,
        engine=settings.engine,
        frames=settings.frames,
        fps=settings.fps,
        strength=settings.strength,
        seed=settings.seed,
        target=_target(scene, settings),
        model=chosen_model.name_of(settings),
        preset=settings.preset,
    )
    made = {name: getattr(settings, name) for name in ("picture", "prompt", "engine", "frames", "fps", "strength", "seed")}
    if settings.engine == "svd":
        made |= {"model": request.model, "preset": request.preset, **figures.kept(estimate.coarse(scene))}
    ticket = new_ticket(scene, "coarse", free_name(settings, path.stem), made)
    return ticket, lambda: request


def _target(scene: bpy.types.Scene, settings: RevisionSettings) -> Clip | None:
    entry = settings.take()
    take = find_take(scene, entry.take_id) if settings.aim_at_pose and entry is not None else None
    return capture_pose(scene, take, float(take.scene_frames(scene)[-1])) if take is not None else None


def footage(scene: bpy.types.Scene) -> tuple[Ticket, Build]:
    """The user's own video in place of S1."""
    settings: RevisionSettings = scene.revision
    path = absolute(settings.footage)
    start, frames, stride = settings.footage_start, settings.frames, settings.footage_stride
    made = {"footage": settings.footage, "footage_start": start, "footage_stride": stride, "frames": frames, "prompt": settings.prompt}
    ticket = new_ticket(scene, "decode", free_name(settings, path.stem), made)
    return ticket, lambda: DecodeRequest(file=_bytes_of(path), start=start, frames=frames, stride=stride)


def _bytes_of(path: Path) -> NDArray[np.uint8]:
    size = path.stat().st_size
    if size == 0:
        raise RevisionError(f"The footage {path.name} is empty (0 bytes): choose another file.")
    if size > MAX_FOOTAGE_BYTES:
        raise RevisionError(f"The footage {path.name} has {size:,} bytes; cut it to at most {MAX_FOOTAGE_BYTES:,} and choose it again.")
    return np.fromfile(path, dtype=np.uint8)


def motion_file(scene: bpy.types.Scene, path: Path) -> Ticket:
    """The import of a motion file, which this Blender does itself: a take of its own, named after the file."""
    return new_ticket(scene, "import", free_name(scene.revision, path.stem or path.name), {"file": str(path)})


def refine(scene: bpy.types.Scene) -> tuple[Ticket, Build]:
    """The motion as it stands, with the animator's keys pinned."""
    settings: RevisionSettings = scene.revision
    entry, take = lifted(scene)
    clip, pins = capture_for_refine(scene, take)
    made: Made = {"method": settings.refine_method, "strength": settings.refine_strength}
    made |= {"hold_first": settings.refine_first, "hold_last": settings.refine_last}
    if settings.refine_method == "prior":
        motion = AUTO if settings.refine_auto else settings.refine_motion
        made |= {"prompt": refine_words(settings), "motion": motion, "polish": settings.refine_polish}
    request = RefineRequest(clip=clip, pins=pins, **made)
    made["pinned"] = sum(int(pin.joints.sum() + pin.translation.sum()) for pin in pins)
    made["pinned_places"] = sum(int(np.isfinite(pin.places[..., 0]).sum()) for pin in pins if pin.places is not None)
    made["of"] = shown_role(take)
    return new_ticket(scene, "refine", entry.name, made, entry.take_id), lambda: request


def refine_words(settings: RevisionSettings) -> str:
    """What the prior is told is done: the user's words, else the take's prompt."""
    entry = settings.take()
    return settings.refine_words.strip() or (entry.prompt if entry is not None else "")


def masks(scene: bpy.types.Scene) -> tuple[Ticket, Clip]:
    """The job of a mask pass, and the motion that it shows."""
    entry, take = filmed(scene)
    clip = capture_clip(scene, take, own_bodies=False)
    ticket = new_ticket(scene, "masks", entry.name, {"drawn_by": scene.revision.mask_method}, entry.take_id)
    file = results_folder(entry.name, "masks", ticket.job_id).with_suffix(".motion.npz")
    file.parent.mkdir(parents=True, exist_ok=True)
    save_clip(file, clip)
    ticket.provenance["motion"] = stored(file)
    return ticket, clip


def masks_by_backend(scene: bpy.types.Scene) -> tuple[Ticket, Build]:
    ticket, clip = masks(scene)
    return ticket, lambda: MasksRequest(clip=clip)


def fine(scene: bpy.types.Scene) -> tuple[Ticket, Build]:
    """S3. Raises RevisionError where the rig moved after its masks were rendered."""
    settings: RevisionSettings = scene.revision
    entry, take = filmed(scene)
    motion = capture_clip(scene, take, own_bodies=False)
    if not _same_motion(motion, load_clip(absolute(entry.masks_motion))):
        raise RevisionError(f"{entry.name} was changed after its part masks were rendered: press Render Part Masks again.")
    files, masks_, lift_file = pngs(entry.frames), pngs(entry.masks), absolute(entry.lift)
    sure = pngs(str(confidence_folder(absolute(entry.masks))))
    picture = picture_pixels(absolute(entry.picture)) if entry.picture and absolute(entry.picture).is_file() else None
    made = {name: getattr(settings, name) for name in ("engine", "strength", "seed")} | {"prompt": entry.prompt}
    if settings.engine == "svd":
        made |= _by_video_model(settings) | figures.kept(estimate.fine(scene))
    ticket = new_ticket(scene, "fine", entry.name, made, entry.take_id)
    return ticket, lambda: _fine_request(made, motion, files, (masks_, sure), lift_file, picture)


def _by_video_model(settings: RevisionSettings) -> Made:
    """What engine svd is told on top. Raises RevisionError for depths out of order."""
    depths = chosen_model.depths(settings)
    return {
        "model": chosen_model.name_of(settings),
        "preset": settings.preset,
        "mode": settings.follow_mode,
        "sigma_weak": depths.weak,
        "sigma_strong": depths.strong,
    }


def _fine_request(
    made: Made,
    motion: Clip,
    frames: tuple[Path, ...],
    masks_: tuple[tuple[Path, ...], tuple[Path, ...]],
    lift_file: Path,
    picture: NDArray[np.uint8] | None,
) -> FineRequest:
    """The picture itself where the clip was lifted at its size, else the clip's own first frame. masks_: labels and confidence; masks
    of earlier versions have labels only."""
    source, labels = load_clip(lift_file), read_frames(masks_[0])
    confidence = read_frames(masks_[1]) if len(masks_[1]) == len(labels) else confidence_maps(labels, motion)
    same_size = picture is not None and picture.shape[:2] == (source.camera.height, source.camera.width)
    request = FineRequest(
        picture=picture if same_size and picture is not None else read_png(frames[0]),
        source=source,
        motion=motion,
        labels=labels,
        confidence=confidence,
        prompt=str(made["prompt"]),
        engine=str(made["engine"]),
        strength=float(made["strength"]),
        seed=int(made["seed"]),
    )
    if request.engine != "svd":
        return request
    return replace(
        request,
        model=str(made["model"]),
        preset=str(made["preset"]),
        mode=str(made["mode"]),
        sigma_weak=float(made["sigma_weak"]),
        sigma_strong=float(made["sigma_strong"]),
    )


def model(scene: bpy.types.Scene) -> tuple[Ticket, Build]:
    """The download of the chosen model, whose licence the user has accepted."""
    name = chosen_model.name_of(scene.revision)
    request = ModelRequest(model=name, accept_licence=True)
    return new_ticket(scene, "model", name, {"model": name, "licence": "accepted"}), lambda: request


def lifted(scene: bpy.types.Scene) -> tuple[RevisionTake, Take]:
    """The take that the buttons work on, as entry and as rig. Raises RevisionError where it was not lifted."""
    entry = scene.revision.take()
    take = find_take(scene, entry.take_id) if entry is not None else None
    if entry is None or take is None:
        raise RevisionError("There is no lifted take in this scene: press Lift first.")
    return entry, take


def filmed(scene: bpy.types.Scene) -> tuple[RevisionTake, Take]:
    """As ``lifted``, at the rate of the final video, which may be higher than that of an economised coarse clip."""
    entry, take = lifted(scene)
    return entry, take.at_rate(entry.final_fps) if entry.final_fps else take


def read_frames(files: tuple[Path, ...]) -> NDArray[np.uint8]:
    """The frames as one array. Raises RevisionError where they are gone or differ in size."""
    if not files:
        raise RevisionError("The frames of this take are gone from its results folder: generate the clip again.")
    frames = [read_png(file) for file in files]
    if any(frame.shape != frames[0].shape for frame in frames):
        raise RevisionError(f"The pictures in {files[0].parent} differ in size: generate the clip again.")
    return np.stack(frames)


def _same_motion(clip: Clip, other: Clip) -> bool:
    """Whether masks of the one fit the other: to a millimetre and a thousandth of a rotation's entries."""
    pairs = list(zip(clip_to_arrays(clip)[1], clip_to_arrays(other)[1], strict=False))
    return len(clip.tracks) == len(other.tracks) and all(a.shape == b.shape and np.allclose(a, b, rtol=0.0, atol=1e-3) for a, b in pairs)


def free_name(settings: RevisionSettings, wanted: str) -> str:
    """A name that no take and no job of the scene has."""
    taken = {take.name for take in settings.takes}
    taken |= {job.title.partition(" · ")[2] for job in settings.jobs}
    names = (wanted if number == 0 else f"{wanted}.{number:03d}" for number in range(1000))
    return next(name for name in names if name not in taken)


_TITLES = {
    "coarse": "Coarse",
    "decode": "Footage",
    "lift": "Lift",
    "import": "Import",
    "refine": "Refine",
    "masks": "Part Masks",
    "fine": "Fine",
    "model": "Download",
}


def new_ticket(scene: bpy.types.Scene, kind: str, take: str, made: Made, take_id: str = "") -> Ticket:
    """take: its name. take_id: empty for a take that is yet to be made."""
    return Ticket(
        job_id=str(uuid.uuid4()),
        kind=kind,
        take_id=take_id or str(uuid.uuid4()),
        title=f"{_TITLES[kind]} · {take}",
        scene_uid=scene.session_uid,
        provenance={"take": take, **made},
    )
