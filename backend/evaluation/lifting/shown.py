"""What a user would show of a truth scene: boxes and clicks near where things are, as hands draw them."""

import numpy as np
from numpy.typing import NDArray

from backend.evaluation.lifting.backdrop import Eye
from backend.evaluation.lifting.figures import Figure
from backend.lifting.subject import boxes_of
from revision_blender.masks.labels import ANIMAL_PART_NAMES, FIRST_ANIMAL
from revision_blender.motion.bodies.body_data import BodyModel
from revision_blender.motion.subjects import Click, Prompt

CLICKED = ("nose", "tail_base", "front_left_paw", "front_right_paw", "back_left_paw", "back_right_paw")
CLICK_NOISE, BOX_NOISE = 2.5, 2.0  # pixels, standard deviation
_SEED = 6


def prompts_of(figures: tuple[Figure, ...], eyes: tuple[Eye, ...], visible: NDArray[np.bool_]) -> tuple[Prompt, ...]:
    """One prompt a thing and animal, on the frame that shows most of it in the clip's first third: a box, and six clicks of an animal.

    visible: ``(T, F, H, W)``.
    """
    rng = np.random.default_rng(_SEED)
    prompts = []
    for number, figure in enumerate(figures):
        if figure.kind == "person":
            continue
        early = visible[number, : max(len(eyes) // 3, 1)].sum(axis=(1, 2))
        frame = 0 if early[0] >= 0.85 * early.max() else int(early.argmax())
        box = boxes_of(visible[number, frame][None].astype(np.uint8) * 255)[0][0] + rng.normal(0.0, BOX_NOISE, 4)
        clicks = _clicks(figure, eyes[frame], frame, rng) if figure.kind == "animal" else ()
        left, top, right, bottom = (float(round(edge, 1)) for edge in box)
        prompts.append(Prompt(figure.name, figure.kind, frame, (left, top, right, bottom), clicks, figure.label))  # type: ignore[arg-type]
    return tuple(prompts)


def _clicks(figure: Figure, eye: Eye, frame: int, rng: np.random.Generator) -> tuple[Click, ...]:
    assert figure.motion is not None
    places = keypoint_vertices(figure.motion.identity.model)
    pixels = np.stack([eye.to_pixels(figure.vertices[frame][places[name]]).mean(axis=0) for name in CLICKED])
    pixels = pixels + rng.normal(0.0, CLICK_NOISE, pixels.shape)
    return tuple(Click(round(float(x), 1), round(float(y), 1), name) for name, (x, y) in zip(CLICKED, pixels, strict=True))


def keypoint_vertices(model: BodyModel) -> dict[str, NDArray[np.int64]]:
    """Vertices of a quadruped that a user's click on a part means, whose mean is the place clicked on."""
    v = model.v_template
    places = {"nose": np.argsort(-v[:, 0])[:12]}
    tail = np.flatnonzero(model.part_labels == FIRST_ANIMAL + ANIMAL_PART_NAMES.index("tail"))
    places["tail_base"] = tail[np.argsort(-v[tail, 0])[:30]]
    for end in ("front", "back"):
        for side in ("left", "right"):
            lower = np.flatnonzero(model.part_labels == FIRST_ANIMAL + ANIMAL_PART_NAMES.index(f"{end}_{side}_lower"))
            places[f"{end}_{side}_paw"] = lower[np.argsort(v[lower, 2])[:40]]
    return places
