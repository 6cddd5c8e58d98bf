"""What a run says about itself: words in the terminal, lines of JSON and tensorboard's events in the run's folder."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tensorboardX import SummaryWriter

from backend.training.video.probe import ProbeResult

Say = Callable[[str], None]


class Reports:
    """Of the main process. Losses are averaged over ``every`` steps; ``last`` is the newest mean, None before the first step."""

    def __init__(self, out: Path, every: int, say: Say) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self.file, self.every, self.say = out / "log.jsonl", every, say
        self.last: float | None = None
        self._losses: list[float] = []
        self._began = time.monotonic()
        self._board = SummaryWriter(str(out / "tensorboard"))

    def step(self, step: int, loss: float, rate: float) -> None:
        """Notes the loss of the step that made ``step`` steps done."""
        self._losses.append(loss)
        mean = self.last = sum(self._losses) / len(self._losses)
        if len(self._losses) < self.every:
            return
        seconds = (time.monotonic() - self._began) / len(self._losses)
        self._write({"step": step, "loss": round(mean, 6), "learning_rate": rate, "seconds_a_step": round(seconds, 4)})
        for name, value in (("loss", mean), ("learning_rate", rate), ("seconds_a_step", seconds)):
            self._board.add_scalar(name, value, step)
        self.say(f"step {step}: loss {mean:.4f}, {seconds:.2f} s a step")
        self._losses, self._began = [], time.monotonic()

    def probe(self, step: int, found: ProbeResult) -> None:
        """Notes the loss by noise level of the mean weights."""
        self._write(
            {"step": step, "probe": dict(zip((f"{sigma:.4g}" for sigma in found.sigmas), found.losses, strict=True)), "mean": found.mean}
        )
        for sigma, loss in zip(found.sigmas, found.losses, strict=True):
            self._board.add_scalar(f"probe/sigma_{sigma:.3g}", loss, step)
        self._board.add_scalar("probe/mean", found.mean, step)
        self.say(f"step {step}: loss of the mean weights on fixed triples\n{found.table()}")
        self._began = time.monotonic()

    def sheet(self, step: int, name: str, picture: NDArray[np.uint8]) -> None:
        """A picture ``(H, W, 3)``."""
        self._board.add_image(name, picture, step, dataformats="HWC")
        self._began = time.monotonic()

    def close(self) -> None:
        self._board.close()

    def _write(self, entry: dict[str, object]) -> None:
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(entry) + "\n")
