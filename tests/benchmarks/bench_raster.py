"""The rasteriser's speed: one frame of a body-sized mesh, 13,780 faces over about 28 % of 1024 x 576 pixels, one core."""

import json
import time

import numpy as np
from numpy.typing import NDArray

from backend.raster.rasteriser import blank, rasterise

WIDTH, HEIGHT, FOCAL, REPEATS = 1024, 576, 1000.0, 40
BAR_MS = 5.0


def ellipsoid(rings: int = 53, segments: int = 130) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """A closed surface of ``2 * rings * segments`` faces before the camera, metres."""
    polar, around = np.meshgrid(np.linspace(0.0, np.pi, rings + 1), np.arange(segments) / segments * 2.0 * np.pi, indexing="ij")
    points = np.stack([np.sin(polar) * np.cos(around) * 0.62, np.cos(polar) * 0.84, np.sin(polar) * np.sin(around) * 0.3], -1)
    ring, segment = np.meshgrid(np.arange(rings), np.arange(segments), indexing="ij")
    a, b = ring * segments + segment, ring * segments + (segment + 1) % segments
    quads = np.stack([a, b, b + segments, a + segments], -1).reshape(-1, 4)
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    return points.reshape(-1, 3) + np.array([0.0, 0.0, 3.2]), faces.astype(np.int32)


def main() -> None:
    vertices, faces = ellipsoid()
    center = np.array([WIDTH / 2, HEIGHT / 2])
    covered = rasterise(vertices, faces, FOCAL, center, WIDTH, HEIGHT).covered.mean()
    canvas, seconds = blank(WIDTH, HEIGHT), []
    for _ in range(REPEATS):
        start = time.thread_time()  # of this core: what else the machine does is not the rasteriser's
        rasterise(vertices, faces, FOCAL, center, WIDTH, HEIGHT, canvas)
        seconds.append(time.thread_time() - start)
    row = {
        "name": "raster",
        "ms_a_frame": round(1000 * float(np.median(seconds)), 3),
        "best_ms": round(1000 * min(seconds), 3),
        "bar_ms": BAR_MS,
    }
    print(json.dumps(row | {"faces": len(faces), "coverage": round(float(covered), 3)}))


if __name__ == "__main__":
    main()
