"""What the user's box or clicks show on one frame, cut out of it: GrabCut (Rother, Kolmogorov, Blake, 2004) in a crop."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.lifting.objects.circles import best_circle
from backend.lifting.objects.crops import Crop, crop_about, without_crumbs
from backend.lifting.objects.likeness import Boxed, unlike_surroundings, unlikeness
from backend.lifting.objects.sizes import common_size
from backend.lifting.objects.stick_figure import away_from, stick_figure
from revision_blender.motion.subjects import OFF, Box, Prompt

Mask = NDArray[np.uint8]
Soft = NDArray[np.float32]

WORK_SIDE = 120  # pixels on the longer side of the box in the picture that GrabCut sees
SMALL_SIDE = 24  # a thing of so few pixels has too few for colour models, and is enlarged
ROUNDS = 4
HAND = 0.02  # of the box: how inexactly a hand draws it
CLICK_REACH = 0.01  # of the box: what a click is sure of
CLICKED_MARGIN = 0.2  # clicks alone lie this far inside the thing
CLICKED_SIDE = 0.06  # of the picture's longer side: a thing shown by one click is looked for within this
BODY_COVERED = 0.7  # of an animal's body by its bones, which are no more than a guess of it
LOOSE = 0.4  # cuts that all fill it worse than this found nothing
TIGHT = 0.75  # of the best guess's: how well a cut must fill the box from side to side


@dataclass(frozen=True)
class _Guess:
    """What is taken for granted. core: of the box, an ellipse that surely shows the thing. margin: of the box, the surroundings seen.
    filled: the whole box likely shows the thing, not only the ellipse in it."""

    core: float
    margin: float
    filled: bool = False


CLICKED_GUESSES = (_Guess(0.0, 0.15), _Guess(0.0, 0.45))
THING_GUESSES = (_Guess(0.0, 0.15), _Guess(0.0, 0.15, True), _Guess(0.35, 0.45), _Guess(0.6, 0.15))
LAST_GUESS = _Guess(0.6, 0.15)
UNLIKE_GUESS = _Guess(0.0, 0.25)
BOLDNESS = (0.85, 1.0, 1.2)


def shown_box(prompts: Sequence[Prompt], shape: tuple[int, ...]) -> Box | None:
    """Where the thing is on a frame by everything the user showed there: the last box drawn, a little widened, or one about the clicks on it."""
    boxes = [prompt.box for prompt in prompts if prompt.box is not None]
    if boxes:
        left, top, right, bottom = boxes[-1]
        slack = HAND * max(right - left, bottom - top) + 1.0
        return left - slack, top - slack, right + slack, bottom + slack
    places = np.array([(click.x, click.y) for prompt in prompts for click in prompt.clicks if click.part != OFF])
    if not len(places):
        return None
    low, high = places.min(axis=0), places.max(axis=0)
    margin = max(CLICKED_MARGIN * float((high - low).max()), 0.5 * CLICKED_SIDE * max(shape) if len(places) == 1 else 4.0)
    return float(low[0] - margin), float(low[1] - margin), float(high[0] + margin), float(high[1] + margin)


def cut_out(frame: NDArray[np.uint8], prompts: Sequence[Prompt], taken: Mask | None = None) -> Mask | None:
    """``(H, W)`` 255 on the thing; nothing where the prompts only say where it is not, or lie outside the picture.

    A box says little, so several guesses are made of what in it is surely the thing; those that fill the box from side to side
    vote. frame: ``(H, W, 3)`` sRGB. prompts: all of them of this frame and of one subject. taken: not 0 on what belongs to others.
    """
    shape = frame.shape[:2]
    box = shown_box(prompts, shape)
    if box is None or box[2] <= 0 or box[3] <= 0 or box[0] >= shape[1] or box[1] >= shape[0]:
        return None
    if _is_round(prompts):
        return _ball(frame, box, prompts, taken)
    clicked = any(click.part != OFF for prompt in prompts for click in prompt.clicks)
    living = prompts[0].kind != "object"
    guesses = CLICKED_GUESSES if clicked else () if living else THING_GUESSES
    cuts = [_guessed(frame, box, prompts, guess, taken) for guess in guesses]
    if living or clicked:
        cuts += _unlike(frame, box, prompts, taken)
    tight = np.array([_worth(cut, box, prompts) for cut in cuts])
    if tight.max() < LOOSE:
        last = _guessed(frame, box, prompts, LAST_GUESS, taken)
        cuts, tight = [*cuts, last], np.append(tight, _worth(last, box, prompts))
    votes = tight * (tight >= TIGHT * tight.max())
    mask = np.zeros(shape, np.uint8)
    mask[np.tensordot(votes, np.stack(cuts), axes=1) > 0.5 * votes.sum()] = 255
    return mask if mask.any() else None


def _is_round(prompts: Sequence[Prompt]) -> bool:
    usual = next((size for prompt in prompts if (size := common_size(prompt.label))), None)
    drawn = any(prompt.box is not None for prompt in prompts)
    return usual is not None and usual.round and drawn and prompts[0].kind == "object"


def _ball(frame: NDArray[np.uint8], box: Box, prompts: Sequence[Prompt], taken: Mask | None) -> Mask | None:
    """A ball about fills the box that is drawn about it; where exactly, the circle tells that parts it from its surroundings best."""
    view, boxed = _boxed(frame, box, prompts, taken)
    low, high = _scaled(box, view.crop, (boxed.inside.shape[1], boxed.inside.shape[0]))
    middle, radius = best_circle(unlikeness(boxed), (low + high) / 2.0, 0.5 * float((high - low).max()))
    y, x = np.mgrid[: boxed.inside.shape[0], : boxed.inside.shape[1]]
    inside = np.hypot(x + 0.5 - middle[0], y + 0.5 - middle[1]) <= radius
    mask = np.where(view.back(inside, frame.shape[:2]) > 0.5, 255, 0).astype(np.uint8)
    if taken is not None:
        mask[taken > 0] = 0
    return mask if mask.any() else None


def _worth(cut: Soft, box: Box, prompts: Sequence[Prompt]) -> float:
    """How well a cut fills the box from side to side, and covers the bones of an animal whose parts were clicked."""
    bones = stick_figure(prompts)
    if not bones:
        return _tightness(cut, box)
    body = away_from(bones, np.arange(cut.shape[1]) + 0.5, np.arange(cut.shape[0]) + 0.5) < 0.8
    covered = float((cut[body] > 0.5).mean()) if body.any() else 1.0
    return _tightness(cut, box) * min(1.0, covered / BODY_COVERED)


def _tightness(cut: Soft, box: Box) -> float:
    """How well a cut's own box agrees with the one drawn: intersection over union."""
    rows, columns = np.flatnonzero((cut > 0.5).any(axis=1)), np.flatnonzero((cut > 0.5).any(axis=0))
    if not len(rows):
        return 0.01
    height, width = cut.shape
    drawn = np.array([max(box[0], 0.0), max(box[1], 0.0), min(box[2], width), min(box[3], height)])
    own = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    shared = float(np.prod(np.maximum(np.minimum(own, drawn)[2:] - np.maximum(own, drawn)[:2], 0.0)))
    return shared / float(np.prod(own[2:] - own[:2]) + np.prod(drawn[2:] - drawn[:2]) - shared)


@dataclass(frozen=True, eq=False)
class _View:
    """A crop about a box at the size in which it is cut. seeds: GrabCut's labels."""

    crop: Crop
    picture: NDArray[np.uint8]
    seeds: Mask

    def back(self, cut: NDArray[np.bool_], shape: tuple[int, ...]) -> Soft:
        """``(H, W)`` in [0, 1], of the whole picture."""
        soft = np.zeros(shape, np.float32)
        size = self.crop.width, self.crop.height
        self.crop.of(soft)[:] = cv2.resize(cut.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        return soft


def _viewed(frame: NDArray[np.uint8], box: Box, prompts: Sequence[Prompt], guess: _Guess, taken: Mask | None) -> _View:
    side = max(box[2] - box[0], box[3] - box[1])
    crop = crop_about(box, guess.margin * side + 4.0, frame.shape[:2])
    scale = min(1.0, WORK_SIDE / side) if side >= SMALL_SIDE else 2.0
    size = max(8, round(crop.width * scale)), max(8, round(crop.height * scale))
    picture = cv2.resize(crop.of(frame), size, interpolation=cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC)
    seeds = _seeds(box, prompts, crop, size, None if taken is None else crop.of(taken), guess)
    return _View(crop, picture.astype(np.uint8, copy=False), seeds)


def _guessed(frame: NDArray[np.uint8], box: Box, prompts: Sequence[Prompt], guess: _Guess, taken: Mask | None) -> Soft:
    """``(H, W)`` in [0, 1]: GrabCut's answer to one guess."""
    view = _viewed(frame, box, prompts, guess, taken)
    return view.back(without_crumbs(_grab(view.picture, view.seeds), view.seeds == cv2.GC_FGD), frame.shape[:2])


def _unlike(frame: NDArray[np.uint8], box: Box, prompts: Sequence[Prompt], taken: Mask | None) -> list[Soft]:
    """Soft masks of what is unlike the surroundings of the box, more and less boldly."""
    view, boxed = _boxed(frame, box, prompts, taken)
    return [view.back(without_crumbs(soft > 0.5), frame.shape[:2]) for soft in unlike_surroundings(boxed, BOLDNESS)]


def _boxed(frame: NDArray[np.uint8], box: Box, prompts: Sequence[Prompt], taken: Mask | None) -> tuple[_View, Boxed]:
    view = _viewed(frame, box, prompts, UNLIKE_GUESS, taken)
    size = view.picture.shape[1], view.picture.shape[0]
    away, inside = _away(box, view.crop, size, prompts), _within(box, view.crop, size)
    off = inside & (view.seeds == cv2.GC_BGD)
    return view, Boxed(view.picture, inside, view.seeds == cv2.GC_FGD, off, (1.0 - np.square(away)).astype(np.float32))


def _scaled(box: Box, crop: Crop, size: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The box's corners in a crop shown at ``size``."""
    scale = np.array([size[0] / crop.width, size[1] / crop.height])
    corners = (np.array(box).reshape(2, 2) - [crop.left, crop.top]) * scale
    return corners[0], corners[1]


def _away(box: Box, crop: Crop, size: tuple[int, int], prompts: Sequence[Prompt]) -> NDArray[np.floating]:
    """``(h, w)`` 0 in the middle of the box, 1 on the ellipse in it; of an animal whose parts were clicked 0 on its bones, 1 on its skin."""
    bones = stick_figure(prompts)
    if bones:
        xs, ys = (np.arange(count) + 0.5 for count in size)
        return np.minimum(away_from(bones, xs * crop.width / size[0] + crop.left, ys * crop.height / size[1] + crop.top), 2.0)
    low, high = _scaled(box, crop, size)
    middle, half = (low + high) / 2.0, np.maximum((high - low) / 2.0, 1.0)
    y, x = np.mgrid[: size[1], : size[0]]
    return np.hypot((x + 0.5 - middle[0]) / half[0], (y + 0.5 - middle[1]) / half[1])


def _within(box: Box, crop: Crop, size: tuple[int, int]) -> NDArray[np.bool_]:
    low, high = _scaled(box, crop, size)
    y, x = np.mgrid[: size[1], : size[0]]
    return (x + 0.5 > low[0]) & (x + 0.5 < high[0]) & (y + 0.5 > low[1]) & (y + 0.5 < high[1])


def _seeds(box: Box, prompts: Sequence[Prompt], crop: Crop, size: tuple[int, int], taken: Mask | None, guess: _Guess) -> Mask:
    """GrabCut's labels: outside the box is background, an ellipse in it likely foreground, its core and clicks are certain."""
    away, within = _away(box, crop, size, prompts), _within(box, crop, size)
    seeds = np.full(size[::-1], cv2.GC_BGD, np.uint8)
    seeds[within] = cv2.GC_PR_FGD if guess.filled else cv2.GC_PR_BGD
    seeds[within & (away <= 1.0)] = cv2.GC_PR_FGD
    seeds[within & (away <= guess.core)] = cv2.GC_FGD
    if taken is not None:
        seeds[cv2.resize(taken, size, interpolation=cv2.INTER_NEAREST) > 0] = cv2.GC_BGD
    scale = np.array([size[0] / crop.width, size[1] / crop.height])
    reach = max(1, round(CLICK_REACH * float(scale.max()) * max(box[2] - box[0], box[3] - box[1])))
    for prompt in prompts:
        for click in prompt.clicks:
            place = (np.array([click.x, click.y]) - [crop.left, crop.top]) * scale
            label = cv2.GC_BGD if click.part == OFF else cv2.GC_FGD
            cv2.circle(seeds, (int(place[0]), int(place[1])), reach, (float(label),), -1)
    return seeds


def _grab(picture: NDArray[np.uint8], seeds: Mask) -> NDArray[np.bool_]:
    labels = seeds.copy()
    likely = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if likely.sum() < 12 or (~likely).sum() < 12:
        return likely
    cv2.setRNGSeed(0)  # the colour models start from k-means, which draws
    cv2.grabCut(picture, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
