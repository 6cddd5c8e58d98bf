"""Which function works on which kind of request; imported lazily, so that a worker loads only what a job needs."""

from collections.abc import Callable
from importlib import import_module

from backend.progress import Progress
from revision_blender.wire.requests import REQUEST_OF_KIND, Request, Result

Stage = Callable[[Request, Progress], Result]


def stage_of(kind: str) -> Stage:
    """The ``run(request, progress)`` of ``backend.stages.<kind>``; raises KeyError for a kind that does not exist."""
    if kind not in REQUEST_OF_KIND:
        raise KeyError(kind)
    return import_module(f"backend.stages.{kind}").run
