"""Things that are thrown, bounced, rolled, pushed, kicked and carried, as their 21 points seen from a camera.

Bodies come from a pool that is simulated once; each draw looks at one of them from a camera of its own, so that the same throw is
seen from many sides. Of every physical parameter a range in the middle is kept for held-out things.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from backend.prior.state.object_points import CENTRE, hull_of, points_of
from backend.prior.state.take import FPS, Take
from backend.training.prior.ranges import Range
from backend.training.prior.rigid_bodies import Bodies, Start, simulated

Array = NDArray[np.floating]

POOL = 600  # bodies of training, and as many held out
FRAMES = 112
SHAPES = ("ball", "box", "lump")
DEEDS = ("throw", "drop", "roll", "push", "kick", "carry")
_MOVES = 0.15  # metres
_CUBE = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])

RANGES = {
    "size": Range(0.05, 0.35, 0.14, 0.18),  # metres from the centre outward
    "restitution": Range(0.05, 0.85, 0.45, 0.55),
    "friction": Range(0.15, 0.95, 0.5, 0.6),
    "drag": Range(0.05, 1.2, 0.4, 0.5),
    "speed": Range(0.3, 6.0, 2.2, 2.8),  # metres a second along the floor
    "height": Range(0.3, 2.0, 0.9, 1.1),  # metres over the floor where it starts
}


@dataclass(frozen=True, eq=False)
class _Pool:
    bodies: Bodies
    words: tuple[str, ...]
    places: Array
    turns: Array


@dataclass(frozen=True)
class _Drawn:
    """One body's parameters; lengths in metres. deed: of ``DEEDS``."""

    shape: str
    deed: str
    half: tuple[float, float, float]
    radius: float
    told: dict[str, float]


def drawn(rng: np.random.Generator, held_out: bool = False, n_frames: int = 64) -> Take:
    """A thing that moves as things do, at the prior's clock; up to ``FRAMES`` frames. The same for the same state of ``rng``; float32.

    held_out: with physical parameters that no training draw has. Its box is not known to turn: rotations are identities.
    """
    pool = _pool(held_out)
    row, part = _window(rng, pool, n_frames)
    corners = np.einsum("fij,vj->fvi", pool.turns[row, part], pool.bodies.corners[row]) + pool.places[row, part, None]
    points = seen_points(corners, float(pool.bodies.radius[row]), *_camera(rng, pool.places[row, part])).astype(np.float32)
    root = points[:, CENTRE]
    word = pool.words[row]
    return Take(
        "object", FPS, np.tile(np.eye(3, dtype=np.float32), (len(root), 1, 1, 1)), root, np.zeros((1, 3), dtype=np.float32),
        points - root[:, None], name=f"simulated_{row}", group=f"object_{word.split()[-1]}", text=word,
    )  # fmt: skip


def _window(rng: np.random.Generator, pool: _Pool, n_frames: int) -> tuple[int, slice]:
    """A body and frames of it; seldom frames in which it only lies there."""
    choices = rng.integers(POOL, size=4), rng.integers(max(FRAMES - n_frames, 0) + 1, size=4)
    windows = [(int(row), slice(int(start), int(start) + n_frames)) for row, start in zip(*choices, strict=True)]
    return max(windows, key=lambda window: min(np.ptp(pool.places[window], axis=0).max(), _MOVES))


def seen_points(corners: Array, radius: float, eye: Array, R_camera_world: Array) -> Array:
    """``(F, 21, 3)`` world metres: the 21 points as a camera sees them, at the depth of the thing's middle.

    corners: ``(F, V, 3)`` world, centres of balls of ``radius`` whose hull the thing is. eye: ``(3,)``. R_camera_world: rows right,
    down, ahead.
    """
    seen = (corners - eye) @ R_camera_world.T
    depth = seen[..., 2].mean(axis=1)
    nearer = depth[:, None] / np.maximum(seen[..., 2], 0.1)
    flat = points_of(hull_of(seen[..., :2] * nearer[..., None], radius * nearer))
    full = np.concatenate([flat, np.broadcast_to(depth[:, None, None], (*flat.shape[:2], 1))], axis=-1)
    return full @ R_camera_world + eye


def _camera(rng: np.random.Generator, places: Array) -> tuple[Array, Array]:
    """An eye some metres off the path, looking at about its middle."""
    middle, reach = places.mean(axis=0), np.linalg.norm(places - places.mean(axis=0), axis=1).max()
    side, away = rng.uniform(-np.pi, np.pi), reach + rng.uniform(2.0, 7.0)
    eye = np.array([middle[0] + away * np.cos(side), rng.uniform(0.4, 2.5), middle[2] + away * np.sin(side)])
    ahead = middle + rng.normal(0.0, 0.3, 3) - eye
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    return eye, np.stack([right, np.cross(ahead, right), ahead])


@lru_cache(maxsize=2)
def _pool(held_out: bool) -> _Pool:
    """Simulated once a run: some seconds."""
    rng = np.random.default_rng((211, int(held_out)))
    things = [_thing(rng, held_out) for _ in range(POOL)]
    bodies = _bodies(rng, things)
    places, turns = simulated(bodies, _start(rng, things, bodies), FPS)
    words = tuple(f"{thing.shape} {thing.deed}" for thing in things)
    return _Pool(bodies, words, places.astype(np.float32), turns.astype(np.float32))


def _thing(rng: np.random.Generator, held_out: bool) -> _Drawn:
    told = {name: span.drawn(rng, held_out) for name, span in RANGES.items()}
    shape, deed, size = str(rng.choice(SHAPES, p=[0.45, 0.35, 0.2])), str(rng.choice(DEEDS)), told["size"]
    if shape == "ball":
        return _Drawn(shape, deed, (0.0, 0.0, 0.0), 0.7 * size, told)
    ratio = rng.uniform(0.35, 1.0, 3)
    x, y, z = size * ratio / ratio.max()
    return _Drawn(shape, deed, (float(x), float(y), float(z)), size * (0.01 if shape == "box" else rng.uniform(0.05, 0.3)), told)


def _bodies(rng: np.random.Generator, things: list[_Drawn]) -> Bodies:
    half, radius = np.array([thing.half for thing in things]), np.array([thing.radius for thing in things])
    corners = _CUBE * half[:, None]
    lumpy = np.array([thing.shape == "lump" for thing in things])[:, None, None]
    corners = np.where(lumpy, corners * rng.uniform(0.55, 1.0, corners.shape), corners)
    corners -= corners.mean(axis=1, keepdims=True)
    square = (np.abs(corners).mean(axis=1) + 0.8 * radius[:, None]) ** 2
    inertia = (square.sum(axis=1, keepdims=True) - square) / np.where(radius > 0.5 * half.max(axis=1), 3.2, 3.0)[:, None]
    told = {name: np.array([thing.told[name] for thing in things]) for name in ("restitution", "friction", "drag")}
    return Bodies(corners, radius, told["restitution"], told["friction"], told["drag"], inertia)


def _start(rng: np.random.Generator, things: list[_Drawn], bodies: Bodies) -> Start:
    count = len(things)
    deed = np.array([thing.deed for thing in things])
    speed, height = (np.array([thing.told[name] for thing in things]) for name in ("speed", "height"))
    side = rng.uniform(-np.pi, np.pi, count)
    along = np.stack([np.cos(side), np.zeros(count), np.sin(side)], axis=1)
    reach = np.linalg.norm(bodies.corners, axis=-1).max(axis=1) + bodies.radius
    low = np.isin(deed, ("roll", "push"))
    place = along * -1.0
    place[:, 1] = np.where(low, _resting(bodies), height + reach)
    velocity = along * np.where(deed == "drop", 0.15, np.where(deed == "push", 0.0, 1.0))[:, None] * speed[:, None]
    velocity[:, 1] = np.where(deed == "throw", rng.uniform(0.0, 4.5, count), 0.0)
    spin = rng.normal(0.0, 1.0, (count, 3)) * np.where(low, 0.0, rng.uniform(0.0, 6.0, count))[:, None]
    rolls = (deed == "roll") & np.array([thing.shape == "ball" for thing in things])
    spin = np.where(rolls[:, None], np.cross([0.0, 1.0, 0.0], velocity) / bodies.radius[:, None], spin)
    turn = rng.normal(size=(count, 4))
    turn[low] = [1.0, 0.0, 0.0, 0.0]
    held, hand = _carried(rng, deed, place, velocity)
    return Start(place, velocity, spin, turn, _kicks(rng, deed, along, speed), held, hand)


def _resting(bodies: Bodies) -> Array:
    """Height of the centre of a body that stands on the floor unturned."""
    return bodies.radius - bodies.corners[..., 1].min(axis=1)


def _kicks(rng: np.random.Generator, deed: NDArray[np.str_], along: Array, speed: Array) -> Array:
    """``(N, F, 3)``: a push is a force for a while, a kick a sudden change, upward too."""
    kicks = np.zeros((len(deed), FRAMES, 3))
    for row in np.flatnonzero(deed == "push"):
        for first in rng.integers(0, FRAMES - 20, size=3):
            frames = int(rng.integers(6, 20))
            strength = np.sin(np.pi * (np.arange(frames) + 0.5) / frames) * speed[row] * 1.6 / frames
            kicks[row, first : first + frames] += strength[:, None] * along[row]
    for row in np.flatnonzero(deed == "kick"):
        for frame in rng.integers(0, FRAMES, size=rng.integers(1, 6)):
            away = rng.normal(0.0, 1.0, 3) * 0.5 * speed[row]
            kicks[row, frame] = [away[0], rng.uniform(1.0, 5.0), away[2]]
    return kicks


def _carried(rng: np.random.Generator, deed: NDArray[np.str_], place: Array, velocity: Array) -> tuple[NDArray[np.bool_], Array]:
    """While and where a hand holds what is carried; it is let go, and may be, at any time."""
    times = np.arange(FRAMES) / FPS
    held = (deed == "carry")[:, None] & (times < rng.uniform(0.8, 6.0, (len(deed), 1)))
    rates, phases = rng.uniform(1.0, 5.0, (len(deed), 1, 3)), rng.uniform(0.0, 6.28, (len(deed), 1, 3))
    swing = np.sin(rates * times[:, None] + phases) - np.sin(phases)
    hand = place[:, None] + 0.3 * velocity[:, None] * times[:, None] * [1.0, 0.0, 1.0] + swing * rng.uniform(0.05, 0.35, (len(deed), 1, 3))
    hand[..., 1] = np.maximum(hand[..., 1], 0.5)
    return held, hand
