"""People's part of a shot: fitted or lifted, of one scale, with hands where a provider gives them."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backend.bodies.installed import identity_of_track
from backend.lifting.calm import calmed_body
from backend.lifting.people.finding import Person
from backend.lifting.people.fit_people import fit_people
from backend.lifting.people.hand_boxes import hand_boxes
from backend.lifting.people.trust import joint_confidence
from backend.lifting.providers.base import Hands, LiftedBody
from backend.lifting.world.ground import ROLL_SPREAD, Stance, shared_upright, standing_points
from backend.lifting.world.leaps import without_leaps
from backend.lifting.world.lifted import LiftedTrack
from backend.lifting.world.scale import Standing, Upright, agreed_scales, scaled, stature_of
from backend.lifting.world.sightings import Sightings
from backend.lifting.world.wish import Wish
from backend.progress import Progress
from revision_blender.motion.bodies.body_model import joints_of, open_human
from revision_blender.motion.bodies.soles import sole_points
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import BodyTrack

Array = NDArray[np.floating]

LEAST_SCALE_STEP = 0.005  # smaller factors are left alone


def lifted_people(
    frames: NDArray[np.uint8], seen: Sightings, camera: Camera, wish: Wish, progress: Progress, others: NDArray[np.uint8] | None = None
) -> list[LiftedTrack]:
    """Tracks of all people, of a scale that agrees, still without hands. others: 255 on subjects that are not among the sightings."""
    if not seen.people:
        return []
    boxes, visible = np.stack([person.boxes for person in seen.people]), np.stack([person.seen for person in seen.people])
    pairs = wish.choices.attempt(
        "people",
        lambda provider: _tracks_of(provider.lift_people(frames, boxes, visible, camera, progress), seen.people, wish.fps),
        lambda: _fitted(frames, seen, camera, wish, progress, others),
    )
    found = [
        LiftedTrack(
            without_leaps(smooth, wish.fps),
            raw,
            seen.masks[place],
            _visible(person, seen.masks[place]),
            _scores(person),
            _landmarks(person),
        )
        for place, (person, (smooth, raw)) in enumerate(zip(seen.people, pairs, strict=True))
    ]
    return agreed(found, camera, wish.fps)


def _visible(person: Person, mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return person.seen & mask.any(axis=(1, 2))


def _fitted(
    frames: NDArray[np.uint8], seen: Sightings, camera: Camera, wish: Wish, progress: Progress, others: NDArray[np.uint8] | None
) -> list[tuple[BodyTrack, BodyTrack]]:
    model = open_human()
    hidden = seen.occluders() if others is None else np.maximum(seen.occluders(), others)
    fits = fit_people(model, list(seen.people), seen.masks, camera, wish.fps, progress, occluders=hidden, frames=frames)
    return [
        tuple(
            BodyTrack(person.name, "smpl", model.name, fit.betas, fit.rotations, fit.translation, fitted.confidence)
            for fit in (fitted.smooth, fitted.raw)
        )
        for person, fitted in zip(seen.people, fits, strict=True)
    ]  # type: ignore[return-value]


def _tracks_of(bodies: list[LiftedBody], people: tuple[Person, ...], fps: float) -> list[tuple[BodyTrack, BodyTrack]]:
    found = []
    for person, body in zip(people, bodies, strict=True):
        seen = joint_confidence(person.landmarks)
        found.append((body_track(person.name, calmed_body(body, fps), seen), body_track(person.name, body, seen)))
    return found


def body_track(name: str, body: LiftedBody, seen: Array | None = None) -> BodyTrack:
    """A provider's body as a track. seen: ``(F, 24)`` how well each joint is seen, which no regressor says of itself."""
    confidence = np.asarray(body.confidence, np.float32)
    if seen is not None:
        joints = min(confidence.shape[1], seen.shape[1])
        confidence = confidence.copy()
        confidence[:, :joints] = np.minimum(confidence[:, :joints], seen[:, :joints])
    return BodyTrack(name, body.family, body.model, body.betas, body.rotations, body.translation, confidence)


def _scores(person: Person) -> NDArray[np.float32]:
    return (person.score * person.seen).astype(np.float32)


def _landmarks(person: Person) -> NDArray[np.float32]:
    return np.concatenate([person.landmarks.pixels, person.landmarks.visibility[..., None]], axis=-1).astype(np.float32)


def stance_of(track: BodyTrack) -> Stance:
    """Joints, and points under heels and toes; under the feet's joints of a body whose soles are not known."""
    identity = identity_of_track(track)
    joints = joints_of(identity, track.rotations, track.translation)[:, :24]
    if identity.model.n_joints != joints.shape[1] or not identity.model.part_labels.any():
        return Stance(joints, joints[:, [10, 11]])
    return Stance(joints, sole_points(identity, track.rotations, track.translation)[:, :, [0, 2]].reshape(len(joints), -1, 3))


def agreed(people: list[LiftedTrack], camera: Camera, fps: float) -> list[LiftedTrack]:
    """The people on one floor and of likely statures; one alone stays as it is."""
    bodies = [person.track for person in people if isinstance(person.track, BodyTrack)]
    if len(bodies) < 2:
        return people
    stances = [stance_of(body) for body in bodies]
    R = camera.T_world_camera[:, :3, :3]
    up, spread = shared_upright(stances, R, fps)
    standing = [
        Standing(stature_of(identity_of_track(body).model, body.betas), standing_points(stance.feet[person.seen], fps))
        for body, stance, person in zip(bodies, stances, people, strict=True)
    ]
    factors = agreed_scales(standing, Upright(up, spread, R[0], ROLL_SPREAD))
    return [scaled_subject(person, float(factor), camera) for person, factor in zip(people, factors, strict=True)]


def scaled_subject(lifted: LiftedTrack, factor: float, camera: Camera) -> LiftedTrack:
    """The subject's body and its raw fit, ``factor`` times as large and as far; its picture stays."""
    if abs(factor - 1.0) < LEAST_SCALE_STEP or not isinstance(lifted.track, BodyTrack) or not isinstance(lifted.raw, BodyTrack):
        return lifted
    return replace(lifted, track=scaled(lifted.track, factor, camera), raw=scaled(lifted.raw, factor, camera))


def with_hands(
    frames: NDArray[np.uint8], people: list[LiftedTrack], seen: Sightings, camera: Camera, wish: Wish, progress: Progress
) -> list[LiftedTrack]:
    """The people as bodies with hands where a hand provider runs; as they are where none does."""
    if not people:
        return people
    places = [hand_boxes(person.landmarks) for person in seen.people]
    boxes, visible = np.stack([box for box, _ in places]), np.stack([able for _, able in places])
    hands = wish.choices.attempt(
        "hands", lambda provider: provider.hands(frames, boxes, visible, camera, progress.part(0.0, 0.6)), lambda: None
    )
    if hands is None:
        return people
    share = progress.part(0.6, 1.0)
    return [
        _handed(person, _of_one(hands, place), camera, wish.fps, share.part(place / len(people), (place + 1) / len(people)))
        for place, person in enumerate(people)
    ]


def _of_one(hands: Hands, place: int) -> Hands:
    one = slice(place, place + 1)
    rotations = None if hands.rotations is None else hands.rotations[one]
    return Hands(hands.points[one], hands.score[one], rotations, None if hands.world is None else hands.world[one])


def _handed(person: LiftedTrack, hands: Hands, camera: Camera, fps: float, progress: Progress) -> LiftedTrack:
    if not (hands.score > 0.0).any() or not isinstance(person.track, BodyTrack) or not isinstance(person.raw, BodyTrack):
        return person
    from backend.lifting.people import smplx_joining

    halves = (progress.part(0.0, 0.5), progress.part(0.5, 1.0))
    tracks = [
        body_track(track.track_id, smplx_joining.with_hands(_body_of(track), hands, camera, fps, half))
        for track, half in zip((person.track, person.raw), halves, strict=True)
    ]
    return replace(person, track=tracks[0], raw=tracks[1])


def _body_of(track: BodyTrack) -> LiftedBody:
    return LiftedBody(track.family, track.model, track.betas, track.rotations, track.translation, track.confidence)
