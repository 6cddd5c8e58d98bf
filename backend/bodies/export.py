"""Body models in the file formats of other tools."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix

from backend.errors import InputError
from revision_blender.motion.bodies.body_data import BodyModel, HandPca
from revision_blender.motion.npz_file import write_npz
from revision_blender.motion.whole_file import whole_file

Array = NDArray[Any]

_ROOT_PARENT = 2**32 - 1  # as in the official files; readers replace it by -1
_OLD_COLUMNS, _NEW_COLUMNS = (10, 10), (300, 100)  # SMPL-X's shape and expression components, in the releases
_LANDMARKS, _CONTOUR = 51, (79, 17)  # of SMPL-X's face


def export_body(model: BodyModel, path: Path) -> None:
    """Writes the body in the layout of its family's official files, ``.pkl`` or ``.npz`` by ``path``'s ending.

    Tools for SMPL and SMAL read ``.pkl``, those for SMPL-H both, those for SMPL-X prefer ``.npz``. ``InputError`` for another
    ending and for a place that cannot be written.
    """
    writers = {".pkl": _write_pickle, ".npz": _write_npz}
    if path.suffix not in writers:
        raise InputError(f"{path.name} ends in {path.suffix or 'nothing'}; name a file that ends in .pkl or .npz")
    try:
        writers[path.suffix](model, path)
    except OSError as reason:
        raise InputError(
            f"the body cannot be written to {path} ({reason.strerror or reason}); choose another folder or make room"
        ) from reason


def official_members(model: BodyModel) -> dict[str, Array]:
    """The arrays of an official file, by the names that these have there."""
    kintree = np.stack([np.where(model.parents < 0, _ROOT_PARENT, model.parents), np.arange(model.n_joints)])
    members: dict[str, Array] = {
        "v_template": model.v_template.astype(np.float64),
        "f": model.faces.astype(np.uint32),
        "shapedirs": _components(model),
        "posedirs": model.posedirs.astype(np.float64),
        "J_regressor": model.J_regressor.astype(np.float64),
        "J": model.joint_template,
        "kintree_table": kintree.astype(np.int64),
        "weights": model.weights.astype(np.float64),
    }
    if model.family in ("smplh", "smplx"):
        members |= _hand_members(model.hands)
    return members | _face_members() if model.family == "smplx" else members


def _components(model: BodyModel) -> Array:
    """``(V, 3, N)``: for SMPL-X padded with zeros to 10 + 10 or 300 + 100 columns, for readers know expressions by their place."""
    shape = model.shapedirs.astype(np.float64)
    if model.family != "smplx":
        return shape
    found = (model.n_betas, model.n_expressions)
    room = next((room for room in (_OLD_COLUMNS, _NEW_COLUMNS) if all(np.less_equal(found, room))), None)
    if room is None:
        raise InputError(f"an SMPL-X file has room for {_NEW_COLUMNS} shape and expression components; {model.name!r} has {found}")
    columns = np.zeros((model.n_vertices, 3, sum(room)))
    columns[..., : found[0]] = shape
    if model.n_expressions:
        columns[..., room[0] : room[0] + found[1]] = model.expressiondirs
    return columns


def _hand_members(hands: HandPca | None) -> dict[str, Array]:
    """Mean pose and components of each hand; a body without has a flat mean and one component a number."""
    found = HandPca(np.zeros((2, 45)), np.tile(np.eye(45), (2, 1, 1))) if hands is None else hands
    members: dict[str, Array] = {}
    for side, mean, components in zip("lr", found.mean, found.components, strict=True):
        members |= {f"hands_mean{side}": mean, f"hands_components{side}": components, f"hands_coeffs{side}": np.zeros((1, len(components)))}
    return members


def _face_members() -> dict[str, Array]:
    """Landmarks that readers of SMPL-X insist on; all of them are the first triangle's centre, for the open body has none."""
    return {
        "lmk_faces_idx": np.zeros(_LANDMARKS, np.uint32),
        "lmk_bary_coords": np.full((_LANDMARKS, 3), 1.0 / 3.0),
        "dynamic_lmk_faces_idx": np.zeros(_CONTOUR, np.uint32),
        "dynamic_lmk_bary_coords": np.full((*_CONTOUR, 3), 1.0 / 3.0),
    }


def _write_pickle(model: BodyModel, path: Path) -> None:
    """Plain numpy arrays and a sparse regressor, no chumpy. Pickle is what that format is; this project never runs one."""
    members: dict[str, Any] = official_members(model)
    regressor = csc_matrix(members["J_regressor"])
    members |= {"J_regressor": regressor, "J_regressor_prior": regressor, "weights_prior": members["weights"]}
    members |= {"bs_type": "lrotmin", "bs_style": "lbs"}
    with whole_file(path) as stream:
        stream.write(pickle.dumps(members, protocol=2))


def _write_npz(model: BodyModel, path: Path) -> None:
    write_npz(path, official_members(model))
