"""Takes that the tests of the prior's data share."""

from dataclasses import replace
from functools import cache

import numpy as np

from backend.prior.state.take import FPS, Kind, Take
from backend.training.prior import gaits
from backend.training.prior.held_out import held_out_takes
from backend.training.prior.variation import cut

FRAMES = 64


@cache
def person(name: str = "basketball_signal_5", frames: int = FRAMES) -> Take:
    """The first frames of one of the motions that come with the prior."""
    found = next(take for takes in held_out_takes() for take in takes if take.name == name)
    return cut(found, slice(0, frames))


@cache
def a_take(kind: Kind) -> Take:
    """A take of 64 frames."""
    if kind == "human":
        return person()
    return gaits.drawn(np.random.default_rng(1), n_frames=FRAMES) if kind == "animal" else ball()


def ball() -> Take:
    """A ball of 10 cm that is thrown up and falls, seen from -z: its outline clockwise from +x, the corners, the centre."""
    seconds = np.arange(FRAMES) / FPS
    root = np.stack([seconds, 1.0 + 4.0 * seconds - 4.905 * seconds**2, 0.5 * seconds], axis=1)
    angle = -2.0 * np.pi * np.arange(16) / 16
    outline = 0.1 * np.stack([np.cos(angle), np.sin(angle), np.zeros(16)], axis=1)
    corners = 0.1 * np.array([[-1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [1.0, -1.0, 0.0], [-1.0, -1.0, 0.0]])
    points = np.tile(np.concatenate([outline, corners, np.zeros((1, 3))]), (FRAMES, 1, 1))
    return Take("object", FPS, np.tile(np.eye(3), (FRAMES, 1, 1, 1)), root, np.zeros((1, 3)), points, "ball", "ball", "throw")


def still(frames: int = 3000) -> Take:
    """A person who stands in the rest pose for long: what differs from it was put there."""
    take = person()
    return replace(take, rotations=np.tile(np.eye(3), (frames, 22, 1, 1)), root=np.zeros((frames, 3)), fps=FPS)
