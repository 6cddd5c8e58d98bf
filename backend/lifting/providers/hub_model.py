"""A provider whose network is a model of the ``transformers`` library, from a folder of the user's or the hub's cache."""

from pathlib import Path
from typing import Any, ClassVar

from backend.errors import EngineError
from backend.lifting.providers.own_weights import OwnWeights
from backend.lifting.providers.pretrained import found_folder, missing_words, open_model

HUB = "https://huggingface.co/"


class HubModel(OwnWeights[Any]):
    """repositories: OWNER/NAME, the best first. model_class: of the library. model_type: what the configuration must say."""

    repositories: ClassVar[tuple[str, ...]]
    model_class: ClassVar[str]
    model_type: ClassVar[str]
    licence = "Apache-2.0"

    def folder(self) -> Path | None:
        """Where its files lie, if they are here."""
        return found_folder(self.name, self.repositories, self.home)

    def missing(self) -> str:
        return missing_words(self.name, self.repositories, self.home)

    def required(self) -> Path:
        """The folder of its files; ``EngineError`` where there is none."""
        folder = self.folder()
        if folder is None:
            raise EngineError(self.missing())
        return folder

    def load(self) -> Any:
        return open_model(self.required(), self.model_class, self.model_type, self.repositories[0])
