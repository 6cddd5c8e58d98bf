"""The rows of a quick look: some of the protocol's, those that say most about a run."""

from backend.prior.state.take import Kind
from backend.training.prior.corruption import ROWS as PROTOCOL
from backend.training.prior.corruption import Recipe

_HUMAN = (
    "clean",
    "white 3",
    "white 5",
    "white 7",
    "mix 3",
    "mix 5",
    "ar 5",
    "joints 4 cm",
    "legs missing + 5",
    "frames missing + 3",
    "swap",
    "depth drift",
    "float",
    "decimate 4",
)
_OTHERS = ("clean", "white 5", "mix 5")

ROWS: tuple[tuple[Kind, str, Recipe], ...] = (
    *(("human", name, PROTOCOL[name]) for name in _HUMAN),
    *(("animal", name, PROTOCOL[name]) for name in _OTHERS),
    *(("object", name, PROTOCOL[name]) for name in _OTHERS),
)
