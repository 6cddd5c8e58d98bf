"""The rasteriser's compiled loops. Coordinates: camera metres in, pixels for everything on the picture."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

NEAR = 1e-3  # metres: nothing nearer to the camera plane is drawn


@njit(cache=True)
def _cut_box(points: F64, triangles: I32, index: int, focal: float, cx: float, cy: float) -> tuple[float, float, float, float]:
    """Pixel bounds of the part of a face that lies before the near plane: left, right, top, bottom; empty if none does."""
    left, right, top, bottom = np.inf, -np.inf, np.inf, -np.inf
    for corner in range(3):
        p, q = triangles[index, corner], triangles[index, (corner + 1) % 3]
        x, y, z = points[p, 0], points[p, 1], points[p, 2]
        if z >= NEAR:
            u, v = x / z * focal + cx, y / z * focal + cy
            left, right, top, bottom = min(left, u), max(right, u), min(top, v), max(bottom, v)
        if (z < NEAR) != (points[q, 2] < NEAR):  # the edge crosses the near plane: its point there
            t = (NEAR - z) / (points[q, 2] - z)
            u = (x + t * (points[q, 0] - x)) / NEAR * focal + cx
            v = (y + t * (points[q, 1] - y)) / NEAR * focal + cy
            left, right, top, bottom = min(left, u), max(right, u), min(top, v), max(bottom, v)
    return left, right, top, bottom


@njit(cache=True)
def _edge(points: F64, p: int, q: int, focal: float, cx: float, cy: float) -> tuple[float, float, float]:
    """Coefficients (x, y, 1) of the edge function d.(p x q) at the centre of pixel (x, y).

    Swapping p and q negates every number exactly, so faces that share an edge agree about its line to the last bit.
    """
    px, py, pz = points[p, 0], points[p, 1], points[p, 2]
    qx, qy, qz = points[q, 0], points[q, 1], points[q, 2]
    nx = (py * qz - pz * qy) / focal
    ny = (pz * qx - px * qz) / focal
    return nx, ny, (px * qy - py * qx) - (nx * (cx - 0.5) + ny * (cy - 0.5))


@njit(cache=True)
def _owns(nx: float, ny: float, nz: float) -> bool:
    """Whether centres exactly on this edge belong to the face: true for exactly one of the two directions of an edge."""
    return nx > 0.0 or (nx == 0.0 and (ny > 0.0 or (ny == 0.0 and nz > 0.0)))


@njit(cache=True)
def _determinant(points: F64, p: int, q: int, r: int) -> float:
    ax, ay, az = points[p, 0], points[p, 1], points[p, 2]
    bx, by, bz = points[q, 0], points[q, 1], points[q, 2]
    cx, cy, cz = points[r, 0], points[r, 1], points[r, 2]
    return ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx)


@njit(cache=True)
def draw(points: F64, triangles: I32, focal: float, cx: float, cy: float, face: I32, inverse_depth: F32) -> None:
    screen = np.empty((len(points), 2))
    for index in range(len(points)):
        safe = points[index, 2] if points[index, 2] >= NEAR else 1.0
        screen[index, 0] = points[index, 0] / safe * focal + cx
        screen[index, 1] = points[index, 1] / safe * focal + cy
    size = np.empty(len(triangles))
    for index in range(len(triangles)):
        size[index] = _determinant(points, triangles[index, 0], triangles[index, 1], triangles[index, 2])
    # faces turned towards the camera first: most others then fail the depth test, which is cheap and well predicted
    _draw_side(points, screen, triangles, size, -1.0, focal, cx, cy, face, inverse_depth)
    _draw_side(points, screen, triangles, size, 1.0, focal, cx, cy, face, inverse_depth)


@njit(cache=True)
def _draw_side(
    points: F64, screen: F64, triangles: I32, size: F64, side: float, focal: float, cx: float, cy: float, face: I32, inverse_depth: F32
) -> None:
    """Draws the faces whose determinant has the sign of ``side``; -1 is a face whose outer side (counter-clockwise) is seen."""
    height, width = face.shape
    for index in range(len(triangles)):
        if not size[index] * side > 0.0:  # of the other side, without area, exactly edge-on, or not a number
            continue
        p, q, r = triangles[index, 0], triangles[index, 1], triangles[index, 2]
        if points[p, 2] >= NEAR and points[q, 2] >= NEAR and points[r, 2] >= NEAR:
            left = min(screen[p, 0], screen[q, 0], screen[r, 0])
            right = max(screen[p, 0], screen[q, 0], screen[r, 0])
            top = min(screen[p, 1], screen[q, 1], screen[r, 1])
            bottom = max(screen[p, 1], screen[q, 1], screen[r, 1])
        else:
            left, right, top, bottom = _cut_box(points, triangles, index, focal, cx, cy)
        if not (right > 0.0 and left < width and bottom > 0.0 and top < height):
            continue
        # a little slack: the edge functions decide, the box must only never cut
        x0, x1 = int(max(np.ceil(left - 0.501), 0.0)), int(min(np.floor(right - 0.499), width - 1.0))
        y0, y1 = int(max(np.ceil(top - 0.501), 0.0)), int(min(np.floor(bottom - 0.499), height - 1.0))
        if x0 <= x1 and y0 <= y1 and side > 0.0:
            _fill(points, p, q, r, size[index], index, focal, cx, cy, x0, x1, y0, y1, face, inverse_depth)
        elif x0 <= x1 and y0 <= y1:
            _fill(points, p, r, q, -size[index], index, focal, cx, cy, x0, x1, y0, y1, face, inverse_depth)


@njit(cache=True)
def _fill(
    points: F64,
    p: int,
    q: int,
    r: int,
    det: float,
    index: int,
    focal: float,
    cx: float,
    cy: float,
    x0: int,
    x1: int,
    y0: int,
    y1: int,
    face: I32,
    inverse_depth: F32,
) -> None:
    """Draws one face inside pixel bounds; its corners come in the order that makes their determinant positive."""
    ux, uy, uz = _edge(points, q, r, focal, cx, cy)
    vx, vy, vz = _edge(points, r, p, focal, cx, cy)
    wx, wy, wz = _edge(points, p, q, focal, cx, cy)
    own_u, own_v, own_w = _owns(ux, uy, uz), _owns(vx, vy, vz), _owns(wx, wy, wz)
    slope, across, down, farthest = (ux + vx + wx) / det, (uy + vy + wy) / det, (uz + vz + wz) / det, 1.0 / NEAR
    slack = 1e-3  # pixels: the run is estimated by division, its ends are then decided by the edge functions
    iu, iv, iw = -_inverse(ux), -_inverse(vx), -_inverse(wx)
    for y in range(y0, y1 + 1):
        row_u, row_v, row_w = uy * y + uz, vy * y + vz, wy * y + wz
        left, right = _narrow(x0 - 0.5, x1 + 0.5, ux, row_u * iu)
        left, right = _narrow(left, right, vx, row_v * iv)
        left, right = _narrow(left, right, wx, row_w * iw)
        first, last = int(np.ceil(left - slack)), int(np.floor(right + slack))
        while first <= last and not (
            _inside(row_u + ux * first, own_u) and _inside(row_v + vx * first, own_v) and _inside(row_w + wx * first, own_w)
        ):
            first += 1
        while last > first and not (
            _inside(row_u + ux * last, own_u) and _inside(row_v + vx * last, own_v) and _inside(row_w + wx * last, own_w)
        ):
            last -= 1
        row = across * y + down
        for x in range(first, last + 1):
            nearness = np.float32(row + slope * x)
            if nearness > inverse_depth[y, x] and nearness <= farthest:
                inverse_depth[y, x] = nearness
                face[y, x] = index


@njit(cache=True)
def _inverse(value: float) -> float:
    return 1.0 / value if value != 0.0 else 0.0


@njit(cache=True)
def _inside(value: float, owner: bool) -> bool:
    return value > 0.0 or (value == 0.0 and owner)


@njit(cache=True)
def _narrow(left: float, right: float, slope: float, crossing: float) -> tuple[float, float]:
    """Cuts a row's run where an edge function, growing by ``slope`` a pixel, crosses zero."""
    if slope > 0.0:
        return max(left, crossing), right
    if slope < 0.0:
        return left, min(right, crossing)
    return left, right


@njit(cache=True)
def weigh(points: F64, triangles: I32, focal: float, cx: float, cy: float, face: I32, weights: F32) -> None:
    height, width = face.shape
    for y in range(height):
        for x in range(width):
            index = face[y, x]
            if index < 0:
                continue
            p, q, r = triangles[index, 0], triangles[index, 1], triangles[index, 2]
            ux, uy, uz = _edge(points, q, r, focal, cx, cy)
            vx, vy, vz = _edge(points, r, p, focal, cx, cy)
            wx, wy, wz = _edge(points, p, q, focal, cx, cy)
            u, v, w = (uy * y + uz) + ux * x, (vy * y + vz) + vx * x, (wy * y + wz) + wx * x
            total = u + v + w
            weights[y, x, 0], weights[y, x, 1], weights[y, x, 2] = u / total, v / total, w / total


@njit(cache=True)
def spread(face: I32, weights: F32, triangles: I32, values: F32, result: F32) -> None:
    height, width = face.shape
    for y in range(height):
        for x in range(width):
            index = face[y, x]
            if index < 0:
                continue
            for corner in range(3):
                weight = weights[y, x, corner]
                vertex = triangles[index, corner]
                for channel in range(values.shape[1]):
                    result[y, x, channel] += weight * values[vertex, channel]


@njit(cache=True)
def paint(face: I32, values: NDArray[np.unsignedinteger], result: NDArray[np.unsignedinteger]) -> None:
    """Each covered pixel takes the value of its face; others stay."""
    height, width = face.shape
    for y in range(height):
        for x in range(width):
            if face[y, x] >= 0:
                result[y, x] = values[face[y, x]]
