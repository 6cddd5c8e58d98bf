"""The prior's rivals as they come with the product: each filter's numbers for every row, and the SmoothNet-style weights."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from backend.errors import EngineError
from backend.evaluation.prior.filters import FILTERS, Setting, cubic, filtered
from backend.evaluation.prior.optimisation import optimised
from backend.evaluation.prior.rigid_fit import RIGID, rigid_and_ballistic
from backend.evaluation.prior.smoothnet import SmoothNet, load_smoothnet, save_smoothnet, smoothed
from backend.prior.network.weights import BUNDLED
from backend.prior.state.take import KINDS, Damaged, Kind, Take
from revision_blender.motion.whole_file import whole_file

BUNDLED_RIVALS = BUNDLED / "rivals"
FILE = "filters.json"
OPTIMISATION = "optimisation"
SMOOTHNET = "SmoothNet"
FILTER_NAMES = tuple(one.name for one in FILTERS)

Answer = Callable[[Damaged, str], Take]  # a damaged take and the name of its row


@dataclass(frozen=True, eq=False)
class Method:
    """slow: seconds for some hundred frames, so that it is asked on fewer rows. kinds, rows: what it answers; all rows where None."""

    name: str
    answer: Answer
    slow: bool = False
    kinds: tuple[Kind, ...] = KINDS
    rows: tuple[str, ...] | None = None


@dataclass(frozen=True, eq=False)
class Rivals:
    """settings: by filter, kind and row."""

    settings: Mapping[tuple[str, Kind, str], Setting]
    smoothnet: SmoothNet

    def methods(self) -> tuple[Method, ...]:
        """Identity first, then the filters, SmoothNet and the optimisation baseline."""
        return (
            Method("identity", lambda damaged, _row: damaged.take),
            *(Method(name, self._filter(index)) for index, name in enumerate(FILTER_NAMES)),
            Method("cubic", lambda damaged, _row: cubic(damaged), rows=("decimate 2", "decimate 4")),
            Method(SMOOTHNET, lambda damaged, _row: smoothed(damaged, self.smoothnet)),
            Method(RIGID, lambda damaged, _row: rigid_and_ballistic(damaged), kinds=("object",)),
            Method(OPTIMISATION, lambda damaged, _row: optimised(damaged), slow=True, kinds=("human",)),
        )

    def _filter(self, index: int) -> Answer:
        chosen = FILTERS[index]
        return lambda damaged, row: filtered(damaged, chosen, self.setting(chosen.name, damaged.take.kind, row))

    def setting(self, name: str, kind: Kind, row: str) -> Setting:
        """Raises EngineError for a row that the filters were not tuned on."""
        found = self.settings.get((name, kind, row))
        if found is None:
            raise EngineError(f"the {name} filter has no numbers for {kind} {row!r}; tune it with python -m backend train prior-rivals.")
        return found


def save_rivals(rivals: Rivals, folder: Path) -> None:
    save_smoothnet(rivals.smoothnet, folder)
    values: dict[str, dict[str, dict[str, list[float]]]] = {}
    for (name, kind, row), setting in rivals.settings.items():
        values.setdefault(name, {}).setdefault(kind, {})[row] = [setting.turns, setting.places]
    with whole_file(folder / FILE) as stream:
        stream.write((json.dumps(values, indent=1) + "\n").encode())


def load_rivals(folder: Path) -> Rivals:
    """Raises EngineError where the folder does not hold them."""
    try:
        values = json.loads((folder / FILE).read_text())
        settings = {
            (name, kind, row): Setting(float(turns), float(places))
            for name, kinds in values.items()
            for kind, rows in kinds.items()
            for row, (turns, places) in rows.items()
        }
    except (OSError, ValueError, AttributeError) as error:
        raise EngineError(
            f"{folder / FILE} holds no filters' numbers ({error}); make them with python -m backend train prior-rivals."
        ) from error
    return Rivals(settings, load_smoothnet(folder))
