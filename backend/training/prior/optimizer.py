"""Muon for the matrices of the blocks, AdamW for all other weights, as one optimiser.

Muon (Jordan et al. 2024) takes the momentum's nearest orthogonal matrix for the step, so that no direction of a matrix is learned much
slower than another; scaled like AdamW's (Liu et al., arXiv 2502.16982), both share one learning rate. AdamW: arXiv 1711.05101.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

_POLYNOMIAL = (3.4445, -4.7750, 2.0315)  # of Newton and Schulz: brings singular values of at most 1 near 1
_ROUNDS = 3  # enough for directions down to a fiftieth of the strongest; five cost a tenth of a small network's step
_MOMENTUM = 0.95
WIDE = 0.2
_BETAS = (0.9, 0.98)
_SIZE = 0.6  # root mean square of a step, as a part of the learning rate; AdamW's is about 0.2, and orthogonal steps bear three times that


class Muon(torch.optim.Optimizer):
    """weights: by name. matrices: the names whose steps are made orthogonal. wide: the names that add up so many numbers that they learn at
    ``WIDE`` of the rate. Each group's rate is to be set to ``part`` of the run's.
    """

    def __init__(
        self, weights: Mapping[str, nn.Parameter], matrices: Iterable[str], wide: Iterable[str], rate: float, decay: float
    ) -> None:
        chosen, slow = set(matrices), set(wide)

        def group(names: list[str], *, orthogonal: bool = False, decay: float = decay, part: float = 1.0) -> dict[str, Any]:
            return {"params": [weights[name] for name in names], "orthogonal": orthogonal, "decay": decay, "part": part, "lr": part * rate}

        rest = [name for name in weights if name not in chosen and name not in slow]
        groups = [
            group(sorted(chosen), orthogonal=True),
            group(sorted(slow), part=WIDE),
            group([name for name in rest if weights[name].ndim > 1]),
            group([name for name in rest if weights[name].ndim <= 1], decay=0.0),
        ]
        super().__init__([group for group in groups if group["params"]], {"lr": rate})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            for weight in weights:
                weight.mul_(1.0 - group["lr"] * group["decay"])
            (self._orthogonal if group["orthogonal"] else self._adaptive)(weights, group["lr"])

    def _orthogonal(self, weights: list[Tensor], rate: float) -> None:
        by_shape: dict[torch.Size, list[Tensor]] = {}
        for weight in weights:
            by_shape.setdefault(weight.shape, []).append(weight)
        for shape, alike in by_shape.items():
            steps = []
            for weight in alike:
                assert weight.grad is not None
                momentum = self._state(weight, "momentum").lerp_(weight.grad, 1.0 - _MOMENTUM)
                steps.append(weight.grad.lerp(momentum, _MOMENTUM))  # Nesterov's
            for weight, step in zip(alike, orthogonal(torch.stack(steps)), strict=True):
                weight.add_(step, alpha=-rate * _SIZE * max(shape) ** 0.5)

    def _adaptive(self, weights: list[Tensor], rate: float) -> None:
        for weight in weights:
            assert weight.grad is not None
            mean = self._state(weight, "exp_avg").lerp_(weight.grad, 1.0 - _BETAS[0])
            square = self._state(weight, "exp_avg_sq").mul_(_BETAS[1]).addcmul_(weight.grad, weight.grad, value=1.0 - _BETAS[1])
            count = self.state[weight]["step"] = self.state[weight].get("step", torch.zeros(())) + 1.0
            first, second = (1.0 - beta ** float(count) for beta in _BETAS)
            weight.addcdiv_(mean, (square / second).sqrt_().add_(1e-8), value=-rate / first)

    def _state(self, weight: Tensor, name: str) -> Tensor:
        state: dict[str, Any] = self.state[weight]
        if name not in state:
            state[name] = torch.zeros_like(weight)
        return state[name]


def orthogonal(matrices: Float[Tensor, "b m n"]) -> Float[Tensor, "b m n"]:
    """Near the orthogonal factor of each: same singular vectors, singular values of about 1, of directions that hardly count less."""
    a, b, c = _POLYNOMIAL
    wide = matrices if matrices.shape[1] <= matrices.shape[2] else matrices.mT
    found = wide.to(torch.bfloat16) / (wide.norm(dim=(1, 2), keepdim=True) + 1e-7).to(torch.bfloat16)
    for _ in range(_ROUNDS):
        square = found @ found.mT
        found = a * found + (b * square + c * square @ square) @ found
    found = found.to(matrices.dtype)
    return found if matrices.shape[1] <= matrices.shape[2] else found.mT
