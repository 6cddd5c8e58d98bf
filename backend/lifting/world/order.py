"""Who stands before whom: depths are moved as little as need be until the nearer subject is the one that is seen.

Where two subjects' projected shapes overlap, the visible masks say which one is in front; a lift's depths, each from the subject's own
size, may say otherwise. Unknown is a logarithmic shift of depth a subject and frame. They are kept small and smooth in time by least
squares; each pair and frame in the wrong order adds a wish, until none is left. A subject is moved along its lines of sight: its
picture stays. The shift that all frames share becomes the subject's size, the rest moves it.
"""

from collections import defaultdict
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, diags_array, kron
from scipy.sparse.linalg import spsolve

from backend.lifting.world.drawn import Drawn

Array = NDArray[np.floating]

MARGIN = 0.03  # of the depth: how far the nearer one has to be in front
LEAST_PIXELS = 12  # of the small pictures, in which both subjects have to be drawn
RIM = 0.005  # of the picture's longer side
NEIGHBOURS = 3  # frames before and after that vote on a pair
CLEAR_SHARE = 0.05  # of the smaller subject: so much overlap is believed without a second frame
LEAST_SHARE = 0.65  # of the overlap that one of the two is seen in: less says nothing
WISH = 2000.0  # weight of a pair that is in the wrong order
ROUNDS = 12


@dataclass(frozen=True)
class Give:
    """How a subject lets itself be moved. stay: how much it minds. smooth: how much it minds to be moved otherwise on the next frame.

    largest: logarithm of the depth's factor that it is never moved beyond.
    """

    stay: float
    smooth: float
    largest: float


BODY = Give(1.0, 3000.0, 0.08)  # a shift that changes would spoil its picture: nearly one shift for all frames, which it grows by
ANIMAL = Give(2.0, 3000.0, 0.04)  # its shape has hardly a size to grow by
THING = Give(0.02, 0.2, 0.4)  # its depth is the least sure of all, and moving it leaves its picture as it is
FIXED = Give(1e8, 0.0, 0.0)


@dataclass(frozen=True)
class OrderWish:
    """On this frame the subject ``front`` is seen before ``back``; apart: log depth of back minus that of front, where they overlap.

    share: how much of the smaller one's shape says so.
    """

    frame: int
    front: int
    back: int
    apart: float
    share: float = 1.0


def wishes_of(drawn: list[Drawn], masks: list[NDArray[np.bool_]]) -> list[OrderWish]:
    """What the masks say about every overlapping pair. drawn, masks: of each subject, ``(F, h, w)`` at one size."""
    found = []
    for a in range(len(drawn)):
        for b in range(a + 1, len(drawn)):
            for frame in np.flatnonzero(_boxes_meet(drawn[a], drawn[b])):
                wish = _wish(int(frame), (a, b), drawn, masks)
                found += [wish] if wish is not None else []
    return believed(found)


def believed(wishes: list[OrderWish]) -> list[OrderWish]:
    """Those that their neighbours in time do not outvote, and that more than a hair or a glance says: masks err where subjects touch."""
    votes: dict[tuple[int, int], list[OrderWish]] = defaultdict(list)
    for wish in wishes:
        votes[min(wish.front, wish.back), max(wish.front, wish.back)].append(wish)
    return [wish for pair in votes.values() for wish in pair if _is_believed(wish, pair)]


def _is_believed(wish: OrderWish, of_pair: list[OrderWish]) -> bool:
    near = [other for other in of_pair if abs(other.frame - wish.frame) <= NEIGHBOURS]
    balance = sum(other.share if other.front == wish.front else -other.share for other in near)
    alike = sum(other.front == wish.front for other in near)
    return balance > 0.0 and (alike >= 2 or wish.share >= CLEAR_SHARE)


def _boxes_meet(a: Drawn, b: Drawn) -> NDArray[np.bool_]:
    low = np.maximum(a.boxes[:, :2], b.boxes[:, :2])
    high = np.minimum(a.boxes[:, 2:], b.boxes[:, 2:])
    return (low < high).all(axis=1)


def _wish(frame: int, pair: tuple[int, int], drawn: list[Drawn], masks: list[NDArray[np.bool_]]) -> OrderWish | None:
    rim = max(1, round(RIM * max(drawn[0].inverse_depth.shape[1:])))
    left, top, right, bottom = _common_box(drawn[pair[0]], drawn[pair[1]], frame, rim)
    window = (frame, slice(top, bottom), slice(left, right))
    near = [drawn[one].inverse_depth[window] for one in pair]
    both = _inner(near[0] > 0, rim) & _inner(near[1] > 0, rim)
    seen = [both & masks[one][window] for one in pair]
    counts = [int(mask.sum()) for mask in seen]
    if sum(counts) < LEAST_PIXELS or max(counts) < LEAST_SHARE * sum(counts):
        return None
    first = int(counts[1] > counts[0])
    front, back = pair[first], pair[1 - first]
    told = seen[first]
    apart = float(np.median(np.log(near[first][told] / near[1 - first][told])))
    smaller = min(int((drawn[one].inverse_depth[frame] > 0).sum()) for one in pair)
    return OrderWish(frame, front, back, apart, counts[first] / smaller)


def _common_box(a: Drawn, b: Drawn, frame: int, rim: int) -> tuple[int, int, int, int]:
    """Where both may be drawn, and a few pixels about it, which ``_inner`` needs to tell an edge."""
    low, high = np.maximum(a.boxes[frame, :2], b.boxes[frame, :2]) - rim - 1, np.minimum(a.boxes[frame, 2:], b.boxes[frame, 2:]) + rim + 1
    return max(0, int(low[0])), max(0, int(low[1])), int(high[0]), int(high[1])


def _inner(covered: NDArray[np.bool_], rim: int) -> NDArray[np.bool_]:
    """Without its rim: a shape that reaches a little over its subject's edge would claim what stands behind it."""
    return cv2.erode(covered.astype(np.uint8), np.ones((2 * rim + 1,) * 2, np.uint8), borderValue=(1.0,)) > 0


def in_order(wishes: list[OrderWish]) -> float:
    """The share of pairs and frames whose depths agree with what is seen; 1 where nothing overlaps."""
    return float(np.mean([wish.apart > 0.0 for wish in wishes])) if wishes else 1.0


def depth_shifts(wishes: list[OrderWish], gives: list[Give], n_frames: int) -> Float[NDArray[np.float64], "T F"]:
    """Logarithms of the factors that each subject's depth takes on each frame; 0 where nothing has to move.

    gives: of each subject, such as ``BODY``, ``THING``, ``FIXED``.
    """
    n_subjects = len(gives)
    shifts = np.zeros(n_subjects * n_frames)
    if all(wish.apart >= MARGIN for wish in wishes):
        return shifts.reshape(n_subjects, n_frames)
    base = _keeping(gives, n_frames)
    active: set[int] = set()
    for _ in range(ROUNDS):
        wrong = {place for place, wish in enumerate(wishes) if _apart(wish, shifts, n_frames) < MARGIN - 1e-3}
        if wrong <= active:
            break
        active |= wrong
        shifts = _solved(base, n_subjects * n_frames, [wishes[place] for place in sorted(active)], n_frames)
    return within(shifts.reshape(n_subjects, n_frames), gives)


def within(shifts: Float[NDArray[np.floating], "T F"], gives: list[Give]) -> Float[NDArray[np.float64], "T F"]:
    """The shifts, none beyond what its subject lets be done to it."""
    largest = np.array([give.largest for give in gives])[:, None]
    return np.clip(shifts, -largest, largest)


def _apart(wish: OrderWish, shifts: Array, n_frames: int) -> float:
    return float(wish.apart + shifts[wish.back * n_frames + wish.frame] - shifts[wish.front * n_frames + wish.frame])


def _keeping(gives: list[Give], n_frames: int) -> csr_array:
    """The normal matrix of staying and of smoothness, ``(T F, T F)``."""
    stay = diags_array(np.repeat([give.stay for give in gives], n_frames), format="csr")
    if n_frames < 2:
        return csr_array(stay)
    rows, signs = np.repeat(np.arange(n_frames - 1), 2), np.tile([-1.0, 1.0], n_frames - 1)
    columns = np.stack([np.arange(n_frames - 1), np.arange(1, n_frames)], axis=1).ravel()
    step = csr_array(coo_array((signs, (rows, columns)), shape=(n_frames - 1, n_frames)))
    smooth = kron(diags_array(np.array([give.smooth for give in gives]), format="csr"), step.T @ step, format="csr")
    return csr_array(stay + smooth)


def _solved(base: csr_array, n_unknowns: int, wishes: list[OrderWish], n_frames: int) -> Array:
    """Least squares with the wishes as soft equations ``shift_back - shift_front = margin - apart``."""
    rows = np.repeat(np.arange(len(wishes)), 2)
    columns = np.array([[wish.back * n_frames + wish.frame, wish.front * n_frames + wish.frame] for wish in wishes]).ravel()
    signs = np.tile([1.0, -1.0], len(wishes))
    A = csr_array(coo_array((signs, (rows, columns)), shape=(len(wishes), n_unknowns)))
    right = np.array([MARGIN - wish.apart for wish in wishes])
    return np.asarray(spsolve((base + WISH * (A.T @ A)).tocsc(), WISH * (A.T @ right)))
