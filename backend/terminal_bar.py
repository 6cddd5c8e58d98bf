"""Progress as a bar in the terminal; nothing where nobody looks, so that output that goes to a file stays readable."""

from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from backend.progress import Progress


@contextmanager
def bar() -> Iterator[Progress]:
    """A progress that is drawn, with its words and the time that is left. Lines meanwhile: ``tqdm.write``."""
    with tqdm(total=1.0, bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}", disable=None, leave=False) as drawn:

        def report(fraction: float, words: str) -> None:
            drawn.set_description_str(words, refresh=False)
            drawn.update(max(fraction - drawn.n, 0.0))

        yield Progress(report)
