"""The video engines by name; made once a process, because they keep their weights between jobs."""

from functools import cache
from importlib import import_module

from backend.engines.base import Ability, Engine
from backend.errors import InputError

_CLASS_OF_NAME = {
    "reproject": ("backend.engines.reproject.engine", "ReprojectEngine"),
    "svd": ("backend.engines.svd.engine", "SvdEngine"),
}


def engines() -> tuple[str, ...]:
    """The names of all engines, the bundled default first."""
    return tuple(_CLASS_OF_NAME)


@cache
def engine(name: str) -> Engine:
    """The engine of that name; raises InputError that lists the known ones."""
    if name not in _CLASS_OF_NAME:
        raise InputError(f"There is no engine {name!r}; choose one of: {', '.join(engines())}.")
    module, class_name = _CLASS_OF_NAME[name]
    return getattr(import_module(module), class_name)()


def abilities() -> tuple[Ability, ...]:
    """What each engine can do on this machine."""
    return tuple(engine(name).ability() for name in engines())
