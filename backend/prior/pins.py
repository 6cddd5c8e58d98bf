"""Pins: entries of a motion that are known exactly. They are put in place, and what that changes is spread to their neighbours.

The difference pin minus prediction of a joint (rotation vectors in the joint's own frame; metres for the root's place) becomes a curve
over time: through all pins of that joint, 0 where no pin is near, and of least acceleration in between. It is linear in the
differences, so gradients flow from the result to prediction and pins.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy.linalg import solveh_banded
from torch import Tensor

from backend.prior import rotations as so3

SHORTEST_REACH = 0.25  # seconds
LONGEST_REACH = 1.0
CALM_TURN = 5.0  # rad/s^2 that a correction may add: less than limbs do anyway; larger corrections reach further
CALM_PLACE = 2.0  # m/s^2
TENSION = 0.3  # how much a curve's slope costs beside its acceleration, over its reach: keeps it from swinging far past the pins

CLOSE = 5.0 / 30.0  # seconds
FASTEST_TURN = 25.0  # rad/s; a thrower's forearm reaches about that against the upper arm
FASTEST_PLACE = 12.0  # m/s; a sprinter's pelvis


@dataclass(frozen=True, eq=False)
class WorldPin:
    """A place that a joint must have: ``(3,)`` metres in the clip's world, at a frame of the clip. joint: of the first 22 (SMAL: 35)."""

    track_id: str
    joint: int
    frame: int
    place: Float[NDArray[np.floating], " 3"]


@dataclass(frozen=True, eq=False)
class Contradictions:
    """joints ``(J,)`` and root: what cannot be reached smoothly. sentences: for the user, one for each."""

    joints: NDArray[np.bool_]
    root: bool
    sentences: tuple[str, ...]


def pinned_rotations(
    predicted: Float[Tensor, "t j 3 3"],
    wanted: Float[Tensor, "t j 3 3"],
    pinned: Bool[NDArray[np.bool_], "t j"],
    fps: float,
    abrupt: Bool[NDArray[np.bool_], " j"] | None = None,
) -> Float[Tensor, "t j 3 3"]:
    """R_parent_joint with ``wanted`` exactly where ``pinned``, and the neighbours turned along.

    abrupt: joints whose pins contradict each other, see ``contradictions``; between those the correction rests at every pin instead of
    swinging through.
    """
    columns = []
    for joint in range(predicted.shape[1]):
        at = np.flatnonzero(pinned[:, joint])
        own = predicted[:, joint]
        if len(at):
            apart = so3.log(own[at].mT @ wanted[at, joint])
            reach = reach_of(float(apart.detach().norm(dim=-1).max()), CALM_TURN)
            hard = abrupt is not None and bool(abrupt[joint])
            turned = own @ so3.exp(spread(apart, at, len(own), reach * fps, hard))
            held = torch.as_tensor(pinned[:, joint], device=own.device)[:, None, None]
            own = torch.where(held, wanted[:, joint], turned)
        columns.append(own)
    return torch.stack(columns, dim=1)


def pinned_places(
    predicted: Float[Tensor, "t 3"],
    wanted: Float[Tensor, "t 3"],
    pinned: Bool[NDArray[np.bool_], " t"],
    fps: float,
    abrupt: bool = False,
) -> Float[Tensor, "t 3"]:
    """The root's places, metres, in the same way."""
    at = np.flatnonzero(pinned)
    if not len(at):
        return predicted
    apart = wanted[at] - predicted[at]
    reach = reach_of(float(apart.detach().norm(dim=-1).max()), CALM_PLACE)
    moved = predicted + spread(apart, at, len(predicted), reach * fps, abrupt)
    return torch.where(torch.as_tensor(pinned, device=predicted.device)[:, None], wanted, moved)


def reach_of(size: float, calm: float) -> float:
    """Seconds in which a correction of ``size`` may fade without more acceleration than ``calm``: a cubic's is 6 size / time^2."""
    return min(max((6.0 * size / calm) ** 0.5, SHORTEST_REACH), LONGEST_REACH)


def spread(apart: Float[Tensor, "p c"], at: NDArray[np.integer], frames: int, reach: float, abrupt: bool) -> Float[Tensor, "t c"]:
    """The curve over ``frames`` with the values ``apart`` at the frames ``at``; 0 from ``reach`` frames away from every one."""
    weights = (_resting if abrupt else _gliding)(at, frames, reach)
    return torch.as_tensor(weights, dtype=apart.dtype, device=apart.device) @ apart


def _gliding(at: NDArray[np.integer], frames: int, reach: float) -> NDArray[np.float64]:
    """``(frames, pins)`` shares of the curve of least acceleration: free frames solve a pentadiagonal system, the others are given."""
    near = np.abs(np.arange(frames)[:, None] - at).min(axis=1)
    free = np.flatnonzero((near > 0) & (near < reach))
    weights = np.zeros((frames, len(at)))
    weights[at, np.arange(len(at))] = 1.0
    if not len(free):
        return weights
    stiff = _bending(frames, TENSION / reach)
    rows = np.zeros((3, len(free)))  # eliminating given frames leaves neighbours at most two apart among the free ones
    for step in range(3):
        if len(free) > step:
            gap = free[step:] - free[: len(free) - step]
            rows[step, : len(free) - step] = np.where(gap <= 2, stiff[np.minimum(gap, 2), free[: len(free) - step]], 0.0)
    given = np.zeros((frames, len(at)))
    for step in (-2, -1, 1, 2):
        to = at + step
        inside = (to >= 0) & (to < frames)
        given[to[inside], np.flatnonzero(inside)] += stiff[abs(step), np.minimum(at, to)[inside]]
    weights[free] = solveh_banded(rows, -given[free], lower=True)
    return weights


def _bending(frames: int, tension: float) -> NDArray[np.float64]:
    """``(3, frames)`` lower bands of the energy: squared second differences, and squared first ones times ``tension`` squared."""
    bands = np.zeros((3, frames))
    for pattern, weight in (((1.0, -2.0, 1.0), 1.0), ((1.0, -1.0), tension**2)):
        count = frames - len(pattern) + 1
        for first, a in enumerate(pattern):
            for second in range(first, len(pattern)):
                if count > 0:
                    bands[second - first, first : first + count] += weight * a * pattern[second]
    return bands


def _resting(at: NDArray[np.integer], frames: int, reach: float) -> NDArray[np.float64]:
    """``(frames, pins)`` shares of a curve that is level at every pin and never leaves the range between neighbours and 0."""
    time = np.arange(frames, dtype=np.float64)
    fades = 1.0 - _eased(np.abs(time[:, None] - at) / reach)
    before = np.searchsorted(at, time, side="right") - 1
    weights = np.zeros((frames, len(at)))
    for frame in range(frames):
        left = before[frame]
        if left < 0:
            weights[frame, 0] = fades[frame, 0]
        elif left == len(at) - 1:
            weights[frame, left] = fades[frame, left]
        else:
            share = _eased(np.array((frame - at[left]) / (at[left + 1] - at[left])))
            near = (1.0 - share, share) if at[left + 1] - at[left] <= 2.0 * reach else (fades[frame, left], fades[frame, left + 1])
            weights[frame, left], weights[frame, left + 1] = near
    return weights


def _eased(share: NDArray[np.float64]) -> NDArray[np.float64]:
    held = np.clip(share, 0.0, 1.0)
    return held * held * (3.0 - 2.0 * held)


def contradictions(
    rotations: Float[NDArray[np.floating], "t j 3 3"],
    root: Float[NDArray[np.floating], "t 3"],
    pinned: Bool[NDArray[np.bool_], "t j"],
    root_pinned: Bool[NDArray[np.bool_], " t"],
    fps: float,
    names: tuple[str, ...],
) -> Contradictions:
    """Neighbouring pins less than ``CLOSE`` apart between which no body could move so fast."""
    sentences = []
    joints = np.zeros(pinned.shape[1], dtype=bool)
    for joint in np.flatnonzero(pinned.any(axis=0)):
        at = np.flatnonzero(pinned[:, joint])
        apart = rotations[at[1:], joint] - rotations[at[:-1], joint]
        turn = 2.0 * np.arcsin(np.clip(np.linalg.norm(apart, axis=(1, 2)) / 8.0**0.5, 0.0, 1.0))
        found = _too_fast(at, turn, fps, FASTEST_TURN)
        if found is not None:
            joints[joint] = True
            told = f"{np.degrees(turn[found]):.0f}° apart in {(at[found + 1] - at[found]) / fps:.2f} s"
            sentences.append(_sentence(names[joint], at, found, told))
    at = np.flatnonzero(root_pinned)
    moved = np.linalg.norm(np.diff(root[at], axis=0), axis=-1)
    found = _too_fast(at, moved, fps, FASTEST_PLACE)
    if found is not None:
        told = f"{moved[found]:.2f} m apart in {(at[found + 1] - at[found]) / fps:.2f} s"
        sentences.append(_sentence("the place", at, found, told))
    return Contradictions(joints, found is not None, tuple(sentences))


def _too_fast(at: NDArray[np.integer], change: NDArray[np.floating], fps: float, fastest: float) -> int | None:
    seconds = np.diff(at) / fps
    # A neighbouring frame may hold one frame's worth of noise, hence the floor under the time: a single step is judged as two.
    wrong = np.flatnonzero((seconds < CLOSE) & (change > fastest * np.maximum(seconds, 2.0 / 30.0)))
    return int(wrong[np.argmax(change[wrong])]) if len(wrong) else None


def _sentence(what: str, at: NDArray[np.integer], found: int, told: str) -> str:
    return (
        f"the pins of {what} at frames {at[found]} and {at[found + 1]} are {told}: both are kept, and the motion jumps between them; "
        "move or remove one"
    )
