"""Lifts of the real videos, made once a test run: whoever asks first makes them, in whichever of the run's processes."""

import os
import pickle
from collections.abc import Callable
from functools import cache

import pytest

from backend.progress import silent
from backend.stages.lift import run
from revision_blender.wire.requests import LiftRequest, LiftResult
from tests.backend.lifting_cases import Window, frames_of


@pytest.fixture(scope="session")
def lifted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Window], LiftResult]:
    """The lift of a window."""
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base  # of the run, not of one of its processes

    @cache
    def lift(window: Window) -> LiftResult:
        kept = folder / f"{window.name}.lift"
        if not kept.exists():
            own = base / f"{window.name}.part"
            own.write_bytes(pickle.dumps(run(LiftRequest(frames=frames_of(window), fps=window.fps), silent())))
            own.replace(kept)
        return pickle.loads(kept.read_bytes())  # this very run wrote it

    return lift
