"""Where the cage's vertices lie on one animal, before they are drawn onto its skin."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from .animals import Animal
from .cage import (
    CORNER,
    EAR_HOLE,
    EAR_RINGS,
    EYE_HOLE,
    LAST,
    LIP,
    STATIONS,
    TAIL_RINGS,
    Cage,
    Key,
    round_hole,
    tail_hole,
)  # fmt: skip
from .field import leg_sweep, neck_sweep, tail_sweep
from .frames import head_frame

Array = NDArray[np.float64]
Places = dict[Key, Array]

_FULLER = 1.06  # subdivision shrinks a ring by about this much
_TRUNK_RINGS = (0.0, 0.075, 0.17, 0.25, 0.33, 0.41, 0.49, 0.57, 0.65, 0.73, 0.80, 0.87)  # shares of the trunk's length
_TAIL_ROOM = np.radians([65.0, 50.0, 38.0])  # the tail grows from between the first columns of these rings
_LEG_ANGLES = np.radians(-54.0 + 36.0 * np.arange(10))  # 0 outside, 90 degrees in front
_EIGHT = np.radians(45.0 * np.arange(8))


def cage_places(a: Animal, cage: Cage) -> Array:
    """``(V, 3)`` in withers heights, exactly symmetric."""
    places: Places = {}
    _tube_places(a, places)
    _mouth_places(a, places)
    for which in STATIONS:
        _leg_places(a, which, places)
    _tail_places(a, places)
    _ear_places(a, places)
    _lid_places(a, places)
    flip = np.array([1.0, -1.0, 1.0])
    result = np.full((len(cage.keys), 3), np.nan)
    for v, key in enumerate(cage.keys):
        if key in places:
            result[v] = places[key]
    missing = np.isnan(result[:, 0])
    result[missing] = result[cage.mirror[missing]] * flip
    middle = cage.mirror == np.arange(len(result))
    result[middle, 1] = 0.0
    return result


def _ring(top: Array, bottom: Array, wide: float, lip: float | None = None, first: float | None = None) -> Array:
    """``(9, 3)`` the left half of a section; lip: where column ``LIP`` lies between top (1) and bottom (-1). first: column 1's angle."""
    angle = np.pi * np.arange(9) / 8
    if lip is not None:
        at = np.arccos(np.clip(lip, -0.9, 0.9))
        angle = np.interp(np.arange(9), [0, LIP, 8], [0.0, at, np.pi])
    if first is not None:
        angle = np.interp(np.arange(9), [0, 1, 8], [0.0, first, np.pi])
    centre, half = 0.5 * (top + bottom), 0.5 * (top - bottom)
    return centre + np.cos(angle)[:, None] * half + (wide * np.sin(angle))[:, None] * np.array([0.0, 1.0, 0.0])


def _tube_places(a: Animal, places: Places) -> None:
    rings = [*_trunk_rings(a), *_breast_and_neck_rings(a), *_head_rings(a)]
    for r, ring in enumerate(rings):
        for c in range(9):
            places["body", r, c] = ring[c]
            if r > CORNER and c == LIP:
                places["lip", r, c] = ring[c]
    start = rings[0]
    for j in range(1, 8):
        places["rump", j] = start[j] * [1.0, 0.0, 1.0] + np.array([-0.045, 0.0, 0.0])


def _trunk_line(a: Animal) -> Callable[[float], tuple[Array, Array, float]]:
    x = a.trunk[:, 0]
    curve = PchipInterpolator(x, a.trunk[:, 1:4])

    def at(share: float) -> tuple[Array, Array, float]:
        here = x[0] + share * (x[-1] - x[0])
        top, bottom, wide = curve(here)
        return np.array([here, 0.0, top]), np.array([here, 0.0, bottom]), float(wide)

    return at


def _trunk_rings(a: Animal) -> list[Array]:
    at, tops = _trunk_line(a), _top_shares(a)
    rings = []
    for r, (top, share) in enumerate(zip(tops, _TRUNK_RINGS, strict=False)):
        rings.append(_ring(at(top)[0], *at(share)[1:], first=_TAIL_ROOM[r] if r < len(_TAIL_ROOM) else None))
    return rings


def _top_shares(a: Animal) -> Array:
    """``(13,)`` where the rings meet the back: in front they lean backwards, because the neck's crest begins behind the breast."""
    crest = float(neck_sweep_coarse(a)(1.2)[0][0])
    end = (crest - float(a.trunk[0, 0])) / float(np.ptp(a.trunk[:, 0]))
    leaning = np.linspace(_TRUNK_RINGS[7], end, 7)[1:-1]
    return np.concatenate([_TRUNK_RINGS[:8], leaning])


def _breast_and_neck_rings(a: Animal) -> list[Array]:
    at, neck = _trunk_line(a), neck_sweep_coarse(a)
    breast = np.array([a.trunk[-1, 0] + 0.04, 0.0, 0.5 * (a.trunk[-1, 1] + a.trunk[-1, 2]) - 0.02])
    tops = [at(_top_shares(a)[12])[0], neck(1.2)[0], neck(1.8)[0], neck(2.35)[0], neck(3.0)[0], neck(3.6)[0]]
    bottoms = [at(0.95)[1], breast, neck(1.25)[1], neck(1.85)[1], neck(2.4)[1], neck(2.9)[1]]
    wides = [at(0.93)[2], neck(0.8)[2], neck(1.5)[2], neck(2.2)[2], neck(2.9)[2], neck(3.5)[2]]
    return [_ring(*row) for row in zip(tops, bottoms, wides, strict=True)]


def neck_sweep_coarse(a: Animal) -> Callable[[float], tuple[Array, Array, float]]:
    sweep = neck_sweep(a)
    pieces = (len(sweep.axis) - 1) / (len(a.neck) - 1)

    def at(station: float) -> tuple[Array, Array, float]:
        centre, front, _, _, radii = (v[0] for v in sweep.at(np.array([station * pieces])))
        return centre + radii[0] * front, centre - radii[1] * front, float(radii[2])

    return at


def head_stations(a: Animal) -> Array:
    """``(11,)`` along the head's upper line, in head lengths: the rings from behind the ears to the nose."""
    ear, eye, corner = a.ear[0, 0], a.eye[0], a.mouth[0] + 0.02
    ear_half = 1.15 * a.ear_size[0]
    eye_half = 1.9 * a.eye[3]
    behind_eye = max(eye - eye_half, ear + 0.35 * (eye - ear))
    after_eye = eye + eye_half
    front = np.linspace(max(corner, after_eye + 0.03), 0.955, 5)
    return np.array([ear - ear_half, ear, min(ear + ear_half, ear + 0.6 * (behind_eye - ear)), behind_eye, eye, after_eye, *front])


def lip_stations(a: Animal) -> Array:
    """``(5,)`` where the rings from the mouth's corner on meet the lips; an eye close above the mouth does not move them."""
    return np.linspace(float(a.mouth[0]), 0.955, 5)


def _head_rings(a: Animal) -> list[Array]:
    head, stations = head_frame(a), head_stations(a)
    top, wide_up = PchipInterpolator(a.skull[:, 0], a.skull[:, 1]), PchipInterpolator(a.skull[:, 0], a.skull[:, 3])
    low, wide_low = PchipInterpolator(a.jaw[:, 0], a.jaw[:, 2]), PchipInterpolator(a.jaw[:, 0], a.jaw[:, 3])
    under = lower_stations(a, stations)
    throat = neck_sweep_coarse(a)(3.35)[1]
    rings = []
    for i, (h, g) in enumerate(zip(stations, under, strict=True)):
        above = head.points(np.array(h), top(np.clip(h, 0.0, 1.0)), np.array(0.0))
        below = head.points(np.array(g), low(max(g, a.jaw[0, 0])), np.array(0.0)) if i else throat
        wide = head.length * max(wide_up(np.clip(h, 0.0, 1.0)), wide_low(np.clip(g, a.jaw[0, 0], a.jaw[-1, 0])) if i else 0.0)
        ring = _ring(above, below, wide, _lip_share(a, h, top, low(max(g, a.jaw[0, 0]))) if i >= CORNER - EAR_HOLE - 1 else None)
        rings.append(ring)
    return rings


def lower_stations(a: Animal, stations: Array) -> Array:
    """Where the same rings meet the lower jaw's edge: the throat first, the chin a little behind the nose."""
    corner_index = CORNER - EAR_HOLE
    chin = float(a.jaw[-1, 0])
    behind = np.linspace(a.jaw[0, 0] - 0.1, a.mouth[0], corner_index)
    front = np.linspace(a.mouth[0], chin, len(stations) - corner_index)
    return np.concatenate([[a.jaw[0, 0] - 0.15], behind[1:], front])


def lip_height(a: Animal, along: float) -> float:
    """Height of the mouth line at ``along``, in head lengths."""
    corner, height, front, _ = a.mouth
    return float(np.interp(along, [corner, 1.0], [height, front]))


def _lip_share(a: Animal, along: float, top: PchipInterpolator, bottom: float) -> float:
    up = float(top(np.clip(along, 0.0, 1.0)))
    return (2.0 * lip_height(a, along) - up - bottom) / (up - bottom)


def _mouth_places(a: Animal, places: Places) -> None:
    head, stations = head_frame(a), lip_stations(a)
    for r in range(CORNER, LAST + 1):
        h = float(stations[r - CORNER])
        height = lip_height(a, h)
        wide = float(places["body", r, LIP][1]) * a.mouth[3]
        at = head.points(np.array(h), np.array(height), np.array(0.0))
        for kind in ("body", "lip") if r > CORNER else ("body",):
            places[kind, r, LIP] = at + np.array([0.0, wide, 0.0])
        if CORNER < r < LAST:
            places["palate", r] = at + 0.022 * head.length * head.up
            places["floor", r] = at - 0.02 * head.length * head.up
    h = float(stations[0])
    places[("throat",)] = head.points(np.array(h - 0.03), np.array(lip_height(a, h)), np.array(0.0))
    for j in range(1, 8):
        row = places["body", LAST, j]
        height = float((row - head.origin) @ head.up) / head.length
        reach = 0.955 + 0.065 * np.sin(np.pi * j / (LIP + 1)) if j <= LIP else a.jaw[-1, 0] + 0.03 - 0.012 * (j - LIP - 1)
        front = head.points(np.array(reach if j != LIP else 1.0), np.array(0.94 * height if j < LIP else height), np.array(0.0))
        places["nose", j] = front
    lip = places["nose", LIP]
    places["nose", LIP, "low"] = lip - 0.02 * head.length * head.along


def leg_axes(a: Animal, cage: Cage) -> tuple[NDArray[np.int64], Array]:
    """The leg rings' vertices on the left, ``(K,)`` numbers in the cage, and ``(K, 3)`` the points on the bones that they surround."""
    centres = {which: leg_sweep(a, which).at(np.array(STATIONS[which]) * 3.0)[0] for which in STATIONS}
    rows = [(v, centres[str(key[1])][int(key[3])]) for v, key in enumerate(cage.keys) if key[0] == "leg" and key[2] == "left"]  # type: ignore[call-overload]
    return np.array([v for v, _ in rows]), np.stack([centre for _, centre in rows])


def _leg_places(a: Animal, which: str, places: Places) -> None:
    sweep = leg_sweep(a, which)
    stations = np.array(STATIONS[which])
    centre, front, side, tangent, radii = sweep.at(stations * 3.0)
    for i in range(len(stations)):
        forward = np.where(np.sin(_LEG_ANGLES) > 0, radii[i, 0], radii[i, 1]) * np.sin(_LEG_ANGLES)
        outward = radii[i, 2] * np.cos(_LEG_ANGLES)
        ring = centre[i] + _FULLER * (forward[:, None] * front[i] + outward[:, None] * side[i])
        for k in range(10):
            places["leg", which, "left", i, k] = ring[k]
    last = len(stations) - 1
    for j in range(1, 5):
        ends = [places["leg", which, "left", last, (4 - j) % 10], places["leg", which, "left", last, (4 + j) % 10]]
        places["sole", which, "left", j] = 0.5 * (ends[0] + ends[1]) + 0.02 * tangent[-1]


def _tail_places(a: Animal, places: Places) -> None:
    centre, front, _side, tangent, radii = tail_sweep(a).at(np.array(TAIL_RINGS) * 3.0)
    angles = _EIGHT  # 0 below (the tail's front), left at 90 degrees
    for i in range(len(TAIL_RINGS)):
        ring = centre[i] + _FULLER * radii[i, :1] * (
            np.cos(angles)[:, None] * front[i] + np.sin(angles)[:, None] * np.array([0.0, 1.0, 0.0])
        )
        for k in range(5):
            places["tail", i, k] = ring[k]
    root, down, _, _, girth = (v[0] for v in tail_sweep(a).at(np.array([1.2])))
    for k, key in enumerate(tail_hole()[:5]):
        places[key] = root + 1.25 * girth[0] * (np.cos(_EIGHT[k]) * down + np.sin(_EIGHT[k]) * np.array([0.0, 1.0, 0.0]))
    for j in range(1, 4):
        places["tail_end", j] = centre[-1] + 0.6 * radii[-1, 0] * tangent[-1] + (0.4 * (2 - j)) * radii[-1, 0] * front[-1]


def ear_frame(a: Animal, share: float) -> tuple[Array, Array, Array, Array]:
    """Centre, axis, opening direction and width direction of the left ear at ``share`` of its length."""
    head = head_frame(a)
    points = head.points(a.ear[:, 0], a.ear[:, 1], a.ear[:, 2])
    weights = lambda t: np.array([(1 - t) * (1 - 2 * t), 4 * t * (1 - t), t * (2 * t - 1)])  # noqa: E731 a parabola through the three
    axis = (weights(share + 0.01) - weights(share - 0.01)) @ points
    axis = axis / np.linalg.norm(axis)
    face = head.direction(*a.ear_face[[0, 1, 2]])
    face = face - (face @ axis) * axis
    face = face / np.linalg.norm(face)
    return weights(share) @ points, axis, face, np.cross(axis, face)


def _ear_places(a: Animal, places: Places) -> None:
    head = head_frame(a)
    base, middle, thick = a.ear_size * head.length
    width = PchipInterpolator(
        [0.0, 0.12, 0.4, 0.68, 0.9, 1.0], [base, 1.05 * base, 0.55 * base + 0.55 * middle, middle, 0.42 * middle, 0.1 * middle]
    )
    cup = PchipInterpolator([0.0, 0.15, 0.6, 1.0], [0.1, 0.5, 0.55, 0.1])
    across, ahead = np.sin(_EIGHT), np.cos(_EIGHT)
    for i, share in enumerate((0.0, *EAR_RINGS)):
        centre, _, face, wide = ear_frame(a, share)
        half = float(width(share))
        wall = thick * (2.2 - 1.4 * min(1.0, share / 0.4)) if i else 0.75 * half
        depth = float(cup(share)) * half * (1.0 - across**2) if i else 0.0 * across
        ring = centre + (1.08 * half * across)[:, None] * wide + (wall * ahead - depth)[:, None] * face
        for k, key in enumerate(round_hole(EAR_HOLE, 2)):
            places["ear", "left", i - 1, k] = ring[k]
            if i == 0:
                places[key] = ring[k]
    for k in range(8):
        places.pop(("ear", "left", -1, k))
    tip, _axis, face, wide = ear_frame(a, 1.0)
    for j in range(1, 4):
        places["ear_end", "left", j] = tip + (j - 2) * -0.3 * thick * face


def eye_frame(a: Animal) -> tuple[Array, float, Array, Array, Array]:
    """Centre, radius, gaze, forward and down directions of the left eye."""
    head = head_frame(a)
    gaze = head.direction(*a.eye[4:])
    ahead = head.along - (head.along @ gaze) * gaze
    ahead = ahead / np.linalg.norm(ahead)
    return head.points(a.eye[0], a.eye[1], a.eye[2]), float(a.eye[3]) * head.length, gaze, ahead, np.cross(gaze, ahead)


def _lid_places(a: Animal, places: Places) -> None:
    centre, radius, gaze, ahead, down = eye_frame(a)
    around = np.cos(_EIGHT)[:, None] * ahead + np.sin(_EIGHT)[:, None] * down
    stretch = 1.0 - 0.30 * np.sin(_EIGHT) ** 2  # the slit is wider than high
    # radius of the shell that the ring lies on and its opening angle: hole in the skin, lid, lid's edge, inside
    rings = ((1.22, 1.65), (1.13, 1.22), (1.07, 1.02), (0.86, 0.98))
    for i, (shell, opening) in enumerate(rings):
        angle = opening * stretch
        ring = centre + shell * radius * (np.cos(angle)[:, None] * gaze + np.sin(angle)[:, None] * around)
        if i == 0:
            ring = centre + radius * (0.1 * gaze + 1.75 * np.sqrt(stretch)[:, None] * around)
        for k, key in enumerate(round_hole(EYE_HOLE, 3)):
            if i == 0:
                places[key] = ring[k]
            else:
                places["lid", "left", i - 1, k] = ring[k]
    for j in range(1, 4):
        places["lid_end", "left", j] = centre + 0.7 * radius * gaze
