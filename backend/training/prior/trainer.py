"""The prior's training loop: batches drawn from seed and step, EMA, checkpoints, exports; resumed, it goes on where it stopped."""

import json
import math
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from backend.errors import InputError
from backend.prior.network.transformer import Prior, Usual
from backend.prior.network.weights import TrainedPrior, load_prior, save_prior
from backend.prior.state.features import features
from backend.prior.state.take import KINDS, Kind, Take
from backend.training.prior.batches import Batch, Batches
from backend.training.prior.config import OptimizerConfig, TrainConfig, as_values
from backend.training.prior.curves import Curves
from backend.training.prior.distribution import distributions, limits
from backend.training.prior.looks import Looks, Row
from backend.training.prior.losses import paired, total
from backend.training.prior.optimizer import Muon
from backend.training.video.checkpoints import changed_since, checkpoints, load_checkpoint, save_checkpoint
from backend.training.video.ema import Ema
from backend.training.video.provenance import commit
from backend.training.video.stopping import asked_to_stop

Say = Callable[[str], None]

_USUAL, _USUAL_FROM = 48, 10**9  # batches to learn the features' usual size from, and where their draws begin


@dataclass(frozen=True)
class Motions:
    """What is learned from, and what is only looked at (empty: no looks)."""

    training: Sequence[Take]
    held_out: Sequence[Take] = ()


@dataclass(frozen=True)
class TrainResult:
    """steps: done altogether. loss: mean of the newest steps, None without any. folder: the exported weights, which ``load_prior`` reads."""

    steps: int
    loss: float | None
    folder: Path


def train(
    config: TrainConfig, motions: Motions, out: Path, *, latest: Path | None = None, afresh: bool = False, say: Say = print
) -> TrainResult:
    """Trains until the configured step or minute, a Ctrl-C or SIGTERM; always ends with a checkpoint and an export to ``out/model``.

    latest: a second place that every export is put to. afresh: begins at step 0 instead of at the newest checkpoint in ``out``.
    Raises InputError without motions, for a checkpoint of another network, and when the loss is no number any more.
    """
    if not motions.training:
        raise InputError("there are 0 motions to train on; name a folder with motion files, or use the bundled ones.")
    if config.run.threads:
        torch.set_num_threads(config.run.threads)
    if afresh:
        shutil.rmtree(out / "checkpoints", ignore_errors=True)
    return _Run(config, motions, out, latest, say).go()


class _Run:
    """What is made once, and the loop over it."""

    def __init__(self, config: TrainConfig, motions: Motions, out: Path, latest: Path | None, say: Say) -> None:
        self.config, self.out, self.latest, self.say = config, out, latest, say
        torch.manual_seed(config.seed)
        self.net = Prior(config.network)
        self.weights = dict(self.net.named_parameters())
        self.optimizer = _optimizer(self.weights, config.optimizer)
        self.ema = Ema(self.weights, config.optimizer.ema)
        self.strengths = distributions(motions.training, config.data.frames)
        self.limits = {kind: limits(motions.training, kind) for kind in KINDS}
        self.batches = Batches(motions.training, self.strengths, config)
        self.looks = Looks(motions.held_out, config.data.frames) if motions.held_out and config.run.look_every else None
        accustom(self.net, self.batches)
        self.step, self.seconds = self._resumed()
        self.facts = {"config": as_values(config), "commit": commit(), "takes": len(motions.training)}

    def go(self) -> TrainResult:
        run = self.config.run
        self.say(
            f"{sum(weight.numel() for weight in self.weights.values()):,} weights; from step {self.step}, {self.seconds / 60.0:.1f} min"
        )
        curves = Curves(self.out, run.log_every, self.say)
        exported = began = time.monotonic()
        before, batches = self.seconds, self._drawn()
        with asked_to_stop(0.0) as stop:
            while self.step < run.steps and self._progress() < 1.0 and not stop():
                loss, parts = self._one_step(next(batches))
                curves.step(self.step, loss, parts, self.optimizer.param_groups[0]["lr"])
                self.seconds = before + time.monotonic() - began
                if self.looks is not None and self.step % run.look_every == 0:
                    curves.look(self.step, self.seconds, self._look(self.looks))
                if self.step % run.save_every == 0:
                    self._save()
                if run.export_minutes and time.monotonic() - exported > 60.0 * run.export_minutes:
                    self._export(curves.last)
                    exported = time.monotonic()
        self._save()
        folder = self._export(curves.last)
        curves.close()
        return TrainResult(self.step, curves.last, folder)

    def _one_step(self, batch: Batch) -> tuple[float, dict[str, float]]:
        for group in self.optimizer.param_groups:
            group["lr"] = group["part"] * learning_rate(self.config.optimizer, self.step, self._progress())
        torch.manual_seed(self.config.seed * 1_000_003 + self.step)  # of the dropout: resumed, the same comes again
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.run.precision == "bf16"):
            predicted = self.net(batch.observed, batch.told)
        pair = paired(predicted, batch.clean, batch.observed.valid, self.limits[batch.clean.kind])
        loss, parts = total(pair, self.config.loss)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise InputError(f"the loss is {value} at step {self.step}; lower the learning rate, or train in fp32.")
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.weights.values(), self.config.optimizer.clip_norm)
        self.optimizer.step()
        self.ema.update(self.weights, self.step)
        self.step += 1
        return value, parts

    def _drawn(self) -> Iterator[Batch]:
        """The batches from the present step on, drawn ahead where there are workers."""
        run = self.config.run
        steps = range(self.step, run.steps)
        if not run.workers:
            return map(self.batches.__getitem__, steps)
        ahead = DataLoader(cast("Dataset[Batch]", self.batches), batch_size=None, sampler=steps, num_workers=run.workers, prefetch_factor=4)
        return iter(ahead)

    def _look(self, looks: Looks) -> list[Row]:
        self.net.eval()
        with self.ema.lent(self.weights):
            rows = looks(self.net)
        self.net.train()
        return rows

    def _progress(self) -> float:
        """Share of the run that is over, by steps or by minutes, whichever is more."""
        run = self.config.run
        return max(self.step / run.steps, self.seconds / (60.0 * run.minutes) if run.minutes else 0.0)

    def _resumed(self) -> tuple[int, float]:
        found = checkpoints(self.out / "checkpoints")
        if not found:
            return 0, 0.0
        step = load_checkpoint(found[-1], self.weights, self.ema, self.optimizer)
        state = json.loads((found[-1] / "state.json").read_text(encoding="utf-8"))
        changed = changed_since(found[-1], {"config": as_values(self.config)})
        if changed:
            self.say(f"goes on from step {step} with another configuration than before: {', '.join(changed)} changed")
        return step, float(state.get("seconds", 0.0))

    def _save(self) -> None:
        facts = {**self.facts, "seconds": self.seconds}
        save_checkpoint(self.out / "checkpoints", self.step, self.weights, self.ema, self.optimizer, keep=self.config.run.keep, facts=facts)

    def _export(self, loss: float | None) -> Path:
        facts = {**self.facts, "steps": self.step, "minutes": round(self.seconds / 60.0, 1), "loss": loss}
        place = self.out / "model"
        with self.ema.lent(self.weights):
            for folder in filter(None, (place, self.latest)):
                save_prior(folder, TrainedPrior(self.net, self.strengths, facts))
        self.say(f"exported {place} at step {self.step}")
        return place


@torch.no_grad()
def accustom(net: Prior, batches: Batches) -> None:
    """Tells the network the usual size of its features, from draws that no step makes, so that a resumed run learns the same."""
    seen: dict[Kind, list[Tensor]] = {}
    for place in range(_USUAL):
        found = batches[_USUAL_FROM + place].observed
        seen.setdefault(found.motions.kind, []).append(features(found)[found.valid])
    for kind, frames in seen.items():
        usual = net.usual[kind]
        assert isinstance(usual, Usual)
        usual.learn(torch.cat(frames))


def looked_at(folder: Path, motions: Motions, config: TrainConfig) -> list[Row]:
    """How exported weights do on the held-out motions."""
    return Looks(motions.held_out, config.data.frames)(load_prior(folder).network)


def learning_rate(config: OptimizerConfig, step: int, progress: float) -> float:
    """At a step counted from 0 and a share of the run in [0, 1]: linear warm-up, then a cosine down to a hundredth."""
    rise = min(1.0, (step + 1) / config.warmup) if config.warmup else 1.0
    return config.learning_rate * rise * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress))))


def _optimizer(weights: dict[str, nn.Parameter], config: OptimizerConfig) -> torch.optim.Optimizer:
    """Only matrices are pulled to 0, not biases, norms and tokens."""
    blocks = [name for name, weight in weights.items() if name.startswith("blocks.") and weight.ndim == 2]
    direct = [name for name in weights if name.startswith("direct.")]
    return Muon(weights, blocks if config.kind == "muon" else (), direct, config.learning_rate, config.weight_decay)
