"""How a video model stands on this machine's disk: looked at on a thread now and then, there for the panels at once."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..revision_blender.video_model.errors import ModelFileError
from ..revision_blender.video_model.follow_slider import NoiseSpan, noise_of
from ..revision_blender.video_model.state import ModelState, state_of
from .chores import Chore

LOOK_AGAIN = 3.0  # seconds for which a look counts


@dataclass(frozen=True)
class ModelView:
    """state: what the panel says. noise: of the model's sampler, SVD's where the model is not there to ask."""

    state: ModelState
    noise: NoiseSpan = field(default_factory=NoiseSpan)


def view_of(name: str) -> ModelView:
    """Reads configurations and the heads of weight files; touches no Blender data, so that it can run on a thread."""
    state = state_of(name)
    if not state.found or state.folder is None:
        return ModelView(state)
    try:
        return ModelView(state, noise_of(state.folder))
    except ModelFileError as error:
        return ModelView(ModelState(name, "wrong", str(error), folder=state.folder))


class ModelWatch:
    """Keeps the last look at each model; ``settle`` is called by the pump, ``view`` by whoever draws."""

    def __init__(self, look: Callable[[str], ModelView] = view_of) -> None:
        self._look = look
        self._views: dict[str, ModelView] = {}
        self._looked: dict[str, float] = {}
        self._chores: dict[str, Chore[ModelView]] = {}
        self.trouble = ""

    def view(self, name: str) -> ModelView | None:
        """The last look; None until the first has come back. Begins another one when the last is old."""
        if name and name not in self._chores and time.monotonic() - self._looked.get(name, -LOOK_AGAIN) >= LOOK_AGAIN:
            self._chores[name] = Chore(lambda: self._look(name), lambda view: self._seen(name, view), self._not_seen)
            self._looked[name] = time.monotonic()
        return self._views.get(name)

    def settle(self) -> bool:
        """Takes in what the threads have seen; True where that is news."""
        before = dict(self._views), self.trouble
        for name in [name for name, chore in self._chores.items() if chore.finished]:
            self._chores.pop(name).settle()
        return (self._views, self.trouble) != before

    def look_again(self) -> None:
        """Something has changed on the disk: the next look is due at once."""
        self._looked.clear()

    def close(self) -> None:
        for chore in self._chores.values():
            chore.join(5.0)

    def _seen(self, name: str, view: ModelView) -> None:
        self._views[name] = view

    def _not_seen(self, error: Exception) -> None:
        self.trouble = f"The video model cannot be looked at ({type(error).__name__}: {error})"
