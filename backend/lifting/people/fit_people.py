"""Bodies for the people of a clip, with how far each joint can be trusted."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from backend.lifting.people.finding import Person
from backend.lifting.people.fit import Evidence, Fit, PeopleFit
from backend.lifting.people.landmarks import Landmarks
from backend.lifting.people.trust import confidence_of, landmark_trust, local_sharpness
from backend.progress import Progress
from revision_blender.motion.bodies.body_model import BodyModel
from revision_blender.motion.camera import Camera

GUESSED = 0.5  # what a reader's guess at a hidden landmark is worth in the fit: less than sight, more than nothing


@dataclass(frozen=True, eq=False)
class FittedPerson:
    """smooth, raw: with and without smoothing in time. confidence: ``(F, 24)`` in [0, 1]."""

    name: str
    smooth: Fit
    raw: Fit
    confidence: Float[NDArray[np.float32], "F 24"]


def fit_people(
    model: BodyModel,
    people: list[Person],
    masks: UInt8[NDArray[np.uint8], "P F H W"],
    camera: Camera,
    fps: float,
    progress: Progress,
    occluders: UInt8[NDArray[np.uint8], "F H W"] | None = None,
    frames: UInt8[NDArray[np.uint8], "F H W 3"] | None = None,
) -> list[FittedPerson]:
    """All people in one batch, in the order given.

    masks: of each person's visible pixels. occluders: 255 on pixels of animals and objects; a body may reach behind them and behind
    other people. frames: for the sharpness that confidence takes into account; without them blur is not seen.
    """
    if not people:
        return []
    blocked = [_blocked(masks, place, occluders) for place in range(len(people))]
    evidence = [
        Evidence(_doubted(person, hidden), _read(person, mask), hidden) for person, mask, hidden in zip(people, masks, blocked, strict=True)
    ]
    fits = PeopleFit(model, evidence, camera, fps).solve(progress)
    rows = zip(people, fits, blocked, strict=True)
    return [FittedPerson(person.name, smooth, raw, _confidence(person, hidden, frames)) for person, (smooth, raw), hidden in rows]


def _blocked(
    masks: UInt8[NDArray[np.uint8], "P F H W"], place: int, occluders: UInt8[NDArray[np.uint8], "F H W"] | None
) -> UInt8[NDArray[np.uint8], "F H W"] | None:
    """What may hide a person: the other people and things, where the person is not seen."""
    if len(masks) == 1 and occluders is None:
        return None
    hidden = np.zeros(masks.shape[1:], np.uint8) if occluders is None else occluders.copy()
    for other, mask in enumerate(masks):
        if other != place:
            np.maximum(hidden, mask, out=hidden)
    hidden[masks[place] > 0] = 0
    return hidden


def _read(person: Person, masks: UInt8[NDArray[np.uint8], "F H W"]) -> UInt8[NDArray[np.uint8], "F H W"]:
    """The masks of frames on which the person's pose was read; what little shows on others would bend the body into itself."""
    return masks if person.seen.all() else np.where(person.seen[:, None, None], masks, 0).astype(np.uint8)


def _doubted(person: Person, hidden: UInt8[NDArray[np.uint8], "F H W"] | None) -> Landmarks:
    """The landmarks, those behind somebody or something counted less: there a reader guesses."""
    if hidden is None:
        return person.landmarks
    return replace(person.landmarks, visibility=landmark_trust(person.landmarks, np.zeros_like(person.apart), hidden, hidden=GUESSED))


def _confidence(
    person: Person, hidden: UInt8[NDArray[np.uint8], "F H W"] | None, frames: UInt8[NDArray[np.uint8], "F H W 3"] | None
) -> Float[NDArray[np.float32], "F 24"]:
    sharpness = None if frames is None else local_sharpness(frames, person.landmarks.pixels)
    return confidence_of(landmark_trust(person.landmarks, person.apart, hidden, sharpness))
