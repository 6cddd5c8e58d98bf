"""The interface of every video engine: the picture in, a rough video out; the motion in, the final video out."""

from dataclasses import dataclass
from typing import Protocol

from backend.progress import Progress
from revision_blender.wire.requests import CoarseRequest, FineRequest, VideoResult


@dataclass(frozen=True)
class Ability:
    """What an engine can do on this machine, for ``doctor`` and the panel. why_not: empty when usable."""

    name: str
    coarse: bool
    fine: bool
    device: str
    why_not: str


class Engine(Protocol):
    """Engines are made once per worker process and keep their weights between jobs."""

    name: str

    def ability(self) -> Ability:
        """Cheap: looks for weights and devices, loads nothing."""
        ...

    def coarse(self, request: CoarseRequest, progress: Progress) -> VideoResult:
        """S1. Raises InputError, EngineError, Cancelled."""
        ...

    def fine(self, request: FineRequest, progress: Progress) -> VideoResult:
        """S3. Raises InputError, EngineError, Cancelled."""
        ...
