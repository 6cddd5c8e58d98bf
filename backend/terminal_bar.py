"""Progress as a bar in the terminal; nothing where nobody looks, so that output that goes to a file stays readable."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

from tqdm import tqdm

from backend.errors import BackendError
from backend.progress import Progress


@contextmanager
def bar() -> Iterator[Progress]:
    """A progress that is drawn, with its words and the time that is left. Lines meanwhile: ``tqdm.write``."""
    looks = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
    with _native_words_aside(), tqdm(desc="Beginning", total=1.0, bar_format=looks, disable=None, leave=False) as drawn:

        def report(fraction: float, words: str) -> None:
            drawn.set_description_str(words, refresh=False)
            drawn.update(max(fraction - drawn.n, 0.0))

        yield Progress(report)


@contextmanager
def _native_words_aside() -> Iterator[None]:
    """Keeps what libraries in C++ say about themselves out of the bar (MediaPipe does, and has no switch for it). It is shown after an
    error that nobody foresaw; what Python says goes to the terminal as ever.
    """
    if not sys.stderr.isatty():
        yield
        return
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as aside, os.fdopen(terminal, "w", buffering=1) as python:
        os.dup2(aside.fileno(), 2)
        try:
            with redirect_stderr(python):
                yield
        except BackendError:
            raise
        except Exception:
            aside.seek(0)
            python.write(aside.read().decode("utf-8", "replace"))
            raise
        finally:
            python.flush()
            os.dup2(terminal, 2)
