"""Pins that an animator has changed: what is wanted then goes through the edit, and so must what is learned."""

from dataclasses import replace

import numpy as np
import torch

from backend.prior.pins import pinned_rotations
from backend.prior.state.take import Damaged, Take
from revision_blender.motion.rotation import matrix_from_axis_angle


def edited(damaged: Damaged, clean: Take, rng: np.random.Generator, degrees: float) -> tuple[Damaged, Take]:
    """One pinned joint turned by up to about ``degrees`` at all its pins, and the clean motion that goes through them.

    Neighbours follow by the curve that spreads a pin in the product. Takes without pinned rotations, and objects, come back as they are.
    """
    joints = np.flatnonzero(damaged.pinned[:, 1:].any(axis=0)) + 1
    if clean.kind == "object" or not len(joints):
        return damaged, clean
    joint = int(rng.choice(joints))
    held = np.zeros_like(damaged.pinned)
    held[:, joint] = damaged.pinned[:, joint]
    turn = matrix_from_axis_angle(np.radians(degrees) * rng.standard_normal(3) / np.sqrt(3.0))
    wanted = np.where(held[..., None, None], damaged.take.rotations @ turn, clean.rotations)
    rotations = damaged.take.rotations.copy()
    rotations[held] = wanted[held]
    own, aim = (torch.from_numpy(np.array(values[:, [joint]], dtype=np.float64)) for values in (clean.rotations, wanted))
    through = pinned_rotations(own, aim, held[:, [joint]], clean.fps)
    target = clean.rotations.copy()
    target[:, joint] = through[:, 0].numpy()
    return replace(damaged, take=replace(damaged.take, rotations=rotations)), replace(clean, rotations=target)
