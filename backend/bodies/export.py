"""Body models in the file formats of other tools."""

import pickle
from pathlib import Path

import numpy as np
from scipy.sparse import csc_matrix

from backend.errors import InputError
from revision_blender.motion.bodies.body_data import BodyModel
from revision_blender.motion.whole_file import whole_file


def export_smpl_pkl(model: BodyModel, path: Path) -> None:
    """Writes the ``.pkl`` that tools for SMPL read: plain numpy arrays, no chumpy; whole or not at all.

    Pickle is what that format is; this project writes it on request and never reads it.
    """
    kintree = np.stack([model.parents, np.arange(model.n_joints)])
    kintree[0, 0] = 2**32 - 1  # the official files' root parent; readers replace it by -1
    data = {
        "v_template": model.v_template.astype(np.float64),
        "f": model.faces.astype(np.uint32),
        "shapedirs": model.shapedirs.astype(np.float64),
        "posedirs": model.posedirs.astype(np.float64),
        "J_regressor": csc_matrix(model.J_regressor.astype(np.float64)),
        "J_regressor_prior": csc_matrix(model.J_regressor.astype(np.float64)),
        "J": model.joint_template,
        "kintree_table": kintree.astype(np.int64),
        "weights": model.weights.astype(np.float64),
        "weights_prior": model.weights.astype(np.float64),
        "bs_type": "lrotmin",
        "bs_style": "lbs",
    }
    try:
        with whole_file(path) as stream:
            stream.write(pickle.dumps(data, protocol=2))
    except OSError as reason:
        raise InputError(
            f"the body cannot be written to {path} ({reason.strerror or reason}); choose another folder or make room"
        ) from reason
