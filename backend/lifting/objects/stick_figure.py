"""A four-legged animal as thick lines between the parts that the user clicked: where its body likely is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from numpy.typing import NDArray

from revision_blender.motion.subjects import Prompt

Array = NDArray[np.floating]

FRONT, BACK = ("front_left_paw", "front_right_paw"), ("back_left_paw", "back_right_paw")
TRUNK, NECK, LEG = 0.27, 0.13, 0.08  # half widths, in leg lengths
DEEP = 0.25  # leg lengths from the back's line down to the middle of the trunk
SHOULDER = 0.95  # a shoulder is about as high over its paws as the tail's base over the others


@dataclass(frozen=True, eq=False)
class Bone:
    """start, end: ``(2,)`` pixels. half: half width, pixels."""

    start: Array
    end: Array
    half: float


def stick_figure(prompts: Sequence[Prompt]) -> tuple[Bone, ...]:
    """The bones that follow from clicks of one frame; nothing where the nose, the tail's base or the paws of either end are missing."""
    clicks = {click.part: np.array([click.x, click.y]) for prompt in prompts for click in prompt.clicks}
    front, back = ([clicks[part] for part in parts if part in clicks] for parts in (FRONT, BACK))
    if "nose" not in clicks or "tail_base" not in clicks or not front or not back:
        return ()
    tail = clicks["tail_base"]
    leg = tail - np.mean(back, axis=0)
    length = float(np.linalg.norm(leg))
    if length < 4.0:
        return ()
    shoulder = clicks.get("withers", np.mean(front, axis=0) + SHOULDER * leg)
    chest, rump = shoulder - DEEP * leg, tail - DEEP * leg
    inward = TRUNK * length * (rump - chest) / max(float(np.linalg.norm(rump - chest)), 1e-6)
    bones = [Bone(chest, rump - inward, TRUNK * length), Bone(chest, clicks["nose"], NECK * length)]
    bones += [Bone(chest, paw, LEG * length) for paw in front] + [Bone(rump, paw, LEG * length) for paw in back]
    if "tail_tip" in clicks:
        bones.append(Bone(tail, clicks["tail_tip"], LEG * length))
    return tuple(bones)


def away_from(bones: Sequence[Bone], xs: Array, ys: Array) -> Float32[NDArray[np.float32], "h w"]:
    """``(h, w)`` distance of the places (xs ``(w,)``, ys ``(h,)``) from the nearest bone, in its half widths."""
    places = np.stack(np.meshgrid(xs, ys), axis=-1)
    nearest = np.full(places.shape[:2], np.inf)
    for bone in bones:
        along = bone.end - bone.start
        share = np.clip((places - bone.start) @ along / max(float(along @ along), 1e-6), 0.0, 1.0)
        nearest = np.minimum(nearest, np.linalg.norm(places - bone.start - share[..., None] * along, axis=-1) / bone.half)
    return nearest.astype(np.float32)
