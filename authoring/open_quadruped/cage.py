"""The coarse quad mesh: which quads there are. Every animal has the same.

Vertices are named by tuples. ``("body", ring, column)``: one tube from rump to nose, 16 columns from the back's ridge (0) down
the left side to the belly (8) and up the right. Legs, ears, tail and eyelids grow out of holes in the tube; the mouth opens
in front of the ring ``CORNER`` along column ``LIP``, where lips are double and a pocket of palate and floor lies behind.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Key = tuple[object, ...]
Quad = tuple[Key, Key, Key, Key]

COLUMNS, N_RINGS = 16, 29
LIP, CORNER, LAST = 5, 24, 28
TAIL_HOLE, HIND_HOLE, FORE_HOLE, EAR_HOLE, EYE_HOLE = 0, 1, 8, 18, 21  # the first ring of each
FORE_STATIONS = (4.0, 4.5, 5.0, 5.7, 6.4, 6.8, 7.2, 7.7, 8.4, 8.8, 9.2, 9.7, 10.3, 10.85)
HIND_STATIONS = (2.8, 3.2, 3.6, 4.0, 4.5, 5.1, 5.8, 6.5, 6.9, 7.3, 7.8, 8.5, 8.9, 9.3, 9.8, 10.3, 10.85)
STATIONS = {"fore": FORE_STATIONS, "hind": HIND_STATIONS}
EAR_RINGS, TAIL_RINGS, LID_RINGS = (0.12, 0.4, 0.68, 0.9), tuple(np.linspace(0.95, 6.9, 12)), 3


@dataclass(frozen=True, eq=False)
class Cage:
    """keys: the vertices' names. quads: ``(Q, 4)``, counter-clockwise from outside. mirror: ``(V,)`` each one's opposite."""

    keys: tuple[Key, ...]
    quads: NDArray[np.int64]
    mirror: NDArray[np.int64]


def mirrored(key: Key) -> Key:
    kind, *rest = key
    if kind in ("body", "lip"):
        return (kind, rest[0], (COLUMNS - int(rest[1])) % COLUMNS)  # type: ignore[call-overload]
    if kind == "tail":
        return (kind, rest[0], (8 - int(rest[1])) % 8)  # type: ignore[call-overload]
    swap = {"left": "right", "right": "left"}
    return tuple(swap.get(part, part) if isinstance(part, str) else part for part in key)


def _cap(ring: list[Key], top: int, name: tuple[object, ...], lower: dict[Key, Key] | None = None, split: int = -1) -> list[Quad]:
    """Quads that close a ring of 2n vertices: rows across, from ``top``. At row ``split`` the rows part into upper and lower."""
    n = len(ring) // 2
    rows = [[ring[top]]]
    for j in range(1, n):
        rows.append([ring[(top - j) % (2 * n)], (*name, j), ring[(top + j) % (2 * n)]])
    rows.append([ring[(top + n) % (2 * n)]])
    quads: list[Quad] = []
    for j in range(n):
        a, b = rows[j], rows[j + 1]
        if lower is not None and j == split:
            a = [lower[key] for key in a]
        if len(a) == 1:
            quads.append((a[0], b[0], b[1], b[2]))
        elif len(b) == 1:
            quads.append((b[0], a[2], a[1], a[0]))
        else:
            quads += [(a[0], a[1], b[1], b[0]), (a[1], a[2], b[2], b[1])]
    return quads


def _tube(rings: list[list[Key]]) -> list[Quad]:
    n = len(rings[0])
    return [(a[k], a[(k + 1) % n], b[(k + 1) % n], b[k]) for a, b in pairwise(rings) for k in range(n)]


def _body(ring: int, column: int, low: bool = False) -> Key:
    column %= COLUMNS
    if low and ring > CORNER and column in (LIP, COLUMNS - LIP):
        return ("lip", ring, column)
    return ("body", ring, column)


def leg_hole(which: str) -> list[Key]:
    """The ten vertices of the trunk that a left leg grows from: outside back to front, front, inside front to back, back."""
    r = FORE_HOLE if which == "fore" else HIND_HOLE
    return [_body(r + k, 5) for k in range(4)] + [_body(r + 3, 6)] + [_body(r + 3 - k, 7) for k in range(4)] + [_body(r, 6)]


def round_hole(first: int, middle: int) -> list[Key]:
    """The eight vertices around a left hole of two by two quads: from the front one over the lower ones and back."""
    r, c = first, middle
    steps = ((2, 0), (2, 1), (1, 1), (0, 1), (0, 0), (0, -1), (1, -1), (2, -1))
    return [_body(r + i, c + j) for i, j in steps]


def tail_hole() -> list[Key]:
    """Eight vertices, from the lowest on the left side up."""
    r = TAIL_HOLE
    return [_body(r + i, j) for i, j in ((0, 0), (0, 1), (1, 1), (2, 1), (2, 0), (2, -1), (1, -1), (0, -1))]


def _open(ring: int, column: int) -> bool:
    """Whether the tube's quad at (ring, left column) is cut away."""
    legs = any(first <= ring < first + 3 and 5 <= column < 7 for first in (FORE_HOLE, HIND_HOLE))
    ear = EAR_HOLE <= ring < EAR_HOLE + 2 and 1 <= column < 3
    eye = EYE_HOLE <= ring < EYE_HOLE + 2 and 2 <= column < 4
    return legs or ear or eye or (TAIL_HOLE <= ring < TAIL_HOLE + 2 and column == 0)


def _body_quads() -> list[Quad]:
    quads: list[Quad] = []
    for r in range(N_RINGS - 1):
        for c in range(8):
            if not _open(r, c):
                low = c >= LIP
                quad = (_body(r, c, low), _body(r, c + 1, low), _body(r + 1, c + 1, low), _body(r + 1, c, low))
                quads += [quad, tuple(mirrored(k) for k in reversed(quad))]  # type: ignore[list-item]
    quads += _cap([_body(0, c) for c in range(COLUMNS)], 0, ("rump",))
    nose = [_body(LAST, c) for c in range(COLUMNS)]
    lower = {_body(LAST, c): _body(LAST, c, True) for c in (LIP, COLUMNS - LIP)} | {("nose", LIP): ("nose", LIP, "low")}
    return quads + _cap(nose, 0, ("nose",), lower, LIP)


def _mouth_quads() -> list[Quad]:
    quads: list[Quad] = []
    for low, name in ((False, "palate"), (True, "floor")):
        middle: list[Key] = [("throat",)] + [(name, r) for r in range(CORNER + 1, LAST)] + [("nose", LIP, "low") if low else ("nose", LIP)]
        for i, r in enumerate(range(CORNER, LAST)):
            left = (_body(r, LIP, low), _body(r + 1, LIP, low))
            right = (_body(r, -LIP, low), _body(r + 1, -LIP, low))
            quads += [(left[0], left[1], middle[i + 1], middle[i]), (middle[i], middle[i + 1], right[1], right[0])]
    return quads


def _side_quads() -> list[Quad]:
    quads: list[Quad] = []
    for which, stations in STATIONS.items():
        rings = [leg_hole(which)] + [[("leg", which, "left", i, k) for k in range(10)] for i in range(len(stations))]
        quads += _tube(rings) + _cap(rings[-1], 4, ("sole", which, "left"))
    for kind, hole, count in (("ear", round_hole(EAR_HOLE, 2), len(EAR_RINGS)), ("lid", round_hole(EYE_HOLE, 3), LID_RINGS)):
        rings = [hole] + [[(kind, "left", i, k) for k in range(8)] for i in range(count)]
        quads += _tube(rings) + _cap(rings[-1], 0, (f"{kind}_end", "left"))
    return quads


def build_cage() -> Cage:
    tail = [tail_hole()] + [[("tail", i, k) for k in range(8)] for i in range(len(TAIL_RINGS))]
    quads = _body_quads() + _mouth_quads() + _tube(tail) + _cap(tail[-1], 0, ("tail_end",))
    for quad in _side_quads():
        quads += [quad, tuple(mirrored(k) for k in reversed(quad))]  # type: ignore[list-item]
    keys = tuple(sorted({key for quad in quads for key in quad}, key=repr))
    number = {key: i for i, key in enumerate(keys)}
    index = np.array([[number[key] for key in quad] for quad in quads])
    return Cage(keys, _oriented(index), np.array([number[mirrored(key)] for key in keys]))


def _oriented(quads: NDArray[np.int64]) -> NDArray[np.int64]:
    """The quads turned so that neighbours agree, starting from the first, which faces inwards."""
    owners: dict[tuple[int, int], list[int]] = {}
    for q, quad in enumerate(quads.tolist()):
        for a, b in zip(quad, quad[1:] + quad[:1], strict=True):
            owners.setdefault((min(a, b), max(a, b)), []).append(q)
    result, seen, stack = quads.copy(), {0}, [0]
    while stack:
        q = stack.pop()
        row = result[q].tolist()
        for a, b in zip(row, row[1:] + row[:1], strict=True):
            for other in owners[min(a, b), max(a, b)]:
                if other in seen:
                    continue
                line = result[other].tolist()
                if (a, b) in zip(line, line[1:] + line[:1], strict=True):
                    result[other] = result[other][::-1]
                seen.add(other)
                stack.append(other)
    assert len(seen) == len(quads) and all(len(o) == 2 for o in owners.values()), "the cage is not one closed piece"
    return result[:, ::-1].copy()
