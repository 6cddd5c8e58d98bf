"""One shot, from its frames to its tracks: who is seen, how the camera turned, bodies, floor, animals, objects, who stands before whom."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, UInt8
from numpy.typing import NDArray

from backend.lifting.subject import Followed
from backend.lifting.world.animal_sizes import Floor, settled_sizes
from backend.lifting.world.camera_step import FoundCamera, followed_camera, with_focal
from backend.lifting.world.drawn import Drawn, drawn_tracks, small_camera, small_masks
from backend.lifting.world.focal import FocalEstimate, agreed_focal
from backend.lifting.world.ground import Stance, guessed_ground, shared_ground, standing_points
from backend.lifting.world.lifted import LiftedShot, LiftedTrack
from backend.lifting.world.order import ANIMAL, BODY, FIXED, THING, Give, depth_shifts, in_order, wishes_of, within
from backend.lifting.world.people_step import lifted_people, stance_of, with_hands
from backend.lifting.world.presence import present
from backend.lifting.world.pushing import pushed
from backend.lifting.world.report import track_figures
from backend.lifting.world.sightings import Sightings, sightings_of
from backend.lifting.world.things_step import lifted_animal, lifted_objects, lowest_points
from backend.lifting.world.wish import Wish
from backend.progress import Progress
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import BodyTrack, GroundPlane, Track

Frames = UInt8[NDArray[np.uint8], "F H W 3"]
ROUNDS = 3  # shapes that have moved overlap elsewhere: looked at again so often
MEASURE_SIDE = 640  # pixels: silhouettes are compared at this size


@dataclass(frozen=True, eq=False)
class Measured:
    """A shot with its figures by "track/figure", and "depth_order": the share of overlapping pairs in the order that is seen."""

    shot: LiftedShot
    figures: dict[str, float]


@dataclass(frozen=True, eq=False)
class SeenShot:
    """The frames of one shot, who and what is seen in them, and the camera that sees them."""

    frames: Frames
    wish: Wish
    seen: Sightings
    camera: FoundCamera


def seen_shot(frames: Frames, wish: Wish, progress: Progress) -> SeenShot:
    """The first half of a lift: what can be told without knowing the lens."""
    with wish.watch.step("seeing"):
        seen = sightings_of(frames, wish, progress.part(0.0, 0.9))
    with wish.watch.step("camera"):
        return SeenShot(frames, wish, seen, followed_camera(frames, seen.moving, wish, progress.part(0.9, 1.0)))


def through_one_lens(shots: list[SeenShot], progress: Progress) -> tuple[list[SeenShot], FocalEstimate | None]:
    """The shots with the focal length that the camera's turns tell, all of them together, and what they tell; as they are where that is
    nothing. One video has one lens.
    """
    told = agreed_focal([shot.camera.told for shot in shots if shot.camera.told is not None])
    if told is None:
        return shots, None
    parts = [progress.part(place / len(shots), (place + 1) / len(shots)) for place in range(len(shots))]
    with shots[0].wish.watch.step("camera"):
        cameras = [
            with_focal(shot.camera, told.focal, shot.frames, shot.seen.moving, part) for shot, part in zip(shots, parts, strict=True)
        ]
    return [replace(shot, camera=camera) for shot, camera in zip(shots, cameras, strict=True)], told


def lifted_shot(shot: SeenShot, progress: Progress) -> Measured:
    """Everything in the frames of one shot, in the world of its first camera. Without tracks where nothing is seen."""
    frames, wish, seen, camera = shot.frames, shot.wish, shot.seen, shot.camera.camera
    with wish.watch.step("people"):
        people = lifted_people(frames, seen, camera, wish, progress.part(0.0, 0.5))
    with wish.watch.step("animals"):
        animals, ground, sure = _on_floor(frames, seen, people, camera, wish, progress.part(0.5, 0.8))
    things = [one for one in seen.followed if one.kind == "object"]
    with wish.watch.step("objects"):
        objects = lifted_objects(frames, things, [*people, *animals], camera, ground, wish, progress.part(0.8, 0.84))
    with wish.watch.step("order"):
        whole = LiftedShot(wish.fps, camera, ground, sure, (*people, *animals, *objects))
        measured = ordered(whole, frozenset(), progress.part(0.84, 0.94))
    with wish.watch.step("hands"):
        handed = with_hands(frames, list(measured.shot.tracks[: len(people)]), seen, camera, wish, progress.part(0.94, 1.0))
    tracks = tuple(present(lifted) for lifted in (*handed, *measured.shot.tracks[len(people) :]))
    return replace(measured, shot=replace(measured.shot, tracks=tracks))


def _on_floor(
    frames: Frames, seen: Sightings, people: list[LiftedTrack], camera: Camera, wish: Wish, progress: Progress
) -> tuple[list[LiftedTrack], GroundPlane, float]:
    """The animals, and the floor with how sure it is: people's, else the animals' own, else one that is guessed."""
    R = camera.T_world_camera[:, :3, :3]
    stances = [_seen_stance(person) for person in people]
    ground, sure = shared_ground(stances, R, wish.fps) if stances else (None, 0.0)
    shown = [one for one in seen.followed if one.kind == "animal"]
    animals = []
    for place, one in enumerate(shown):
        others = _others(seen, one)
        part = progress.part(place / len(shown), (place + 1) / len(shown))
        lifted = lifted_animal(frames, one, camera, ground, others, wish, part)
        animals += [lifted] if lifted is not None else []
    up = guessed_ground(R[0]).normal
    floor = None if ground is None else Floor(ground, _feet_on(stances, wish.fps), sure)
    animals = settled_sizes(animals, shown, floor, up, camera)
    if ground is not None:
        return animals, ground, sure
    paws = [lowest_points(animal.track, up)[animal.seen] for animal in animals if isinstance(animal.track, BodyTrack)]
    ground, sure = shared_ground([], R, wish.fps, paws) if paws else (guessed_ground(R[0]), 0.0)
    return animals, ground, 0.5 * sure


def _feet_on(stances: list[Stance], fps: float) -> NDArray[np.floating]:
    """``(K, 3)`` where people stand."""
    return np.concatenate([standing_points(stance.feet, fps) for stance in stances])


def _seen_stance(person: LiftedTrack) -> Stance:
    """Of the frames that show the person; of all where none does."""
    assert isinstance(person.track, BodyTrack)
    stance = stance_of(person.track)
    if not person.seen.any():
        return stance
    return Stance(stance.joints[person.seen], stance.feet[person.seen])


def _others(seen: Sightings, one: Followed) -> UInt8[NDArray[np.uint8], "F H W"]:
    """255 on every subject but one."""
    rest = [other.masks for other in seen.followed if other is not one]
    return np.maximum.reduce([np.zeros(one.masks.shape, np.uint8), seen.masks.max(axis=0, initial=0), *rest])


def ordered(shot: LiftedShot, fixed: frozenset[int], progress: Progress) -> Measured:
    """The shot with depths that agree with who is seen before whom, and its figures. fixed: tracks that stay where they are."""
    camera = small_camera(shot.camera, MEASURE_SIDE)
    masks = [small_masks(lifted.mask, camera) for lifted in shot.tracks]
    progress(0.0, "Comparing with the pictures")
    drawn = drawn_tracks(shot.clip.tracks, camera)
    gives = [FIXED if place in fixed else _give(lifted.track) for place, lifted in enumerate(shot.tracks)]
    total = np.zeros((len(gives), shot.camera.n_frames))
    for _ in range(ROUNDS):
        wanted = depth_shifts(wishes_of(drawn, masks), gives, shot.camera.n_frames)
        shifts = within(total + wanted, gives) - total
        if not shifts.any():
            break
        total += shifts
        tracks = [pushed(lifted, shift, shot.camera) for lifted, shift in zip(shot.tracks, shifts, strict=True)]
        shot = replace(shot, tracks=tuple(tracks))
        drawn = _redrawn(shot, drawn, shifts, camera)
    figures = track_figures(shot.tracks, drawn, masks, shot.camera)
    progress(1.0, "Comparing with the pictures")
    return Measured(shot, figures | {"depth_order": in_order(wishes_of(drawn, masks))})


def _give(track: Track) -> Give:
    if not isinstance(track, BodyTrack):
        return THING
    return ANIMAL if track.family == "smal" else BODY


def _redrawn(shot: LiftedShot, drawn: list[Drawn], shifts: NDArray[np.floating], camera: Camera) -> list[Drawn]:
    moved: Bool[NDArray[np.bool_], " T"] = np.abs(shifts).max(axis=1) > 0.0
    fresh = iter(drawn_tracks(tuple(lifted.track for lifted, new in zip(shot.tracks, moved, strict=True) if new), camera))
    return [next(fresh) if new else old for old, new in zip(drawn, moved, strict=True)]
