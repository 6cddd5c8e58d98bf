"""The bodies that this backend knows: the bundled ones and those added to its home, the same that Blender shows."""

from functools import cache
from pathlib import Path

from backend.errors import InputError
from revision_blender.motion.bodies.body_data import BodyModel
from revision_blender.motion.bodies.body_model import Identity, identity_of
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.clip import BodyTrack
from revision_blender.motion.errors import BodyModelError
from revision_blender.wire.paths import bodies_folder, home_folder


def shelf() -> BodyShelf:
    """The shelf of the home folder; a name in a message is looked up there and never opened as a path."""
    return _shelf_at(bodies_folder(home_folder()))


@cache
def _shelf_at(folder: Path) -> BodyShelf:
    return BodyShelf(folder)


def model_of(track: BodyTrack) -> BodyModel:
    """The body model that a track names; ``InputError`` where it is not here or has other joints than the track."""
    try:
        model = shelf().load(track.model)
    except BodyModelError as reason:
        raise InputError(f"track {track.track_id!r} cannot be shown: {reason}") from reason
    if model.n_joints != track.rotations.shape[1]:
        raise InputError(
            f"track {track.track_id!r} has {track.rotations.shape[1]} joints, its body {track.model!r} has {model.n_joints}; choose another body"
        )
    return model


def identity_of_track(track: BodyTrack) -> Identity:
    """The shaped body of a track; errors as in ``model_of``."""
    return identity_of(model_of(track), track.betas)
