"""One step of following: a mask of one frame carried to the next by dense flow, then cut anew by colours and edges."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.lifting.objects.background import Background
from backend.lifting.objects.colours import ColourModel, perceptual
from backend.lifting.objects.crops import Crop, crop_about, without_crumbs
from backend.lifting.objects.edges import on_edges
from backend.lifting.objects.likeness import nearer_sides
from revision_blender.motion.subjects import Box

Array = NDArray[np.floating]
Picture = NDArray[np.uint8]
Soft = NDArray[np.float32]

REACH = 0.35  # of the thing's side: how far beyond its place a step looks
COARSE_FROM = 64.0  # pixels: larger things are compared at half their size
GLOBAL = 0.35  # weight of the clip's colours' log ratio; the carried place and the background count fully
PLACE_BLUR = 0.025  # of the side: how sharply the carried mask is believed
TOLD = 1.5  # log ratios of the clip's colours below this tell nothing
MOST_PLACE = 3.0
STRANGE, DOUBTFUL = 0.0, 1.0  # log odds that something new is the thing: of a colour that it has not, and of one that tells nothing
NEW_PLACE = -1.0  # log odds of a place where nothing was carried but where the background is hidden now
TOUCH = 0.5


@dataclass(frozen=True)
class Habits:
    """How such things change from frame to frame. near: weight of what is near in colour and place. reach: of the thing's side, how far a
    step may grow. room: of the side, how far beyond its box it may reach. grow, shrink: of the way that the box follows the mask."""

    near: float
    reach: float
    room: float
    grow: float
    shrink: float


LIVING = Habits(near=0.8, reach=0.1, room=0.06, grow=0.25, shrink=0.25)  # bends and turns, so its box must hold it closely
THING = Habits(near=0.6, reach=0.2, room=0.15, grow=0.25, shrink=0.08)  # keeps its shape: what is hidden of it comes back


@dataclass(frozen=True, eq=False)
class State:
    """The thing on one frame. soft: ``(h, w)`` in [0, 1], working size. velocity: ``(2,)`` working pixels a frame.
    score: how sure, in [0, 1]; 0 where it is not seen. box: what the thing may fill, moved by what most of it does: a mask that leaks
    over a hand or another thing does not carry it along."""

    soft: Soft
    velocity: Array
    score: float
    box: Box
    habits: Habits


def stepped(
    background: Background,
    start: int,
    end: int,
    state: State,
    colours: ColourModel,
    side: float,
    taken: NDArray[np.bool_] | None,
    at: Array | None = None,
) -> State:
    """``state`` of frame ``start`` carried to frame ``end``. background: the pictures and what is known behind. side: the thing's, pixels.

    at: ``(2,)`` where its middle is now, where that is known. taken: what belongs to others on frame ``end``. A state with score 0 comes back where nothing of the thing is left.
    """
    rows, columns = np.flatnonzero((state.soft > TOUCH).any(axis=1)), np.flatnonzero((state.soft > TOUCH).any(axis=0))
    before, now = background.pictures[start], background.pictures[end]
    middle = middle_of(state.soft)
    shift = np.round(state.velocity if at is None else at - middle).astype(int)
    box = (columns[0] + shift[0], rows[0] + shift[1], columns[-1] + 1 + shift[0], rows[-1] + 1 + shift[1])
    crop = crop_about(box, REACH * side + 6.0, now.shape)
    if min(crop.width, crop.height) < 12:
        return State(np.zeros_like(state.soft), state.velocity, 0.0, state.box, state.habits)
    old_picture, old_soft = _shifted(before, crop, shift), _shifted(state.soft, crop, shift)
    picture = np.ascontiguousarray(crop.of(now))
    flow = _flow(picture, old_picture)
    carried, warped = _warped(old_soft, flow), _warped(old_picture, flow)
    if at is not None and not _arrived(carried, at - [crop.left, crop.top], old_soft, side):
        carried, warped = old_soft, old_picture  # blurred or turned beyond what flow can follow: it only moved
    blocked = None if taken is None else crop.of(taken)
    velocity = _velocity(flow, carried, shift)
    allowed = moved_box(state, velocity if at is None else at - middle)
    outside = np.ones(now.shape[:2], bool)
    crop_about(allowed, state.habits.room * side, now.shape).of(outside)[:] = False
    blocked = crop.of(outside) if blocked is None else blocked | crop.of(outside)
    soft = _cut(
        picture,
        warped,
        carried,
        colours,
        side,
        blocked,
        background.votes(end, crop, carried),
        state.habits,
    )
    whole = np.zeros_like(state.soft)
    crop.of(whole)[:] = soft
    return State(
        whole, velocity, _score(soft, old_soft, carried, picture, warped), _followed_box(allowed, whole, state.habits), state.habits
    )


def middle_of(soft: Soft) -> Array:
    """``(2,)`` x, y of the middle of a soft mask, pixels."""
    rows, columns = np.nonzero(soft > TOUCH)
    return np.array([columns.mean() + 0.5, rows.mean() + 0.5])


def _arrived(carried: Soft, at: Array, old_soft: Soft, side: float) -> bool:
    """Whether flow brought the thing to about where it is known to be, and about as large."""
    area, before = float((carried > TOUCH).sum()), float((old_soft > TOUCH).sum())
    return area > 0.0 and 0.75 < area / max(before, 1.0) < 1.33 and float(np.linalg.norm(middle_of(carried) - at)) < 0.15 * side


def moved_box(state: State, velocity: Array) -> Box:
    left, top, right, bottom = state.box
    x, y = float(velocity[0]), float(velocity[1])
    return left + x, top + y, right + x, bottom + y


def _followed_box(allowed: Box, soft: Soft, habits: Habits) -> Box:
    """The box drawn a little towards where most of the mask is: things grow, turn and bend, but slowly."""
    rows, columns = np.nonzero(soft > TOUCH)
    if len(rows) < 8:
        return allowed
    low = np.percentile(columns, 1), np.percentile(rows, 1)
    high = np.percentile(columns, 99) + 1.0, np.percentile(rows, 99) + 1.0
    ways = np.array([*low, *high]) - allowed
    outward = ways * [-1.0, -1.0, 1.0, 1.0] > 0.0
    drawn = allowed + np.where(outward, habits.grow, habits.shrink) * ways
    return float(drawn[0]), float(drawn[1]), float(drawn[2]), float(drawn[3])


def _shifted(values: NDArray, crop: Crop, shift: NDArray[np.int_]) -> NDArray:
    """What the crop would show had the camera moved by ``shift``; borders repeat."""
    matrix = np.array([[1.0, 0.0, crop.left - shift[0]], [0.0, 1.0, crop.top - shift[1]]])
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    border = cv2.BORDER_REPLICATE if values.ndim == 3 else cv2.BORDER_CONSTANT
    return cv2.warpAffine(values, matrix, (crop.width, crop.height), flags=flags, borderMode=border)


def _flow(now: Picture, before: Picture) -> NDArray[np.float32]:
    """``(h, w, 2)``: where each pixel of ``now`` was in ``before``, as an offset."""
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grays = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (now, before)]
    return np.asarray(method.calc(grays[0], grays[1], None), np.float32)  # type: ignore[call-overload]


def _warped(values: NDArray, flow: NDArray[np.float32]) -> NDArray:
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return cv2.remap(values, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _cut(
    picture: Picture,
    warped: Picture,
    carried: Soft,
    colours: ColourModel,
    side: float,
    blocked: NDArray[np.bool_] | None,
    behind: Soft,
    habits: Habits,
) -> Soft:
    """The thing's soft mask: its carried place, colours near by and colours of the whole clip vote; edges decide."""
    blur = max(1.0, PLACE_BLUR * side)
    place = cv2.GaussianBlur(carried, (0, 0), blur)
    odds = np.clip(np.log(np.maximum(place, 1e-3)) - np.log(np.maximum(1.0 - place, 1e-3)), -MOST_PLACE, MOST_PLACE)
    usual = colours.of(perceptual(picture))
    usual = np.sign(usual) * np.maximum(np.abs(usual) - TOLD, 0.0)
    behind = np.minimum(
        behind, np.where(usual < 0.0, STRANGE, np.where(usual > 0.0, np.inf, DOUBTFUL))
    )  # what came before the background may be somebody else
    new = (behind > 0.5) & (usual > 0.0)
    odds = np.where(new, np.maximum(odds, NEW_PLACE), odds)
    reachable = (_near(carried, 2.0 * blur + 1.0) | (new & _near(carried, habits.reach * side))).astype(bool)
    near = _near_odds(warped, carried, picture, reachable, side)
    votes = odds + habits.near * near + GLOBAL * usual + behind
    soft = np.where(reachable, 1.0 / (1.0 + np.exp(-votes)), 0.0).astype(np.float32)
    if blocked is not None:
        soft[blocked] = 0.0
    sharp = on_edges(picture, soft)
    sharp[~without_crumbs(sharp > TOUCH)] *= 0.3
    if blocked is not None:
        sharp[blocked] = 0.0
    return sharp


def _near_odds(warped: Picture, carried: Soft, picture: Picture, asked: NDArray[np.bool_], side: float) -> Soft:
    """``nearer_sides`` at half the size where the thing is large: edges come from the place and the picture."""
    factor = 1.0 if side < COARSE_FROM else 0.5
    size = max(4, round(picture.shape[1] * factor)), max(4, round(picture.shape[0] * factor))
    before, now = (cv2.resize(values, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False) for values in (warped, picture))
    inside, there = (cv2.resize(values, size, interpolation=cv2.INTER_AREA) for values in (carried, asked.astype(np.float32)))
    odds = nearer_sides(before, inside > 0.7, inside < 0.2, now, there > 0.0, side * factor)
    return cv2.resize(odds, (picture.shape[1], picture.shape[0]), interpolation=cv2.INTER_LINEAR).astype(np.float32, copy=False)


def _near(carried: Soft, reach: float) -> NDArray[np.bool_]:
    return cv2.dilate((carried > 0.3).astype(np.uint8), np.ones((2 * round(reach) + 1,) * 2, np.uint8)) > 0


def _velocity(flow: NDArray[np.float32], carried: Soft, shift: NDArray[np.int_]) -> Array:
    inside = carried > TOUCH
    if inside.sum() < 8:
        return shift.astype(np.float64)
    return shift - np.median(flow[inside], axis=0).astype(np.float64)


def _score(soft: Soft, old_soft: Soft, carried: Soft, picture: Picture, warped: Picture) -> float:
    """How much the new mask agrees with the carried one and with its colours."""
    new, old = soft > TOUCH, carried > TOUCH
    area, before = float(new.sum()), float((old_soft > TOUCH).sum())
    if area < max(4.0, 0.12 * before):
        return 0.0
    overlap = float((new & old).sum()) / max(float((new | old).sum()), 1.0)
    difference = float(np.abs(picture[new].astype(np.float32) - warped[new].astype(np.float32)).mean())
    return float(np.clip(overlap, 0.0, 1.0) * np.exp(-difference / 60.0))
