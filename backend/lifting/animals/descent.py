"""Going down the energy: Adam over all rows at once, the outlines paired anew every few steps."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.lifting.animals.coarse_body import PosedAnimal
from backend.lifting.animals.energy import AnimalEnergy, Unknowns

RESEEK_EVERY = 5  # steps
HIDDEN_CLICK = 40.0
Joining = Callable[[Unknowns, PosedAnimal], Tensor]


@dataclass(frozen=True)
class Steps:
    """count: of Adam. rate: of angles, radians a step at first. place: of the place, in sizes. betas: of the shape, 0 keeps it."""

    count: int
    rate: float = 0.05
    place: float = 0.02
    betas: float = 0.0


def descend(
    energy: AnimalEnergy, start: Unknowns, steps: Steps, joining: Joining | None = None, report: Callable[[float], None] = lambda _f: None
) -> Unknowns:
    """Unknowns further down. joining: an energy of what joins rows, added to the sum over rows. report: takes the share done."""
    free = start.free()
    groups = [
        {"params": [free.turn, free.pose], "lr": steps.rate},
        {"params": [free.place], "lr": steps.place},
        {"params": [free.betas], "lr": steps.betas},
    ]
    optimiser = torch.optim.Adam(groups, betas=(0.85, 0.98))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps.count, eta_min=0.0)
    for step in range(steps.count):
        optimiser.zero_grad(set_to_none=True)
        posed = energy.posed(free)
        if step % RESEEK_EVERY == 0:
            energy.seek(posed)
            report(step / steps.count)
        total = energy.terms(free, posed).sum()
        if joining is not None:
            total = total + joining(free, posed)
        total.backward()
        optimiser.step()
        schedule.step()
    return free.fixed()


def assessed(energy: AnimalEnergy, unknowns: Unknowns) -> tuple[Tensor, Tensor]:
    """Energy ``(N,)``, with what a hidden click costs, and overlap with the masks ``(N,)`` of poses as they are."""
    with torch.no_grad():
        posed = energy.posed(unknowns)
        energy.seek(posed)
        assert energy.outlines is not None
        return energy.terms(unknowns, posed) + HIDDEN_CLICK * energy.hidden(posed), energy.outlines.overlap
