"""How the motion prior is trained: a JSON or TOML file, or the defaults here; what the shipped weights had is in their prior.json."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from backend.errors import InputError
from backend.prior.network.config import PriorConfig
from backend.training.prior.gaits import GAITS
from backend.training.values import dataclass_of, read_values

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class DataConfig:
    """Shares of batches by kind; a batch is of one kind and one length.

    frames: of a window. short: share of batches with fewer frames, at least ``least``. stretch: clips are slowed or sped by up to this
    factor. mirror: share of takes with left and right exchanged. proportions: standard deviation of the logarithm of bone lengths, on half of
    the people. arms: share of people with the arms of another motion. livelier: share of bodies that move more or less than captured, by a
    factor of up to ``lively``. postured: share of people who hold themselves otherwise, by ``posture`` degrees a joint.
    swayed: share of bodies whose joints wander slowly by ``sway`` degrees.
    edited: share of bodies of whose pins one joint's are turned by about ``edit`` degrees. pool: simulated animals, and objects.
    gaits: what the animals do; leave one out to see what the others teach.
    """

    human: float = 0.7
    animal: float = 0.15
    object: float = 0.15
    frames: int = 64
    short: float = 0.2
    least: int = 16
    stretch: float = 1.25
    mirror: float = 0.5
    proportions: float = 0.06
    arms: float = 0.3
    livelier: float = 0.3
    lively: float = 1.25
    postured: float = 0.2
    posture: float = 2.5
    swayed: float = 0.0
    sway: float = 3.0
    edited: float = 0.0
    edit: float = 10.0
    pool: int = 1000
    gaits: tuple[str, ...] = GAITS


@dataclass(frozen=True)
class ToldConfig:
    """Shares of windows that are told their words and their strength.

    edited: share of those with a strength whose target moves more or less than what was seen, by a factor of up to ``range``; it is
    what makes the network obey a strength that differs from the input's.
    """

    text: float = 0.7
    strength: float = 0.5
    edited: float = 0.4
    range: float = 1.8


@dataclass(frozen=True)
class LossConfig:
    """What each part of the loss counts; 0 switches it off.

    state: the paper's mean square error, on 6D rotations and root. places, world: distance of joints, metres, relative to the root and
    in the world. velocity, acceleration: of joints, in metres a frame. contact: which feet stand. slide: standing feet that move.
    floor: feet under the floor, or not on it when they stand. limits: joints bent further than in any training motion.
    peak: 99th percentile of hands' and feet's speed, as a logarithm of the ratio.
    """

    state: float = 1.0
    places: float = 10.0
    world: float = 7.0
    velocity: float = 10.0
    acceleration: float = 25.0
    contact: float = 0.05
    slide: float = 3.0
    floor: float = 1.0
    limits: float = 0.1
    peak: float = 0.2


@dataclass(frozen=True)
class OptimizerConfig:
    """Linear warm-up, then a cosine down to a hundredth at the run's last step or minute, whichever comes first.

    kind: "adamw", or "muon" for the matrices of the blocks and AdamW for the rest.
    """

    kind: Literal["adamw", "muon"] = "muon"
    learning_rate: float = 1.5e-3
    warmup: int = 60
    weight_decay: float = 0.05
    clip_norm: float = 1.0
    ema: float = 0.998


@dataclass(frozen=True)
class RunConfig:
    """minutes: of computing, those before an interruption counted in; 0 for no limit. export_minutes: between two exports.

    look_every: steps between two looks at the held-out motions, 0 for none. threads: torch's, 0 as it comes. workers: processes that draw
    batches ahead; the draws are the same with any number.
    """

    steps: int = 1_000_000
    minutes: float = 60.0
    batch: int = 32
    precision: Precision = "bf16"
    log_every: int = 20
    save_every: int = 500
    keep: int = 2
    look_every: int = 250
    export_minutes: float = 5.0
    threads: int = 0
    workers: int = 0


@dataclass(frozen=True)
class TrainConfig:
    """network: sizes of what is trained. The rest: how."""

    seed: int = 0
    network: PriorConfig = field(default_factory=lambda: PriorConfig(width=192, blocks=4, dropout=0.1))
    data: DataConfig = field(default_factory=DataConfig)
    told: ToldConfig = field(default_factory=ToldConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    run: RunConfig = field(default_factory=RunConfig)


def read_config(path: Path | None) -> TrainConfig:
    """The configuration in a file, or the defaults. Raises InputError."""
    return parsed({} if path is None else read_values(path))


def parsed(values: object) -> TrainConfig:
    """Raises InputError for a name that means nothing, a value of another type or out of range."""
    config: TrainConfig = dataclass_of(TrainConfig, values)
    _check(config)
    return config


def as_values(config: TrainConfig) -> dict[str, Any]:
    """What ``parsed`` makes the same configuration of, for JSON."""
    return asdict(config)


def _check(config: TrainConfig) -> None:
    data, run, optimizer, told = config.data, config.run, config.optimizer, config.told
    shares: Mapping[str, float] = {
        "data.short": data.short, "data.mirror": data.mirror, "data.arms": data.arms, "data.livelier": data.livelier, "data.postured": data.postured,
        "data.swayed": data.swayed, "data.edited": data.edited,
        "told.text": told.text, "told.strength": told.strength, "told.edited": told.edited,
    }  # fmt: skip
    rules = [
        (min(data.human, data.animal, data.object) >= 0.0, "a share of data is negative", "make it 0 or more"),
        (abs(data.human + data.animal + data.object - 1.0) < 1e-6, f"data sums to {data.human + data.animal + data.object:g}", "make the shares sum to 1"),
        (8 <= data.least <= data.frames <= config.network.window, f"data.least and data.frames are {data.least} and {data.frames}", f"keep 8 <= least <= frames <= {config.network.window}"),
        (min(data.stretch, data.lively, told.range) >= 1.0, "stretch, lively or range is under 1", "make them at least 1"),
        (bool(data.gaits) and set(data.gaits) <= set(GAITS), f"data.gaits are {', '.join(data.gaits) or 'none'}", f"choose from {', '.join(GAITS)}"),
        (min(data.proportions, data.posture, data.sway, data.edit) >= 0.0, "proportions, posture, sway or edit is negative", "make it 0 or more"),
        (min(asdict(config.loss).values()) >= 0.0, "a weight of loss is negative", "make it 0 or more"),
        (min(run.steps, run.batch, run.log_every, run.save_every, run.keep) >= 1, "steps, batch, log_every, save_every or keep is under 1", "make each at least 1"),
        (min(run.minutes, run.export_minutes, run.look_every, run.threads, run.workers, data.pool) >= 0, "a number of run, or the pool, is negative", "use 0 for none"),
        (optimizer.learning_rate > 0.0 and optimizer.clip_norm > 0.0, "learning_rate or clip_norm is not above 0", "make it positive"),
        (0.0 <= optimizer.ema < 1.0 and optimizer.warmup >= 0, "ema or warmup is out of range", "keep ema in 0 to 1 and warmup at 0 or more"),
        *((0.0 <= share <= 1.0, f"{name} is {share:g}", "keep it in 0 to 1") for name, share in shares.items()),
    ]  # fmt: skip
    for holds, wrong, remedy in rules:
        if not holds:
            raise InputError(f"the configuration's {wrong}; {remedy}.")
