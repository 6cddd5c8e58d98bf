"""Engine ``reproject``: works on any machine, needs no weights of its own."""

from backend.engines.base import Ability
from backend.engines.reproject.animate import animate
from backend.engines.reproject.rehearse import rehearsal
from backend.progress import Progress
from revision_blender.wire.requests import CoarseRequest, FineRequest, VideoResult


class ReprojectEngine:
    """The first frame's pixels on the lifted bodies, moved, over an inpainted background."""

    name = "reproject"

    def ability(self) -> Ability:
        return Ability(self.name, coarse=True, fine=True, device="cpu", why_not="")

    def coarse(self, request: CoarseRequest, progress: Progress) -> VideoResult:
        """Lifts the picture, finds a motion for it and shows it. Raises InputError where nobody is in the picture."""
        scene = rehearsal(request, progress.part(0.0, 0.3))
        return animate(request.picture, scene.source, scene.motion, request.seed, progress.part(0.3, 1.0), scene.person)

    def fine(self, request: FineRequest, progress: Progress) -> VideoResult:
        """The wanted motion shown with the picture's pixels."""
        return animate(request.picture, request.source, request.motion, request.seed, progress)
