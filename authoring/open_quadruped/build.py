"""``python -m authoring.open_quadruped.build [OUT.npz]``: the bundled open quadruped, in a few minutes on one core."""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.bodies.body_data import BodyModel
from revision_blender.motion.bodies.body_file import body_facts, save_body_model
from revision_blender.motion.bodies.body_size import sized
from revision_blender.motion.skeletons import SMAL

from .cage import build_cage
from .correctives import Residual, Rest, fit_correctives, residual
from .eyeballs import N_BALL
from .shapes import Herd, Shapes, herd_of, joint_regressor, mirror_of, shape_space, triangles_of
from .sizes import true_size
from .skeleton import JOINT, PARENTS
from .skinning import blend_weights
from .surface import build_mesh, first_skin
from .variation import ARCHETYPES, sampled_animals

Array = NDArray[np.float64]

OPEN_QUADRUPED = Path(__file__).parents[2] / "revision_blender" / "data" / "open_quadruped.npz"
_HELD_OUT = 60  # fresh poses that the residual is measured on


def build(out: Path, samples: int, poses: int) -> BodyModel:
    mesh = build_mesh(build_cage())
    mirror = mirror_of(mesh)
    first = first_skin(ARCHETYPES["dog"], mesh)
    herd = herd_of(*sampled_animals(samples, seed=7), first, mesh)
    shapes = shape_space(herd, len(ARCHETYPES))
    weights = _all_weights(blend_weights(ARCHETYPES["dog"], mesh, first.places))
    regressor = joint_regressor(herd, weights, mirror)
    rest = Rest(shapes.mean, regressor @ shapes.mean, weights, mirror)
    posedirs = fit_correctives(rest, poses) if poses else np.zeros((len(mirror), 3, 9 * (len(PARENTS) - 1)))
    one_size = BodyModel(
        name="open_quadruped",
        v_template=shapes.mean.astype(np.float32),
        faces=triangles_of(mesh).astype(np.int32),
        shapedirs=shapes.components.astype(np.float32),
        posedirs=posedirs.astype(np.float32),
        J_regressor=regressor.astype(np.float32),
        weights=weights.astype(np.float32),
        parents=PARENTS.astype(np.int64),
        part_labels=SMAL.part_labels[weights.argmax(axis=1)],
        family="smal",
    )
    model = sized(one_size)
    found = residual(rest, posedirs.astype(np.float16).astype(np.float64), _HELD_OUT, seed=99)
    save_body_model(out, model, figures(herd, shapes, regressor, found))
    return model


def _all_weights(skin_weights: Array) -> Array:
    """The eyeballs hang on the head alone."""
    balls = np.zeros((2 * N_BALL, len(JOINT)))
    balls[:, JOINT["head"]] = 1.0
    return np.concatenate([skin_weights, balls])


def figures(herd: Herd, shapes: Shapes, regressor: Array, found: Residual) -> dict[str, float | str]:
    """What the file says about how well it was made, lengths in millimetres, and the shapes of the named animals."""
    missed = np.linalg.norm(np.einsum("jv,nvc->njc", regressor, herd.vertices, optimize=True) - herd.joints, axis=-1)
    betas = {name: shapes.betas(herd.vertices[k]) for k, name in enumerate(ARCHETYPES)}
    apart = [np.abs(shapes.mean + shapes.components @ b - herd.vertices[k]).max() for k, b in enumerate(betas.values())]
    return {
        "source": "modelled by authoring/open_quadruped of this project; hand-drawn proportions, no scans",
        "samples": len(herd.vertices),
        "variance_explained": round(float(shapes.explained.sum()), 5),
        "joint_error_mean_mm": round(1e3 * float(missed.mean()), 2),
        "joint_error_p99_mm": round(1e3 * float(np.quantile(missed, 0.99)), 2),
        "archetype_error_max_mm": round(1e3 * float(max(apart)), 2),
        "held_out_residual_linear_mm": round(1e3 * found.linear, 3),
        "held_out_residual_corrected_mm": round(1e3 * found.corrected, 3),
        "held_out_residual_ratio": round(found.corrected / max(found.linear, 1e-12), 3),
        **{f"betas_{name}": " ".join(f"{value:.4f}" for value in grown(row, name)) for name, row in betas.items()},
    }


def grown(proportions: Array, name: str) -> Array:
    """``(42,)`` the shape of a named animal at its true size, from its components ``(41,)`` at the model's."""
    size = true_size(name, ARCHETYPES[name])
    return np.append(size * proportions, size - 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=OPEN_QUADRUPED)
    parser.add_argument("--samples", type=int, default=100, help="animals whose shapes make the components")
    parser.add_argument("--poses", type=int, default=200, help="poses that the correctives are fitted to")
    arguments = parser.parse_args()
    build(arguments.out, arguments.samples, arguments.poses)
    for name, value in body_facts(arguments.out)["figures"].items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
