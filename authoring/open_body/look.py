"""Pictures of a body from several sides, to look at: ``python -m authoring.open_body.look OUT.png [--pose NAME]``."""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.bodies.body_model import identity_of, load_body_model, open_human, vertices_of
from revision_blender.motion.rotation import matrix_from_axis_angle

Array = NDArray[np.floating]

POSES: dict[str, dict[int, tuple[float, float, float]]] = {
    "rest": {},
    "sit": {1: (-1.6, 0, 0.1), 2: (-1.6, 0, -0.1), 4: (1.7, 0, 0), 5: (1.7, 0, 0), 18: (0, -1.6, 0), 19: (0, 1.6, 0), 16: (0, 0, -1.1), 17: (0, 0, 1.1)},
    "run": {1: (-1.0, 0, 0), 2: (0.5, 0, 0), 4: (1.4, 0, 0), 5: (0.9, 0, 0), 3: (0.2, 0.2, 0), 16: (0.3, 0.6, -1.2), 17: (0.3, 0.6, 1.2),
            18: (0, -1.5, 0), 19: (0, 1.5, 0), 12: (0, -0.4, 0), 7: (0.4, 0, 0), 8: (0.5, 0, 0), 11: (-0.5, 0, 0)},
    "reach": {16: (0, 0, 1.2), 17: (0, 0, 1.0), 13: (0, 0, 0.3), 14: (0, 0, -0.3), 3: (0, 0, 0.3), 6: (0, 0.3, 0.2), 15: (-0.3, 0.5, 0), 20: (0, 0, 0.6),
              21: (0.9, 0, 0), 1: (0, 0, 0.7), 22: (0, 0, -0.9)},
}  # fmt: skip


def pose(name: str) -> Array:
    axis_angle = np.zeros((1, 24, 3))
    for joint, value in POSES[name].items():
        axis_angle[0, joint] = value
    return matrix_from_axis_angle(axis_angle)


def picture(
    vertices: Array, faces: NDArray[np.integer], size: int, yaw: float, labels: NDArray[np.uint8] | None = None, zoom: float = 0.48
) -> NDArray[np.uint8]:
    """``(size, size, 3)``: an orthographic shaded view; back faces come out red."""
    turn = matrix_from_axis_angle(np.array([0.0, yaw, 0.0]))
    v = (vertices - 0.5 * (vertices.max(axis=0) + vertices.min(axis=0))) @ turn.T
    screen = np.stack([size * (0.5 + zoom * v[:, 0]), size * (0.5 - zoom * v[:, 1])], axis=1)
    image, depth = np.full((size, size, 3), 235, np.uint8), np.full((size, size), -np.inf)
    normals = np.cross(v[faces[:, 1]] - v[faces[:, 0]], v[faces[:, 2]] - v[faces[:, 0]])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    tint = np.random.default_rng(3).uniform(0.35, 1.0, (256, 3))
    for face, normal in zip(faces, normals, strict=True):
        base = tint[labels[face[0]]] if labels is not None else np.array([0.92, 0.8, 0.72])
        light = 0.25 + 0.75 * max(0.0, float(normal @ np.array([0.3, 0.4, 0.866])))
        colour = 255 * base * light if normal[2] > 0.0 else np.array([230.0, 40.0, 40.0])
        _draw(image, depth, screen[face], v[face, 2], colour)
    return image


def _draw(image: NDArray[np.uint8], depth: Array, p: Array, z: Array, colour: Array) -> None:
    low = np.maximum(np.floor(p.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(p.max(axis=0)).astype(int) + 1, image.shape[0])
    area = (p[1, 0] - p[0, 0]) * (p[2, 1] - p[0, 1]) - (p[1, 1] - p[0, 1]) * (p[2, 0] - p[0, 0])
    if abs(area) < 1e-9 or (high <= low).any():
        return
    y, x = np.mgrid[low[1] : high[1], low[0] : high[0]] + 0.5
    b1 = ((x - p[0, 0]) * (p[2, 1] - p[0, 1]) - (y - p[0, 1]) * (p[2, 0] - p[0, 0])) / area
    b2 = ((p[1, 0] - p[0, 0]) * (y - p[0, 1]) - (p[1, 1] - p[0, 1]) * (x - p[0, 0])) / area
    near = z[0] + b1 * (z[1] - z[0]) + b2 * (z[2] - z[0])
    window = depth[low[1] : high[1], low[0] : high[0]]
    hit = (b1 >= 0) & (b2 >= 0) & (b1 + b2 <= 1) & (near > window)
    window[hit] = near[hit]
    image[low[1] : high[1], low[0] : high[0]][hit] = np.clip(colour, 0, 255).astype(np.uint8)


def main() -> None:
    import cv2

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--pose", default="rest", choices=sorted(POSES))
    parser.add_argument("--beta", type=float, nargs="*", default=[])
    parser.add_argument("--labels", action="store_true")
    parser.add_argument("--size", type=int, default=500)
    parser.add_argument("--no-correctives", action="store_true")
    arguments = parser.parse_args()
    model = load_body_model(arguments.model) if arguments.model else open_human()
    body = vertices_of(identity_of(model, np.array(arguments.beta)), pose(arguments.pose), np.zeros((1, 3)), not arguments.no_correctives)[
        0
    ]
    labels = model.part_labels if arguments.labels else None
    views = [picture(body, model.faces, arguments.size, yaw, labels) for yaw in (0.0, 0.8, 1.571, 3.1416)]
    cv2.imwrite(str(arguments.out), np.concatenate(views, axis=1)[..., ::-1])


if __name__ == "__main__":
    main()
