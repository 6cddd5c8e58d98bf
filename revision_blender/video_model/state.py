"""Whether the chosen video model is there, in words with the next step; for the panel, ``doctor`` and the engine alike.

Cheap: configurations and the heads of weight files are read, a few milliseconds.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .errors import IncompleteModelError, ModelFileError
from .facts import CONDITIONED_CHANNELS, ModelFacts, read_facts
from .files import UNET, examined
from .hub_cache import kept_bytes, snapshot_folder
from .names import kind_of
from .parsing import fields_of
from .published import gated_words, gigabytes, licence_words, published_model

BUNDLED_FOLDER = Path(__file__).parents[1] / "data" / "small_video_model"

Kind = Literal["none", "found", "missing", "incomplete", "wrong"]


@dataclass(frozen=True)
class ModelState:
    """kind: "none" is chosen, "found" whole, "missing" altogether, "incomplete", or "wrong": another model, or damaged.

    words: what is the matter. next_step: what to do, empty when found. bytes: on disk. folder: None unless something is there.
    facts, conditioned: of a model that was found. downloadable: whether a download would help. licence: to show before one.
    """

    name: str
    kind: Kind
    words: str
    next_step: str = ""
    bytes: int = 0
    folder: Path | None = None
    facts: ModelFacts | None = None
    conditioned: bool = False
    downloadable: bool = False
    licence: str = ""

    @property
    def found(self) -> bool:
        return self.kind == "found"


def state_of(name: str | Path, environ: Mapping[str, str] = os.environ) -> ModelState:
    """The state of a model by its name in a request (``video_model.names``) or of a folder. Raises nothing."""
    name = str(name)
    kind = kind_of(name)
    if kind == "none":
        return ModelState(name, "none", "No video model is chosen.", "Choose the bundled small one, a published one, or a folder.")
    if kind == "hub":
        return _hub_state(name, environ)
    if kind == "bundled" and not BUNDLED_FOLDER.is_dir():
        return ModelState(
            name, "missing", f"The small model is not in this copy of ReVision ({BUNDLED_FOLDER}).", "Install ReVision again."
        )
    return _folder_state(name, BUNDLED_FOLDER if kind == "bundled" else Path(name).expanduser())


def _folder_state(name: str, folder: Path) -> ModelState:
    try:
        content = examined(folder)
        facts = read_facts(folder)
        conditioned = fields_of(folder / UNET.folder / UNET.config).values.get("in_channels") == CONDITIONED_CHANNELS
    except ModelFileError as error:
        words, _, step = str(error).rpartition(". ")
        kind: Kind = "missing" if not folder.is_dir() else "incomplete" if isinstance(error, IncompleteModelError) else "wrong"
        return ModelState(name, kind, (words or step).rstrip(".") + ".", step if words else "", folder=folder if folder.is_dir() else None)
    follows = "follows part masks" if conditioned else "stock weights"
    words = f"{facts.name}: {facts.frames} frames, {facts.size[0]} x {facts.size[1]}, {follows}, {gigabytes(content.bytes)}."
    return ModelState(name, "found", words, bytes=content.bytes, folder=folder, facts=facts, conditioned=conditioned)


def _hub_state(name: str, environ: Mapping[str, str]) -> ModelState:
    published, licence, kept = published_model(name), licence_words(name), kept_bytes(name, environ)
    folder = snapshot_folder(name, environ)
    state = _folder_state(name, folder) if folder is not None else None
    if state is not None and state.kind not in {"missing", "incomplete"}:
        return ModelState(**{**vars(state), "licence": licence, "downloadable": state.kind != "found"})
    step = "Press Download" + (
        f". The hub gives it to accounts only: {gated_words(name)}" if published is not None and published.gated else "."
    )
    if kept or state is not None:
        of = f" of about {gigabytes(published.bytes)}" if published is not None else ""
        words = f"{name} is downloaded in part ({gigabytes(kept)}{of}); a download goes on from there."
        return ModelState(name, "incomplete", words, step, kept, folder, downloadable=True, licence=licence)
    size = f" ({gigabytes(published.bytes)})" if published is not None else ""
    return ModelState(name, "missing", f"{name} is not downloaded yet{size}.", step, downloadable=True, licence=licence)
