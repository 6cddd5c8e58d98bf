"""Animals' and objects' part of a shot: fitted or placed in the world that the people and the camera have made."""

import numpy as np
from numpy.typing import NDArray

from backend.errors import InputError
from backend.lifting.animals.fit_animal import fit_animal
from backend.lifting.calm import calmed_body
from backend.lifting.objects.placing import depth_beside, depth_from_maps, place_object
from backend.lifting.providers.base import AnimalLifter, LiftedBody
from backend.lifting.subject import Followed
from backend.lifting.world.depth_agreement import metric_depths
from backend.lifting.world.lifted import LiftedTrack
from backend.lifting.world.people_step import body_track
from backend.lifting.world.wish import Wish
from backend.progress import Progress
from backend.raster.surfaces import body_surface
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import BodyTrack, GroundPlane

Array = NDArray[np.floating]

ANIMAL_BODY = "open_quadruped"
HELD = 0.08  # of a body's pixels: what is larger is not held but stands before or behind it
N_LOWEST = 12  # vertices that stand for an animal's paws


def lifted_animal(
    frames: NDArray[np.uint8],
    one: Followed,
    camera: Camera,
    ground: GroundPlane | None,
    others: NDArray[np.uint8],
    wish: Wish,
    progress: Progress,
) -> LiftedTrack | None:
    """An animal as a track. others: 255 on pixels of other subjects. Nothing, and a note, where it cannot be fitted."""

    def fitted() -> tuple[LiftedBody, LiftedBody, Followed]:
        fit = fit_animal(ANIMAL_BODY, one, one.prompts, camera, ground, wish.fps, progress, occluders=others, frames=frames)
        body = LiftedBody(fit.family, fit.model, fit.betas, fit.rotations, fit.translation, fit.confidence)
        return body, body, fit.followed

    def told(provider: AnimalLifter) -> tuple[LiftedBody, LiftedBody, Followed]:
        body = provider.lift_animal(frames, one, camera, wish.fps, progress)
        return calmed_body(body, wish.fps), body, one

    try:
        smooth, raw, cut = wish.choices.attempt("animals", told, fitted)
    except InputError as error:
        wish.note(str(error))
        return None
    masks = cut.masks if cut is one else np.where(others > 0, 0, cut.masks).astype(np.uint8)
    return LiftedTrack(body_track(one.name, smooth), body_track(one.name, raw), masks, cut.seen, cut.score)


def lowest_points(track: BodyTrack, up: Array) -> Array:
    """``(F, N, 3)`` the lowest vertices of a body on each frame, world metres. up: ``(3,)``."""
    vertices = body_surface(track).vertices_world
    lowest = np.argpartition(vertices @ up, N_LOWEST, axis=1)[:, :N_LOWEST]
    return np.take_along_axis(vertices, lowest[..., None], axis=1).astype(np.float64)


def lifted_objects(
    frames: NDArray[np.uint8],
    things: list[Followed],
    bodies: list[LiftedTrack],
    camera: Camera,
    ground: GroundPlane,
    wish: Wish,
    progress: Progress,
    hidden: NDArray[np.uint8] | None = None,
) -> list[LiftedTrack]:
    """Objects as tracks of 21 points, at the depth that the floor, their size, a depth map or what they touch tells.

    hidden: 255 on subjects that are neither among the things nor among the bodies.
    """
    if not things:
        return []
    maps = wish.choices.attempt("depth", lambda provider: metric_depths(provider.depths(frames, progress), bodies, camera), lambda: None)
    return [_placed(one, maps, bodies, camera, ground, _others(one, things, bodies, hidden)) for one in things]


def _placed(
    one: Followed,
    maps: NDArray[np.float32] | None,
    bodies: list[LiftedTrack],
    camera: Camera,
    ground: GroundPlane,
    others: NDArray[np.uint8],
) -> LiftedTrack:
    known = depth_from_maps(one, maps) if maps is not None else _beside(one, bodies, camera)
    track = place_object(one, camera, ground, known, others)
    return LiftedTrack(track, track, one.masks, one.seen, one.score)


def _others(one: Followed, things: list[Followed], bodies: list[LiftedTrack], hidden: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """255 on every subject but one."""
    rest = [other.masks for other in things if other is not one] + [body.mask for body in bodies]
    return np.maximum.reduce([np.zeros_like(one.masks) if hidden is None else hidden, *rest])


def _beside(one: Followed, bodies: list[LiftedTrack], camera: Camera) -> Array | None:
    if not bodies:
        return None
    depths = np.stack([root_depths(body, camera) for body in bodies])
    masks = np.stack([body.mask for body in bodies])
    size = float(np.median((one.masks[one.seen] > 0).sum(axis=(1, 2)))) if one.seen.any() else 0.0
    if size > HELD * float(np.median((masks > 0).sum(axis=(2, 3)).max(axis=1))):
        return None
    return depth_beside(one, masks, depths)


def root_depths(lifted: LiftedTrack, camera: Camera) -> Array:
    """``(F,)`` metres along the camera's axis to the middle of a track."""
    track = lifted.track
    middle = track.translation[:, None] if isinstance(track, BodyTrack) else track.points.mean(axis=1, keepdims=True)
    return camera.to_camera(np.asarray(middle, float))[:, 0, 2]
