"""What bodies and boxes look like: one colour a face, by body part and by where it lies on the body at rest."""

import colorsys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revision_blender.masks.labels import ANIMAL_PART_NAMES, FIRST_ANIMAL, FIRST_HUMAN, SMPL_JOINT_NAMES
from revision_blender.motion.bodies.body_data import BodyModel

F32 = NDArray[np.float32]

_SKINS = ((0.96, 0.80, 0.69), (0.88, 0.67, 0.52), (0.74, 0.52, 0.37), (0.55, 0.37, 0.26), (0.36, 0.24, 0.17))
_HAIRS = ((0.10, 0.08, 0.07), (0.26, 0.16, 0.09), (0.45, 0.29, 0.14), (0.80, 0.66, 0.38), (0.55, 0.20, 0.10), (0.65, 0.64, 0.62))
_FURS = ((0.16, 0.13, 0.11), (0.42, 0.26, 0.14), (0.62, 0.42, 0.22), (0.80, 0.68, 0.48), (0.90, 0.88, 0.84), (0.40, 0.38, 0.37))
_UPPER = ("spine1", "spine2", "spine3", "left_collar", "right_collar", "left_shoulder", "right_shoulder")
_SLEEVES = ("left_elbow", "right_elbow")
_LOWER = ("pelvis", "left_hip", "right_hip")
_SHINS = ("left_knee", "right_knee")
_SHOES = ("left_ankle", "right_ankle", "left_foot", "right_foot")


@dataclass(frozen=True)
class Cut:
    """How clothes are cut. sleeves: down to the wrists. shorts: bare shins. long_hair: down to the neck."""

    sleeves: bool
    shorts: bool
    long_hair: bool


def human_colours(rng: np.random.Generator, model: BodyModel) -> F32:
    """``(T, 3)`` in [0, 1]: skin, hair, shirt, trousers or shorts, shoes."""
    skin = _near(rng, _SKINS, 0.04)
    cut = Cut(sleeves=rng.random() < 0.4, shorts=rng.random() < 0.3, long_hair=rng.random() < 0.4)
    shirt, trousers, shoes = vivid(rng), vivid(rng), vivid(rng)
    vertices = np.tile(skin, (model.n_vertices, 1)).astype(np.float32)
    for names, colour in ((_UPPER, shirt), (_LOWER, trousers), (_SHOES, shoes)):
        vertices[_of(model, names)] = colour
    if cut.sleeves:
        vertices[_of(model, _SLEEVES)] = shirt
    if not cut.shorts:
        vertices[_of(model, _SHINS)] = trousers
    vertices[_hair(model, cut.long_hair)] = _near(rng, _HAIRS, 0.03)
    return _by_face(model, vertices)


def animal_colours(rng: np.random.Generator, model: BodyModel) -> F32:
    """``(T, 3)`` in [0, 1]: a coat, a lighter belly, darker ears, feet and muzzle, sometimes patches."""
    coat, accent = _near(rng, _FURS, 0.05), _near(rng, _FURS, 0.05)
    vertices = np.tile(coat, (model.n_vertices, 1)).astype(np.float32)
    low = np.percentile(model.v_template[:, 2], 45.0)
    torso = model.part_labels == FIRST_ANIMAL + ANIMAL_PART_NAMES.index("torso")
    vertices[torso & (model.v_template[:, 2] < low)] = np.clip(coat + 0.15, 0.0, 1.0)
    if rng.random() < 0.5:
        centre = model.v_template[rng.integers(model.n_vertices)]
        vertices[np.linalg.norm(model.v_template - centre, axis=1) < 0.18] = accent
    ends = [
        FIRST_ANIMAL + row
        for row, name in enumerate(ANIMAL_PART_NAMES)
        if name in ("mouth", "left_ear", "right_ear", "tail") or name.endswith("lower")
    ]
    vertices[np.isin(model.part_labels, ends)] = accent if rng.random() < 0.5 else coat * 0.7
    return _by_face(model, vertices)


def vivid(rng: np.random.Generator) -> F32:
    """A colour as clothes have it: usually saturated, sometimes nearly black or white."""
    if rng.random() < 0.2:
        return np.full(3, rng.choice((0.06, 0.12, 0.92, 0.97)), np.float32)
    return np.array(colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.6, 1.0), rng.uniform(0.35, 1.0)), np.float32)


def _near(rng: np.random.Generator, palette: tuple[tuple[float, float, float], ...], spread: float) -> F32:
    return np.clip(np.array(palette[rng.integers(len(palette))]) + rng.normal(0.0, spread, 3), 0.0, 1.0).astype(np.float32)


def _of(model: BodyModel, names: tuple[str, ...]) -> NDArray[np.bool_]:
    return np.isin(model.part_labels, [FIRST_HUMAN + SMPL_JOINT_NAMES.index(name) for name in names])


def _hair(model: BodyModel, long_hair: bool) -> NDArray[np.bool_]:
    """The head's top, and its back down to the chin or the neck."""
    head = _of(model, ("head",))
    places = model.v_template[head]
    bottom, top = places[:, 1].min(), places[:, 1].max()
    middle = 0.5 * (places[:, 2].min() + places[:, 2].max())
    y, z = model.v_template[:, 1], model.v_template[:, 2]
    back = (z < middle) & (y > bottom + (0.1 if long_hair else 0.45) * (top - bottom))
    return head & (back | (y > bottom + 0.78 * (top - bottom)))


def _by_face(model: BodyModel, vertices: F32) -> F32:
    return vertices[model.faces[:, 0]]
