"""What every provider with weights of its own needs besides its work: what ``doctor`` says of it, and its network, opened once."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from backend.errors import EngineError
from backend.lifting.providers.base import Ability, Kind
from backend.lifting.providers.pretrained import quick_device

Network = TypeVar("Network")


@dataclass
class _Slot:
    network: object = None


@cache
def _slot(_name: str, _home: Path) -> _Slot:
    """Where providers of one name keep their network: what does two kinds of work opens it once."""
    return _Slot()


class OwnWeights(ABC, Generic[Network]):
    """Made with the home folder. where, licence, size: as in ``base.Ability``. Network: what ``load`` gives and ``opened`` keeps."""

    kind: Kind
    name: ClassVar[str]
    where: ClassVar[str]
    licence: ClassVar[str]
    size: ClassVar[float]

    def __init__(self, home: Path) -> None:
        self.home = home
        self._slot = _slot(self.name, home)

    @abstractmethod
    def missing(self) -> str:
        """What keeps it from running, one sentence with the next step; empty when its files are there. Looks at names alone."""

    @abstractmethod
    def load(self) -> Network:
        """The network from its files, which are there. Raises ``EngineError``, one sentence, where they cannot be used."""

    def automatic(self) -> bool:
        """Whether it is taken without being named: large networks where there is a card for them."""
        return quick_device()

    def ability(self) -> Ability:
        missing = self.missing()
        return Ability(self.kind, self.name, not missing, missing, self.where, self.licence, self.size, self.automatic())

    def opened(self) -> Network:
        """The network, loaded when it is first asked for. Raises ``EngineError``."""
        if self._slot.network is None:
            missing = self.missing()
            if missing:
                raise EngineError(missing)
            self._slot.network = self.load()
        return self._slot.network  # type: ignore[return-value]  # the slot of a name holds what its load gave

    def forget(self) -> None:
        self._slot.network = None
