"""The training's configuration: a JSON or TOML file, parsed once into frozen dataclasses; what it does not name has the default here."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from backend.errors import InputError
from backend.training.values import dataclass_of, read_values

Trained = Literal["temporal", "lora", "all"]
Precision = Literal["fp32", "bf16", "fp16"]
Decay = Literal["none", "cosine"]


@dataclass(frozen=True)
class NoiseConfig:
    """ln sigma is normal (SVD: 0.7, 1.6). picture_*: the same for the noise laid on the first frame before it is encoded, in pixels of [-1, 1].

    sigma_max: where the trained model's sampler starts; 0 leaves what the base has.
    """

    mean: float = 0.7
    std: float = 1.6
    picture_mean: float = -3.0
    picture_std: float = 0.5
    sigma_max: float = 0.0


@dataclass(frozen=True)
class MixConfig:
    """Shares of clips with masks for every frame, with a target pose in the last frame, with nothing (paper, section 3.3)."""

    full: float = 0.4
    target: float = 0.3
    none: float = 0.3


@dataclass(frozen=True)
class DropConfig:
    """Shares of clips that lose picture, embedding and masks together, and that lose the picture's latents alone."""

    everything: float = 0.1
    picture: float = 0.05


@dataclass(frozen=True)
class DoubtConfig:
    """On this share of clips with full masks some parts are moved or lost, as far as their confidence, drawn from U(low, 1), is under 1."""

    share: float = 0.3
    low: float = 0.3


@dataclass(frozen=True)
class LossConfig:
    """moving: latent cells that differ from the first frame's count 1 + moving times. What moves is a small part of a clip whose
    background is given, and SVD's loss (0) learns it last.
    """

    moving: float = 0.0


@dataclass(frozen=True)
class OptimizerConfig:
    learning_rate: float = 2e-5
    warmup: int = 0
    decay: Decay = "none"  # cosine: to a hundredth at the last step
    weight_decay: float = 1e-2
    clip_norm: float = 1.0
    ema: float = 0.999


@dataclass(frozen=True)
class LoraConfig:
    rank: int = 16
    alpha: int = 16


@dataclass(frozen=True)
class RunConfig:
    """batch: clips a process and step; accumulate: steps whose gradients are joined. minutes: stop after that long, 0 for never.

    workers: processes that read clips. threads: torch's, 0 as it comes. half: export in half precision. latest: link that is turned
    to each new export.
    """

    steps: int = 1000
    batch: int = 1
    accumulate: int = 1
    precision: Precision = "fp32"
    minutes: float = 0.0
    workers: int = 0
    threads: int = 0
    log_every: int = 10
    save_every: int = 500
    keep: int = 2
    sample_every: int = 0
    sample_steps: int = 25
    probe_every: int = 0
    gradient_checkpointing: bool = False
    half: bool = False
    latest: str = ""


@dataclass(frozen=True)
class MicroConfig:
    """bucket: the motion bucket that is told of every clip."""

    bucket: float = 127.0


@dataclass(frozen=True)
class TrainConfig:
    """base: folder of the model to start from. data: dataset folder (docs/training.md). out: the run's folder. name: of the model."""

    base: str
    data: str
    out: str
    seed: int = 0
    name: str = ""
    trained: Trained = "temporal"
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    mix: MixConfig = field(default_factory=MixConfig)
    drop: DropConfig = field(default_factory=DropConfig)
    doubt: DoubtConfig = field(default_factory=DoubtConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    lora: LoraConfig = field(default_factory=LoraConfig)
    run: RunConfig = field(default_factory=RunConfig)
    micro: MicroConfig = field(default_factory=MicroConfig)


def read_config(path: Path) -> TrainConfig:
    """The configuration in a ``.json`` or ``.toml`` file; relative folders are taken from the file's own folder. Raises InputError."""
    config = parsed(read_values(path))
    return replace(
        config,
        **{name: _from(path.parent, getattr(config, name)) for name in ("base", "data", "out")},
        run=_run_from(path.parent, config.run),
    )


def parsed(values: object) -> TrainConfig:
    """Raises InputError for a name that means nothing, a value of another type or out of range."""
    config: TrainConfig = dataclass_of(TrainConfig, values, needed=("base", "data", "out"))
    _check(config)
    return config


def as_values(config: TrainConfig) -> dict[str, Any]:
    """What ``parsed`` makes the same configuration of, for JSON."""
    return asdict(config)


def _from(folder: Path, name: str) -> str:
    return str((folder / Path(name).expanduser()).absolute())


def _run_from(folder: Path, run: RunConfig) -> RunConfig:
    return replace(run, latest=_from(folder, run.latest)) if run.latest else run


def _check(config: TrainConfig) -> None:
    mix, drop, run, optimizer = config.mix, config.drop, config.run, config.optimizer
    rules = (
        (abs(mix.full + mix.target + mix.none - 1.0) < 1e-6, f"mix sums to {mix.full + mix.target + mix.none:g}", "make the shares sum to 1"),
        (min(mix.full, mix.target, mix.none) >= 0.0, "a share of mix is negative", "make it 0 or more"),
        (0.0 <= drop.everything + drop.picture <= 1.0 and min(drop.everything, drop.picture) >= 0.0, "drop's shares are no shares", "keep them in 0 to 1"),
        (0.0 <= config.doubt.share <= 1.0 and 0.0 < config.doubt.low <= 1.0, "doubt's share or low is out of range", "keep them in 0 to 1"),
        (config.noise.std > 0.0 and config.noise.picture_std > 0.0, "a noise spread is not above 0", "make it positive"),
        (run.steps >= 1 and run.batch >= 1 and run.accumulate >= 1, "steps, batch or accumulate is under 1", "make each at least 1"),
        (min(run.log_every, run.save_every, run.keep) >= 1, "log_every, save_every or keep is under 1", "make each at least 1"),
        (run.minutes >= 0.0 and min(run.workers, run.threads, run.sample_every, run.probe_every) >= 0, "a number of run is negative", "use 0 for none"),
        (optimizer.learning_rate > 0.0, f"learning_rate is {optimizer.learning_rate:g}", "make it positive"),
        (0.0 <= optimizer.ema < 1.0 and optimizer.warmup >= 0, "ema or warmup is out of range", "keep ema in 0 to 1 and warmup at 0 or more"),
        (config.lora.rank >= 1, f"lora.rank is {config.lora.rank}", "make it at least 1"),
    )  # fmt: skip
    for holds, wrong, remedy in rules:
        if not holds:
            raise InputError(f"the configuration's {wrong}; {remedy}.")
