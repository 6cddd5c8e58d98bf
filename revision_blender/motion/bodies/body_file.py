"""Body models as small ``.npz`` files: sparse weights, sparse regressor, correctives only where they are not zero.

Members (V vertices, J joints, B shape and E expression components, K weights a vertex, P corrected joints a vertex, N
regressor entries): ``body.json`` name, family and schema as UTF-8; ``v_template`` (V,3) f4; ``faces`` (T,3) u4;
``shapedirs`` (V,3,B) f2 or f4; ``expressiondirs`` (V,3,E) f2 or f4; ``parents`` (J,) i2; ``weight_joint`` (V,K) u1;
``weight_value`` (V,K) f4; ``regressor_joint`` (N,) u1; ``regressor_vertex`` (N,) u4; ``regressor_value`` (N,) f4;
``pose_joint`` (V,P) u1; ``pose_value`` (V,P,3,9) f2 or f4; ``part_labels`` (V,) u1; ``hand_mean`` (H,45) and
``hand_components`` (H,C,45) f8, where H is 2, or 0 for a body without. An unused slot of ``pose_joint`` says joint 0, which
has no correctives. Schema 1 had no family ("smpl" is meant), expression or hands; it is still read. A body that has a size
says ``"sized": true`` in its JSON; that component is the template, which is added while reading and never written.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...masks.labels import PART_LABELS
from ..errors import BodyModelError
from ..npz_file import read_npz, write_npz
from ..skeletons import FAMILIES
from .body_data import BodyModel, HandPca
from .sparse_arrays import dense_posedirs, dense_regressor, dense_weights, sparse_posedirs, sparse_weights

AnyArray = NDArray[Any]

SCHEMA_VERSION = 2
READABLE = (1, 2)
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
    "expressiondirs": "f2 f4",
    "hand_mean": "f8",
    "hand_components": "f8",
}
_HAND = 45  # axis-angle numbers of a hand's 15 joints


@dataclass(frozen=True)
class _Sizes:
    V: int
    J: int
    B: int
    K: int
    P: int
    N: int
    T: int
    E: int
    H: int
    C: int


def load_body_model(path: Path) -> BodyModel:
    """Reads a body model; raises ``BodyModelError`` with a sentence for a file that is missing, damaged or another's."""
    path = Path(path)
    members = read_npz(path, max_bytes=_MAX_BYTES, error=BodyModelError, what="body model file")
    facts = _facts(members.pop("body.json", None), path)
    if facts["schema"] == 1:
        members = {**_nothing_new(members), **members}
    sizes = _checked_sizes(members, path)
    _check_indices(members, sizes, path)
    sized, shapedirs = facts.get("sized") is True, members["shapedirs"].astype(np.float32)
    return BodyModel(
        name=facts["name"],
        v_template=members["v_template"],
        faces=members["faces"].astype(np.int32),
        shapedirs=np.concatenate([shapedirs, members["v_template"][..., None]], axis=-1) if sized else shapedirs,
        posedirs=dense_posedirs(members["pose_joint"], members["pose_value"], sizes.J),
        J_regressor=_regressor(members, sizes),
        weights=dense_weights(members["weight_joint"], members["weight_value"], sizes.J),
        parents=members["parents"].astype(np.int64),
        part_labels=members["part_labels"],
        family=facts.get("family", "smpl"),
        expressiondirs=members["expressiondirs"].astype(np.float32),
        hands=HandPca(members["hand_mean"], members["hand_components"]) if sizes.H else None,
        sized=sized,
    )


def _regressor(members: dict[str, AnyArray], sizes: _Sizes) -> NDArray[np.float32]:
    entries = (members[f"regressor_{name}"] for name in ("joint", "vertex", "value"))
    return dense_regressor(*entries, shape=(sizes.J, sizes.V))


def _nothing_new(members: dict[str, AnyArray]) -> dict[str, AnyArray]:
    """What schema 1 did not have yet."""
    vertices = len(members["v_template"]) if "v_template" in members and members["v_template"].ndim else 0
    nothing = {"expressiondirs": np.zeros((vertices, 3, 0), np.float32), "hand_mean": np.zeros((0, _HAND))}
    return {**nothing, "hand_components": np.zeros((0, 0, _HAND))}


def body_facts(path: Path) -> dict[str, Any]:
    """The JSON of a body model file: name, schema, and the figures that its maker left (JSON values, for people)."""
    members = read_npz(Path(path), max_bytes=_MAX_BYTES, error=BodyModelError, what="body model file", wanted={"body.json"})
    return _facts(members.get("body.json"), path)


def save_body_model(path: Path, model: BodyModel, figures: Mapping[str, float | str], exact: bool = False) -> None:
    """Writes ``model``; shape, expression and pose directions are rounded to half precision unless ``exact``.

    figures: kept beside the name, for people. An exact file keeps single precision and is not compressed: it is larger and
    loads faster, for bodies that stay on the user's disk.
    """
    kind = np.float32 if exact else np.float16
    facts = {"schema": SCHEMA_VERSION, "name": model.name, "family": model.family, "figures": dict(figures)}
    text = json.dumps(facts | ({"sized": True} if model.sized else {})).encode()
    shapedirs = model.shapedirs[..., :-1] if model.sized else model.shapedirs
    members: dict[str, AnyArray] = {
        "body.json": np.frombuffer(text, np.uint8),
        "v_template": model.v_template.astype(np.float32),
        "faces": model.faces.astype(np.uint32),
        "shapedirs": shapedirs.astype(kind),
        "parents": model.parents.astype(np.int16),
        "part_labels": model.part_labels,
        **_sparse_members(model, kind),
        "expressiondirs": model.expressiondirs.astype(kind) if model.n_expressions else np.zeros((model.n_vertices, 3, 0), kind),
        "hand_mean": np.zeros((0, _HAND)) if model.hands is None else model.hands.mean.astype(np.float64),
        "hand_components": np.zeros((0, 0, _HAND)) if model.hands is None else model.hands.components.astype(np.float64),
    }
    write_npz(path, members, compressed=not exact)


def _sparse_members(model: BodyModel, kind: type[np.floating]) -> dict[str, AnyArray]:
    weight_joint, weight_value = sparse_weights(model.weights)
    regressor_joint, regressor_vertex = np.nonzero(model.J_regressor)
    pose_joint, pose_value = sparse_posedirs(model, kind)
    return {
        "weight_joint": weight_joint,
        "weight_value": weight_value,
        "regressor_joint": regressor_joint.astype(np.uint8),
        "regressor_vertex": regressor_vertex.astype(np.uint32),
        "regressor_value": model.J_regressor[regressor_joint, regressor_vertex].astype(np.float32),
        "pose_joint": pose_joint,
        "pose_value": pose_value,
    }


def _facts(raw: Any, path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(raw.astype(np.uint8).tobytes()) if raw is not None and raw.nbytes < 1 << 16 else None
    except (ValueError, RecursionError) as reason:
        raise BodyModelError(f"the description inside {path} is damaged ({reason}); install the add-on again") from reason
    if not isinstance(facts, dict) or facts.get("schema") not in READABLE or not isinstance(facts.get("name"), str):
        raise BodyModelError(f"{path} is not a body model of schema {READABLE[0]} to {READABLE[-1]}; choose one that ReVision wrote")
    if facts.get("family", "smpl") not in FAMILIES:
        raise BodyModelError(f"{path}: the family {str(facts['family'])[:40]!r} is not known; known are {', '.join(FAMILIES)}")
    return facts


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
        P=extent["pose_joint"][1], N=extent["regressor_joint"][0], T=extent["faces"][0], E=extent["expressiondirs"][2],
        H=extent["hand_mean"][0], C=extent["hand_components"][1],
    )  # fmt: skip
    _check_shapes(members, sizes, path)
    return sizes


def _check_shapes(members: dict[str, AnyArray], s: _Sizes, path: Path) -> None:
    wanted = {
        "v_template": (s.V, 3), "faces": (s.T, 3), "shapedirs": (s.V, 3, s.B), "parents": (s.J,), "weight_joint": (s.V, s.K),
        "weight_value": (s.V, s.K), "regressor_joint": (s.N,), "regressor_vertex": (s.N,), "regressor_value": (s.N,),
        "pose_joint": (s.V, s.P), "pose_value": (s.V, s.P, 3, 9), "part_labels": (s.V,),
        "expressiondirs": (s.V, 3, s.E), "hand_mean": (s.H, _HAND), "hand_components": (s.H, s.C, _HAND),
    }  # fmt: skip
    for name, shape in wanted.items():
        if members[name].shape != shape:
            raise BodyModelError(f"{path}: {name} has shape {members[name].shape}; {shape} is needed")
    dense = 4 * s.V * (27 * max(s.J - 1, 0) + 2 * s.J + 3 * s.B + 3 * s.E)
    if s.V < 1 or not 1 <= s.J <= 255 or s.K < 1 or s.H not in (0, 2) or dense > _MAX_DENSE_BYTES:
        raise BodyModelError(f"{path}: {s.V} vertices with {s.J} joints and {s.K} weights each cannot be a body that fits in memory")


def _check_indices(members: dict[str, AnyArray], s: _Sizes, path: Path) -> None:
    below = {
        "faces": s.V,
        "weight_joint": s.J,
        "regressor_joint": s.J,
        "regressor_vertex": s.V,
        "pose_joint": s.J,
        "part_labels": len(PART_LABELS),
    }
    for name, limit in below.items():
        if members[name].size and int(members[name].max()) >= limit:
            raise BodyModelError(f"{path}: {name} points at number {int(members[name].max())} of {limit}")
    if not np.allclose(members["weight_value"].sum(axis=1), 1.0, atol=1e-3) or (members["weight_value"] < 0).any():
        raise BodyModelError(f"{path}: the blend weights of a vertex do not sum to 1")
