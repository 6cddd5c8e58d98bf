"""The only module that imports ``smplx``: the reference that our own evaluation is held against.

``smplx`` is licensed for non-commercial research. Nothing that runs needs it; tests and benchmarks compare with it, and a
user who has the official body files may read them with it.
"""

from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from revision_blender.motion.bodies.body_data import BodyModel
from revision_blender.motion.bodies.official_source import OfficialSource

try:
    import smplx
    from smplx.lbs import batch_rodrigues, lbs
    from smplx.utils import Struct
except ImportError as reason:
    raise ImportError("the package smplx is not installed; pip install smplx to compare with it") from reason

rodrigues: Any = batch_rodrigues  # smplx has tensor types of its own
skinning: Any = lbs
Array = NDArray[np.floating]
Evaluation = Callable[[Array, Array, Array, Array | None], tuple[Array, Array]]


def reference_body(model: BodyModel) -> torch.nn.Module:
    """``smplx.SMPL`` over the arrays of ``model``."""
    kintree = np.stack([model.parents, np.arange(model.n_joints)]).astype(np.int64)
    data = Struct(
        v_template=model.v_template, f=model.faces, shapedirs=model.shapedirs, posedirs=model.posedirs,
        J_regressor=model.J_regressor, weights=model.weights, kintree_table=kintree,
    )  # fmt: skip
    with redirect_stdout(StringIO()):  # it prints a warning for 10 components
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


def evaluation_of_file(path: Path, family: str, n_betas: int, n_expressions: int = 0, dtype: torch.dtype = torch.float64) -> Evaluation:
    """How ``smplx`` itself evaluates a body file of its own layouts.

    path: read by ``smplx`` with Python's unpickler, so only a file of known origin; without chumpy in it. family: "smpl",
    "smplh" and "smplx" are evaluated by the classes of that name, without hand mean and PCA; "smal" by ``smplx.lbs``, which has
    no class for it. The returned function takes betas ``(B,)``, axis-angle ``(F, J, 3)``, translation ``(F, 3)`` and
    expression ``(F, E)`` or None; it gives joints ``(F, J, 3)`` and vertices ``(F, V, 3)``.
    """
    if family == "smal":
        return evaluation_by_lbs(path, dtype)
    plain: dict[str, Any] = {"num_betas": n_betas, "dtype": dtype, "ext": path.suffix[1:], "use_pca": False, "flat_hand_mean": True}
    with redirect_stdout(StringIO()):
        if family == "smplx":
            body = smplx.SMPLXLayer(str(path), num_expression_coeffs=n_expressions, **plain)
        else:
            body = (smplx.SMPLHLayer if family == "smplh" else smplx.SMPLLayer)(str(path), **plain)

    def evaluate_file(betas: Array, pose: Array, translation: Array, expression: Array | None) -> tuple[Array, Array]:
        rotations = torch.as_tensor(rodrigues(torch.as_tensor(pose.reshape(-1, 3), dtype=dtype))).reshape(*pose.shape[:2], 3, 3)
        parts = _parts(family, rotations)
        if family == "smplx":
            zeros = torch.zeros(len(pose), n_expressions, dtype=dtype)
            parts["expression"] = zeros if expression is None else torch.as_tensor(expression, dtype=dtype)
        with torch.no_grad():
            result = body(
                betas=torch.as_tensor(np.tile(betas, (len(pose), 1)), dtype=dtype),
                transl=torch.as_tensor(translation, dtype=dtype),
                **parts,
            )
        return result.joints[:, : pose.shape[1]].numpy(), result.vertices.numpy()

    return evaluate_file


def _parts(family: str, rotations: torch.Tensor) -> dict[str, torch.Tensor]:
    """The arguments' names of ``smplx`` for the joints of its order."""
    if family == "smpl":
        return {"global_orient": rotations[:, :1], "body_pose": rotations[:, 1:]}
    face = ("jaw_pose", "leye_pose", "reye_pose") if family == "smplx" else ()
    parts = {"global_orient": rotations[:, :1], "body_pose": rotations[:, 1:22]}
    parts |= {name: rotations[:, 22 + place : 23 + place] for place, name in enumerate(face)}
    hands = rotations[:, 22 + len(face) :]
    return {**parts, "left_hand_pose": hands[:, :15], "right_hand_pose": hands[:, 15:]}


def evaluation_by_lbs(path: Path, dtype: torch.dtype = torch.float64) -> Evaluation:
    """The same by ``smplx.lbs`` over the file's arrays as they are, for what its classes do not take: SMAL, 16 components.

    The file is read by our own reader, arrays only.

    Expressions are the components behind the betas.
    """
    source = OfficialSource(path)
    names = ("v_template", "shapedirs", "posedirs", "weights", "J_regressor")
    arrays = (source.read(name, source.shape(name)) for name in names)
    template, shapedirs, posedirs, weights, regressor = (torch.as_tensor(array.copy(), dtype=dtype) for array in arrays)
    kintree = source.read("kintree_table", source.shape("kintree_table"))
    parents = torch.as_tensor(kintree[0].astype(np.int64))
    parents[0] = -1

    def evaluate_file(betas: Array, pose: Array, translation: Array, expression: Array | None) -> tuple[Array, Array]:
        tiled = np.tile(betas, (len(pose), 1))
        components = tiled if expression is None else np.concatenate([tiled, expression], axis=1)
        with torch.no_grad():
            vertices, joints = skinning(
                torch.as_tensor(components, dtype=dtype), torch.as_tensor(pose.reshape(len(pose), -1), dtype=dtype), template,
                shapedirs, posedirs.reshape(-1, posedirs.shape[-1]).T, regressor, parents, weights,
            )  # fmt: skip
        return joints.numpy() + translation[:, None], vertices.numpy() + translation[:, None]

    return evaluate_file
