"""The same motion with more or less movement: what a network has to see to learn what a told strength means.

A captured motion comes with one strength only. If that alone were ever told, the network could read it off the input and never obey.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from backend.prior.state.take import Take
from backend.training.prior.limbs import LEGS
from backend.training.prior.noise import forward
from backend.training.prior.variation import ARMS
from revision_blender.motion.rotation import (
    axis_angle_from_matrix,
    continuous_quaternions,
    matrix_from_axis_angle,
    matrix_from_quaternion,
    quaternion_from_matrix,
)

Array = NDArray[np.floating]

_LEGS, _ARMS = 0.4, 1.5  # of the other joints' turns
_WANDERS = (8.0, 25.0)  # frames: standard deviation of the bell that noise is smoothed by
_SLOW = 12.0  # frames: a step's swing is above, the posture that it swings about below


def exaggerated(take: Take, factor: float) -> Take:
    """A body's take whose joints swing ``factor`` times as far about their slow posture, and which goes ``factor`` times as far.

    The lowest foot stays as high as it was. Feet that stand slide a little; objects come back as they are.
    """
    if take.kind == "object" or take.n_frames < 2:
        return take
    slow = _slow(take.rotations)
    swing = axis_angle_from_matrix(np.swapaxes(slow, -1, -2) @ take.rotations)
    rotations = slow @ matrix_from_axis_angle(factor * swing)
    root = take.root.copy()
    root[:, [0, 2]] = root[:1, [0, 2]] + factor * (root[:, [0, 2]] - root[:1, [0, 2]])
    return _as_high_as(take, replace(take, rotations=rotations, root=root))


def postured(take: Take, rng: np.random.Generator, degrees: float) -> Take:
    """A person who holds himself otherwise throughout: every joint but the root turned by a constant, less in the legs, more in the arms.

    degrees: the middle of the standard deviations about each axis, which are drawn between a third and three times of it: with so wide a
    spread small differences can be taken for noise, large ones cannot. People differ in posture more than a few captured ones do; without this
    the network takes a stranger's posture for an error. The lowest foot stays as high as it was.
    """
    if take.kind != "human":
        return take
    spread = np.full((take.rotations.shape[1], 1), np.radians(degrees) * 3.0 ** rng.uniform(-1.0, 1.0))
    spread[[joint for leg in LEGS[take.kind] for joint in leg]] *= _LEGS
    spread[list(ARMS)] *= _ARMS
    spread[0] = 0.0
    turns = matrix_from_axis_angle(spread * rng.standard_normal((len(spread), 3)))
    return _as_high_as(take, replace(take, rotations=take.rotations @ turns))


def swayed(take: Take, rng: np.random.Generator, degrees: float) -> Take:
    """A body whose joints, but the root, wander slowly about their motion: a motion that nobody was captured in.

    degrees: as in ``postured``. The wandering has no more than a second's detail, so that no filter would take it for noise. The lowest foot
    stays as high as it was; feet that stand slide a little.
    """
    if take.kind == "object" or take.n_frames < 2:
        return take
    joints = take.rotations.shape[1]
    spread = np.full((joints, 1), np.radians(degrees) * 3.0 ** rng.uniform(-1.0, 1.0))
    spread[[joint for leg in LEGS[take.kind] for joint in leg]] *= _LEGS
    spread[0] = 0.0
    width = rng.uniform(*_WANDERS)
    slow = gaussian_filter1d(rng.standard_normal((take.n_frames, joints, 3)), width, axis=0, mode="reflect")
    slow *= np.sqrt(2.0 * width * np.sqrt(np.pi))  # back to a standard deviation of 1
    return _as_high_as(take, replace(take, rotations=take.rotations @ matrix_from_axis_angle(spread * slow)))


def _as_high_as(take: Take, made: Take) -> Take:
    """``made`` with its lowest foot at the height of ``take``'s in every frame."""
    return replace(made, root=made.root + np.array([0.0, 1.0, 0.0]) * (_lowest(take) - _lowest(made))[:, None])


def _slow(rotations: Array) -> Array:
    """Smoothed over time; ``mode="nearest"`` holds the ends."""
    quaternions = continuous_quaternions(quaternion_from_matrix(rotations))
    smooth = gaussian_filter1d(quaternions, _SLOW, axis=0, mode="nearest")
    return matrix_from_quaternion(smooth / np.linalg.norm(smooth, axis=-1, keepdims=True))


def _lowest(take: Take) -> Array:
    """``(F,)`` metres, of the feet."""
    feet = [joint for leg in LEGS[take.kind] for joint in leg[-2:]]
    return forward(take)[1][:, feet, 1].min(axis=1)
