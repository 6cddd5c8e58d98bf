"""The training loop: accelerate's processes, EMA, checkpoints, exports; resumed, it goes on as if it had never stopped."""

import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import nn
from torch.utils.data import DataLoader

from backend.engines.svd.weights.loading import load_model
from backend.engines.svd.weights.widening import widened
from backend.errors import InputError
from backend.training.video.attention import quicken
from backend.training.video.checkpoints import changed_since, checkpoints, load_checkpoint, save_checkpoint
from backend.training.video.config import OptimizerConfig, TrainConfig
from backend.training.video.dataset import ClipFolder
from backend.training.video.ema import Ema
from backend.training.video.examples import Batch, Examples, Places, batched
from backend.training.video.loss import losses
from backend.training.video.probe import Probe
from backend.training.video.provenance import provenance
from backend.training.video.reports import Reports
from backend.training.video.result import TrainResult, write_result
from backend.training.video.samples import SampleSettings, sample_sheet
from backend.training.video.staging import Stage
from backend.training.video.stopping import asked_to_stop
from backend.training.video.trained_part import prepare

Say = Callable[[str], None]
_SHEETS = 2  # clips that are sampled for the eye


def train(config: TrainConfig, *, afresh: bool = False, say: Say = print) -> TrainResult:
    """Trains until the configured step or minute, a Ctrl-C or SIGTERM; always ends with a checkpoint and an export.

    Goes on from the newest checkpoint in the run's folder; ``afresh`` removes the checkpoints there and begins at step 0. Raises InputError for data that does not fit the model, for a
    checkpoint of another run, and when the loss is no number any more.
    """
    if config.run.threads:
        torch.set_num_threads(config.run.threads)
    AcceleratorState._reset_state()  # a run before this one in the same process may have had another precision
    return _Run(config, afresh, say).go()


class _Run:
    """One process of a run: what is loaded once, and the loop over it."""

    def __init__(self, config: TrainConfig, afresh: bool, say: Say) -> None:
        self.config, self.out = config, Path(config.out)
        precision = "no" if config.run.precision == "fp32" else config.run.precision
        self.accelerator = Accelerator(mixed_precision=precision, gradient_accumulation_steps=config.run.accumulate)
        self.say: Say = say if self.accelerator.is_main_process else lambda _words: None
        self.clips = ClipFolder(Path(config.data))
        self.model = load_model(Path(config.base), self.accelerator.device)
        self._check_sizes()
        self.weights = self._prepared_weights()
        self.optimizer = torch.optim.AdamW(
            self.weights.values(), lr=config.optimizer.learning_rate, weight_decay=config.optimizer.weight_decay
        )
        self.ema = Ema(self.weights, config.optimizer.ema)
        self.unet, self.prepared_optimizer = self.accelerator.prepare(self.model.unet, self.optimizer)
        self.stage = Stage(self.model, config.noise, self.clips.facts.fps, config.micro.bucket)
        if afresh and self.accelerator.is_main_process:
            shutil.rmtree(self.out / "checkpoints", ignore_errors=True)
        self.step = 0 if afresh else self._resumed()

    def go(self) -> TrainResult:
        count = sum(weight.numel() for weight in self.weights.values())
        run = self.config.run
        self.say(f"{len(self.clips)} clips; {count:,} weights learn ({self.config.trained}); from step {self.step} to {run.steps}")
        reports = Reports(self.out, run.log_every, self.say) if self.accelerator.is_main_process else None
        saved = -1
        with asked_to_stop(run.minutes) as stop:
            batches = iter(self._loader())
            if self.step == 0:
                self._look(reports)
            while self.step < run.steps and not self._together(float(stop()), "sum"):
                loss = self._one_step(batches)
                if reports is not None:
                    reports.step(self.step, loss, self.prepared_optimizer.param_groups[0]["lr"])
                self._look(reports)
                if self.step % run.save_every == 0:
                    self._save(reports)
                    saved = self.step
        if saved != self.step:
            self._save(reports)
        if reports is not None:
            reports.close()
        return TrainResult(self.step, reports.last if reports is not None else None, self.out / "model")

    def _one_step(self, batches: Iterator[Batch]) -> float:
        config = self.config
        for group in self.prepared_optimizer.param_groups:
            group["lr"] = learning_rate(config.optimizer, self.step, config.run.steps)
        total = 0.0
        for part in range(config.run.accumulate):
            total += self._one_part(next(batches), self.step * config.run.accumulate + part) / config.run.accumulate
        total = self._together(total, "mean")
        if not math.isfinite(total):
            raise InputError(f"the loss is {total} at step {self.step}; lower the learning rate, or train in bf16 or fp32.")
        self.ema.update(self.weights, self.step)
        self.step += 1
        return total

    def _one_part(self, batch: Batch, number: int) -> float:
        """One batch's gradient; the weights change with the last of a step."""
        staged = self.stage(batch, self._generator(number))
        with self.accelerator.accumulate(self.unet):
            with self.accelerator.autocast():
                loss = losses(self.unet, staged.clean, staged.noise, staged.sigma, staged.given, self.config.loss.moving).mean()
            self.accelerator.backward(loss)
            if self.accelerator.sync_gradients:
                self.accelerator.clip_grad_norm_(self.weights.values(), self.config.optimizer.clip_norm)
            self.prepared_optimizer.step()
            self.prepared_optimizer.zero_grad()
        return float(loss.detach())

    def _together(self, value: float, how: str) -> float:
        """One number of all processes, so that all of them stop at the same step and fail for the same reason."""
        if self.accelerator.num_processes == 1:
            return value
        return float(torch.as_tensor(self.accelerator.reduce(torch.tensor(value, device=self.accelerator.device), how)))

    def _generator(self, number: int) -> torch.Generator:
        """Of one batch of one process: resumed, the same noise comes again."""
        place = number * self.accelerator.num_processes + self.accelerator.process_index
        return torch.Generator().manual_seed((self.config.seed * 1_000_003 + place) % 2**63)

    def _loader(self) -> DataLoader[Any]:
        run = self.config.run
        places = Places(
            len(self.clips), run.batch, self.config.seed, self.step * run.accumulate, run.steps * run.accumulate,
            rank=self.accelerator.process_index, world=self.accelerator.num_processes,
        )  # fmt: skip
        examples = Examples(self.clips, self.config, self.model.factor)
        return DataLoader(examples, batch_sampler=places, collate_fn=batched, num_workers=run.workers)  # pyright: ignore[reportArgumentType]

    def _prepared_weights(self) -> dict[str, nn.Parameter]:
        torch.manual_seed(self.config.seed)  # adapters begin at random
        unet = widened(self.model.unet)
        weights = prepare(unet, self.config.trained, self.config.lora)
        quicken(unet, on_cpu=self.accelerator.device.type == "cpu")
        unet.train()
        if self.config.run.gradient_checkpointing:
            unet.enable_gradient_checkpointing()
        return weights

    def _check_sizes(self) -> None:
        width, height = self.clips.facts.size
        if width % self.model.multiple or height % self.model.multiple:
            raise InputError(
                f"the clips are {width} x {height} px; this model needs multiples of {self.model.multiple}. Make them again at such a size."
            )

    def _resumed(self) -> int:
        found = checkpoints(self.out / "checkpoints")
        if not found:
            return 0
        step = load_checkpoint(found[-1], self.weights, self.ema, self.optimizer)
        changed = changed_since(found[-1], provenance(self.config))
        if changed:
            self.say(f"goes on from step {step} with another configuration than before: {', '.join(changed)} changed")
        return step

    def _look(self, reports: Reports | None) -> None:
        """At some steps, at the first and at the last: the loss by noise level, and sample clips, both of the mean weights."""
        run = self.config.run
        probed, sampled = (
            bool(every) and (self.step % every == 0 or self.step == run.steps) for every in (run.probe_every, run.sample_every)
        )
        if reports is None or not (probed or sampled):
            return
        with self.ema.lent(self.weights), self.accelerator.autocast():
            if probed:
                reports.probe(self.step, Probe(self.stage, self.clips, run.batch)(self.model.unet))
            sigma_max = self.config.noise.sigma_max or self.model.noise_range.sigma_max
            settings = SampleSettings(run.sample_steps, sigma_max, self.clips.facts.fps, self.config.micro.bucket)
            for index in range(min(_SHEETS, len(self.clips)) if sampled else 0):
                reports.sheet(self.step, f"clip_{index}", sample_sheet(self.model, self.clips, index, settings))

    def _save(self, reports: Reports | None) -> None:
        self.accelerator.wait_for_everyone()
        if reports is None:
            return
        facts = provenance(self.config)
        place = save_checkpoint(
            self.out / "checkpoints", self.step, self.weights, self.ema, self.optimizer, keep=self.config.run.keep, facts=facts
        )
        with self.ema.lent(self.weights):
            model = write_result(self.config, self.model, self.clips, {**facts, "steps": self.step, "loss": reports.last})
        self.say(f"saved {place.name}, exported {model}")


def learning_rate(config: OptimizerConfig, step: int, steps: int) -> float:
    """At a step counted from 0: linear warm-up, then constant or a cosine down to a hundredth."""
    rise = min(1.0, (step + 1) / config.warmup) if config.warmup else 1.0
    if config.decay == "none":
        return config.learning_rate * rise
    share = min(1.0, step / max(1, steps))
    return config.learning_rate * rise * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * share)))
