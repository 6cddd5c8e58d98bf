"""Animals that walk, pace, trot, canter and turn: the four dog loops of DeepMimic, extended far beyond what was recorded.

A draw varies size and proportions, cadence, stride, the time of each leg, how long paws stay on the floor, how high they go, how
the way bends, how much the back works and what head and tail do. Paws are put down by plan and reached by closed-form legs, so
that in the result no paw slides. Of every parameter a range in the middle is kept for held-out animals.

Training draws many times a second: animals come from ``POOL`` seeds, each played once and kept; a draw cuts a window out of one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from backend.prior.state.take import FPS, Take
from backend.training.prior.gait_legs import Steps, Way, loop_phase, reached, steps
from backend.training.prior.gait_templates import GAITS, LEGS, PHASES, Skeleton, Template, skeleton, template
from backend.training.prior.ranges import Range
from revision_blender.motion.rotation import matrix_from_axis_angle

Array = NDArray[np.floating]

_TRUNK, _NECK, _TAIL = tuple(range(1, 7)), (15, 16), tuple(range(25, 32))
_HIPS = tuple(leg[0] for leg in LEGS)
_HUNG_ON = (6, 6, 0, 0)  # what each leg hangs on
_WRISTS = 0.65  # of the loops' bend: on the quadruped's short forearms they turn wrists by up to 130 degrees
_TRIES = 6
POOL = 240  # animals of each gait, and as many held out
_POOL_FRAMES = 112  # 140 kB an animal
_MIRRORED = (*range(7), 11, 12, 13, 14, 7, 8, 9, 10, 15, 16, 21, 22, 23, 24, 17, 18, 19, 20, *range(25, 33), 34, 33)
_MISSED = 0.001  # metres: a paw that misses its place by more means that the stride is too long for these legs


# Factors on the loop's own values unless said otherwise. Size is a factor on lengths; time goes with its square root (Froude).
RANGES = {
    "size": Range(0.55, 1.4, 0.85, 0.95),
    "legs": Range(0.85, 1.15, 1.02, 1.06),
    "trunk": Range(0.85, 1.2, 0.93, 0.97),
    "neck": Range(0.8, 1.4, 1.1, 1.2),
    "cadence": Range(0.7, 1.3, 1.04, 1.12),
    "stride": Range(0.55, 1.15, 0.8, 0.88),
    "shift": Range(-0.1, 0.1, 0.03, 0.05),  # cycles: the back legs against the front ones
    "duty": Range(0.85, 1.15, 0.94, 0.98),
    "lift": Range(0.03, 0.12, 0.06, 0.075),  # metres at size 1
    "back": Range(0.3, 1.4, 0.8, 0.95),  # how much the back and the head work
    "turning": Range(-1.0, 1.0, 0.35, 0.5),  # radians a cycle
}


@dataclass(frozen=True, eq=False)
class _Animal:
    """offsets: ``(35, 3)`` metres, rest. legs, scale: factors on the loop's leg length and on all lengths."""

    offsets: Array
    legs: float
    scale: float


def drawn(rng: np.random.Generator, held_out: bool = False, gaits: Sequence[str] = GAITS, n_frames: int = 64) -> Take:
    """An animal on its way, at the prior's clock.

    held_out: with parameters that no training draw has. gaits: those to choose from; leave one out to see what the others teach.
    Its paws' joints rest at ``sole_of(take.offsets)`` metres over the floor. The same draw for the same state of ``rng``; float32.
    """
    gait, seed = str(rng.choice(list(gaits))), int(rng.integers(POOL))
    if n_frames > _POOL_FRAMES:
        return animal(gait, seed, held_out, n_frames)
    take = _kept(gait, seed, held_out)
    start = int(rng.integers(_POOL_FRAMES - n_frames + 1))
    part = slice(start, start + n_frames)
    return replace(take, rotations=take.rotations[part], root=take.root[part])


def animal(gait: str, seed: int, held_out: bool, n_frames: int) -> Take:
    """The animal of this number; a stride that is too long for its legs is shortened until no paw misses its place."""
    rng = np.random.default_rng((seed, GAITS.index(gait), int(held_out)))
    take, missed = _played(rng, gait, _told(rng, held_out, 0), n_frames)
    for attempt in range(1, _TRIES):
        if missed <= _MISSED:
            break
        take, missed = _played(rng, gait, _told(rng, held_out, attempt), n_frames)
    take = mirrored(take) if rng.uniform() < 0.5 else take
    return replace(take, rotations=take.rotations.astype(np.float32), root=take.root.astype(np.float32))


def _told(rng: np.random.Generator, held_out: bool, attempt: int) -> dict[str, float]:
    told = {name: span.drawn(rng, held_out) for name, span in RANGES.items()}
    return told | {"stride": told["stride"] * 0.9**attempt}


@lru_cache(maxsize=2 * POOL * len(GAITS))
def _kept(gait: str, seed: int, held_out: bool) -> Take:
    return animal(gait, seed, held_out, _POOL_FRAMES)


def mirrored(take: Take) -> Take:
    """The same animal with left and right exchanged, moving along the mirrored way."""
    mirror, other = np.array([1.0, -1.0, 1.0]), list(_MIRRORED)
    rotations = (take.rotations * np.outer(mirror, mirror))[:, other]
    rotations[:, 0] = take.rotations[:, 0] * np.outer([1.0, 1.0, -1.0], mirror)
    return replace(take, rotations=rotations, root=take.root * [1.0, 1.0, -1.0], offsets=(take.offsets * mirror)[other])


def sole_of(offsets: Array) -> float:
    """Metres from a paw's joint down to the floor where the paw stands, by the length of the legs."""
    own, mean = (np.linalg.norm(o[[leg[2] for leg in LEGS]], axis=-1).sum() for o in (offsets, skeleton().offsets))
    return float(skeleton().sole * own / mean)


def _played(rng: np.random.Generator, gait: str, told: dict[str, float], n_frames: int) -> tuple[Take, float]:
    cycle, bones = template(gait), skeleton()
    animal = _body(rng, bones, told)
    way, inner = _way(rng, cycle, animal, told, n_frames)
    lands = cycle.lands + np.array([0.0, 0.0, 1.0, 1.0]) * told["shift"] + rng.normal(0.0, 0.01, 4)
    duty = np.clip(cycle.duty * told["duty"], 0.2, 0.75)
    middle = cycle.middle * animal.scale * [told["trunk"], rng.uniform(0.7, 1.4)]
    paws = steps(way, inner, lands, duty, middle, told["lift"] * animal.scale)
    rotations = _bent(rng, cycle, told, way, inner, paws)
    root = _root(cycle, told, animal, way, inner, sole_of(animal.offsets))
    rotations, root, missed = _standing(rotations, root, bones, animal.offsets, paws)
    take = Take("animal", FPS, rotations, root, animal.offsets, name=f"procedural_{gait}", group=f"dog3d_{gait}", text=f"dog {gait}")
    return take, missed


def _body(rng: np.random.Generator, bones: Skeleton, told: dict[str, float]) -> _Animal:
    """A quadruped of its own size and proportions; both sides alike."""
    shapes = np.zeros(bones.shapes.shape[-1])
    shapes[:6] = rng.normal(0.0, 0.6, 6)
    offsets = bones.offsets + bones.shapes @ shapes
    length = _leg_length(offsets) / _leg_length(bones.offsets)
    factors = np.ones((len(offsets), 1))
    factors[[joint for leg in LEGS for joint in leg[1:]]] = told["legs"]
    factors[list(_TRUNK)] = told["trunk"]
    factors[list(_NECK)] = told["neck"]
    factors[list(_TAIL)] = rng.uniform(0.4, 1.4)
    return _Animal(offsets * factors * told["size"], told["legs"] * length, told["size"] * length)


def _leg_length(offsets: Array) -> float:
    return float(np.linalg.norm(offsets[[joint for leg in LEGS for joint in leg[1:]]], axis=-1).sum())


def _way(rng: np.random.Generator, cycle: Template, animal: _Animal, told: dict[str, float], n_frames: int) -> tuple[Way, slice]:
    """Where it goes, with room before and after, and which of it the take shows."""
    cadence = cycle.cadence * told["cadence"] / np.sqrt(animal.scale * told["legs"])
    room = int(np.ceil(2.2 * FPS / (cadence * 0.75)))
    times = np.arange(-room, n_frames + room) / FPS
    pace = cadence * np.exp(_drift(rng, times, 0.1))
    phase = rng.uniform(0.0, 1.0) + np.cumsum(pace) / FPS
    stride = cycle.stride * told["stride"] * animal.scale * told["legs"] * np.exp(_drift(rng, times, 0.08))
    turning = cycle.turn * rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 1.0) + told["turning"] * 0.5 + _drift(rng, times, 0.25)
    heading = rng.uniform(-np.pi, np.pi) + np.cumsum(turning * pace) / FPS
    step = (stride * pace / FPS)[:, None] * np.stack([np.cos(heading), -np.sin(heading)], axis=1)
    return Way(phase, np.cumsum(step, axis=0), heading), slice(room, room + n_frames)


def _bent(rng: np.random.Generator, cycle: Template, told: dict[str, float], way: Way, inner: slice, paws: Steps) -> Array:
    """``(F, 35, 3, 3)`` joints as the loop bends them, legs each at its own phase, and the back into the turn."""
    phase = np.repeat(way.phase[inner, None], cycle.waves.shape[1], axis=1)
    legs = loop_phase(paws.source, cycle.lands_source, cycle.duty_source)
    for row, leg in enumerate(LEGS):
        phase[:, list(leg)] = legs[:, row, None]
    waves = _looked_up(cycle.waves, phase)
    waves[:, [leg[2] for leg in LEGS]] *= _WRISTS
    body = [0, *_TRUNK, *_NECK, *_TAIL]
    waves[:, body] *= told["back"]
    waves[:, body] += (_attitude(rng, way, inner)[:, body][:, :, None] @ cycle.mean[body])[:, :, 0]  # into the joint's own axes
    rotations = cycle.mean @ matrix_from_axis_angle(waves)
    heading = way.heading[inner]
    turned = matrix_from_axis_angle(np.stack([0.0 * heading, heading, 0.0 * heading], axis=1))
    rotations[:, 0] = turned @ rotations[:, 0]
    return rotations


def _attitude(rng: np.random.Generator, way: Way, inner: slice) -> Array:
    """``(F, 35, 3)`` small turns in the axes of what a joint hangs on (x ahead, z up): into the turn, looking about, wagging."""
    times = np.arange(inner.stop - inner.start) / FPS
    turns = np.zeros((len(times), 35, 3))
    bend = np.clip(np.gradient(way.heading)[inner] * FPS * 0.2, -0.6, 0.6)
    turns[:, list(_TRUNK), 2] = bend[:, None] / len(_TRUNK)
    for joint in _NECK:
        turns[:, joint, 2] = 0.3 * bend + _drift(rng, times, 0.2)
        turns[:, joint, 1] = rng.normal(0.0, 0.15) + _drift(rng, times, 0.1)
    wag = rng.choice([0.0, 0.1, 0.2]) * np.sin(2.0 * np.pi * rng.uniform(1.5, 4.0) * times + rng.uniform(0.0, 6.0))
    turns[:, list(_TAIL), 2] = (wag + _drift(rng, times, 0.06))[:, None]
    turns[:, list(_TAIL), 1] = rng.normal(0.0, 0.1) + _drift(rng, times, 0.03)[:, None]
    turns[:, 0, 0] = rng.normal(0.0, 0.02) - 0.1 * bend  # the root's axes: x ahead, y up; it leans into the turn
    return turns


def _root(cycle: Template, told: dict[str, float], animal: _Animal, way: Way, inner: slice, sole: float) -> Array:
    """``(F, 3)`` metres; the bob works as much as the back."""
    bob = _looked_up(cycle.bob[:, None], way.phase[inner, None])[:, 0] * (told["back"] * animal.scale)
    cosine, sine = np.cos(way.heading[inner]), np.sin(way.heading[inner])
    x = way.place[inner, 0] + cosine * bob[:, 0] + sine * bob[:, 2]
    z = way.place[inner, 1] - sine * bob[:, 0] + cosine * bob[:, 2]
    return np.stack([x, sole + 0.97 * cycle.height * animal.scale * told["legs"] + bob[:, 1], z], axis=1)


def _standing(rotations: Array, root: Array, bones: Skeleton, offsets: Array, paws: Steps) -> tuple[Array, Array, float]:
    """The body on its legs: lowered where they are too short, and how far the worst paw on the floor misses its place."""
    sole = sole_of(offsets)
    upper, hips = _hips(bones.parents, rotations, root, offsets)
    stands = paws.swing <= 0.0
    _, missed = reached(rotations, upper, hips, offsets, paws, sole)
    down = np.array([0.0, min(1.2 * float(np.max(missed * stands)), 0.1 * float(root[:, 1].mean())), 0.0])
    result, missed = reached(rotations, upper, hips - down, offsets, paws, sole)
    return result, root - down, float(np.max(np.abs(missed) * stands))


def _hips(parents: NDArray[np.integer], rotations: Array, root: Array, offsets: Array) -> tuple[Array, Array]:
    """R_world of what the legs hang on ``(F, 4, 3, 3)``, and their first joints in the world ``(F, 4, 3)``."""
    turned, place = {0: rotations[:, 0]}, {0: root}
    for joint in _TRUNK:
        above = int(parents[joint])
        turned[joint] = turned[above] @ rotations[:, joint]
        place[joint] = place[above] + turned[above] @ offsets[joint]
    hips = [place[above] + turned[above] @ offsets[hip] for hip, above in zip(_HIPS, _HUNG_ON, strict=True)]
    return np.stack([turned[above] for above in _HUNG_ON], axis=1), np.stack(hips, axis=1)


def _looked_up(cycle: Array, phase: Array) -> Array:
    """A cycle's table ``(PHASES + 1, J, C)`` at phases ``(F, J)``, straight between its rows."""
    at = (phase % 1.0) * PHASES
    row = np.minimum(at.astype(int), PHASES - 1)
    columns = np.arange(cycle.shape[1])
    start = cycle[row, columns]
    return start + (at - row)[..., None] * (cycle[row + 1, columns] - start)


def _drift(rng: np.random.Generator, times: Array, size: float) -> Array:
    """``(N,)`` a slow wandering about 0 of about this size."""
    rates, starts, sizes = rng.uniform(0.5, 4.0, 3), rng.uniform(0.0, 6.28, 3), rng.normal(0.0, size * 0.6, 3)
    return np.sin(times[:, None] * rates + starts) @ sizes
