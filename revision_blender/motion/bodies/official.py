"""SMPL, SMPL-H, SMPL-X and SMAL from their official files, in every layout that these were released in.

What differs between releases: ``.pkl`` (with chumpy arrays and scipy's sparse regressors, or plain) or ``.npz``; 10, 16, 41 or
300 shape components; SMPL-X keeps expression components behind its shape components, from column 300 on in files of 400
columns and from column 10 on in those of 20; the root's parent is -1 or 2^32 - 1; SMPL-H and SMPL-X have the hands' mean
pose and principal components. Members that are not needed (landmarks, texture coordinates, names) are not read.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..skeletons import SKELETONS, Skeleton
from .body_data import BodyModel, HandPca
from .body_file import load_body_model
from .official_source import OfficialSource

_BY_JOINTS = {skeleton.n_joints: skeleton for skeleton in SKELETONS.values()}
_OTHER_MODELS = {16: "a MANO hand", 5: "a FLAME head", 21: "a hand"}
_MAX_VERTICES = 100_000
_MAX_COLUMNS = 512
_OLD_SHAPE, _NEW_SHAPE, _EXPRESSIONS = 10, 300, 100
_HAND = 45  # axis-angle numbers of a hand's 15 joints


def read_official_body(path: Path) -> BodyModel:
    """The body in an official file, or in one of ours; ``BodyModelError`` with a sentence for any other file.

    All components are kept. The model's name is made from its family and from the gender in the file's or folder's name:
    "smpl_female" from ``basicModel_f_lbs_10_207_0_v1.0.0.pkl``, "smplh_male" from ``male/model.npz``, "smal".
    """
    path = Path(path)
    source = OfficialSource(path)
    if "body.json" in source:
        return load_body_model(path)
    skeleton, V = _sizes(source)
    J = skeleton.n_joints
    _check_tree(source, skeleton)
    source.expect({"weights": (V, J), "posedirs": (V, 3, 9 * (J - 1))}, ("shapedirs", "J_regressor", _faces_name(source)))
    faces = _faces(source, V)
    weights = _weights(source, V, J)
    shape, expression = _columns(source, skeleton, V)
    return BodyModel(
        name=official_name(path, skeleton.family),
        v_template=source.read("v_template", (V, 3)).astype(np.float32),
        faces=faces,
        shapedirs=shape,
        posedirs=source.read("posedirs", (V, 3, 9 * (J - 1))).astype(np.float32),
        J_regressor=_regressor(source, J, V),
        weights=weights,
        parents=skeleton.parents.copy(),
        part_labels=skeleton.part_labels[weights.argmax(axis=1)],
        family=skeleton.family,
        expressiondirs=expression,
        hands=_hands(source),
    )


def official_name(path: Path, family: str) -> str:
    """``family``, the gender that the file's or its folder's name says, and "locked_head" where it says so."""
    words = re.split(r"[^a-z0-9]+", f"{path.parent.name} {path.stem}".lower())
    genders = {"f": "female", "m": "male", "female": "female", "male": "male", "neutral": "neutral"}
    found = [genders[word] for word in reversed(words) if word in genders]
    locked = ["locked_head"] if re.search(r"locked_?head", str(path).lower()) else []
    return "_".join([family, *found[:1], *locked])


def _sizes(source: OfficialSource) -> tuple[Skeleton, int]:
    template, weights = source.shape("v_template"), source.shape("weights")
    if len(template) != 2 or template[1] != 3 or not 1 <= template[0] <= _MAX_VERTICES:
        raise source.wrong(f"its 'v_template' has shape {template}")
    joints = weights[1] if len(weights) == 2 else 0
    if joints not in _BY_JOINTS:
        known = ", ".join(f"{skeleton.family} with {J}" for J, skeleton in _BY_JOINTS.items())
        raise source.wrong(f"it has {joints} joints ({_OTHER_MODELS.get(joints, 'an unknown body')}); known are {known}")
    return _BY_JOINTS[joints], template[0]


def _check_tree(source: OfficialSource, skeleton: Skeleton) -> None:
    """Row 0 names each joint's parent by the number that row 1 gives it; the root's own is anything."""
    table = source.read("kintree_table", (2, skeleton.n_joints)).astype(np.float64)
    column = {number: place for place, number in enumerate(table[1].tolist())}
    parents = [-1, *(column.get(number, -1) for number in table[0, 1:].tolist())]
    if parents != skeleton.parents.tolist():
        raise source.wrong(f"its joints hang together as {parents}, which is not the tree of {skeleton.family}")


def _weights(source: OfficialSource, V: int, J: int) -> NDArray[np.float32]:
    weights = np.maximum(source.read("weights", (V, J)), 0.0)
    total = weights.sum(axis=1, keepdims=True)
    if not np.allclose(total, 1.0, atol=1e-3):
        raise source.wrong(f"the weights of a vertex sum to {float(total[np.abs(total - 1.0).argmax(), 0]):.4g} and not to 1")
    return (weights / total).astype(np.float32)


def _faces_name(source: OfficialSource) -> str:
    return "faces" if "faces" in source and "f" not in source else "f"


def _faces(source: OfficialSource, V: int) -> NDArray[np.int32]:
    name = _faces_name(source)
    shape = source.shape(name)
    if len(shape) != 2 or shape[1] != 3 or shape[0] > 4 * _MAX_VERTICES:
        raise source.wrong(f"its {name!r} has shape {shape}")
    faces = source.read(name, shape).astype(np.int64)
    if faces.size and not 0 <= faces.min() <= faces.max() < V:
        raise source.wrong(f"its triangles name vertex {int(faces.max())} of {V}")
    return faces.astype(np.int32)


def _regressor(source: OfficialSource, J: int, V: int) -> NDArray[np.float32]:
    turned = source.shape("J_regressor") == (V, J)
    regressor = source.read("J_regressor", (V, J) if turned else (J, V))
    return np.ascontiguousarray(regressor.T if turned else regressor, dtype=np.float32)


def _columns(source: OfficialSource, skeleton: Skeleton, V: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Shape ``(V, 3, B)`` and expression ``(V, 3, E)`` components."""
    shape = source.shape("shapedirs")
    if len(shape) != 3 or not 1 <= shape[2] <= _MAX_COLUMNS:
        raise source.wrong(f"its 'shapedirs' has shape {shape}")
    columns = source.read("shapedirs", (V, 3, shape[2]))
    first, last = _expression_columns(shape[2]) if skeleton.family == "smplx" else (shape[2], shape[2])
    cut = [np.ascontiguousarray(columns[..., :first], dtype=np.float32), np.ascontiguousarray(columns[..., first:last], dtype=np.float32)]
    return cut[0], cut[1]


def _expression_columns(count: int) -> tuple[int, int]:
    """First and one past the last expression column of an SMPL-X file: 300 to 400, or 10 to 20 in files of old.

    A file of exactly 300 columns is one without expressions.
    """
    first = _NEW_SHAPE if count >= _NEW_SHAPE else min(count, _OLD_SHAPE)
    return first, min(count, first + (_EXPRESSIONS if first == _NEW_SHAPE else _OLD_SHAPE))


def _hands(source: OfficialSource) -> HandPca | None:
    if "hands_meanl" not in source or "hands_componentsl" not in source:
        return None
    count = source.shape("hands_componentsl")[0] if len(source.shape("hands_componentsl")) == 2 else 0
    if not 1 <= count <= _HAND:
        raise source.wrong(f"its 'hands_componentsl' has shape {source.shape('hands_componentsl')}")
    mean: list[NDArray[Any]] = [source.read(f"hands_mean{side}", (_HAND,)) for side in "lr"]
    components = [source.read(f"hands_components{side}", (count, _HAND)) for side in "lr"]
    return HandPca(np.stack(mean).astype(np.float64), np.stack(components).astype(np.float64))
