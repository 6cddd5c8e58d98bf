"""Random bodies, and files of them in the layouts of the official releases: the real files are not free to distribute.

``random_body`` makes a body of any family with any number of vertices. ``write_pickle`` and ``write_npz_layout`` write it the
way the official files are written: chumpy arrays, scipy sparse regressors, a root parent of 2^32 - 1, hands, landmarks.
"""

import pickle
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.bodies.body_data import BodyModel, HandPca
from revision_blender.motion.skeletons import skeleton_of

Array = NDArray[Any]

FULL_SIZE = {"smpl": 6890, "smplh": 6890, "smplx": 10475, "smal": 3889}
_NO_PARENT = 2**32 - 1


def _trees(family: str, rng: np.random.Generator) -> Array:
    """``(J, 3)`` rest joints: each 0.05 to 0.2 m from its parent, metres."""
    parents = skeleton_of(family).parents
    joints = np.zeros((len(parents), 3))
    for joint, parent in enumerate(parents[1:], start=1):
        step = rng.normal(size=3)
        joints[joint] = joints[parent] + step / np.linalg.norm(step) * rng.uniform(0.05, 0.2)
    return joints


def _some_per_row(rows: int, columns: int, count: int, rng: np.random.Generator) -> Array:
    """``(rows, columns)``: ``count`` positive entries a row that sum to 1."""
    dense = np.zeros((rows, columns))
    for row in dense:
        row[rng.choice(columns, min(count, columns), replace=False)] = rng.uniform(0.1, 1.0, min(count, columns))
    return dense / dense.sum(axis=1, keepdims=True)


def random_body(
    family: str = "smpl", vertices: int = 120, betas: int = 10, expressions: int = 0, hands: bool = False, seed: int = 0
) -> BodyModel:
    """A body whose numbers are of a real one's size: metres, 5 mm of corrective, 1 cm a standard deviation of shape."""
    rng = np.random.default_rng(seed)
    skeleton = skeleton_of(family)
    J = skeleton.n_joints
    weights = _some_per_row(vertices, J, 4, rng)
    main = weights.argmax(axis=1)
    pca = HandPca(rng.normal(0, 0.2, (2, 45)), np.linalg.qr(rng.normal(size=(2, 45, 45)))[0]) if hands else None
    return BodyModel(
        name=f"random_{family}",
        v_template=(_trees(family, rng)[main] + rng.normal(0, 0.03, (vertices, 3))).astype(np.float32),
        faces=rng.integers(0, vertices, (2 * vertices, 3)).astype(np.int32),
        shapedirs=rng.normal(0, 0.01, (vertices, 3, betas)).astype(np.float32),
        posedirs=rng.normal(0, 0.005 / J, (vertices, 3, 9 * (J - 1))).astype(np.float32),
        J_regressor=_some_per_row(J, vertices, 6, rng).astype(np.float32),
        weights=weights.astype(np.float32),
        parents=skeleton.parents,
        part_labels=skeleton.part_labels[main],
        family=family,
        expressiondirs=rng.normal(0, 0.002, (vertices, 3, expressions)).astype(np.float32),
        hands=pca,
    )


def official_arrays(model: BodyModel) -> dict[str, Any]:
    """The members of an official file as plain arrays; expression components stand behind the shape components."""
    kintree = np.stack([np.where(model.parents < 0, _NO_PARENT, model.parents), np.arange(model.n_joints)]).astype(np.uint32)
    members: dict[str, Any] = {
        "v_template": model.v_template.astype(np.float64),
        "f": model.faces.astype(np.uint32),
        "shapedirs": model.shapedirs.astype(np.float64),
        "posedirs": model.posedirs.astype(np.float64),
        "J_regressor": model.J_regressor.astype(np.float64),
        "kintree_table": kintree,
        "weights": model.weights.astype(np.float64),
    }
    if model.n_expressions:
        members["shapedirs"] = np.concatenate([members["shapedirs"], model.expressiondirs], axis=2)
    if model.hands is not None:
        for side, mean, components in zip("lr", model.hands.mean, model.hands.components, strict=True):
            members |= {f"hands_mean{side}": mean, f"hands_components{side}": components, f"hands_coeffs{side}": np.zeros((5, 45))}
    if model.family == "smplx":
        members |= {"lmk_faces_idx": np.arange(51, dtype=np.uint32), "lmk_bary_coords": np.full((51, 3), 1 / 3)}
        members |= {"dynamic_lmk_faces_idx": np.zeros((79, 17), np.uint32), "dynamic_lmk_bary_coords": np.zeros((79, 17, 3))}
    return members


class _Ch:
    """What a chumpy array is in a pickle: a class of that name with its dictionary."""

    def __init__(self, values: Array) -> None:
        self.__dict__ = {"x": values, "_dirty_vars": set(), "_itr": None, "_parents": {}, "_cache": {"r": None, "rview": None}}


class _Select:
    """chumpy's ``a[index]``: in SMPL's files the template and shape directions are such."""

    def __init__(self, values: Array) -> None:
        self.__dict__ = {"a": _Ch(values.ravel()), "idxs": np.arange(values.size), "preferred_shape": values.shape}


@contextmanager
def fake_chumpy() -> Iterator[None]:
    """While it lasts, pickles can be written with chumpy's class names; chumpy itself is not installed."""
    names = {"chumpy": None, "chumpy.ch": _Ch, "chumpy.reordering": _Select}
    kept = {name: sys.modules.get(name) for name in names}
    for name, kind in names.items():
        sys.modules[name] = types.ModuleType(name)
        if kind is not None:
            kind.__module__, kind.__qualname__, kind.__name__ = name, kind.__name__.strip("_"), kind.__name__.strip("_")
            setattr(sys.modules[name], kind.__name__, kind)
    try:
        yield
    finally:
        for name, module in kept.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module


def write_pickle(path: Path, model: BodyModel, chumpy: bool = True, sparse: bool = True, protocol: int = 2) -> Path:
    """An official ``.pkl``: chumpy arrays where the releases have them, a scipy csc regressor; returns ``path``."""
    from scipy.sparse import csc_matrix

    members = official_arrays(model)
    if sparse:
        members["J_regressor"] = csc_matrix(members["J_regressor"])
    members |= {"bs_style": "lbs", "bs_type": "lrotmin", "J": np.asarray(model.joint_template)}
    with fake_chumpy():
        if chumpy:
            members |= {
                "v_template": _Ch(members["v_template"]),
                "posedirs": _Ch(members["posedirs"]),
                "shapedirs": _Select(members["shapedirs"]),
            }
            members["weights"] = _Ch(members["weights"])
        path.write_bytes(pickle.dumps(members, protocol=protocol))
    return path


def write_npz_layout(path: Path, model: BodyModel, objects: bool = True) -> Path:
    """An official ``.npz``; objects: with pickled dictionaries as members, as SMPL-X has them (``joint2num``); returns ``path``."""
    members = official_arrays(model)
    members["kintree_table"] = members["kintree_table"].astype(np.int64)
    if objects:
        members |= {"joint2num": np.array({"Pelvis": 0}, dtype=object), "part2num": np.array({"Head": 12}, dtype=object)}
    np.savez(path, **members)
    return path
