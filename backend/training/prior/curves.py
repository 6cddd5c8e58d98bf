"""What a run of the prior says about itself: words in the terminal, lines of JSON and tensorboard's events in the run's folder."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tensorboardX import SummaryWriter

from backend.training.prior.looks import Row, table


class Curves:
    """Losses are averaged over ``every`` steps; ``last`` is the newest mean, None before the first step."""

    def __init__(self, out: Path, every: int, say: Callable[[str], None]) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self.file, self.every, self.say = out / "log.jsonl", every, say
        self.last: float | None = None
        self._values: list[Mapping[str, float]] = []
        self._began = time.monotonic()
        self._board = SummaryWriter(str(out / "tensorboard"))

    def step(self, step: int, loss: float, parts: Mapping[str, float], rate: float) -> None:
        """Notes the loss of the step that made ``step`` steps done, and its parts."""
        self._values.append({"loss": loss, **parts})
        self.last = sum(value["loss"] for value in self._values) / len(self._values)
        if len(self._values) < self.every:
            return
        means = {name: _mean([value[name] for value in self._values if name in value]) for name in self._values[-1]}
        seconds = (time.monotonic() - self._began) / len(self._values)
        values = {**means, "learning_rate": rate, "seconds_a_step": seconds}
        self._note(step, {name: float(f"{value:.5g}") for name, value in values.items()})
        shown = " ".join(f"{name} {value:.4f}" for name, value in means.items())
        self.say(f"step {step}: {shown}, {seconds:.2f} s a step")
        self._values, self._began = [], time.monotonic()

    def look(self, step: int, seconds: float, rows: list[Row]) -> None:
        """Notes how the mean weights do on held-out motions."""
        for row in rows:
            self._note(step, {f"{row.name}/{name}": round(value, 3) for name, value in row.values().items()})
        self.say(f"step {step}, {seconds / 60.0:.1f} min, the mean weights on held-out motions\n{table(rows)}")
        self._began = time.monotonic()

    def close(self) -> None:
        self._board.close()

    def _note(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._board.add_scalar(name, value, step)
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"step": step, **values}) + "\n")


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
