"""How large animals usually are: what one picture leaves open, from the word that names them.

Heights at the withers, metres, and how far one may be from the next, as the spread of the logarithm. Rounded from adults' shoulder
heights in Nowak, "Walker's Mammals of the World" (1999), and for breeds from the standards of the FCI and the American Kennel Club.
"""

from dataclasses import dataclass
from functools import cache

from backend.bodies.installed import shelf
from backend.lifting.animals.starts import kind_named, plain_words
from revision_blender.motion.bodies.body_size import size_of
from revision_blender.motion.bodies.shape_presets import shape_presets

BODY = "open_quadruped"
UNKNOWN_SPREAD = 0.6  # from a cat to a small horse
WITHERS: dict[str, tuple[float, float]] = {
    "dog": (0.60, 0.30), "hund": (0.60, 0.30), "puppy": (0.30, 0.30), "wolf": (0.80, 0.10), "fox": (0.38, 0.12), "retriever": (0.58, 0.08),
    "labrador": (0.57, 0.08), "shepherd": (0.60, 0.10), "collie": (0.56, 0.12), "poodle": (0.50, 0.30), "terrier": (0.38, 0.30),
    "spaniel": (0.40, 0.12), "hound": (0.61, 0.20), "greyhound": (0.71, 0.06), "bulldog": (0.37, 0.10), "dachshund": (0.22, 0.12),
    "cat": (0.24, 0.12), "katze": (0.24, 0.12), "kitten": (0.13, 0.30), "lion": (1.10, 0.12), "tiger": (0.95, 0.12),
    "leopard": (0.62, 0.12), "cheetah": (0.80, 0.10), "lynx": (0.60, 0.12), "panther": (0.65, 0.15),
    "horse": (1.55, 0.15), "pferd": (1.55, 0.15), "pony": (1.25, 0.12), "foal": (1.00, 0.15), "zebra": (1.30, 0.08),
    "donkey": (1.10, 0.15), "mule": (1.45, 0.12), "deer": (1.00, 0.25), "stag": (1.20, 0.15), "giraffe": (3.00, 0.12), "camel": (1.85, 0.10),
    "cow": (1.40, 0.10), "kuh": (1.40, 0.10), "calf": (0.85, 0.20), "bull": (1.50, 0.10), "ox": (1.50, 0.12), "buffalo": (1.60, 0.12),
    "bison": (1.75, 0.12), "sheep": (0.70, 0.15), "goat": (0.70, 0.20), "pig": (0.75, 0.25), "hippo": (1.50, 0.10), "rhino": (1.65, 0.10),
    "elephant": (2.90, 0.15), "bear": (1.00, 0.20),
}  # fmt: skip


@dataclass(frozen=True)
class UsualSize:
    """factor: the size component's, 1 is a large dog. spread: of the factor's logarithm."""

    factor: float
    spread: float


def usual_size(words: str) -> UsualSize:
    """The size of the bundled quadruped that an animal's label or name speaks of; 1, and hardly sure, where they speak of none.

    A word's height against that of the kind whose shape it takes: all shapes of the model are of one size.
    """
    for plain in plain_words(words):
        word = next((one for one in (plain, plain.removesuffix("s")) if one in WITHERS), None)
        if word is not None:
            (height, spread), kind = WITHERS[word], kind_named(word, _sizes())
            assert kind is not None
            return UsualSize(_sizes()[kind] * height / WITHERS[kind][0], spread)
    return UsualSize(1.0, UNKNOWN_SPREAD)


@cache
def _sizes() -> dict[str, float]:
    """How large the named shapes of the bundled quadruped are."""
    model = shelf().load(BODY)
    return {name: size_of(model, betas) for name, betas in shape_presets(shelf(), BODY).items()}
