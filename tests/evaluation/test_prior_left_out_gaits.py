"""The command that leaves one gait out, on next to nothing."""

from pathlib import Path

import numpy as np
import pytest

from backend.__main__ import main
from backend.evaluation.prior.left_out_gaits import ALL, FILTER, OTHERS, Budget, left_out
from backend.evaluation.prior.rivals import Method
from backend.prior.state.take import Damaged, Take


def unchanged(damaged: Damaged, _row: str) -> Take:
    return damaged.take


@pytest.mark.slow
def test_the_gait_left_out_is_judged_beside_all_gaits_and_the_filter(tmp_path: Path) -> None:
    budget = Budget(steps=2, animals=6, clips=1, gaits=("trot",))
    said: list[str] = []
    table = left_out(budget, [Method("Gaussian", unchanged)], tmp_path, said.append)
    assert table.columns == (FILTER, ALL, OTHERS)
    assert set(table.rows) == {"trot"}
    assert all(figure.count == 1 and np.isfinite(figure.mean) and figure.mean > 0.0 for figure in table.rows["trot"].values())
    assert "training on canter, pace, walk, spin" in said  # the trot is not among them


def test_a_gait_that_there_is_not_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "prior-gaits", "--out", str(tmp_path), "--gaits", "gallop"]) != 0
    assert "gallop" in capsys.readouterr().err
