"""S1: a rough video from one picture, by the engine that the request names."""

import numpy as np

from backend.engines.registry import engine
from backend.errors import InputError
from backend.progress import Progress
from backend.stages.limits import check_length, check_picture
from revision_blender.wire.requests import CoarseRequest, VideoResult


def run(request: CoarseRequest, progress: Progress) -> VideoResult:
    """Raises InputError for a request that no engine could work on, and what the engine raises."""
    chosen = engine(request.engine)
    check_picture(request.picture)
    check_length(request.frames, request.fps)
    check_strength(request.strength)
    if request.target is not None and request.target.n_frames != 1:
        raise InputError(f"The target pose has {request.target.n_frames} frames; it is one pose, that of the last frame.")
    return chosen.coarse(request, progress)


def check_strength(strength: float) -> None:
    """Raises InputError unless the motion strength lies in [0, 1]."""
    if not (np.isfinite(strength) and 0.0 <= strength <= 1.0):
        raise InputError(f"The motion strength is {strength}; choose from 0 to 1.")
