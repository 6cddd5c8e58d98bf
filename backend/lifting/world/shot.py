"""One shot, from its frames to its tracks: who is seen, how the camera turned, bodies, floor, animals, objects, who stands before whom."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, UInt8
from numpy.typing import NDArray

from backend.lifting.subject import Followed
from backend.lifting.world.animal_sizes import Floor, settled_sizes
from backend.lifting.world.camera_motion import camera_rotations
from backend.lifting.world.drawn import Drawn, drawn_tracks, small_camera, small_masks
from backend.lifting.world.ground import Stance, guessed_ground, shared_ground, standing_points
from backend.lifting.world.lifted import LiftedShot, LiftedTrack
from backend.lifting.world.order import ANIMAL, BODY, FIXED, THING, Give, depth_shifts, in_order, wishes_of, within
from backend.lifting.world.people_step import lifted_people, stance_of, with_hands
from backend.lifting.world.pushing import pushed
from backend.lifting.world.report import track_figures
from backend.lifting.world.sightings import Sightings, sightings_of
from backend.lifting.world.things_step import lifted_animal, lifted_objects, lowest_points
from backend.lifting.world.wish import Wish
from backend.progress import Progress
from revision_blender.motion.camera import Camera, static_camera
from revision_blender.motion.clip import BodyTrack, GroundPlane, Track

Frames = UInt8[NDArray[np.uint8], "F H W 3"]
ROUNDS = 3  # shapes that have moved overlap elsewhere: looked at again so often
MEASURE_SIDE = 640  # pixels: silhouettes are compared at this size


@dataclass(frozen=True, eq=False)
class Measured:
    """A shot with its figures by "track/figure", and "depth_order": the share of overlapping pairs in the order that is seen."""

    shot: LiftedShot
    figures: dict[str, float]


def lifted_shot(frames: Frames, wish: Wish, progress: Progress) -> Measured:
    """Everything in the frames of one shot, in the world of its first camera. Without tracks where nothing is seen."""
    seen = sightings_of(frames, wish, progress.part(0.0, 0.5))
    camera = followed_camera(frames, seen.moving, wish, progress.part(0.5, 0.55))
    people = lifted_people(frames, seen, camera, wish, progress.part(0.55, 0.8))
    animals, ground, sure = _on_floor(frames, seen, people, camera, wish, progress.part(0.8, 0.9))
    things = [one for one in seen.followed if one.kind == "object"]
    objects = lifted_objects(frames, things, [*people, *animals], camera, ground, wish, progress.part(0.9, 0.92))
    shot = LiftedShot(wish.fps, camera, ground, sure, (*people, *animals, *objects))
    measured = ordered(shot, frozenset(), progress.part(0.92, 0.97))
    handed = with_hands(frames, list(measured.shot.tracks[: len(people)]), seen, camera, wish, progress.part(0.97, 1.0))
    return replace(measured, shot=replace(measured.shot, tracks=(*handed, *measured.shot.tracks[len(people) :])))


def followed_camera(frames: Frames, moving: UInt8[NDArray[np.uint8], "F H W"], wish: Wish, progress: Progress) -> Camera:
    """The camera, turned as the background shows; what moves by itself is left out."""
    height, width = frames.shape[1:3]
    camera = static_camera(width, height, wish.focal, len(frames))

    def turned() -> Camera:
        poses = camera.T_world_camera.copy()
        poses[:, :3, :3] = camera_rotations(frames, moving, wish.focal, camera.center, progress)
        return replace(camera, T_world_camera=poses)

    return wish.choices.attempt("camera", lambda provider: provider.follow_camera(frames, moving, camera, progress), turned)


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
