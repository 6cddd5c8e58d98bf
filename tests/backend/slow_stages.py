"""Stages for tests of the server: they take as long as the request says, and do what its fields ask for.

``DecodeRequest`` is used for all: ``frames`` steps of ``stride`` milliseconds each; ``max_side`` picks what happens then.
"""

import errno
import os
import time
from functools import partial
from pathlib import Path

import numpy as np

from backend.engines.base import Ability
from backend.errors import InputError
from backend.progress import Progress
from backend.stages.registry import Stage
from revision_blender.wire.requests import DecodeRequest, VideoResult

FINE, DEAF, WRONG, UNEXPECTED, FULL, DIES, SHOWS = range(100, 107)


def abilities() -> tuple[Ability, ...]:
    return (Ability("slow", True, False, "cpu", ""),)


def stage_of(kind: str) -> Stage:
    assert kind == "decode", kind
    return run


def run(request: DecodeRequest, progress: Progress) -> VideoResult:
    for index in range(request.frames):
        if request.max_side != DEAF:
            progress(index / request.frames, f"step {index}")
        elif index == 0:
            progress(0.5, "deaf")
        if request.max_side == SHOWS:
            progress.preview(partial(np.full, (40, 80, 100, 3), 10 + index, np.uint8))
        time.sleep(request.stride / 1000.0)
    if request.max_side == WRONG:
        raise InputError("There is no person in the picture. Choose another one.")
    if request.max_side == UNEXPECTED:
        raise RuntimeError("odd")
    if request.max_side == FULL:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if request.max_side == DIES:
        os._exit(7)
    return VideoResult(
        np.broadcast_to(request.file[:, None, None, None], (len(request.file), 8, 6, 3)).copy(), 12.0, {"steps": request.frames}
    )


SELF = Path(__file__)
