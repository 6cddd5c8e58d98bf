"""What the user showed of a subject, as SAM 2 takes it: points with labels in the pixels of its square input.

A click on the subject has the label 1, beside it 0; a box is two points, its left top corner with the label 2 and its right bottom
corner with 3, before the clicks (arXiv 2408.00714, and 2304.02643 for the prompts). The input is the frame stretched to a square, and
its points are counted from the middle of the first pixel (the network adds the half pixel itself).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from revision_blender.motion.subjects import OFF, Prompt

BESIDE, UPON, LEFT_TOP, RIGHT_BOTTOM = 0, 1, 2, 3


@dataclass(frozen=True, eq=False)
class Points:
    """Of one subject on one frame. pixels: of the network's input, from the middle of its first pixel. labels: see the module."""

    pixels: Float[NDArray[np.float32], "N 2"]
    labels: Int[NDArray[np.int32], " N"]


def points_of(prompts: tuple[Prompt, ...], width: int, height: int, side: int) -> Points:
    """The prompts of ONE frame of ``width`` x ``height`` pixels for an input of ``side`` x ``side``; the last box counts."""
    boxes = [prompt.box for prompt in prompts if prompt.box is not None]
    clicks = [click for prompt in prompts for click in prompt.clicks]
    corners = [] if not boxes else [boxes[-1][:2], boxes[-1][2:]]
    places = np.array([*corners, *((click.x, click.y) for click in clicks)], np.float64).reshape(-1, 2)
    labels = [LEFT_TOP, RIGHT_BOTTOM][: len(corners)] + [BESIDE if click.part == OFF else UPON for click in clicks]
    inside = places.clip(0.0, (width, height))
    return Points((inside * (side / width, side / height) - 0.5).astype(np.float32), np.array(labels, np.int32))


def by_frame(prompts: tuple[Prompt, ...], n_frames: int) -> dict[int, tuple[Prompt, ...]]:
    """Prompts by the frame they lie on, in the order of time; those beyond the frames are left out."""
    frames = sorted({prompt.frame for prompt in prompts if prompt.frame < n_frames})
    return {frame: tuple(prompt for prompt in prompts if prompt.frame == frame) for frame in frames}


def shows_something(prompts: tuple[Prompt, ...]) -> bool:
    """Whether there is a box or a click on the subject; clicks beside it alone say nothing of where it is."""
    return any(prompt.box is not None or any(click.part != OFF for click in prompt.clicks) for prompt in prompts)
