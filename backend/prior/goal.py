"""Turns one body track with the animator's pins into the problem that the optimiser solves."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.prior.contacts import Contacts, find_contacts
from backend.prior.energy import Goal, Scales
from backend.prior.kinematics import Skeleton, pose, skeleton_of
from backend.prior.noise import Noise, noise_of
from backend.prior.soles import Soles, soles_of
from revision_blender.motion.bodies.body_model import BodyModel, identity_of
from revision_blender.motion.clip import BodyTrack, Clip

N_JOINTS = 24

# How strongly joints of people usually accelerate, m/s^2, in SMPL's order.
USUAL_ACCELERATION = np.array([3, 3, 3, 3, 7, 7, 3, 10, 10, 3, 11, 11, 4, 4, 4, 5, 4.5, 4.5, 9, 9, 13, 13, 15, 15], dtype=float)
# The same of R_parent_joint, rad/s^2.
USUAL_SPIN = np.array([8, 15, 15, 6, 20, 20, 5, 20, 20, 4, 15, 15, 8, 8, 8, 10, 25, 25, 25, 25, 20, 20, 5, 5], dtype=float)
REFERENCE_STEP = 1.0 / 12.0  # seconds between the frames for which both are meant

TRUE_MOTION = 0.009  # metres of "noise" that motion without any shows at 12 frames a second (captures: up to 4 mm, well lifted running: 7)
LEAST_ERROR = 0.0015  # metres
LEAST_TURN = 0.015  # radians
LEVER = 0.10  # metres at which an error of a rotation moves what it carries as far as errors of places are
HELD_WIDER = 1.2  # feet are held by limits wider than those by which contact is judged: its first and last frames are held surely
LEAST_TRUST = 0.1  # of a joint in which the lifter has no confidence at all
CORRECTED = 0.15  # seconds around a pin in which the animator's correction outweighs what was lifted
CORRECTED_TRUST = 0.04


@dataclass(frozen=True, eq=False)
class Held:
    """What the animator fixed on one track: joints ``(F, J)`` bool, translation ``(F,)`` bool."""

    joints: NDArray[np.bool_]
    translation: NDArray[np.bool_]

    def free(self) -> Tensor:
        """``(F, 3 + 3 J)``: 1 where the optimiser may change the pose, 0 where not."""
        columns = [np.repeat(self.translation[:, None], 3, axis=1), np.repeat(self.joints, 3, axis=1)]
        return torch.as_tensor(1.0 - np.concatenate(columns, axis=1).astype(np.float64))


def scales_of(noise: Noise, fps: float) -> Scales:
    """Trust that fits how noisy the motion is: a smooth one is followed closely, a shaky one loosely.

    What true motion adds to the noise measured is taken off. Slow errors do not show as noise, and along the line of sight they are
    the larger part, so there nothing is trusted without end.
    """
    own = TRUE_MOTION / (REFERENCE_STEP * fps)
    across = min(max(max(noise.across**2 - own**2, 0.0) ** 0.5, LEAST_ERROR), 0.02)
    along = min(max(1.5 * noise.along, 0.03), 0.08)
    return Scales(across=across, along=along, turn=max(across / LEVER, LEAST_TURN))


def goal_of(clip: Clip, track: BodyTrack, model: BodyModel, held: Held) -> Goal:
    """The problem for one track of ``clip``."""
    soles = soles_of(model)
    skeleton = skeleton_of(identity_of(model, track.betas), soles.index)
    rotations, translation = _tensor(track.rotations), _tensor(track.translation)
    places = pose(skeleton, rotations, translation).places
    eyes = clip.camera.T_world_camera[:, :3, 3]
    contacts = find_contacts(places[:, N_JOINTS:].numpy(), eyes, clip.ground, clip.fps, soles.rest, HELD_WIDER)
    scales = scales_of(noise_of(places[:, :N_JOINTS].numpy(), eyes), clip.fps)
    believed = _belief(clip, track, skeleton, held)
    return Goal(
        skeleton=skeleton,
        rotations=rotations,
        translation=translation,
        places=places,
        trust=_trust(clip, places[:, :N_JOINTS].numpy(), believed, scales),
        turn_trust=_tensor((believed / scales.turn) ** 2),
        calm=_tensor(1.0 / _usual_steps(USUAL_ACCELERATION, clip.fps) ** 2),
        turn_calm=_tensor(1.0 / _usual_steps(USUAL_SPIN, clip.fps) ** 2),
        up=_tensor(clip.ground.normal),
        ground=_tensor(clip.ground.point),
        scales=scales,
        **_floor(contacts, soles, scales),
    )


def _usual_steps(usual: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    """Usual second differences at ``fps``: those of white acceleration, whose variance goes with the cube of the frame time."""
    return usual * np.sqrt(REFERENCE_STEP / fps**3)


def _belief(clip: Clip, track: BodyTrack, skeleton: Skeleton, held: Held) -> NDArray[np.float64]:
    """``(F, J)`` in (0, 1]: the lifter's confidence, less where the animator has just corrected the lift nearby."""
    times = clip.times
    near = np.exp(-0.5 * ((times[:, None] - times) / CORRECTED) ** 2)
    below = skeleton.ancestry.numpy().astype(bool)
    touched = (held.joints.astype(float) @ below) > 0
    touched |= held.translation[:, None]
    corrected = (near[:, :, None] * touched).max(axis=1)
    trusted = np.clip(np.asarray(track.confidence, dtype=np.float64), LEAST_TRUST, 1.0)
    return trusted * (1.0 - (1.0 - CORRECTED_TRUST) * corrected)


def _trust(clip: Clip, joints: NDArray[np.float64], believed: NDArray[np.float64], scales: Scales) -> Tensor:
    """``(F, J, 3, 3)`` inverse covariances: a camera sees well what moves across its line of sight, and badly along it."""
    ray = joints - clip.camera.T_world_camera[:, None, :3, 3]
    ray = ray / np.maximum(np.linalg.norm(ray, axis=-1, keepdims=True), 1e-9)
    along = ray[..., :, None] * ray[..., None, :]
    matrix = np.eye(3) / scales.across**2 + along * (1.0 / scales.along**2 - 1.0 / scales.across**2)
    return _tensor(matrix * (believed**2)[..., None, None])


def _floor(contacts: Contacts, soles: Soles, scales: Scales) -> dict[str, Tensor]:
    """The stiffnesses of ``Goal`` that belong to contacts and the floor; joints stay above it too, by nothing more than 0."""
    frames, points = contacts.resting.shape
    hold = np.zeros((max(frames - 1, 0), N_JOINTS + points))
    hold[:, N_JOINTS:] = contacts.steps / scales.slide**2
    level = np.zeros((frames, N_JOINTS + points))
    level[:, N_JOINTS:] = contacts.resting / scales.touch**2
    solid = np.full(N_JOINTS + points, 1.0 / scales.press**2)
    rest = np.concatenate([np.zeros(N_JOINTS), soles.rest])
    return {"hold": _tensor(hold), "level": _tensor(level), "solid": _tensor(solid), "rest": _tensor(rest)}


def _tensor(values: NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(np.array(values, dtype=np.float64))
