"""The training loop: accelerate's processes, EMA, checkpoints, exports; resumed, it goes on as if it had never stopped."""

import json
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import nn
from torch.utils.data import DataLoader

from backend.engines.svd.loading import load_model
from backend.engines.svd.model import VideoModel
from backend.engines.svd.widening import widened
from backend.errors import InputError
from backend.training.video.attention import quicken
from backend.training.video.checkpoints import checkpoints, load_checkpoint, save_checkpoint
from backend.training.video.config import OptimizerConfig, TrainConfig
from backend.training.video.dataset import ClipFolder
from backend.training.video.ema import Ema
from backend.training.video.examples import Examples, Places, batched
from backend.training.video.export import export_model, turn_link
from backend.training.video.loss import losses
from backend.training.video.provenance import provenance
from backend.training.video.staging import Stage
from backend.training.video.trained_part import plain_weights, prepare

Say = Callable[[str], None]


@dataclass(frozen=True)
class TrainResult:
    """steps: done altogether. loss: mean over the last ``log_every`` steps. model: the exported folder."""

    steps: int
    loss: float
    model: Path


def train(config: TrainConfig, *, afresh: bool = False, say: Say = print) -> TrainResult:
    """Trains until the configured step or minute, a Ctrl-C or SIGTERM; always ends with a checkpoint and an export. Raises InputError."""
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
        self.step = 0 if afresh else self._resumed()

    def go(self) -> TrainResult:
        self._tell_start()
        log = Log(self.out, self.config.run.log_every, self.say) if self.accelerator.is_main_process else None
        began, saved = time.monotonic(), -1
        with _asked_to_stop() as stop:
            batches = iter(self._loader())
            while self.step < self.config.run.steps and not stop() and not self._over(began):
                loss = self._one_step(batches)
                if log is not None:
                    log.add(self.step, loss, self.prepared_optimizer.param_groups[0]["lr"])
                if self.step % self.config.run.save_every == 0:
                    self._save(log)
                    saved = self.step
        if saved != self.step:
            self._save(log)
        return TrainResult(self.step, log.last if log is not None else math.nan, self.out / "model")

    def _one_step(self, batches: Iterator[Any]) -> float:
        config = self.config
        for group in self.prepared_optimizer.param_groups:
            group["lr"] = learning_rate(config.optimizer, self.step, config.run.steps)
        total = 0.0
        for part in range(config.run.accumulate):
            staged = self.stage(next(batches), self._generator(self.step * config.run.accumulate + part))
            with self.accelerator.accumulate(self.unet):
                with self.accelerator.autocast():
                    loss = losses(self.unet, staged.clean, staged.noise, staged.sigma, staged.given).mean()
                self.accelerator.backward(loss)
                if self.accelerator.sync_gradients:
                    self.accelerator.clip_grad_norm_(self.weights.values(), config.optimizer.clip_norm)
                self.prepared_optimizer.step()
                self.prepared_optimizer.zero_grad()
            total += float(loss.detach()) / config.run.accumulate
        if not math.isfinite(total):
            raise InputError(f"the loss is {total} at step {self.step}; lower the learning rate, or train in bf16 or fp32.")
        self.ema.update(self.weights, self.step)
        self.step += 1
        return total

    def _generator(self, part: int) -> torch.Generator:
        """Of one batch of one process: resumed, the same noise comes again."""
        place = part * self.accelerator.num_processes + self.accelerator.process_index
        return torch.Generator().manual_seed((self.config.seed * 1_000_003 + place) % 2**63)

    def _loader(self) -> DataLoader[Any]:
        run = self.config.run
        places = Places(
            len(self.clips), run.batch, self.config.seed, self.step * run.accumulate, run.steps * run.accumulate,
            rank=self.accelerator.process_index, world=self.accelerator.num_processes,
        )  # fmt: skip
        examples = Examples(self.clips, self.config, self.model.factor)
        return DataLoader(examples, batch_sampler=places, collate_fn=batched, num_workers=run.workers)  # pyright: ignore[reportArgumentType]

    def _over(self, began: float) -> bool:
        return 0.0 < self.config.run.minutes * 60.0 < time.monotonic() - began

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
        return load_checkpoint(found[-1], self.weights, self.ema, self.optimizer) if found else 0

    def _tell_start(self) -> None:
        count = sum(weight.numel() for weight in self.weights.values())
        self.say(
            f"{len(self.clips)} clips; {count:,} weights learn ({self.config.trained}); from step {self.step} to {self.config.run.steps}"
        )

    def _save(self, log: "Log | None") -> None:
        self.accelerator.wait_for_everyone()
        if log is None:
            return
        facts = provenance(self.config)
        place = save_checkpoint(
            self.out / "checkpoints", self.step, self.weights, self.ema, self.optimizer, keep=self.config.run.keep, facts=facts
        )
        model = self._export({**facts, "steps": self.step, "loss": log.last})
        self.say(f"saved {place.name}, exported {model}")

    def _export(self, training: dict[str, object]) -> Path:
        config, place = self.config, self.out / "model"
        with self.ema.lent(self.weights):
            weights = plain_weights(self.model.unet)
            export_model(
                place, Path(config.base), _unet_config(self.model, self.clips.facts.frames), weights, _facts(self.model, self.clips, config),
                training, sigma_max=config.noise.sigma_max, half=config.run.half,
            )  # fmt: skip
        if config.run.latest:
            turn_link(Path(config.run.latest), place)
        return place


class Log:
    """Losses, averaged between entries, as lines of JSON in the run's folder and in words."""

    def __init__(self, out: Path, every: int, say: Say) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self.file, self.every, self.say = out / "log.jsonl", every, say
        self.last = math.nan
        self._losses: list[float] = []
        self._began = time.monotonic()

    def add(self, step: int, loss: float, rate: float) -> None:
        """Notes the loss of the step that made ``step`` steps done."""
        self._losses.append(loss)
        if len(self._losses) < self.every:
            return
        seconds = (time.monotonic() - self._began) / len(self._losses)
        self.last = sum(self._losses) / len(self._losses)
        entry = {"step": step, "loss": round(self.last, 6), "learning_rate": rate, "seconds_a_step": round(seconds, 4)}
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(entry) + "\n")
        self.say(f"step {step}: loss {self.last:.4f}, {seconds:.2f} s a step")
        self._losses, self._began = [], time.monotonic()


def learning_rate(config: OptimizerConfig, step: int, steps: int) -> float:
    """At a step counted from 0: linear warm-up, then constant or a cosine down to a hundredth."""
    rise = min(1.0, (step + 1) / config.warmup) if config.warmup else 1.0
    if config.decay == "none":
        return config.learning_rate * rise
    share = min(1.0, step / max(1, steps))
    return config.learning_rate * rise * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * share)))


def _unet_config(model: VideoModel, frames: int) -> dict[str, Any]:
    """As ``save_pretrained`` writes it, less the folder that the base was read from."""
    values = {**json.loads(model.unet.to_json_string()), "num_frames": frames}
    return {name: value for name, value in values.items() if name != "_name_or_path"}


def _facts(model: VideoModel, clips: ClipFolder, config: TrainConfig) -> Any:
    """What the trained model is for. One that learned everything from one bucket knows no other; adapted ones keep their base's."""
    bucket = round(config.micro.bucket)
    buckets = (bucket, bucket) if config.trained == "all" else model.facts.buckets
    facts = clips.facts
    return replace(
        model.facts, frames=facts.frames, size=facts.size, fps=facts.fps, buckets=buckets, noise=(config.noise.mean, config.noise.std),
        name=config.name or model.facts.name, window_stride=0,
    )  # fmt: skip


@contextmanager
def _asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM end the run after the step at hand; in a thread that gets no signals, nothing is changed."""
    asked: list[int] = []
    try:
        before = {number: signal.signal(number, lambda got, _frame: asked.append(got)) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:
        before = {}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
