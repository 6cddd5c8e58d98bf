"""The motions that come with the product, as takes to learn from: the bank that the training renders are made of."""

import numpy as np

from backend.prior.state.take import FPS, N_JOINTS, Take
from backend.training.prior.motions import text_of
from backend.training.prior.resampling import resampled
from backend.training.renders.motions import Motion, bank
from revision_blender.motion.bodies.body_model import identity_of
from revision_blender.motion.bodies.shelf import BodyShelf


def bundled_takes() -> list[Take]:
    """All of the bank at the prior's clock; they stand on their floors already."""
    shelf = BodyShelf(None)
    return [_take(motion, shelf) for motion in bank()]


def _take(motion: Motion, shelf: BodyShelf) -> Take:
    model = shelf.load("open_human" if motion.kind == "human" else "open_quadruped")
    identity = identity_of(model, np.zeros(0))
    count = N_JOINTS[motion.kind]
    rest, parents = identity.joints_rest[:count], model.parents[:count]
    rotations, places = resampled(motion.rotations[:, :count], motion.translation + rest[0], motion.fps, FPS)
    offsets = np.where(parents[:, None] < 0, 0.0, rest - rest[parents])
    return Take(motion.kind, FPS, rotations, places, offsets, name=motion.name, group=motion.group, text=text_of(motion.name))
