"""How far each joint's rotation of a fitted animal can be trusted, frame by frame."""

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray

from backend.lifting.animals.coarse_body import CoarseBody
from backend.lifting.animals.energy import AnimalEnergy, Evidence, Unknowns, Weights

Array = NDArray[np.floating]
HIDDEN = 0.5  # of what a joint behind the rest of the body is worth against one that is seen


def joint_confidence(
    body: CoarseBody, evidence: Evidence, unknowns: Unknowns, overlap: NDArray[np.float64], score: Float[NDArray[np.float32], " F"]
) -> Float[NDArray[np.float64], "F 35"]:
    """``(F, 35)`` in [0, 1]: how sure the mask is, how well the outline agrees, and whether the joint lies within it and is not hidden."""
    energy = AnimalEnergy(body, evidence, unknowns.betas, Weights())
    with torch.no_grad():
        posed = energy.posed(unknowns)
        inside = torch.exp(-energy.evidence.crops.distance(energy.in_crop(posed.joints)) / (0.04 * energy.size)).numpy()
        depth = posed.joints[..., 2].numpy()
    behind = depth - np.median(depth, axis=1, keepdims=True)
    facing = np.where(behind > 0.08 * body.length, HIDDEN, 1.0)
    fits = np.clip((overlap - 0.3) / 0.5, 0.0, 1.0)[:, None]
    clicked = evidence.clicked.sum(dim=1).numpy()[:, None] >= 4
    sure = np.clip(score.astype(np.float64), 0.0, 1.0)[:, None] * fits * inside * np.where(clicked, 1.0, facing)
    return np.clip(sure, 0.0, 1.0).astype(np.float64)
