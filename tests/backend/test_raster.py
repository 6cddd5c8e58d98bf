"""The rasteriser against a slow reference, its fill rule, its depth order and its weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from backend.raster.kernels import NEAR
from backend.raster.rasteriser import barycentrics, interpolate, rasterise

WIDTH, HEIGHT, FOCAL = 37, 29, 25.0
CENTER = np.array([WIDTH / 2.0, HEIGHT / 2.0])
Array = NDArray[np.float64]


def rays() -> Array:
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    return np.stack([(x - CENTER[0]) / FOCAL, (y - CENTER[1]) / FOCAL, np.ones_like(x)], -1)


def reference(vertices: Array, faces: NDArray[np.int32]) -> tuple[Array, Array]:
    """Depth of the nearest hit, ``(H, W)``, and how far (relative) the nearest edge of any face is from the ray."""
    depth, margin = np.full((HEIGHT, WIDTH), np.inf), np.full((HEIGHT, WIDTH), np.inf)
    for a, b, c in vertices[faces]:
        det = a @ np.cross(b, c)
        weights = np.stack([rays() @ np.cross(b, c), rays() @ np.cross(c, a), rays() @ np.cross(a, b)], -1) / det
        total = weights.sum(-1)
        nearness = np.where(np.abs(total) < 1e-12, 1e-12, total)
        hit = (weights >= 0.0).all(-1) & (1.0 / nearness >= NEAR)
        margin = np.minimum(margin, np.abs(weights).min(-1) / np.abs(nearness))
        depth = np.where(hit, np.minimum(depth, 1.0 / nearness), depth)
    return depth, margin


coordinates = st.floats(-2.0, 2.0, allow_subnormal=False)
points = st.tuples(coordinates, coordinates, st.floats(-1.0, 4.0, allow_subnormal=False))


@settings(max_examples=60, deadline=None)
@given(st.lists(points, min_size=3, max_size=12))
def test_equals_slow_reference_also_across_the_camera_plane(corners: list[tuple[float, float, float]]) -> None:
    vertices = np.array(corners)
    n = len(vertices)
    faces = np.array([(i, (i + 1) % n, (i + 2) % n) for i in range(n)], np.int32)
    faces = faces[np.abs(np.linalg.det(vertices[faces])) > 1e-3]  # seen edge-on, rounding decides
    fragments = rasterise(vertices, faces, FOCAL, CENTER, WIDTH, HEIGHT)
    depth, margin = reference(vertices, faces)
    sure = (margin > 1e-6) & ~(np.abs(depth - NEAR) < 1e-4)
    assert np.array_equal(fragments.covered[sure], np.isfinite(depth)[sure])
    both = sure & np.isfinite(depth) & (depth > 0.01)
    np.testing.assert_allclose(fragments.depth[both], depth[both], rtol=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_shared_edges_are_drawn_exactly_once(seed: int) -> None:
    """A fan around a point on a pixel centre, corners on pixel centres: each pixel of the square belongs to one face."""
    rng = np.random.default_rng(seed)
    ring = np.array([[4.5, 4.5], [20.5, 4.5], [30.5, 4.5], [30.5, 16.5], [30.5, 24.5], [12.5, 24.5], [4.5, 24.5], [4.5, 10.5]])
    middle = np.array([[rng.integers(8, 25) + 0.5, rng.integers(8, 20) + 0.5]])
    pixels = np.concatenate([middle, ring])
    focal, center = 32.0, np.array([16.0, 16.0])  # powers of two: nothing is rounded, centres lie exactly on the edges
    vertices = np.concatenate([(pixels - center) / focal, np.ones((len(pixels), 1))], 1)
    faces = np.array([(0, 1 + i, 1 + (i + 1) % len(ring)) for i in range(len(ring))], np.int32)
    flip = rng.random(len(faces)) < 0.5
    faces[flip] = faces[flip][:, [0, 2, 1]]
    drawn = sum(rasterise(vertices, faces[i : i + 1], focal, center, WIDTH, HEIGHT).covered.astype(int) for i in range(len(faces)))
    assert drawn.max() == 1
    assert drawn[5:24, 5:30].all()


def test_nearest_face_is_seen_whatever_the_order() -> None:
    near = np.array([[-1.0, -1.0, 1.0], [1.0, -1.0, 1.0], [0.0, 1.0, 1.0]])
    vertices = np.concatenate([near, near + np.array([0.0, 0.0, 1.0])])
    for order in ([0, 1], [1, 0]):
        faces = np.arange(6, dtype=np.int32).reshape(2, 3)[order]
        seen = rasterise(vertices, faces, FOCAL, CENTER, WIDTH, HEIGHT)
        overlap = rasterise(vertices[:3], faces[:1] * 0 + [[0, 1, 2]], FOCAL, CENTER, WIDTH, HEIGHT).covered
        assert (seen.face[overlap] == order.index(0)).all()


def test_weights_reproduce_the_point_that_is_seen() -> None:
    vertices = np.array([[-1.0, -0.8, 1.5], [1.2, -0.5, 4.0], [0.1, 1.0, 2.0]])
    faces = np.array([[0, 1, 2]], np.int32)
    fragments = rasterise(vertices, faces, FOCAL, CENTER, WIDTH, HEIGHT)
    weights = barycentrics(fragments, vertices, faces, FOCAL, CENTER)
    seen = interpolate(fragments, weights, faces, vertices)
    covered = fragments.covered
    np.testing.assert_allclose(weights[covered].sum(-1), 1.0, atol=1e-6)
    np.testing.assert_allclose(seen[covered], rays()[covered] * fragments.depth[covered][:, None], atol=1e-5)


def test_nothing_in_front_and_nothing_finite_draws_nothing() -> None:
    faces = np.array([[0, 1, 2]], np.int32)
    behind = np.array([[-1.0, 0.0, -1.0], [1.0, 0.0, -2.0], [0.0, 1.0, -1.0]])
    for vertices in (behind, np.full((3, 3), np.nan), np.zeros((3, 3))):
        assert not rasterise(vertices, faces, FOCAL, CENTER, WIDTH, HEIGHT).covered.any()
