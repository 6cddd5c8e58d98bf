"""The only module that imports ``smplx``: the reference that our own evaluation is held against.

``smplx`` is licensed for non-commercial research. Nothing that runs needs it; tests and benchmarks compare with it, and a
user who has the official body files may read them with it.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from revision_blender.motion.bodies.body_data import BodyModel

try:
    import smplx
    from smplx.utils import Struct
except ImportError as reason:
    raise ImportError("the package smplx is not installed; pip install smplx to compare with it") from reason

Array = NDArray[np.floating]


def reference_body(model: BodyModel) -> torch.nn.Module:
    """``smplx.SMPL`` over the arrays of ``model``."""
    kintree = np.stack([model.parents, np.arange(model.n_joints)]).astype(np.int64)
    data = Struct(
        v_template=model.v_template, f=model.faces, shapedirs=model.shapedirs, posedirs=model.posedirs,
        J_regressor=model.J_regressor, weights=model.weights, kintree_table=kintree,
    )  # fmt: skip
    return smplx.SMPL(model_path="", data_struct=data, num_betas=model.n_betas, create_transl=False)


def reference_from_file(path: Path, n_betas: int = 10) -> torch.nn.Module:
    """``smplx.SMPL`` over an SMPL ``.pkl``; unpickling runs what the file says, so only for files of known origin."""
    return smplx.SMPL(model_path=str(path), num_betas=n_betas, create_transl=False)


def evaluate(body: torch.nn.Module, betas: Array, rotations: Array, translation: Array) -> tuple[Array, Array]:
    """Joints ``(F, 24, 3)`` and vertices ``(F, V, 3)`` by ``smplx``, from R_parent_joint ``(F, 24, 3, 3)``."""
    frames = len(rotations)
    matrices = torch.as_tensor(rotations, dtype=torch.float32)
    with torch.no_grad():
        result = body(
            betas=torch.as_tensor(np.tile(betas, (frames, 1)), dtype=torch.float32),
            global_orient=matrices[:, :1],
            body_pose=matrices[:, 1:],
            transl=torch.as_tensor(translation, dtype=torch.float32),
            pose2rot=False,
        )
    return result.joints[:, :24].numpy(), result.vertices.numpy()
