"""Work that is done in small steps, so that the window stays alive, done at once where nobody watches."""

from collections.abc import Generator
from typing import TypeVar

Result = TypeVar("Result")


def at_once(steps: Generator[str, None, Result]) -> Result:
    """Runs all steps and returns what they return."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value
