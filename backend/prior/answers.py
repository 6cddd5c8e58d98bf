"""One damaged take through the whole prior: filled, put right in time, on its clock, through the network, pinned, polished."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from backend.errors import InputError
from backend.prior.network.text import ClipText, word_ids
from backend.prior.network.transformer import Prior
from backend.prior.network.windows import predicted
from backend.prior.pins import Contradictions, contradictions, pinned_places, pinned_rotations
from backend.prior.polish import PlacePins, polished
from backend.prior.state.clock import from_clock, to_clock
from backend.prior.state.fill import filled
from backend.prior.state.motions import Told
from backend.prior.state.observe import observed, take_of
from backend.prior.state.rotation6d import to6d
from backend.prior.state.shares import doubt, spacing
from backend.prior.state.take import FPS, Array, Damaged, Take
from backend.prior.time_repair import repaired
from revision_blender.motion.rotation import slerp
from revision_blender.motion.skeletons import SMAL, SMPL

FEWEST_FRAMES = 8  # on the prior's clock; fewer say too little about what moves and what shakes
_CALM = 0.5  # of ``doubt``: below it the motion is a capture's or an animator's
GUIDANCE = 2.0  # of a told strength: 1.0 then moves about 40 % more than 0.3 on damaged clips


@dataclass(frozen=True)
class Asked:
    """What is wanted beside a believable motion.

    correction: in [0, 1], the share of the way from the given to the refined motion. text: what is done, in words; encoder: CLIP's,
    for networks trained with it. strength: of motion in [0, 1], None for *auto*; guidance: see ``windows.predicted``.
    """

    correction: float = 1.0
    text: str = ""
    strength: float | None = None
    guidance: float = GUIDANCE
    polish: bool = True
    time_repair: bool = True
    encoder: ClipText | None = None


@dataclass(frozen=True, eq=False)
class Answer:
    """take: the refined motion. contacts: ``(F, 4)`` probabilities, see ``motions.Predicted``; None where there were too few frames.

    notes: sentences for the user about what could not be done well.
    """

    take: Take
    contacts: Array | None
    notes: tuple[str, ...] = ()


def answer(
    damaged: Damaged,
    prior: Prior,
    asked: Asked,
    places: PlacePins | None = None,
    *,
    fps: float | None = None,
    frames: int | None = None,
    eyes: Array | None = None,
) -> Answer:
    """The refined motion, with what is pinned exactly as given.

    fps, frames: of the answer, where they differ from those given; then frames that meet none of the given ones hold their pins only
    nearly. places: of joints at the answer's frames; reached by the polish step, which they switch on.
    eyes: the camera's places at the answer's frames, see ``polished``.
    """
    fps = damaged.take.fps if fps is None else fps
    frames = damaged.take.n_frames if frames is None else frames
    start = filled(damaged)
    mended = repaired(start) if asked.time_repair else start
    eyes = eyes if mended is start else None  # the camera saw another time
    meant, contacts, noise = _through_network(mended, prior, asked)
    given = resampled(start, fps, frames)
    take, notes = _with_pins(from_clock(meant, fps, frames), given)
    if contacts is not None:
        contacts = _contacts_at(contacts, fps, frames)
    # Where nothing looks like noise the motion itself shows best which feet stand, and of paws the network is too sure.
    calm = noise <= _CALM
    told = contacts if take.kind == "human" and not calm else None
    if asked.polish or places is not None:
        take = polished(take, given, told, places, eyes, calm=calm)
    if asked.correction < 1.0:
        take = _mixed(given.take, take, asked.correction)
        take = take if places is None else polished(take, given, told, places, eyes, calm=calm)
    return Answer(take, contacts, notes)


def told_of(prior: Prior, asked: Asked) -> Told:
    """What the network is told, one row."""
    strength = torch.tensor([math.nan if asked.strength is None else asked.strength])
    words = word_ids([asked.text], prior.config.words, prior.config.vocabulary)
    if prior.config.text == "builtin" or not asked.text.strip():
        return Told(strength, words if prior.config.text == "builtin" else torch.zeros_like(words))
    if asked.encoder is None:
        raise InputError(f"the text {asked.text!r} needs the CLIP encoder that this network was trained with; name its folder or clear it")
    return Told(strength, words, asked.encoder([asked.text]))


def _through_network(damaged: Damaged, prior: Prior, asked: Asked) -> tuple[Take, Array | None, float]:
    """The motion at ``FPS`` as the network would have it, its contacts, and how far the given one can be noise, in [0, 1].

    The motion as it is where there are too few frames.
    """
    clocked, away = to_clock(damaged)
    if clocked.take.n_frames < FEWEST_FRAMES:
        return damaged.take, None, 1.0
    seen = observed([clocked], [away])
    with torch.no_grad():
        found = predicted(prior, seen, told_of(prior, asked), asked.guidance)
    every = spacing(seen.away, seen.valid.to(seen.away.dtype))
    noise = float(doubt(to6d(seen.motions.rotations), seen.trust, True, every).median())
    return take_of(found.motions, 0, clocked.take), torch.sigmoid(found.contacts[0]).double().numpy(), noise


def resampled(damaged: Damaged, fps: float, frames: int) -> Damaged:
    """At another rate; a pin goes to the nearest frame, with the value that the given motion has there."""
    take = damaged.take
    if fps == take.fps and frames == take.n_frames:
        return damaged
    nearest = np.minimum(np.round(np.arange(frames) * take.fps / fps).astype(np.int64), take.n_frames - 1)
    pinned, root_pinned = np.zeros((frames, damaged.pinned.shape[1]), dtype=bool), np.zeros(frames, dtype=bool)
    to = np.minimum(np.round(np.arange(take.n_frames) * fps / take.fps).astype(np.int64), frames - 1)
    np.logical_or.at(pinned, to, damaged.pinned)
    np.logical_or.at(root_pinned, to, damaged.root_pinned)
    return Damaged(from_clock(take, fps, frames), damaged.trust[nearest], damaged.root_trust[nearest], pinned, root_pinned)


def _with_pins(take: Take, given: Damaged) -> tuple[Take, tuple[str, ...]]:
    if not given.pinned.any() and not given.root_pinned.any():
        return take, ()
    wanted = given.take
    found: Contradictions = contradictions(wanted.rotations, wanted.root, given.pinned, given.root_pinned, take.fps, joint_names(take))
    rotations = pinned_rotations(_tensor(take.rotations), _tensor(wanted.rotations), given.pinned, take.fps, found.joints).numpy()
    root = pinned_places(_tensor(take.root), _tensor(wanted.root), given.root_pinned, take.fps, found.root).numpy()
    points = take.points
    if points is not None and wanted.points is not None:
        held = pinned_places(_tensor(points).flatten(1), _tensor(wanted.points).flatten(1), given.root_pinned, take.fps)
        points = held.reshape(points.shape).numpy()
    return replace(take, rotations=rotations, root=root, points=points), found.sentences


def joint_names(take: Take) -> tuple[str, ...]:
    """Names of a take's joints for sentences."""
    return {"human": SMPL.names, "animal": SMAL.names, "object": ("box",)}[take.kind][: take.rotations.shape[1]]


def _mixed(given: Take, refined: Take, share: float) -> Take:
    points = refined.points
    if points is not None and given.points is not None:
        points = given.points + share * (points - given.points)
    return replace(
        refined,
        rotations=slerp(given.rotations, refined.rotations, share),
        root=given.root + share * (refined.root - given.root),
        points=points,
    )


def _contacts_at(contacts: Array, fps: float, frames: int) -> Array:
    at = np.arange(frames) * FPS / fps
    return np.stack([np.interp(at, np.arange(len(contacts)), column) for column in contacts.T], axis=1)


def _tensor(values: Array) -> torch.Tensor:
    return torch.from_numpy(np.array(values, dtype=np.float64))
