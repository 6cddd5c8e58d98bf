"""One track of a clip lifted again: camera, floor and all other tracks stay as they are."""

from dataclasses import replace

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from backend.errors import InputError
from backend.lifting.subject import boxes_of
from backend.lifting.world.animal_sizes import Floor, settled_sizes
from backend.lifting.world.cuts import shots_of
from backend.lifting.world.drawn import Drawn, drawn_tracks, seen_among, small_camera
from backend.lifting.world.joining import held, stretched
from backend.lifting.world.lifted import LiftedShot, LiftedTrack
from backend.lifting.world.people_step import lifted_people
from backend.lifting.world.presence import present
from backend.lifting.world.shot import MEASURE_SIDE, Measured, ordered
from backend.lifting.world.sightings import Sightings, followed_one, found_people, looked_at_again, masks_of_people
from backend.lifting.world.things_step import lifted_animal, lifted_objects
from backend.lifting.world.wish import Wish
from backend.lifting.world.working import Working
from backend.progress import Progress
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import Clip, ObjectTrack, Track
from revision_blender.motion.subjects import Prompt, SubjectKind

Masks = UInt8[NDArray[np.uint8], "F H W"]


def relifted(working: Working, wish: Wish, starts: list[int], only: str, known: Clip | None, progress: Progress) -> Measured:
    """The known clip with the track ``only`` lifted anew from what is shown of it, or from where it was. A name that is not in the clip
    adds a track. Raises ``InputError`` where that track cannot be found.
    """
    if known is None:
        raise InputError(f"{only} is to be lifted again, but the clip that it belongs to was not given; lift everything.")
    height, width = working.frames.shape[1:3]
    known = replace(known, camera=known.camera.resized(width, height))
    old = next((track for track in known.tracks if track.track_id == only), None)
    wish = replace(wish, prompts=tuple(prompt for prompt in wish.prompts if prompt.name == only))
    shot = _shot_of(only, old, wish, shots_of(starts, known.n_frames))
    others = tuple(track for track in known.tracks if track is not old)
    masks = _masks_of(others, known.camera)
    part = replace(known, camera=_cut(known.camera, shot), tracks=())
    told = wish.within(shot) if wish.prompts else replace(wish, prompts=_where_it_was(old, only, known, shot))
    new = _lifted(working.frames[shot], told, part, [mask[shot] for mask in masks], progress.part(0.0, 0.9))
    whole = stretched(present(new.renamed(only)), shot.start, known.n_frames)
    tracks = [_as_known(track, mask) for track, mask in zip(others, masks, strict=True)]
    place = known.tracks.index(old) if old is not None else len(tracks)
    tracks.insert(place, whole)
    result = LiftedShot(known.fps, known.camera, known.ground, 1.0, tuple(tracks))
    fixed = frozenset(range(len(tracks))) - {place}
    return ordered(result, fixed, progress.part(0.9, 1.0))


def _shot_of(only: str, old: Track | None, wish: Wish, shots: list[slice]) -> slice:
    """The shot that shows the track: where the user shows it, else where it was trusted."""
    if wish.prompts:
        frame = wish.prompts[0].frame
    elif old is not None:
        sure = np.asarray(old.confidence, float).reshape(old.n_frames, -1).max(axis=1) > 0.0
        frame = int(np.argmax(sure))
    else:
        raise InputError(f"There is no track {only!r} in the clip and nothing is shown of it; draw a box about it.")
    return next(shot for shot in shots if shot.start <= frame < shot.stop)


def _cut(camera: Camera, shot: slice) -> Camera:
    return replace(camera, T_world_camera=camera.T_world_camera[shot])


def _kind_of(track: Track) -> SubjectKind:
    if isinstance(track, ObjectTrack):
        return "object"
    return "animal" if track.family == "smal" else "person"


def _where_it_was(old: Track | None, only: str, known: Clip, shot: slice) -> tuple[Prompt, ...]:
    """A box about the old track on the frame of its shot on which most of it is seen."""
    assert old is not None
    camera = small_camera(_cut(known.camera, shot), MEASURE_SIDE)
    inside = held(old, np.arange(shot.start, shot.stop), np.ones(shot.stop - shot.start, np.bool_))
    drawn = drawn_tracks((inside,), camera)[0]
    areas = drawn.covered.sum(axis=(1, 2))
    if not areas.any():
        raise InputError(f"{only} lies outside the picture on all frames; draw a box about it.")
    frame = int(np.argmax(areas))
    left, top, right, bottom = (float(value) * known.camera.width / camera.width for value in drawn.boxes[frame])
    label = old.label if isinstance(old, ObjectTrack) else ""
    return (Prompt(only, _kind_of(old), frame, (left, top, right, bottom), (), label),)


def _masks_of(tracks: tuple[Track, ...], camera: Camera) -> list[Masks]:
    """What is seen of tracks that are known, from their own shapes: ``(F, H, W)`` each."""
    if not tracks:
        return []
    small = small_camera(camera, MEASURE_SIDE)
    drawn: list[Drawn] = drawn_tracks(tracks, small)
    index = seen_among(drawn)
    rows = np.minimum(np.arange(camera.height) * small.height // camera.height, small.height - 1)
    columns = np.minimum(np.arange(camera.width) * small.width // camera.width, small.width - 1)
    large = index[:, rows[:, None], columns[None]]
    return [np.where(large == place + 1, 255, 0).astype(np.uint8) for place in range(len(tracks))]


def _as_known(track: Track, mask: Masks) -> LiftedTrack:
    _, seen = boxes_of(mask)
    return LiftedTrack(track, track, mask, seen, seen.astype(np.float32))


def _lifted(frames: NDArray[np.uint8], wish: Wish, known: Clip, others: list[Masks], progress: Progress) -> LiftedTrack:
    taken = np.maximum.reduce([np.zeros(frames.shape[:3], np.uint8), *others])
    kind, name = wish.prompts[0].kind, wish.prompts[0].name
    found = _person(frames, wish, known, taken, progress) if kind == "person" else _thing(frames, wish, known, taken, progress)
    if found is None:
        raise InputError(" ".join([f"{name} could not be lifted again.", *wish.choices.notes]))
    return found


def _person(frames: NDArray[np.uint8], wish: Wish, known: Clip, taken: Masks, progress: Progress) -> LiftedTrack | None:
    wish = replace(wish, people=False)
    people = found_people(frames, wish, progress.part(0.0, 0.5))[:1]
    if not people:
        return None
    masks = masks_of_people(frames, people, wish, progress.part(0.5, 0.6))
    masks[:, taken > 0] = 0
    seen = Sightings(tuple(people), masks, ())
    return lifted_people(frames, seen, known.camera, wish, progress.part(0.6, 1.0), taken)[0]


def _thing(frames: NDArray[np.uint8], wish: Wish, known: Clip, taken: Masks, progress: Progress) -> LiftedTrack | None:
    one = followed_one(frames, wish.prompts, taken, wish, progress.part(0.0, 0.5))
    if one is None:
        return None
    one = looked_at_again(frames, one, taken, wish, progress.part(0.5, 0.55))
    part = progress.part(0.55, 1.0)
    if one.kind == "animal":
        animal = lifted_animal(frames, one, known.camera, known.ground, taken, wish, part)
        floor = Floor(known.ground, np.zeros((0, 3)), 1.0)
        return None if animal is None else settled_sizes([animal], [one], floor, known.ground.normal, known.camera)[0]
    return lifted_objects(frames, [one], [], known.camera, known.ground, wish, part, taken)[0]
