"""How large animals are: each as its kind usually is, and all on one floor.

Seen by one camera an animal may be small and near or large and far. That it stands on a floor of known height settles it: the camera's
height over the floor against the camera's height over the animal's paws is the factor that it misses. Both are logarithms with a
spread, so the two accounts are averaged by how sure each is; an animal that would have to be of an unheard-of size stands on
something else and keeps its own. Where no people tell the floor, the animals' usual sizes do, together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from backend.bodies.installed import model_of
from backend.lifting.animals.size import UsualSize, usual_size
from backend.lifting.subject import Followed
from backend.lifting.world.lifted import LiftedTrack
from backend.lifting.world.people_step import scaled_subject
from backend.lifting.world.things_step import lowest_points
from revision_blender.motion.bodies.body_size import size_of
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import BodyTrack, GroundPlane

Array = NDArray[np.floating]

PAW_SPREAD = 0.04  # metres: how far the lowest paw may be from the floor
TILT_SPREAD = 0.03  # radians: how far the floor may rise between those who tell where it is and the animal
GUESSED_TILT = 0.1  # radians, the same where only animals stand
LEAST_HEIGHT = 0.2  # metres of the camera over the floor, below which the floor tells nothing
UNHEARD = 3.0  # spreads
STANDING = 75.0  # percentile of frames: where legs are cut off or the animal leaps its lowest paw is too high, never too low
BORDER = 0.02  # of the picture's sides: paws beyond are not seen


@dataclass(frozen=True, eq=False)
class Floor:
    """plane: world. known: ``(K, 3)`` places where somebody stands on it, possibly none. sure: in [0, 1]. tilt: radians, its spread."""

    plane: GroundPlane
    known: Float[NDArray[np.floating], "K 3"]
    sure: float
    tilt: float = TILT_SPREAD


@dataclass(frozen=True, eq=False)
class _Paws:
    """The lowest paw on the frames that show it. places: ``(S, 3)`` world. under: metres that the camera is over it where it stands."""

    places: Float[NDArray[np.floating], "S 3"]
    under: float


def settled_sizes(
    animals: Sequence[LiftedTrack], followed: Sequence[Followed], floor: Floor | None, up: Float[NDArray[np.floating], "3"], camera: Camera
) -> list[LiftedTrack]:
    """The animals as large as their kinds and the floor together say; their pictures stay. Bodies that come in one size stay as they are.

    followed: has the words for them. floor: that people stand on. up: ``(3,)`` the vertical where there is none.
    """
    words = {one.name: f"{one.label} {one.name}" for one in followed}
    usual = [usual_size(words.get(animal.name, animal.name)) for animal in animals]
    sized = [_usual_sized(animal, size, camera) for animal, size in zip(animals, usual, strict=True)]
    floor = _own_floor(sized, usual, up, camera) if floor is None else floor
    return sized if floor is None else [_settled(animal, size, floor, camera) for animal, size in zip(sized, usual, strict=True)]


def _usual_sized(animal: LiftedTrack, usual: UsualSize, camera: Camera) -> LiftedTrack:
    """Our own fits are that large already, other lifters' bodies may have any size."""
    if not isinstance(animal.track, BodyTrack) or not model_of(animal.track).sized:
        return animal
    return scaled_subject(animal, usual.factor / size_of(model_of(animal.track), animal.track.betas), camera)


def _settled(animal: LiftedTrack, usual: UsualSize, floor: Floor, camera: Camera) -> LiftedTrack:
    paws = _paws(animal, floor.plane.normal, camera)
    height = float(np.median(floor.plane.height(camera.T_world_camera[:, :3, 3])))
    if paws is None or height < LEAST_HEIGHT:
        return animal
    factor = float(np.log(height / paws.under))
    spread = float(np.hypot(PAW_SPREAD, floor.tilt * _away(paws.places, floor.known))) / height / max(floor.sure, 1e-3) ** 0.5
    own, theirs = usual.spread**2, spread**2
    if factor**2 > UNHEARD**2 * (own + theirs):
        return animal
    return scaled_subject(animal, float(np.exp(factor * own / (own + theirs))), camera)


def _own_floor(animals: Sequence[LiftedTrack], usual: Sequence[UsualSize], up: Array, camera: Camera) -> Floor | None:
    """The floor of several animals without people: the height that all give it, the surer of their size the more."""
    stood = [(paws, size) for animal, size in zip(animals, usual, strict=True) if (paws := _paws(animal, up, camera)) is not None]
    if len(stood) < 2:
        return None
    weights = np.array([size.spread**-2 for _, size in stood])
    heights = np.log([paws.under for paws, _ in stood])
    eye = np.median(camera.T_world_camera[:, :3, 3], axis=0)
    point = eye - float(np.exp(weights @ heights / weights.sum())) * up
    return Floor(GroundPlane(up, point), stood[int(np.argmax(weights))][0].places, 1.0, GUESSED_TILT)


def _paws(animal: LiftedTrack, normal: Array, camera: Camera) -> _Paws | None:
    """Nothing where none is seen, and for a body that comes in one size."""
    track = animal.track
    if not isinstance(track, BodyTrack) or not model_of(track).sized:
        return None
    lowest = np.median(lowest_points(track, normal), axis=1)  # (F, 3)
    pixels, depth = camera.project(lowest[:, None])
    inside = (np.abs(pixels[:, 0] / [camera.width, camera.height] - 0.5) < 0.5 - BORDER).all(axis=1)
    under = (camera.T_world_camera[:, :3, 3] - lowest) @ normal
    shown = animal.seen & inside & (depth[:, 0] > 0.0) & (under > LEAST_HEIGHT * 0.1)
    return _Paws(lowest[shown], float(np.percentile(under[shown], STANDING))) if shown.any() else None


def _away(paws: Array, known: Array) -> float:
    """Metres from the animal to the nearest place where the floor is known."""
    if not len(known):
        return 0.0
    return float(np.median(np.linalg.norm(paws[:, None] - known[None], axis=-1).min(axis=1)))
