"""``python -m authoring.open_quadruped.look OUT.png [--model FILE]``: the mean animal, the named ones, and poses, on one sheet."""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.bodies.body_data import BodyModel
from revision_blender.motion.bodies.body_file import load_body_model
from revision_blender.motion.bodies.body_model import identity_of, vertices_of
from revision_blender.motion.bodies.body_size import n_proportions, proportions
from revision_blender.motion.bodies.shape_presets import presets_in
from revision_blender.motion.rotation import matrix_from_axis_angle

from .build import OPEN_QUADRUPED
from .eyeballs import N_BALL
from .picture import picture
from .skeleton import JOINT

Array = NDArray[np.floating]
Turns = dict[str, tuple[float, float, float]]

_COATS = {
    "mean": (0.78, 0.72, 0.66), "dog": (0.72, 0.55, 0.38), "cat": (0.62, 0.60, 0.60), "horse": (0.55, 0.36, 0.24), "cow": (0.80, 0.76, 0.70),
    "hound": (0.80, 0.66, 0.45), "greyhound": (0.60, 0.58, 0.56), "bulldog": (0.80, 0.70, 0.60), "dachshund": (0.50, 0.30, 0.18),
}  # fmt: skip
_VIEWS = ((0.0, 0.0, 1.55), (1.571, 0.0, 0.85), (0.75, 0.22, 1.4), (0.0, 1.571, 1.55))  # yaw, pitch, metres across

POSES: dict[str, tuple[str, Turns]] = {
    "walk": ("dog", {
        "left_front_leg1": (0, -0.45, 0), "left_front_leg2": (0, 0.1, 0), "left_front_foot": (0, -0.2, 0),
        "right_front_leg1": (0, 0.35, 0), "right_front_leg2": (0, -0.55, 0), "right_front_leg3": (0, 0.8, 0), "right_front_foot": (0, 0.4, 0),
        "left_back_leg1": (0, 0.35, 0), "left_back_leg2": (0, -0.1, 0), "left_back_leg3": (0, 0.15, 0), "left_back_foot": (0, -0.3, 0),
        "right_back_leg1": (0, -0.5, 0), "right_back_leg2": (0, 0.4, 0), "right_back_leg3": (0, -0.25, 0), "neck": (0, 0.25, 0), "head": (0, -0.2, 0.2),
        "tail1": (0, 0.4, 0.2), "tail3": (0, 0.2, 0.2),
    }),
    "gallop": ("horse", {
        "left_front_leg1": (0, -0.95, 0), "left_front_leg2": (0, 0.25, 0), "right_front_leg1": (0, -0.7, 0), "right_front_leg2": (0, -0.5, 0),
        "right_front_leg3": (0, 0.9, 0), "right_front_foot": (0, 0.6, 0), "left_back_leg1": (0, 0.75, 0), "left_back_leg2": (0, -0.35, 0),
        "left_back_leg3": (0, 0.3, 0), "left_back_foot": (0, 0.5, 0), "right_back_leg1": (0, 0.5, 0), "right_back_leg2": (0, -0.2, 0), "right_back_leg3": (0, 0.2, 0),
        "right_back_foot": (0, 0.5, 0), "neck": (0, 0.35, 0), "head": (0, -0.35, 0), "tail1": (0, 0.7, 0), "tail2": (0, 0.3, 0), "spine1": (0, -0.1, 0),
    }),
    "graze": ("cow", {
        "neck": (0, 0.85, 0), "head": (0, 0.1, 0), "spine3": (0, 0.12, 0), "mouth": (0, 0.2, 0), "left_ear": (0.3, 0, 0.3), "right_ear": (-0.3, 0, -0.3),
        "left_front_leg1": (0, -0.3, 0), "right_front_leg1": (0, 0.15, 0), "tail2": (0.2, 0, 0.5),
    }),
    "sit": ("cat", {
        "root": (0, -0.72, 0), "left_front_leg1": (0, 0.72, 0), "right_front_leg1": (0, 0.72, 0), "left_front_leg2": (0, -0.05, 0), "right_front_leg2": (0, -0.05, 0),
        "left_back_leg1": (0.15, -0.75, 0.1), "right_back_leg1": (-0.15, -0.75, -0.1), "left_back_leg2": (0, 1.25, 0), "right_back_leg2": (0, 1.25, 0),
        "left_back_leg3": (0, -1.25, 0), "right_back_leg3": (0, -1.25, 0), "left_back_foot": (0, 1.4, 0), "right_back_foot": (0, 1.4, 0), "neck": (0, 0.35, 0), "head": (0, 0.3, 0),
        "tail1": (0, 0.9, 0.1), "tail3": (0, -0.2, 0.5), "tail4": (0, 0, 0.5), "tail5": (0, 0, 0.5), "tail6": (0, 0, 0.5),
    }),
    "bark": ("hound", {
        "mouth": (0, 0.5, 0), "head": (0, -0.35, 0), "neck": (0, -0.1, 0), "tail1": (0, -0.2, 0.6), "tail2": (0, 0, 0.3), "left_ear": (-0.3, 0, 0), "right_ear": (0.3, 0, 0),
        "left_front_leg1": (0, -0.1, 0), "right_front_leg1": (0, -0.1, 0),
    }),
}  # fmt: skip


def betas_of(path: Path) -> dict[str, Array]:
    """``(41,)`` of the mean (zeros) and of each named animal in the file, all of one size."""
    model = load_body_model(path)
    return {"mean": np.zeros(n_proportions(model)), **{name: proportions(model, betas) for name, betas in presets_in(path).items()}}


def posed(model: BodyModel, betas: Array, turns: Turns) -> Array:
    """``(V, 3)``."""
    axis_angle = np.zeros((1, len(JOINT), 3))
    for name, value in turns.items():
        axis_angle[0, JOINT[name]] = value
    return vertices_of(identity_of(model, betas), matrix_from_axis_angle(axis_angle), np.zeros((1, 3)))[0]


def colours_of(model: BodyModel, coat: tuple[float, float, float], labels: bool) -> Array:
    """``(V, 3)``: a coat with dark pupils, or a tint for each part."""
    if labels:
        return np.random.default_rng(5).uniform(0.25, 1.0, (256, 3))[model.part_labels]
    found = np.tile(coat, (model.n_vertices, 1))
    ball = np.tile([0.93, 0.93, 0.9], (N_BALL, 1))
    ball[:42], ball[:14], ball[-2] = (0.35, 0.22, 0.1), (0.03, 0.03, 0.03), (0.03, 0.03, 0.03)
    found[-2 * N_BALL :] = np.concatenate([ball, ball])
    return found


def sheet(path: Path, labels: bool, cell: int) -> NDArray[np.uint8]:
    model, rows = load_body_model(path), []
    named = betas_of(path)
    for name, betas in named.items():
        body = posed(model, betas, {})
        rows.append(_row(model, body, _COATS.get(name, _COATS["mean"]), labels, cell, betas))
    cells = []
    for name, turns in POSES.values():
        body = posed(model, named[name], turns)
        centre = 0.5 * (body.max(axis=0) + body.min(axis=0))
        cells.append(picture(body, model.faces, colours_of(model, _COATS[name], labels), 0.45, 0.1, (cell, cell), 1.5, centre))
    rows.append(np.concatenate(cells, axis=1))
    return np.concatenate(rows, axis=0)


def _row(model: BodyModel, body: Array, coat: tuple[float, float, float], labels: bool, cell: int, betas: Array) -> NDArray[np.uint8]:
    colours = colours_of(model, coat, labels)
    centre = 0.5 * (body.max(axis=0) + body.min(axis=0))
    cells = [picture(body, model.faces, colours, yaw, pitch, (cell, cell), span, centre) for yaw, pitch, span in _VIEWS]
    head = identity_of(model, betas).joints_rest[JOINT["head"]] + np.array([0.08, 0.0, 0.0])
    return np.concatenate([*cells, picture(body, model.faces, colours, 0.65, 0.1, (cell, cell), 0.48, head)], axis=1)


def main() -> None:
    import cv2

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", type=Path, default=OPEN_QUADRUPED)
    parser.add_argument("--labels", action="store_true", help="tint the parts instead of a coat")
    parser.add_argument("--cell", type=int, default=380)
    arguments = parser.parse_args()
    cv2.imwrite(str(arguments.out), sheet(arguments.model, arguments.labels, arguments.cell)[..., ::-1])


if __name__ == "__main__":
    main()
