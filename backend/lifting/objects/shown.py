"""Masks on the frames on which the user showed a thing: cut out where it was drawn, corrected where it was only clicked."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.errors import InputError
from backend.lifting.objects.correcting import corrected
from backend.lifting.objects.cutting import cut_out
from backend.lifting.subject import Followed
from revision_blender.motion.subjects import Prompt

Mask = NDArray[np.uint8]
Masks = NDArray[np.uint8]
Frames = NDArray[np.uint8]


def drawn_masks(frames: Frames, own: Sequence[Prompt], taken: Masks | None, prompts: Sequence[Prompt]) -> dict[int, Mask]:
    """Masks of full size on the frames where the user drew the thing."""
    masks: dict[int, Mask] = {}
    for frame in sorted({prompt.frame for prompt in own}):
        here = [prompt for prompt in own if prompt.frame == frame]
        mask = cut_out(frames[frame], here, None if taken is None else taken[frame])
        if mask is not None:
            masks[frame] = mask
    if not masks:
        name = prompts[0].name if prompts else "A subject"
        raise InputError(f"{name} is shown on no frame of this shot; draw a box about it on a frame between 0 and {len(frames) - 1}.")
    return masks


def corrected_masks(frames: Frames, taken: Masks | None, first: Followed, corrections: Sequence[Prompt]) -> dict[int, Mask]:
    """Masks on frames with clicks alone, by what was followed there without them."""
    masks: dict[int, Mask] = {}
    for frame in sorted({prompt.frame for prompt in corrections}):
        here = [prompt for prompt in corrections if prompt.frame == frame]
        left, top, right, bottom = (float(value) for value in first.boxes[frame])
        mask = corrected(frames[frame], first.masks[frame], here, (left, top, right, bottom), None if taken is None else taken[frame])
        if mask is not None:
            masks[frame] = mask
    return masks
