"""Clips of a video's rate: the prior beats a Gaussian that was chosen in hindsight, and leaves clean motion alone."""

import numpy as np
import pytest

from backend.evaluation.prior.protocol import Case, Effort, chosen
from backend.evaluation.prior.rates import GAUSSIAN, RATE_ROWS, rates, slowed
from backend.evaluation.prior.results import Results
from backend.prior.network.weights import bundled_prior
from backend.progress import silent
from backend.training.prior.held_out import held_out_takes

COLUMN = "a at 12"


@pytest.fixture(scope="module")
def found() -> Results:
    known, _ = held_out_takes()
    cases = chosen([Case("a", take) for take in known], Effort(frames=60))[:6]
    results = Results()
    rates(bundled_prior(), cases, ("bare", "polished"), results, silent())
    return results


@pytest.mark.parametrize(("row", "share"), [("white 3", 1.0), ("mix 3", 0.95), ("mix 5", 0.8), ("ar 5", 0.85)])
@pytest.mark.parametrize("method", ["bare", "polished"])
def test_noise_is_taken_for_noise_at_twelve_frames_a_second(found: Results, row: str, share: float, method: str) -> None:
    """The identity would miss every bar: the Gaussian alone takes away a tenth to a third of the error."""
    least = found.mean(COLUMN, row, GAUSSIAN, "mpjpe")
    assert least < 0.98 * found.mean(COLUMN, row, "identity", "mpjpe")
    assert found.mean(COLUMN, row, method, "mpjpe") < share * least


def test_clean_motion_is_left_alone_at_twelve_frames_a_second(found: Results) -> None:
    assert found.mean(COLUMN, "clean", "polished", "mpjpe") < 5.0
    assert set(found.rows(COLUMN)) == set(RATE_ROWS)


def test_slowed_takes_show_the_same_motion() -> None:
    take = held_out_takes()[0][0]
    slow = slowed(take)
    assert slow.fps == 12.0
    assert np.allclose(slow.root[2], take.root[5], atol=1e-9)
