"""Noise schedules: decreasing sigmas that end in 0, float32, on the CPU.

Karras et al. 2022 (arXiv 2206.00364, equation 5), Align Your Steps (Sabour et al. 2024, arXiv 2404.14507), and depths
inserted as nodes, so that a noise level means the same under every schedule.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from backend.errors import EngineError, InputError
from revision_blender.video_model.following import Depths
from revision_blender.video_model.presets import Preset

AYS_TABLE = (700.0, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034)  # the ten steps published for SVD; 0 follows
NEAR = 0.1  # of a step in log sigma: a depth that near to a sigma of the schedule replaces it


@dataclass(frozen=True)
class NoiseRange:
    """The lowest and highest sigma that a model was made for; SVD has 0.002 and 700."""

    sigma_min: float
    sigma_max: float

    def __post_init__(self) -> None:
        if not 0.0 < self.sigma_min < self.sigma_max < float("inf"):
            raise EngineError(
                f"The model's noise range {self.sigma_min} to {self.sigma_max} makes no sense; its scheduler configuration is damaged, "
                "download the model again."
            )


def noise_range_of(config: Mapping[str, Any]) -> NoiseRange:
    """The range in a folder's ``scheduler_config.json``. Raises EngineError where the model was not trained as SVD is."""
    needed = {"prediction_type": "v_prediction", "timestep_type": "continuous", "use_karras_sigmas": True}
    for name, value in needed.items():
        if config.get(name) != value:
            raise EngineError(
                f"The model's scheduler says {name} = {config.get(name)!r}, but Stable Video Diffusion has {value!r}; choose another model."
            )
    low, high = config.get("sigma_min"), config.get("sigma_max")
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        raise EngineError("The model's scheduler configuration names no sigma_min and sigma_max; download the model again.")
    return NoiseRange(float(low), float(high))


def karras_sigmas(steps: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> Float[Tensor, " steps+1"]:
    """Equally spaced in sigma^(1/rho), from sigma_max to sigma_min, then 0. Computed in float64 and rounded once, as stock does."""
    if steps < 1:
        raise InputError(f"{steps} steps are asked for; at least 1 is needed.")
    high, low = sigma_max ** (1.0 / rho), sigma_min ** (1.0 / rho)
    return _ended((high + np.linspace(0.0, 1.0, steps) * (low - high)) ** rho)


def ays_sigmas(sigma_max: float = AYS_TABLE[0], steps: int = len(AYS_TABLE)) -> Float[Tensor, " steps+1"]:
    """Align Your Steps. Another sigma_max stretches the table in log sigma (its low end stays); another number of steps interpolates there."""
    if steps < 2:
        raise InputError(f"{steps} step is asked for; Align Your Steps needs at least 2.")
    if sigma_max <= AYS_TABLE[-1]:
        raise EngineError(f"The model's highest noise level {sigma_max} lies under the table of Align Your Steps; choose Karras' schedule.")
    logs = np.log(AYS_TABLE)
    if sigma_max != AYS_TABLE[0]:
        logs = logs[-1] + (logs - logs[-1]) * (np.log(sigma_max) - logs[-1]) / (logs[0] - logs[-1])
    elif steps == len(AYS_TABLE):
        return _ended(np.array(AYS_TABLE))  # as published: not through a logarithm and back
    places = np.linspace(0.0, len(logs) - 1.0, steps)
    return _ended(np.exp(np.interp(places, np.arange(len(logs)), logs)))


def with_nodes(sigmas: Float[Tensor, " n"], nodes: Iterable[float]) -> Float[Tensor, " m"]:
    """The schedule with every node among its sigmas. What lies outside its first and last sigma above 0 is not inserted.

    A node near a sigma takes that sigma's place, except the first's or another node's: a very short step costs as much as a long one, and
    a second-order step after it would extrapolate from next to nothing.
    """
    values, placed = [float(sigma) for sigma in sigmas], {float(sigmas[0])}
    lowest = values[-2]
    for wanted in nodes:
        node = float(np.float32(wanted))
        if not lowest < node < values[0]:
            continue
        if node not in values:
            values = sorted({node, *values} - (_near(values, node) - placed), reverse=True)
        placed.add(node)
    return torch.tensor(values, dtype=torch.float32)


def from_depth(sigmas: Float[Tensor, " n"], depths: Depths) -> Float[Tensor, " m"]:
    """The schedule of dual-clock denoising: both depths as nodes, from the weak one on. A weak depth at or above the first sigma cuts nothing."""
    whole = with_nodes(sigmas, (depths.weak, depths.strong))
    return whole[whole <= torch.tensor(depths.weak, dtype=whole.dtype)] if depths.weak < float(whole[0]) else whole


def _near(values: list[float], node: float) -> set[float]:
    """The sigmas next to the node that lie within ``NEAR`` of the log distance between the two that the node lies between."""
    below = max(value for value in values if value < node)
    above = min(value for value in values if value > node)
    reach = NEAR * np.log(above / below)
    return {value for value in (below, above) if abs(np.log(value / node)) <= reach} - {values[-2]}


def sigmas_for(preset: Preset, noise_range: NoiseRange, depths: Depths | None = None) -> Float[Tensor, " steps+1"]:
    """The schedule that a run takes: of the preset from the model's sigma_max to 0, or from dual-clock's weak depth on."""
    if preset.schedule == "ays":
        sigmas = ays_sigmas(noise_range.sigma_max, preset.steps)
    else:
        sigmas = karras_sigmas(preset.steps, noise_range.sigma_min, noise_range.sigma_max)
    return sigmas if depths is None else from_depth(sigmas, depths)


def _ended(sigmas: np.ndarray) -> Float[Tensor, " n+1"]:
    return torch.from_numpy(np.append(sigmas, 0.0).astype(np.float32))
