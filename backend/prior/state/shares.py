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
from backend.prior.state.take import FPS

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
    ((-2.43, -3.26, -3.68), (4.43, 0.98, 0.09), (2.24, 4.52, 2.49), (0.49, -0.82, 2.03)),
    ((-1.33, -1.31, -0.61), (-0.37, -0.01, -0.22), (-0.09, 0.21, 0.00), (0.00, 0.00, 0.00)),
    (4.85, 2.70, 2.88),
)
PATHS = Table(
    1e-7,
    ((-1.80, -2.70, -1.71), (3.60, -0.89, -0.82), (1.64, 3.46, -0.37), (1.20, -0.39, 0.30)),
    ((1.20, -0.57, -0.80), (1.20, 0.43, -0.25), (1.20, 0.25, -0.07), (0.00, 0.00, 0.00)),
    (-4.80, -4.96, -1.03),
)
_SUREST = 6.0  # logit; beyond, the network could not change its mind


_QUIET_TURN, _QUIET_PLACE = 0.007, 0.0025  # rad, m: noise a number at which half of the usual filtering is done
_FADES = 1.7  # power of the spacing by which noise of seen frames, and motion, fade from fourth differences between them


def logarithms(bands: Bands, table: Table) -> Float[Tensor, "b t w e"]:
    """Of the energies."""
    return torch.log(bands.energies + table.least)


def shares(bands: Bands, table: Table, raw: Float[Tensor, "b t w n"], doubt: Float[Tensor, "b t w"]) -> Float[Tensor, "b t w n"]:
    """Shares for ``Bands.mixed``: raw 0 is what the table says, every unit more or less a logit; where there is no doubt nothing is lost."""
    energies = logarithms(bands, table)
    own, common, constant = (energies.new_tensor(rows) for rows in (table.own, table.common, table.constant))
    usual = energies @ own + energies.mean(2, keepdim=True) @ common + constant
    assert usual.shape[-1] == N_BANDS
    return 1.0 - doubt[..., None] * torch.sigmoid(-raw - usual.clamp(-_SUREST, _SUREST))


def spacing(away: Float[Tensor, "b t"], valid: Float[Tensor, "b t"]) -> Float[Tensor, " b"]:
    """Frames of the prior's clock from one seen frame to the next, 1 or more; away: as in ``Observed``. Frames that lie anyhow between
    seen ones are a quarter of that from the nearest in the mean."""
    return (4.0 * FPS * (away * valid).sum(1) / valid.sum(1).clamp_min(1.0)).clamp_min(1.0)


@torch.no_grad()
def doubt(
    values: Float[Tensor, "b t w f"], trust: Float[Tensor, "b t w"], of_turns: bool, every: Float[Tensor, " b"]
) -> Float[Tensor, "b t w"]:
    """From 0 to 1: how far a signal can be noise, by the median of its fourth differences over the clip, and by its trust.

    A true motion of limbs has hardly any at 30 frames a second (up to 0.3 degrees); what goes wrong in a few places does not move the
    median. trust: 0 where the signal was filled and outside the clip. of_turns: ``values`` are six numbers of rotations, not metres.
    every: see ``spacing``; between the frames of a slower clip noise is as smooth as the curve that was laid through it.
    """
    if values.shape[1] < 5:
        return torch.ones_like(trust)
    fourth = values[:, 4:] - 4.0 * values[:, 3:-1] + 6.0 * values[:, 2:-2] - 4.0 * values[:, 1:-3] + values[:, :-4]
    square = fourth.square().sum(-1) / (70.0 * (4.0 if of_turns else values.shape[-1]))
    known = torch.where(trust[:, 2:-2] > 0.5, square, torch.nan).flatten(1)
    level = torch.nan_to_num(known.nanmedian(1).values, nan=1.0)[:, None, None]
    quiet = (_QUIET_TURN if of_turns else _QUIET_PLACE) * every[:, None, None] ** -_FADES
    noise = level.square() / (level.square() + quiet**4)
    return 1.0 - (1.0 - noise) * trust.clamp(0.0, 1.0)
