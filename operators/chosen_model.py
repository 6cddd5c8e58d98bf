"""The video model that a scene has chosen: its name in requests, and what the two kinds of depth come to."""

from ..revision_blender.motion.errors import RevisionError
from ..revision_blender.scene.properties import OWN_FOLDER, RevisionSettings
from ..revision_blender.video_model.follow_slider import depths_of
from ..revision_blender.video_model.following import Depths
from .where import absolute


def name_of(settings: RevisionSettings) -> str:
    """As in ``video_model.names``; empty where another engine runs, or no folder is chosen yet."""
    if settings.engine != "svd":
        return ""
    if settings.model_choice != OWN_FOLDER:
        return str(settings.model_choice)
    return str(absolute(settings.model_folder)) if settings.model_folder else ""


def depths(settings: RevisionSettings) -> Depths:
    """The noise levels of dual-clock denoising. Raises RevisionError where those set by hand are out of order."""
    if not settings.own_depths:
        return depths_of(settings.follow)
    chosen = Depths(settings.sigma_weak, settings.sigma_strong)
    if chosen.strong > chosen.weak:
        raise RevisionError(
            f"The bodies are held down to {chosen.strong:g}, above where denoising begins ({chosen.weak:g}): "
            "set Held Down To to at most Begins At in Generate Fine."
        )
    return chosen
