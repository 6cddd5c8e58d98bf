"""How much of each detail of a signal is motion and how much is noise, as far as the energies of its bands tell.

Limbs move with less energy in each faster band, noise with more; a noise that all joints share shows in all of them. The logit of a detail's
share is a linear function of the logarithms of the energies: Wiener's filter with measured spectra. The tables were fitted once, by
gradient, to captured human motion under white and slow noise of 0 to 7 degrees and centimetres, for the joints' places and accelerations.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from backend.prior.state.filters import N_BANDS, Bands

_Row = tuple[float, float, float]


@dataclass(frozen=True)
class Table:
    """least: energy that counts as still, rad² or m². own: of each energy. common: of its logarithm's mean over all joints. constant."""

    least: float
    own: tuple[_Row, _Row, _Row, _Row]
    common: tuple[_Row, _Row, _Row, _Row]
    constant: _Row


TURNS = Table(
    1e-6,
    ((-2.91, -2.71, -3.26), (3.46, -0.09, 0.02), (1.26, 3.98, 1.56), (-0.36, -0.55, 2.05)),
    ((0.00, 0.00, 0.00), (0.00, 0.00, 0.00), (0.00, 0.00, 0.00), (0.00, 0.00, 0.00)),
    (5.72, 4.30, 3.14),
)
PATHS = Table(
    1e-7,
    ((-3.01, -2.07, -0.91), (2.42, -1.30, -0.60), (0.44, 3.25, -0.36), (0.00, -0.10, 0.32)),
    ((0.00, 0.00, 0.00), (0.00, 0.00, 0.00), (0.00, 0.00, 0.00), (0.00, 0.00, 0.00)),
    (-3.61, -3.75, -1.04),
)
_SUREST = 6.0  # logit; beyond, the network could not change its mind


def logarithms(bands: Bands, table: Table) -> Float[Tensor, "b t w e"]:
    """Of the energies."""
    return torch.log(bands.energies + table.least)


def shares(bands: Bands, table: Table, raw: Float[Tensor, "b t w n"]) -> Float[Tensor, "b t w n"]:
    """Shares for ``Bands.mixed``: raw 0 is what the table says, every unit more or less a logit."""
    energies = logarithms(bands, table)
    own, common, constant = (energies.new_tensor(rows) for rows in (table.own, table.common, table.constant))
    usual = energies @ own + energies.mean(2, keepdim=True) @ common + constant
    assert usual.shape[-1] == N_BANDS
    return torch.sigmoid(raw + usual.clamp(-_SUREST, _SUREST))
