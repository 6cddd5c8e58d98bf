"""Body models as small ``.npz`` files: sparse weights, sparse regressor, correctives only where they are not zero.

Members (V vertices, J joints, B shape components, K weights a vertex, P corrected joints a vertex, N regressor entries):
``body.json`` name and schema as UTF-8; ``v_template`` (V,3) f4; ``faces`` (T,3) u4; ``shapedirs`` (V,3,B) f2 or f4;
``parents`` (J,) i2; ``weight_joint`` (V,K) u1; ``weight_value`` (V,K) f4; ``regressor_joint`` (N,) u1;
``regressor_vertex`` (N,) u4; ``regressor_value`` (N,) f4; ``pose_joint`` (V,P) u1; ``pose_value`` (V,P,3,9) f2 or f4;
``part_labels`` (V,) u1. An unused slot of ``pose_joint`` says joint 0, which has no correctives.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BodyModelError
from ..npz_file import read_npz, write_npz
from .body_data import BodyModel

AnyArray = NDArray[Any]

SCHEMA_VERSION = 1
_MAX_BYTES = 256 << 20
_MAX_DENSE_BYTES = 1 << 30
_KINDS = {
    "v_template": "f4",
    "faces": "u4",
    "shapedirs": "f2 f4",
    "parents": "i2",
    "weight_joint": "u1",
    "weight_value": "f4",
    "regressor_joint": "u1",
    "regressor_vertex": "u4",
    "regressor_value": "f4",
    "pose_joint": "u1",
    "pose_value": "f2 f4",
    "part_labels": "u1",
}


@dataclass(frozen=True)
class _Sizes:
    V: int
    J: int
    B: int
    K: int
    P: int
    N: int
    T: int


def load_body_model(path: Path) -> BodyModel:
    """Reads a body model; raises ``BodyModelError`` with a sentence for a file that is missing, damaged or another's."""
    path = Path(path)
    members = read_npz(path, max_bytes=_MAX_BYTES, error=BodyModelError, what="body model file")
    name = _name(members.pop("body.json", None), path)
    sizes = _checked_sizes(members, path)
    _check_indices(members, sizes, path)
    return BodyModel(
        name=name,
        v_template=members["v_template"],
        faces=members["faces"].astype(np.int32),
        shapedirs=members["shapedirs"].astype(np.float32),
        posedirs=_dense_posedirs(members, sizes),
        J_regressor=_dense_regressor(members, sizes),
        weights=_dense_weights(members, sizes),
        parents=members["parents"].astype(np.int64),
        part_labels=members["part_labels"],
    )


def body_facts(path: Path) -> dict[str, Any]:
    """The JSON of a body model file: name, schema, and the figures that its maker left (JSON values, for people)."""
    return _facts(read_npz(Path(path), max_bytes=_MAX_BYTES, error=BodyModelError, what="body model file").get("body.json"), path)


def save_body_model(path: Path, model: BodyModel, figures: Mapping[str, float | str]) -> None:
    """Writes ``model``; shapedirs and posedirs are rounded to half precision. figures: kept beside the name, for people."""
    weight_joint, weight_value = _top(model.weights, int((model.weights > 0).sum(axis=1).max()))
    regressor_joint, regressor_vertex = np.nonzero(model.J_regressor)
    pose_joint, pose_value = _sparse_posedirs(model)
    text = json.dumps({"schema": SCHEMA_VERSION, "name": model.name, "figures": dict(figures)}).encode()
    members: dict[str, AnyArray] = {
        "body.json": np.frombuffer(text, np.uint8),
        "v_template": model.v_template.astype(np.float32),
        "faces": model.faces.astype(np.uint32),
        "shapedirs": model.shapedirs.astype(np.float16),
        "parents": model.parents.astype(np.int16),
        "weight_joint": weight_joint,
        "weight_value": weight_value,
        "regressor_joint": regressor_joint.astype(np.uint8),
        "regressor_vertex": regressor_vertex.astype(np.uint32),
        "regressor_value": model.J_regressor[regressor_joint, regressor_vertex].astype(np.float32),
        "pose_joint": pose_joint,
        "pose_value": pose_value,
        "part_labels": model.part_labels,
    }
    write_npz(path, members)


def _top(weights: AnyArray, slots: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    order = np.argsort(-weights, axis=1, kind="stable")[:, :slots]
    return order.astype(np.uint8), np.take_along_axis(weights, order, axis=1).astype(np.float32)


def _sparse_posedirs(model: BodyModel) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    by_joint = model.posedirs.reshape(model.n_vertices, 3, model.n_joints - 1, 9)
    used = np.abs(by_joint).max(axis=(1, 3)) > 0.0  # (V, J - 1)
    slots = max(1, int(used.sum(axis=1).max()))
    order = np.argsort(~used, axis=1, kind="stable")[:, :slots]
    live = np.take_along_axis(used, order, axis=1)
    values = np.take_along_axis(by_joint, order[:, None, :, None], axis=2) * live[:, None, :, None]
    return np.where(live, order + 1, 0).astype(np.uint8), values.transpose(0, 2, 1, 3).astype(np.float16)


def _facts(raw: Any, path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(raw.astype(np.uint8).tobytes()) if raw is not None and raw.nbytes < 1 << 16 else None
    except (ValueError, RecursionError) as reason:
        raise BodyModelError(f"the description inside {path} is damaged ({reason}); install the add-on again") from reason
    if not isinstance(facts, dict) or facts.get("schema") != SCHEMA_VERSION or not isinstance(facts.get("name"), str):
        raise BodyModelError(f"{path} is not a body model of schema {SCHEMA_VERSION}; choose one that ReVision wrote")
    return facts


def _name(raw: Any, path: Path) -> str:
    return _facts(raw, path)["name"]


def _checked_sizes(members: dict[str, AnyArray], path: Path) -> _Sizes:
    if set(members) != set(_KINDS):
        raise BodyModelError(f"{path} does not hold the arrays of a body model ({', '.join(sorted(set(members) ^ set(_KINDS))[:4])})")
    for name, kinds in _KINDS.items():
        found = members[name]
        if found.dtype.str[1:] not in kinds.split():
            raise BodyModelError(f"{path}: {name} is of type {found.dtype}; {kinds} is needed")
        if found.dtype.kind == "f" and not np.isfinite(found).all():
            raise BodyModelError(f"{path}: {name} holds numbers that are not finite")
    extent = {name: (*members[name].shape, 0, 0, 0) for name in _KINDS}
    sizes = _Sizes(
        V=extent["v_template"][0], J=extent["parents"][0], B=extent["shapedirs"][2], K=extent["weight_joint"][1],
        P=extent["pose_joint"][1], N=extent["regressor_joint"][0], T=extent["faces"][0],
    )  # fmt: skip
    _check_shapes(members, sizes, path)
    return sizes


def _check_shapes(members: dict[str, AnyArray], s: _Sizes, path: Path) -> None:
    wanted = {
        "v_template": (s.V, 3), "faces": (s.T, 3), "shapedirs": (s.V, 3, s.B), "parents": (s.J,), "weight_joint": (s.V, s.K),
        "weight_value": (s.V, s.K), "regressor_joint": (s.N,), "regressor_vertex": (s.N,), "regressor_value": (s.N,),
        "pose_joint": (s.V, s.P), "pose_value": (s.V, s.P, 3, 9), "part_labels": (s.V,),
    }  # fmt: skip
    for name, shape in wanted.items():
        if members[name].shape != shape:
            raise BodyModelError(f"{path}: {name} has shape {members[name].shape}; {shape} is needed")
    dense = 4 * s.V * (27 * max(s.J - 1, 0) + 2 * s.J + 3 * s.B)
    if s.V < 1 or not 1 <= s.J <= 255 or s.K < 1 or dense > _MAX_DENSE_BYTES:
        raise BodyModelError(f"{path}: {s.V} vertices with {s.J} joints and {s.K} weights each cannot be a body that fits in memory")


def _check_indices(members: dict[str, AnyArray], s: _Sizes, path: Path) -> None:
    below = {"faces": s.V, "weight_joint": s.J, "regressor_joint": s.J, "regressor_vertex": s.V, "pose_joint": s.J}
    for name, limit in below.items():
        if members[name].size and int(members[name].max()) >= limit:
            raise BodyModelError(f"{path}: {name} points at number {int(members[name].max())} of {limit}")
    if not np.allclose(members["weight_value"].sum(axis=1), 1.0, atol=1e-3) or (members["weight_value"] < 0).any():
        raise BodyModelError(f"{path}: the blend weights of a vertex do not sum to 1")


def _dense_weights(members: dict[str, AnyArray], s: _Sizes) -> NDArray[np.float32]:
    dense = np.zeros((s.V, s.J), np.float32)
    np.add.at(dense, (np.arange(s.V)[:, None], members["weight_joint"]), members["weight_value"])
    return dense / dense.sum(axis=1, keepdims=True)


def _dense_regressor(members: dict[str, AnyArray], s: _Sizes) -> NDArray[np.float32]:
    dense = np.zeros((s.J, s.V), np.float32)
    np.add.at(dense, (members["regressor_joint"], members["regressor_vertex"]), members["regressor_value"])
    return dense


def _dense_posedirs(members: dict[str, AnyArray], s: _Sizes) -> NDArray[np.float32]:
    dense = np.zeros((s.V, 3, s.J, 9), np.float32)
    vertices = np.arange(s.V)
    for slot in range(s.P):
        dense[vertices, :, members["pose_joint"][:, slot]] += members["pose_value"][:, slot].astype(np.float32)
    return np.ascontiguousarray(dense[:, :, 1:]).reshape(s.V, 3, 9 * (s.J - 1))
