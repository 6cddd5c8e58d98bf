"""Where the files of a body network lie, and the way of its result into the world of a lift."""

import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

from backend.bodies.installed import shelf
from backend.errors import EngineError
from backend.lifting.providers.base import LiftedBody, weights_folder
from backend.lifting.providers.own_weights import Network, OwnWeights
from revision_blender.motion.bodies.body_model import identity_of
from revision_blender.motion.bodies.stand_in import stand_in
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import BodyTrack

SURE = 0.9  # of a network that says nothing about itself, where the body is seen


class BodyNetwork(OwnWeights[Network]):
    """what: the network's name. checkpoints: places in the folder, the released one first, patterns allowed. settings: places beside
    the checkpoint's folder.
    """

    what: ClassVar[str]
    checkpoints: ClassVar[tuple[str, ...]]
    settings: ClassVar[tuple[str, ...]] = ("model_config.yaml",)
    size = 2700.0

    def files(self) -> tuple[Path, Path] | None:
        """The checkpoint and its settings, nothing where the checkpoint is not there; the settings may be missing."""
        folder = weights_folder(self.name, home=self.home)
        found = [path for place in self.checkpoints for path in sorted(folder.glob(place))] if folder is not None else []
        if not found or folder is None:
            return None
        places = [base / name for base in (found[0].parent.parent, found[0].parent, folder) for name in self.settings]
        return found[0], next((place for place in places if place.is_file()), places[0])

    def required(self) -> tuple[Path, Path]:
        """The checkpoint and its settings; ``EngineError`` where there is no checkpoint."""
        files = self.files()
        if files is None:
            raise EngineError(self.missing())
        return files

    def missing(self) -> str:
        files = self.files()
        if files is None:
            return f"Put the checkpoint of {self.what} ({self.checkpoints[0]}) into {self.home / 'models' / self.name}."
        return "" if files[1].is_file() else f"Put {files[1].name}, which comes with the checkpoint of {self.what}, at {files[1]}."

    def automatic(self) -> bool:
        """Where 600 million weights take milliseconds a body rather than seconds. torch is asked only if it is loaded."""
        torch = sys.modules.get("torch")
        return bool(torch is not None and torch.cuda.is_available())


def nearest_seen(seen: Bool[NDArray[np.bool_], " F"]) -> NDArray[np.int64]:
    """For each frame the nearest one that shows the subject; the first frame where none does."""
    known = np.flatnonzero(seen) if seen.any() else np.zeros(1, dtype=np.int64)
    return known[np.abs(np.arange(len(seen))[:, None] - known[None]).argmin(axis=1)]


def to_world(body: LiftedBody, camera: Camera) -> LiftedBody:
    """A body in each frame's camera coordinates as one in the world, on the bundled model of its kind where its own is not installed."""
    track = BodyTrack("body", body.family, body.model, np.asarray(body.betas), body.rotations, body.translation, body.confidence)
    shown, _ = stand_in(track, shelf())
    root = identity_of(shelf().load(shown.model), shown.betas).joints_rest[0]  # the body turns about it, wherever its origin is
    R_world_camera, place = camera.T_world_camera[:, :3, :3], camera.T_world_camera[:, :3, 3]
    rotations = np.array(shown.rotations, dtype=np.float64)
    rotations[:, 0] = R_world_camera @ rotations[:, 0]
    translation = np.einsum("fab,fb->fa", R_world_camera, shown.translation + root) + place - root
    return LiftedBody(shown.family, shown.model, shown.betas, rotations, translation, shown.confidence)
