"""How a video model stands on this machine's disk, and what it is known to cost: looked at on a thread now and then, there for panels at once."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..revision_blender.video_model.canvas import multiple_of
from ..revision_blender.video_model.cost import SVD_SHAPE, ModelShape, shape_of
from ..revision_blender.video_model.errors import ModelFileError
from ..revision_blender.video_model.facts import ModelFacts
from ..revision_blender.video_model.follow_slider import SVD_SPAN, NoiseSpan, noise_of
from ..revision_blender.video_model.prediction import Calibrated, read_calibrated
from ..revision_blender.video_model.state import ModelState, state_of
from .chores import Chore

LOOK_AGAIN = 3.0  # seconds for which a look counts
DEVICES = ("cuda", "mps", "cpu")  # the likeliest first, for the time before the backend has said its own


@dataclass(frozen=True)
class Looked:
    """What is looked at. name: as in requests. home: the backend's. device: the one that the engine runs on, empty while unknown."""

    name: str
    home: Path
    device: str


@dataclass(frozen=True)
class ModelView:
    """state: what the panel says. noise: of the model's sampler, SVD's where the model is not there to ask. multiple: of every side.

    shape, known, device: what time and memory are predicted from; known is None before the model's first run on the device, device empty
    where neither the backend nor an earlier run has said it.
    """

    state: ModelState
    noise: NoiseSpan = SVD_SPAN
    multiple: int = 64
    shape: ModelShape = SVD_SHAPE
    known: Calibrated | None = None
    device: str = ""


def view_of(looked: Looked) -> ModelView:
    """Reads configurations and the heads of weight files; touches no Blender data, so that it can run on a thread."""
    state = state_of(looked.name)
    if not state.found or state.folder is None or state.facts is None:
        return ModelView(state)
    device, known = _calibrated(looked)
    try:
        return _whole_view(state, state.folder, state.facts, device, known)
    except ModelFileError as error:
        return ModelView(ModelState(looked.name, "wrong", str(error), folder=state.folder))


def _whole_view(state: ModelState, folder: Path, facts: ModelFacts, device: str, known: Calibrated | None) -> ModelView:
    shape = shape_of(folder, item=2 if device == "cuda" else 4)
    return ModelView(state, noise_of(folder), multiple_of(folder, facts), shape, known, device)


def _calibrated(looked: Looked) -> tuple[str, Calibrated | None]:
    if looked.device:
        return looked.device, read_calibrated(looked.home, looked.name, looked.device)
    found = ((device, read_calibrated(looked.home, looked.name, device)) for device in DEVICES)
    return next(((device, known) for device, known in found if known is not None), ("", None))


class ModelWatch:
    """Keeps the last look at each model; ``settle`` is called by the pump, ``view`` by whoever draws."""

    def __init__(self, troubled: Callable[[str], None], look: Callable[[Looked], ModelView] = view_of) -> None:
        self._troubled, self._look = troubled, look
        self._views: dict[Looked, ModelView] = {}
        self._when: dict[Looked, float] = {}
        self._chores: dict[Looked, Chore[ModelView]] = {}

    def view(self, looked: Looked) -> ModelView | None:
        """The last look; None until the first has come back. Begins another one when the last is old."""
        if looked not in self._chores and time.monotonic() - self._when.get(looked, -LOOK_AGAIN) >= LOOK_AGAIN:
            self._chores[looked] = Chore(lambda: self._look(looked), lambda view: self._seen(looked, view), self._not_seen)
            self._when[looked] = time.monotonic()
        return self._views.get(looked)

    @property
    def looking(self) -> bool:
        """A look is under way."""
        return bool(self._chores)

    def settle(self) -> bool:
        """Takes in what the threads have seen; True where that is news."""
        before = dict(self._views)
        for looked in [looked for looked, chore in self._chores.items() if chore.finished]:
            self._chores.pop(looked).settle()
        return self._views != before

    def look_again(self) -> None:
        """Something has changed on the disk: the next look is due at once."""
        self._when.clear()

    def close(self) -> None:
        for chore in self._chores.values():
            chore.join(5.0)

    def _seen(self, looked: Looked, view: ModelView) -> None:
        self._views[looked] = view

    def _not_seen(self, error: Exception) -> None:
        self._troubled(f"The video model cannot be looked at ({type(error).__name__}: {error})")
