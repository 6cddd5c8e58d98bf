"""A subject that the user showed on one frame or a few, followed through a shot: any thing, any animal, without weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from backend.lifting.objects.background import Background, Free, free_of
from backend.lifting.objects.circles import rounded
from backend.lifting.objects.colours import ColourModel, colour_model, perceptual
from backend.lifting.objects.crops import crop_about
from backend.lifting.objects.shown import corrected_masks, drawn_masks
from backend.lifting.objects.sizes import common_size
from backend.lifting.objects.spreading import LIVING, THING, TOUCH, Habits, State, middle_of, stepped
from backend.lifting.objects.stabilising import background_motion
from backend.lifting.objects.tracing import Trace, traced
from backend.lifting.subject import Followed, boxes_of
from backend.progress import Progress, silent
from revision_blender.motion.subjects import Box, Prompt

Array = NDArray[np.floating]
Soft = NDArray[np.float32]
Mask = NDArray[np.uint8]
Masks = NDArray[np.uint8]
Frames = NDArray[np.uint8]

WORK_THING = 128.0  # pixels on the longer side that the thing itself has at working size, at most
SMALL = 0.2  # of the picture's longer side: smaller things are also looked for by their colour, wherever they are
MEMORY, MEMORY_STEP = 4, 3  # frames followed so far that tell what is behind the thing, and how far apart they are
WAITING = 12  # frames for which a large thing is expected where it was going when it was last seen
FOUND_AGAIN = 0.35  # the score from which it is there again
AROUND = 0.5  # of the thing's side: the surroundings that its colours are told from


@dataclass(frozen=True, eq=False)
class Scene:
    """pictures: ``(F, h, w, 3)`` at working size. taken: ``(F, h, w)`` what belongs to others, or nothing. scale: working pixels a pixel.
    to_first: ``(F, 3, 3)`` the background's motion."""

    pictures: NDArray[np.uint8]
    taken: NDArray[np.bool_] | None
    scale: float
    to_first: Array

    def taken_on(self, frame: int) -> NDArray[np.bool_] | None:
        return None if self.taken is None else self.taken[frame]


def follow(
    frames: UInt8[NDArray[np.uint8], "F H W 3"],
    prompts: Sequence[Prompt],
    taken: UInt8[NDArray[np.uint8], "F H W"] | None = None,
    progress: Progress | None = None,
) -> Followed:
    """One subject over all frames, forward and back from every frame on which it was shown.

    frames: sRGB of one shot. prompts: all of this subject, frames counted in this shot. taken: not 0 on pixels of other subjects.
    Raises ``InputError`` where the prompts show nothing inside these frames.
    """
    progress = progress or silent()
    own = [prompt for prompt in prompts if prompt.frame < len(frames)]
    drawn = {prompt.frame for prompt in own if prompt.box is not None} or {prompt.frame for prompt in own}
    shown = drawn_masks(frames, [prompt for prompt in own if prompt.frame in drawn], taken, prompts)
    corrections = [prompt for prompt in own if prompt.frame not in drawn]
    scene = _scene(frames, taken, min(1.0, WORK_THING / _median_side(shown)))
    states = _followed(frames, taken, scene, shown, own, progress.part(0.0, 0.5) if corrections else progress)
    if corrections:
        first = _result(prompts, frames.shape[1:3], states)
        shown |= corrected_masks(frames, taken, first, corrections)
        states = _followed(frames, taken, scene, shown, own, progress.part(0.5, 1.0))
    return _result(prompts, frames.shape[1:3], states)


def _median_side(shown: dict[int, Mask]) -> float:
    return float(np.median([_side(mask) for mask in shown.values()]))


def _side(mask: NDArray[np.uint8]) -> float:
    """The longer side of a mask's box, pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return float(max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1)


def _scene(frames: NDArray[np.uint8], taken: NDArray[np.uint8] | None, scale: float) -> Scene:
    height, width = max(8, round(frames.shape[1] * scale)), max(8, round(frames.shape[2] * scale))
    if scale == 1.0:
        return Scene(frames, None if taken is None else taken > 0, scale, background_motion(frames))
    pictures = np.stack([cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in frames]).astype(np.uint8, copy=False)
    blocked = None if taken is None else np.stack([_resized(mask, (height, width)) > 0.5 for mask in taken])
    return Scene(pictures, blocked, scale, background_motion(pictures))


def _resized(mask: NDArray[np.uint8], shape: tuple[int, ...]) -> Soft:
    values = (mask > 0).astype(np.float32)
    return cv2.resize(values, (shape[1], shape[0]), interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)


def _boxes(prompts: Sequence[Prompt], scale: float) -> dict[int, Box]:
    """The boxes that the user drew, by frame, working pixels."""
    drawn = [(prompt.frame, prompt.box) for prompt in prompts if prompt.box is not None]
    return {frame: (box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale) for frame, box in drawn}


def _colours(scene: Scene, softs: dict[int, Soft], side: float) -> ColourModel:
    labs, insides, outsides = [], [], []
    for frame, soft in softs.items():
        rows, columns = np.nonzero(soft > TOUCH)
        crop = crop_about((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1), AROUND * side + 4.0, soft.shape)
        labs.append(perceptual(crop.of(scene.pictures[frame])))
        insides.append(crop.of(soft) > 0.7)
        outsides.append(crop.of(soft) < 0.1)
    return colour_model(labs, insides, outsides)


def _box_of(soft: Soft, drawn: Box | None) -> Box:
    """The box about a mask and, where the user drew one, about that, too."""
    rows, columns = np.nonzero(soft > TOUCH)
    own = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    if drawn is None:
        return float(own[0]), float(own[1]), float(own[2]), float(own[3])
    return min(own[0], drawn[0]), min(own[1], drawn[1]), max(own[2], drawn[2]), max(own[3], drawn[3])


def _followed(
    frames: Frames, taken: Masks | None, scene: Scene, shown: dict[int, Mask], prompts: Sequence[Prompt], progress: Progress
) -> list[State]:
    softs = {frame: _resized(mask, scene.pictures.shape[1:3]) for frame, mask in shown.items()}
    softs = {frame: soft for frame, soft in softs.items() if (soft > TOUCH).any()} or softs
    side = _median_side(shown)
    small = prompts[0].kind == "object" and side < SMALL * max(frames.shape[1:3])
    trace = traced(frames, taken, shown) if small else None
    habits = THING if prompts[0].kind == "object" else LIVING
    return _walked(scene, softs, _boxes(prompts, scene.scale), trace, side * scene.scale, habits, progress)


def _walked(
    scene: Scene, softs: dict[int, Soft], boxes: dict[int, Box], trace: Trace | None, side: float, habits: Habits, progress: Progress
) -> list[State]:
    """One state a frame. Between two frames that were shown, both are followed towards each other."""
    colours = _colours(scene, softs, side)
    n_frames, shown = len(scene.pictures), sorted(softs)
    forth: list[State | None] = [None] * n_frames
    back: list[State | None] = [None] * n_frames
    still = np.zeros(2)
    sure = [_free(scene, frame, softs[frame], side) for frame in shown]
    whole = max(float((soft > TOUCH).sum()) for soft in softs.values())
    total = 2 * n_frames
    for k, start in enumerate(shown):
        forth[start] = back[start] = State(softs[start], still, 1.0, _box_of(softs[start], boxes.get(start)), habits)
        ahead = shown[k + 1] if k + 1 < len(shown) else n_frames
        behind = shown[k - 1] if k > 0 else -1
        for ways, until, step in ((forth, ahead, 1), (back, behind, -1)):
            seen_since: list[Free] = []
            for frame in range(start + step, until, step):
                progress(min(1.0, (abs(frame - start) + start) / total), "Following a subject")
                before = _last_seen(ways, frame, step)
                at = trace.middle[frame] * scene.scale if trace is not None and trace.found[frame] else None
                nearest_first = sorted(sure, key=lambda free: abs(free.frame - frame))
                background = Background(scene.pictures, scene.to_first, [*nearest_first, *seen_since[-MEMORY:]])
                state = _next(scene, background, before, frame, ways[before], colours, side, at, trace is not None)
                ways[frame] = state
                if state.score > 0.3 and abs(frame - start) % MEMORY_STEP == 0 and (state.soft > TOUCH).sum() > 0.6 * whole:
                    seen_since.append(_free(scene, frame, state.soft, side))
    return [_blended(frame, forth[frame], back[frame], shown) for frame in range(n_frames)]


def _free(scene: Scene, frame: int, soft: Soft, side: float) -> Free:
    return Free(frame, free_of(soft, scene.taken_on(frame), side))


def _last_seen(ways: list[State | None], frame: int, step: int) -> int:
    """The frame before this one, in this direction, that last showed the thing; the shown frame from which one set out always did."""
    frame -= step
    while (state := ways[frame]) is not None and state.score == 0.0:
        frame -= step
    return frame


def _next(
    scene: Scene,
    background: Background,
    start: int,
    end: int,
    state: State | None,
    colours: ColourModel,
    side: float,
    at: Array | None,
    traced_too: bool,
) -> State:
    """traced_too: it was looked for all over the picture; otherwise, once lost, it is expected where it was going."""
    assert state is not None
    gone = abs(end - start)
    if at is not None or gone == 1:
        return stepped(background, start, end, state, colours, side, scene.taken_on(end), at)
    if traced_too or gone > WAITING:
        return replace(state, score=0.0)
    found = stepped(background, start, end, state, colours, side, scene.taken_on(end), middle_of(state.soft) + gone * state.velocity)
    return found if found.score > FOUND_AGAIN else replace(state, score=0.0)


def _blended(frame: int, forth: State | None, back: State | None, shown: list[int]) -> State:
    """Of the two ways in which a frame was reached: the nearer shown frame's counts more; where they differ much it counts alone."""
    if forth is None or back is None:
        found = forth or back
        assert found is not None
        return found
    if frame in shown:
        return forth
    before, after = max(s for s in shown if s < frame), min(s for s in shown if s > frame)
    share = (after - frame) / (after - before) * forth.score
    other = (frame - before) / (after - before) * back.score
    if share + other == 0.0:
        return forth
    better = forth if share >= other else back
    a, b = forth.soft > TOUCH, back.soft > TOUCH
    if float((a & b).sum()) < 0.5 * float((a | b).sum()):
        return better
    return replace(better, soft=(share * forth.soft + other * back.soft) / (share + other))


def _result(prompts: Sequence[Prompt], shape: tuple[int, ...], states: list[State]) -> Followed:
    masks = np.zeros((len(states), *shape), np.uint8)
    usual = next((size for prompt in prompts if (size := common_size(prompt.label))), None)
    ball = usual is not None and usual.round and prompts[0].kind == "object"
    for mask, state in zip(masks, states, strict=True):
        if state.score > 0.0:
            full = state.soft if state.soft.shape == shape else cv2.resize(state.soft, shape[::-1], interpolation=cv2.INTER_LINEAR)
            full = full.astype(np.float32, copy=False)
            mask[(rounded(full) if ball else full) > TOUCH] = 255
    boxes, seen = boxes_of(masks)
    score = np.where(seen, [state.score for state in states], 0.0).astype(np.float32)
    first = prompts[0]
    label = next((prompt.label for prompt in prompts if prompt.label), "")
    return Followed(first.name, first.kind, label, boxes, seen, score, masks, tuple(prompts))
