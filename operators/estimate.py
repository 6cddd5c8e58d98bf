"""Time and memory of a video model's run as the scene is set, before the button is pressed."""

from functools import lru_cache
from pathlib import Path

import bpy

from ..revision_blender.motion.errors import RevisionError
from ..revision_blender.scene.picture_head import size_in_head
from ..revision_blender.scene.properties import RevisionSettings
from ..revision_blender.video_model.facts import ModelFacts
from ..revision_blender.video_model.prediction import Prediction, Setting, predicted
from ..revision_blender.video_model.presets import preset_of
from ..revision_blender.video_model.runs import Source, coarse_run, fine_run
from . import chosen_model
from .model_watch import ModelView
from .where import absolute, pngs


def coarse(scene: bpy.types.Scene) -> Prediction | None:
    """Of Generate Coarse as it is set; None where the engine is another, or the model, the machine or the picture is not known."""
    settings: RevisionSettings = scene.revision
    size = _size(absolute(settings.picture)) if settings.picture else None
    view, facts = _known(settings)
    if size is None or view is None or facts is None:
        return None
    source = Source(*size, settings.frames, settings.fps)
    return _prediction(view, coarse_run(source, facts, view.multiple, preset_of(settings.preset)))


def fine(scene: bpy.types.Scene) -> Prediction | None:
    """Of Generate Fine for the take whose masks are rendered."""
    settings: RevisionSettings = scene.revision
    entry = settings.take()
    masks = pngs(entry.masks) if entry is not None else ()
    size = _size(masks[0]) if masks else None
    view, facts = _known(settings)
    if entry is None or size is None or view is None or facts is None:
        return None
    source, preset = Source(*size, len(masks), entry.final_fps or entry.fps), preset_of(settings.preset)
    try:
        depths = chosen_model.depths(settings) if chosen_model.may_hold(settings) else None
    except RevisionError:
        return None  # said beside the slider
    return _prediction(view, fine_run(source, facts, view.multiple, preset, depths, view.noise))


def _known(settings: RevisionSettings) -> tuple[ModelView | None, ModelFacts | None]:
    view = chosen_model.view(settings)
    return (view, view.state.facts) if view is not None and view.device else (None, None)


def _prediction(view: ModelView, setting: Setting) -> Prediction:
    return predicted(setting, view.known, view.device, view.shape)


def _size(path: Path) -> tuple[int, int] | None:
    """Width and height of a picture, from its file's head; None for what tells none."""
    try:
        found = _size_as_of(path, path.stat().st_mtime_ns)
    except OSError:
        return None  # the button says that it is not there
    return found if min(found) > 0 else None


@lru_cache(maxsize=64)
def _size_as_of(path: Path, _changed: int) -> tuple[int, int]:
    return size_in_head(path)
