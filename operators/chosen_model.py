"""The video model that a scene has chosen: its name in requests, how it stands, and how deep it is held to the motion."""

from pathlib import Path

from ..revision_blender.motion.errors import RevisionError
from ..revision_blender.scene.properties import OWN_FOLDER, RevisionSettings
from ..revision_blender.video_model.follow_slider import SVD_SPAN, depths_of
from ..revision_blender.video_model.following import Depths
from ..revision_blender.video_model.hub_cache import repository_folder
from .model_watch import Looked, ModelView
from .session import current
from .settings import backend_choice
from .where import absolute


def name_of(settings: RevisionSettings) -> str:
    """As in ``video_model.names``; empty where another engine runs, or no folder is chosen yet."""
    if settings.engine != "svd":
        return ""
    if settings.model_choice != OWN_FOLDER:
        return str(settings.model_choice)
    return str(absolute(settings.model_folder)) if settings.model_folder else ""


def view(settings: RevisionSettings) -> ModelView | None:
    """How the model stands as far as is known by now."""
    name, session = name_of(settings), current()
    if not name:
        return None
    device = next((engine.device for engine in session.link.engines if engine.name == settings.engine), "")
    return session.models.view(Looked(name, backend_choice().home, device))


def download_folder(name: str) -> Path:
    """Where a download of this model goes."""
    return repository_folder(name)


def may_hold(settings: RevisionSettings) -> bool:
    """Whether the final video may be made by dual-clock denoising: by choice, or because the model cannot read part masks."""
    if settings.follow_mode != "auto":
        return bool(settings.follow_mode == "dual-clock")
    seen = view(settings)
    return seen is None or not seen.state.conditioned


def depths_by_slider(settings: RevisionSettings) -> Depths:
    """What the slider Follow stands for on the model's own schedule."""
    seen = view(settings)
    return depths_of(settings.follow, seen.noise if seen is not None else SVD_SPAN)


def depths(settings: RevisionSettings) -> Depths:
    """The noise levels of dual-clock denoising. Raises RevisionError where those set by hand are out of order."""
    if not settings.own_depths:
        return depths_by_slider(settings)
    chosen = Depths(settings.sigma_weak, settings.sigma_strong)
    if chosen.strong > chosen.weak:
        raise RevisionError(
            f"The bodies are held down to {chosen.strong:g}, above where denoising begins ({chosen.weak:g}): "
            "set Held Down To to at most Begins At in Generate Fine."
        )
    return chosen
