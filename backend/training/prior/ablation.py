"""What each loss buys: short runs of the same steps, each without one of them."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from backend.training.prior.config import TrainConfig
from backend.training.prior.looks import Row, table
from backend.training.prior.trainer import Motions, looked_at, train


def ablate(config: TrainConfig, motions: Motions, out: Path, steps: int, say: Callable[[str], None]) -> dict[str, list[Row]]:
    """Trains ``steps`` steps with all losses, then without each; says a table of the held-out rows for each and returns them."""
    config = replace(config, run=replace(config.run, steps=steps, minutes=0.0, look_every=0, export_minutes=0.0))
    found: dict[str, list[Row]] = {}
    for name in ("", *(name for name, weight in asdict(config.loss).items() if weight > 0.0)):
        without = replace(config, loss=replace(config.loss, **{name: 0.0})) if name else config
        label = f"without {name}" if name else "all losses"
        result = train(without, motions, out / label.replace(" ", "_"), afresh=True, say=lambda _words: None)
        found[label] = looked_at(result.folder, motions, config)
        say(f"{label}\n{table(found[label])}")
    return found
