"""An animal's skin as an implicit surface: the smooth union of swept sections along its anatomy.

A sweep follows an axis; its section is a superellipse with its own radius towards the front (or top), the back (or bottom)
and the side. Only the left half, y >= 0, is ever asked for.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from .animals import Animal
from .frames import HeadFrame, head_frame

Array = NDArray[np.float64]

_SIDE = np.array([0.0, 1.0, 0.0])
_CLAMP = 0.35  # farther away than this the field says nothing useful


@dataclass(frozen=True, eq=False)
class Sweep:
    """axis: ``(N, 3)``. radii: ``(N, 3)`` front, back, side. square: ``(N,)`` exponent of the section.

    caps: how far the first and the last end bulge beyond the axis. blend: width over which it melts into what came before.
    """

    axis: Array
    radii: Array
    square: Array
    caps: tuple[float, float]
    blend: float

    def at(self, s: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Centre, front, side, tangent ``(K, 3)`` and radii ``(K, 3)`` at stations ``s`` ``(K,)``, 0 to N - 1."""
        stations = np.arange(len(self.axis))
        centre = PchipInterpolator(stations, self.axis)(s)
        tangent = _smooth_tangents(self.axis, s)
        front, side = _frame(tangent)
        return centre, front, side, tangent, PchipInterpolator(stations, self.radii)(s)


def _smooth_tangents(axis: Array, s: Array) -> Array:
    stations = np.arange(len(axis))
    curve = PchipInterpolator(stations, axis)
    ahead, behind = curve(np.minimum(s + 0.35, stations[-1])), curve(np.maximum(s - 0.35, 0.0))
    return (ahead - behind) / np.linalg.norm(ahead - behind, axis=-1, keepdims=True)


def _frame(tangent: Array) -> tuple[Array, Array]:
    side = _SIDE - tangent * tangent[..., 1:2]
    side = side / np.linalg.norm(side, axis=-1, keepdims=True)
    return np.cross(tangent, side), side


def _sweep(axis: Array, radii: Array, blend: float, caps: tuple[float, float], square: Array | float = 2.0, fine: int = 3) -> Sweep:
    """The sweep with ``fine`` pieces for each pair of stations."""
    stations = np.arange(len(axis))
    s = np.linspace(0.0, len(axis) - 1.0, fine * (len(axis) - 1) + 1)
    exponent = np.broadcast_to(np.asarray(square, dtype=np.float64), (len(axis),))
    parts = [PchipInterpolator(stations, np.asarray(v, dtype=np.float64))(s) for v in (axis, radii, exponent)]
    return Sweep(parts[0], np.maximum(parts[1], 1e-3), parts[2], caps, blend)


def _blob(start: Array, end: Array, radii: tuple[float, float, float], blend: float, taper: float = 1.0) -> Sweep:
    """A muscle from ``start`` to ``end``; at its end the radii are ``taper`` times as large."""
    axis = np.stack([start, end])
    cap = 0.5 * (radii[0] + radii[1])
    return Sweep(axis, np.outer([1.0, taper], np.maximum(radii, 1e-3)), np.full(2, 2.0), (cap, cap * taper), blend)


def trunk_sweep(a: Animal) -> Sweep:
    x, top, bottom, wide, widest, square = a.trunk.T
    middle = bottom + widest * (top - bottom)
    middle = np.polyval(np.polyfit(x, middle, 1), x)  # a straight axis: its sections do not cross
    axis = np.stack([x, np.zeros_like(x), middle], axis=1)
    return _sweep(axis, np.stack([top - middle, middle - bottom, wide], axis=1), 0.0, (0.045, 0.05), square, 4)


def neck_sweep(a: Animal) -> Sweep:
    x, z, top, bottom, wide = a.neck.T
    return _sweep(np.stack([x, np.zeros_like(x), z], axis=1), np.stack([top, bottom, wide], axis=1), 0.09, (0.05, 0.02), 2.0, 4)


def skull_sweep(a: Animal) -> Sweep:
    head = head_frame(a)
    along, top, bottom, wide = a.skull.T
    low = np.clip((along - a.eye[0]) / 0.2, 0.0, 1.0)  # the muzzle is widest near the lips, the skull in the middle
    middle = top + (0.6 + 0.18 * low) * (bottom - top)
    middle = np.polyval(np.polyfit(along, middle, 1), along)  # straight, as the trunk's
    radii = head.length * np.stack([top - middle, middle - bottom, wide], axis=1)
    return _sweep(head.points(along, middle, np.zeros_like(along)), radii, 0.05, (0.06 * head.length, 0.035 * head.length), 2.25, 4)


def jaw_sweep(a: Animal) -> Sweep:
    head = head_frame(a)
    along, top, bottom, wide = a.jaw.T
    middle = 0.68 * top + 0.32 * bottom
    middle = np.polyval(np.polyfit(along, middle, 1), along)  # straight, as the trunk's
    radii = head.length * np.stack([top - middle, middle - bottom, wide], axis=1)
    return _sweep(head.points(along, middle, np.zeros_like(along)), radii, 0.038, (0.05 * head.length, 0.03 * head.length), 2.2, 4)


def leg_sweep(a: Animal, which: str) -> Sweep:
    table: Array = getattr(a, which)
    return _sweep(table[:, :3], table[:, 3:], 0.05, (0.03, float(table[-1, 3]) * 0.8), 2.15)


def _leg_pieces(a: Animal, which: str) -> list[Sweep]:
    """A leg's field is cut at its sharpest bend, where sections of one sweep would cross."""
    table: Array = getattr(a, which)
    cut = 2 if which == "fore" else 4
    upper, lower = table[: cut + 1], table[cut:]
    knee = 0.7 * float(table[cut, 3:].mean())
    return [
        _sweep(upper[:, :3], upper[:, 3:], 0.06, (0.03, knee), 2.15),
        _sweep(lower[:, :3], lower[:, 3:], 0.06 if which == "fore" else 0.065, (knee, float(table[-1, 3]) * 0.8), 2.15),
    ]


def tail_sweep(a: Animal) -> Sweep:
    x, z, radius = a.tail.T
    return _sweep(np.stack([x, np.zeros_like(x), z], axis=1), np.repeat(radius[:, None], 3, axis=1), 0.05, (0.05, 0.01))


def _muscles(a: Animal, head: HeadFrame) -> list[Sweep]:
    shoulder, arm, buttock, hip_bone, cheek, brow, snub = a.muscles
    length = head.length
    upper = 0.5 * (a.fore[1, :3] + a.fore[4, :3]) + np.array([-0.035, 0.012, 0.0])
    seat = np.array([a.trunk[0, 0] + 0.055, a.trunk[1, 3] * 0.55, a.hind[1, 2] - 0.03])
    hook = np.array([a.hind[0, 0] + 0.11, a.trunk[3, 3] * 0.86, a.trunk[3, 1] - 0.055])
    jowl = head.points(*(np.array(v) for v in ([0.26, 0.40], [-0.20, -0.17], [a.jaw[0, 3] * 0.72, a.jaw[1, 3] * 0.8])))
    ridge = head.points(
        *(np.array(v) for v in ([a.eye[0] - 0.08, a.eye[0] + 0.03], [a.eye[1] + 0.05, a.eye[1] + 0.05], [a.eye[2] * 0.86, a.eye[2] * 0.8]))
    )
    nose = head.points(np.array([0.965]), np.array([a.skull[6, 1] - 0.045]), np.array([0.0]))[0]
    eyelid = head.points(a.eye[:1], a.eye[1:2], a.eye[2:3] * 0.985)[0]
    lid = 1.12 * a.eye[3] * length
    return [
        _blob(a.fore[0, :3], a.fore[2, :3], (0.05 * shoulder, 0.05 * shoulder, 0.055 * shoulder), 0.05),
        _blob(upper, a.fore[4, :3] + np.array([-0.012, 0.0, 0.05]), (0.07 * arm, 0.07 * arm, 0.045 * arm), 0.05),
        _blob(seat, a.hind[5, :3] + np.array([-0.035, 0.0, 0.035]), (0.075 * buttock, 0.075 * buttock, 0.052 * buttock), 0.065, 0.5),
        _blob(hook, hook + np.array([0.03, 0.0, 0.0]), (0.028 * hip_bone, 0.028 * hip_bone, 0.028 * hip_bone), 0.05),
        _blob(jowl[0], jowl[1], (0.11 * cheek * length, 0.11 * cheek * length, 0.075 * cheek * length), 0.03),
        _blob(ridge[0], ridge[1], (0.05 * brow * length, 0.05 * brow * length, 0.05 * brow * length), 0.02),
        _blob(nose, nose + 0.03 * length * head.along, (0.045 * snub * length, 0.05 * snub * length, 0.062 * snub * length), 0.012),
        _blob(eyelid, eyelid + 1e-4, (lid, lid, lid), 0.012),
    ]


def _toes(a: Animal) -> list[Sweep]:
    radius, spread, length = a.toes
    found = []
    for table in (a.fore, a.hind):
        knuckle, tip = table[10, :3], table[11, :3]
        for offset, back in ((-1.35, 0.022), (-0.45, 0.0), (0.45, 0.0), (1.35, 0.022)):
            start = np.array([tip[0] - length - back, knuckle[1] + offset * spread * 0.8, knuckle[2] - 0.006])
            end = np.array([tip[0] + 0.004 - back, tip[1] + offset * spread, radius + 0.004])
            found.append(_blob(start, end, (radius, radius, radius * 0.93), 0.010))
    return found


@dataclass(frozen=True, eq=False)
class Field:
    """All sweeps of one animal, flat, in the order in which they melt together."""

    first: NDArray[np.int64]
    axis: Array
    front: Array
    side: Array
    radii: Array
    square: Array
    caps: Array
    blend: Array


def field_of(a: Animal) -> Field:
    head = head_frame(a)
    sweeps = [trunk_sweep(a), neck_sweep(a), *_leg_pieces(a, "fore"), *_leg_pieces(a, "hind"), tail_sweep(a), skull_sweep(a), jaw_sweep(a)]
    sweeps += _muscles(a, head) + _toes(a)
    tangents = [np.gradient(s.axis, axis=0) for s in sweeps]
    frames = [_frame(t / np.linalg.norm(t, axis=1, keepdims=True)) for t in tangents]
    return Field(
        np.cumsum([0] + [len(s.axis) for s in sweeps]),
        np.concatenate([s.axis for s in sweeps]),
        np.concatenate([f[0] for f in frames]),
        np.concatenate([f[1] for f in frames]),
        np.concatenate([s.radii for s in sweeps]),
        np.concatenate([s.square for s in sweeps]),
        np.array([s.caps for s in sweeps]),
        np.array([s.blend for s in sweeps]),
    )


@njit(cache=True)
def _part(p, lo, hi, axis, front, side, radii, square, cap0, cap1):  # noqa: ANN001, ANN202
    """Signed distance, roughly, of one point to one sweep."""
    best, at, share = 1e9, lo, 0.0
    for i in range(lo, hi - 1):
        d0, d1, d2 = axis[i + 1, 0] - axis[i, 0], axis[i + 1, 1] - axis[i, 1], axis[i + 1, 2] - axis[i, 2]
        q0, q1, q2 = p[0] - axis[i, 0], p[1] - axis[i, 1], p[2] - axis[i, 2]
        size = d0 * d0 + d1 * d1 + d2 * d2
        t = min(1.0, max(0.0, (q0 * d0 + q1 * d1 + q2 * d2) / size)) if size > 1e-14 else 0.0
        e0, e1, e2 = q0 - t * d0, q1 - t * d1, q2 - t * d2
        far = e0 * e0 + e1 * e1 + e2 * e2
        if far < best:
            best, at, share = far, i, t
    j = at + 1
    q = np.empty(3)
    u = 0.0
    w = 0.0
    for k in range(3):
        q[k] = p[k] - (axis[at, k] + share * (axis[j, k] - axis[at, k]))
        u += q[k] * (front[at, k] + share * (front[j, k] - front[at, k]))
        w += q[k] * (side[at, k] + share * (side[j, k] - side[at, k]))
    length = np.sqrt(best)
    ahead = np.sqrt(max(0.0, best - u * u - w * w))
    r_front = radii[at, 0] + share * (radii[j, 0] - radii[at, 0])
    r_back = radii[at, 1] + share * (radii[j, 1] - radii[at, 1])
    r_side = radii[at, 2] + share * (radii[j, 2] - radii[at, 2])
    n = square[at] + share * (square[j] - square[at])
    cap = cap0 if at == lo and share < 0.5 else cap1
    if not ((at == lo and share == 0.0) or (j == hi - 1 and share == 1.0)):
        ahead = 0.0
    rho = (abs(w / r_side) ** n + abs(u / (r_front if u > 0 else r_back)) ** n + (ahead / max(cap, 1e-3)) ** n) ** (1.0 / n)
    if rho < 1e-6:
        return -min(r_front, r_back, r_side)
    return length * (1.0 - 1.0 / rho)


@njit(cache=True)
def _values(points, first, axis, front, side, radii, square, caps, blend):  # noqa: ANN001, ANN202
    out = np.empty(len(points))
    for v in range(len(points)):
        total = 1e9
        for part in range(len(first) - 1):
            d = _part(points[v], first[part], first[part + 1], axis, front, side, radii, square, caps[part, 0], caps[part, 1])
            k = blend[part]
            if k > 0.0 and abs(total - d) < k:
                h = 1.0 - abs(total - d) / k
                total = min(total, d) - 0.25 * k * h * h
            else:
                total = min(total, d)
        out[v] = max(total, -points[v, 2])  # nothing is below the ground: soles are flat
    return out


def values(field: Field, points: Array) -> Array:
    """``(V,)`` field at ``points`` ``(V, 3)``: negative inside, about metres near the surface; right side as the left."""
    half = points.copy()
    half[:, 1] = np.abs(half[:, 1])
    return np.clip(
        _values(half, field.first, field.axis, field.front, field.side, field.radii, field.square, field.caps, field.blend), -_CLAMP, _CLAMP
    )


def value_and_slope(field: Field, points: Array, step: float = 8e-4) -> tuple[Array, Array]:
    """``(V,)`` and ``(V, 3)``: the field and its gradient, from the corners of a small tetrahedron."""
    corners = np.array([[1.0, 1.0, 1.0], [1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]])
    found = np.stack([values(field, points + step * corner) for corner in corners])
    return found.mean(axis=0), np.einsum("kv,kc->vc", found, corners) / (4.0 * step)
