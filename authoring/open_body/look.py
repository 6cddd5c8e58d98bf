"""Pictures of a body from several sides, to look at: ``python -m authoring.open_body.look OUT.png [--pose NAME]``.

``--at head --zoom 4`` looks closer; ``--model`` takes another body, also one with fingers and a face.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.bodies.body_model import identity_of, joints_of, load_body_model, open_human, vertices_of
from revision_blender.motion.rotation import matrix_from_axis_angle
from revision_blender.motion.skeletons import skeleton_of

Array = NDArray[np.floating]

Turn = tuple[float, float, float]
POSES: dict[str, dict[int, Turn]] = {
    "rest": {},
    "sit": {1: (-1.6, 0, 0.1), 2: (-1.6, 0, -0.1), 4: (1.7, 0, 0), 5: (1.7, 0, 0), 18: (0, -1.6, 0), 19: (0, 1.6, 0), 16: (0, 0, -1.1), 17: (0, 0, 1.1)},
    "run": {1: (-1.0, 0, 0), 2: (0.5, 0, 0), 4: (1.4, 0, 0), 5: (0.9, 0, 0), 3: (0.2, 0.2, 0), 16: (0.3, 0.6, -1.2), 17: (0.3, 0.6, 1.2),
            18: (0, -1.5, 0), 19: (0, 1.5, 0), 12: (0, -0.4, 0), 7: (0.4, 0, 0), 8: (0.5, 0, 0), 11: (-0.5, 0, 0)},
    "reach": {16: (0, 0, 1.2), 17: (0, 0, 1.0), 13: (0, 0, 0.3), 14: (0, 0, -0.3), 3: (0, 0, 0.3), 6: (0, 0.3, 0.2), 15: (-0.3, 0.5, 0), 20: (0, 0, 0.6),
              21: (0.9, 0, 0), 1: (0, 0, 0.7), 22: (0, 0, -0.9)},
}  # fmt: skip
_BENT: tuple[Turn, ...] = ((0.0, 0.0, -1.4), (0.0, 0.0, -1.6), (0.0, 0.0, -1.0))
_THUMB: dict[str, Turn] = {"thumb1": (0.25, 0.45, -0.1), "thumb2": (0.35, 0.6, 0.1), "thumb3": (0.4, 0.7, 0.1)}
_STRAIGHT = ("index", "middle", "ring", "pinky")
HANDS: dict[str, dict[str, Turn]] = {  # the left hand; the right one mirrors it
    "fist": {**{f"{finger}{n}": _BENT[n - 1] for finger in _STRAIGHT for n in (1, 2, 3)}, **_THUMB},
    "point": {**{f"{finger}{n}": _BENT[n - 1] for finger in _STRAIGHT[1:] for n in (1, 2, 3)}, **_THUMB},
    "spread": {"index1": (0, -0.3, 0), "ring1": (0, 0.2, 0), "pinky1": (0, 0.4, 0), "thumb1": (0, -0.4, 0)},
    "sixty": {f"{finger}{n}": (0.0, 0.0, -np.pi / 3) for finger in _STRAIGHT for n in (1, 2, 3)},
}
FACES: dict[str, dict[str, Turn]] = {
    "open": {"jaw": (0.4, 0.0, 0.0)},
    "aside": {"left_eye": (0.0, 0.5, 0.0), "right_eye": (0.0, 0.5, 0.0), "jaw": (0.1, 0.15, 0.0)},
    "down": {"left_eye": (0.35, 0.0, 0.0), "right_eye": (0.35, 0.0, 0.0)},
}


def pose(name: str, family: str) -> Array:
    """``(1, J, 3, 3)`` rotations of a pose by its name; raises ``BodyModelError`` where the skeleton lacks a joint of it."""
    skeleton = skeleton_of(family)
    axis_angle = np.zeros((1, skeleton.n_joints, 3))
    for joint, value in POSES.get(name, {}).items():
        if joint < skeleton.n_joints and (family == "smpl" or joint < 22):
            axis_angle[0, joint] = value
    for joint, (x, y, z) in HANDS.get(name, {}).items():
        axis_angle[0, skeleton.index(f"left_{joint}")] = x, y, z
        axis_angle[0, skeleton.index(f"right_{joint}")] = x, -y, -z
    for joint, value in FACES.get(name, {}).items():
        axis_angle[0, skeleton.index(joint)] = value
    return matrix_from_axis_angle(axis_angle)


def picture(
    vertices: Array,
    faces: NDArray[np.integer],
    size: int,
    yaw: float,
    labels: NDArray[np.uint8] | None = None,
    zoom: float = 0.48,
    centre: Array | None = None,
    pitch: float = 0.0,
) -> NDArray[np.uint8]:
    """``(size, size, 3)``: an orthographic shaded view; back faces come out red. zoom: picture widths a metre."""
    turn = matrix_from_axis_angle(np.array([pitch, 0.0, 0.0])) @ matrix_from_axis_angle(np.array([0.0, yaw, 0.0]))
    middle = 0.5 * (vertices.max(axis=0) + vertices.min(axis=0)) if centre is None else centre
    v = (vertices - middle) @ turn.T
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
    parser.add_argument("--pose", default="rest", choices=sorted([*POSES, *HANDS, *FACES]))
    parser.add_argument("--beta", type=float, nargs="*", default=[])
    parser.add_argument("--expression", type=float, nargs="*", default=[])
    parser.add_argument("--at", default=None, help="joint in the middle of the picture")
    parser.add_argument("--zoom", type=float, default=1.0)
    parser.add_argument("--pitch", type=float, default=0.0, help="rad; positive looks from above")
    parser.add_argument("--labels", action="store_true")
    parser.add_argument("--size", type=int, default=500)
    parser.add_argument("--no-correctives", action="store_true")
    arguments = parser.parse_args()
    model = load_body_model(arguments.model) if arguments.model else open_human()
    identity, rotations = identity_of(model, np.array(arguments.beta)), pose(arguments.pose, model.family)
    expression = np.zeros((1, model.n_expressions))
    expression[0, : len(arguments.expression)] = arguments.expression
    given = expression if model.n_expressions else None
    body = vertices_of(identity, rotations, np.zeros((1, 3)), not arguments.no_correctives, given)[0]
    at = joints_of(identity, rotations, np.zeros((1, 3)))[0, skeleton_of(model.family).index(arguments.at)] if arguments.at else None
    labels = model.part_labels if arguments.labels else None
    sides = (0.0, 0.8, 1.571, 3.1416)
    views = [picture(body, model.faces, arguments.size, yaw, labels, 0.48 * arguments.zoom, at, arguments.pitch) for yaw in sides]
    cv2.imwrite(str(arguments.out), np.concatenate(views, axis=1)[..., ::-1])


if __name__ == "__main__":
    main()
