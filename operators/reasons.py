"""Why a button is greyed out: one sentence each, empty when it can be pressed. Cheap: panels ask at every redraw."""

import bpy

from ..revision_blender.scene import marks
from ..revision_blender.scene.motions import roles_of
from ..revision_blender.scene.place_pins import PlacePin, place_pins
from ..revision_blender.scene.properties import RevisionSettings
from ..revision_blender.scene.take import find_take
from ..revision_blender.wire.events import EngineAbility
from . import chosen_model
from .body_shelf import shelf
from .session import current
from .where import absolute, pngs

_READY = ""
OPEN_HUMAN = "open_human"


def why_not_coarse(scene: bpy.types.Scene) -> str:
    settings: RevisionSettings = scene.revision
    return current().why_no_backend() or _why_no_picture(settings) or _why_no_engine(settings, "coarse")


def why_not_footage(scene: bpy.types.Scene) -> str:
    settings: RevisionSettings = scene.revision
    return current().why_no_backend() or _why_no_footage(settings)


def _why_no_picture(settings: RevisionSettings) -> str:
    if not settings.picture:
        return "Choose a picture in Source"
    if not absolute(settings.picture).is_file():
        return f"The picture {absolute(settings.picture)} is not there: choose another in Source"
    return _READY


def _why_no_footage(settings: RevisionSettings) -> str:
    if not settings.footage:
        return "Choose your footage in Source"
    if not absolute(settings.footage).is_file():
        return f"The footage {absolute(settings.footage)} is not there: choose another in Source"
    return _READY


def _why_no_engine(settings: RevisionSettings, stage: str) -> str:
    if settings.engine == "svd" and (reason := _why_no_model(settings)):
        return reason
    ability = next((engine for engine in current().link.engines if engine.name == settings.engine), None)
    return _why_not_able(ability, stage) if ability is not None else _READY


def _why_no_model(settings: RevisionSettings) -> str:
    if not chosen_model.name_of(settings):
        return "Choose the folder of your video model in Source"
    seen = chosen_model.view(settings)
    if seen is None or seen.state.found:
        return _READY  # not looked at yet: the backend will look
    if seen.state.kind == "missing":
        return "The video model is not on this machine yet: Video Model in Source has the next step"
    return f"{seen.state.words} {seen.state.next_step}".strip()


def _why_not_followed(settings: RevisionSettings) -> str:
    if settings.engine != "svd" or settings.follow_mode != "conditioned":
        return _READY
    seen = chosen_model.view(settings)
    if seen is None or not seen.state.found or seen.state.conditioned:
        return _READY
    return "This model was not trained to read part masks: set Follows to Automatic or Dual Clock"


def why_not_download(scene: bpy.types.Scene) -> str:
    """The chosen video model's weights."""
    seen = chosen_model.view(scene.revision)
    if seen is None:
        return "The model is being looked at"
    if not seen.state.downloadable:
        return f"There is nothing to download: {seen.state.words}"
    if current().job_of_kind(scene, "model") is not None:
        return "It is being downloaded"
    if not bpy.app.online_access:
        return "Turn on Allow Online Access in the System preferences: the model comes from the internet"
    return current().why_no_backend()


def _why_not_able(ability: EngineAbility, stage: str) -> str:
    able = ability.coarse if stage == "coarse" else ability.fine
    if able:
        return _READY
    return ability.why_not or f"The engine {ability.name} makes no {stage} clips: choose another in Source"


def why_not_lift(scene: bpy.types.Scene) -> str:
    settings: RevisionSettings = scene.revision
    entry = settings.take()
    if entry is None:
        return "Generate a coarse clip or load footage first"
    if current().job_of_take(entry.take_id, "lift"):
        return f"{entry.name} is being lifted"
    if not entry.frames:
        return f"{entry.name} came from a motion file: there is no clip to lift"
    if not pngs(entry.frames):
        return f"The frames of {entry.name} are gone from {absolute(entry.frames)}: generate the clip again"
    if not settings.find_people and not any(len(subject.shown) for subject in entry.subjects):
        return "Nothing is to be lifted: turn on Find People, or show a subject"
    return current().why_no_backend()


def why_not_shown(scene: bpy.types.Scene) -> str:
    """Subjects of the chosen take's clip."""
    entry = scene.revision.take()
    if entry is None:
        return "Generate a coarse clip or load footage first"
    return _READY if entry.frames else f"{entry.name} came from a motion file: there is no clip to show subjects on"


def why_not_drawn(scene: bpy.types.Scene) -> str:
    reason = why_not_shown(scene)
    if reason:
        return reason
    return _READY if len(scene.revision.take().subjects) else "Add a person, an animal or an object first"


def why_not_again(scene: bpy.types.Scene) -> str:
    """One track of the chosen take, lifted again."""
    reason = why_not_lifted(scene)
    if reason:
        return reason
    entry = scene.revision.take()
    if not entry.lift or not entry.frames:
        return f"{entry.name} was not lifted from a clip"
    if current().job_of_take(entry.take_id, "lift"):
        return f"{entry.name} is being lifted"
    return current().why_no_backend()


def why_not_lifted(scene: bpy.types.Scene) -> str:
    entry = scene.revision.take()
    if entry is None:
        return "Generate a coarse clip or load footage first"
    if find_take(scene, entry.take_id) is None:
        return f"Lift {entry.name} first"
    return _READY


def why_not_refine(scene: bpy.types.Scene) -> str:
    reason = why_not_lifted(scene)
    if not reason and current().job_of_take(scene.revision.take().take_id, "refine"):
        reason = f"{scene.revision.take().name} is being refined"
    return reason or _why_not_refined(scene) or current().why_no_backend()


def _why_not_refined(scene: bpy.types.Scene) -> str:
    """What is in the chosen method's way, by name."""
    take = find_take(scene, scene.revision.take().take_id)
    if take is None or not (take.bodies or take.objects):
        return "There is nothing to refine in this take"
    bodies = [rig for _track, name, _mesh in take.bodies if (rig := bpy.data.objects.get(name)) is not None]
    if scene.revision.refine_method == "prior":
        known = shelf().names()
        other = next((rig for rig in bodies if rig.get(marks.MODEL) not in known), None)
        return (
            _READY if other is None else f"The body {other.get(marks.MODEL)} of {other.name} is not on the shelf: Motion Files adds bodies"
        )
    return _why_not_optimised(bodies, place_pins(take))


def _why_not_optimised(bodies: list[bpy.types.Object], places: tuple[PlacePin, ...]) -> str:
    if not bodies:
        return "Optimisation knows people only, and there is none in this take: set Method to Motion Prior"
    other = next((rig for rig in bodies if rig.get(marks.MODEL) != OPEN_HUMAN), None)
    if other is not None:
        return f"Optimisation knows the body {OPEN_HUMAN} only; {other.name} is on {other.get(marks.MODEL)}: set Method to Motion Prior"
    return "Optimisation cannot hold pinned hands and feet: set Method to Motion Prior, or clear them" if places else _READY


def why_not_compared(scene: bpy.types.Scene) -> str:
    reason = why_not_lifted(scene)
    if reason:
        return reason
    take = find_take(scene, scene.revision.take().take_id)
    return _READY if take is not None and len(roles_of(take)) > 1 else "There is one motion only: Refine makes another"


def why_not_masks(scene: bpy.types.Scene) -> str:
    reason = why_not_lifted(scene)
    if not reason and current().job_of_take(scene.revision.take().take_id, "masks"):
        reason = "The part masks are being rendered"
    by_backend = scene.revision.mask_method == "backend"
    return reason or (current().why_no_backend() if by_backend else _READY)


def why_not_fine(scene: bpy.types.Scene) -> str:
    reason = why_not_lifted(scene)
    if reason:
        return reason
    entry = scene.revision.take()
    if not entry.frames:
        return f"{entry.name} came from a motion file: there is no picture to make the video from"
    if not entry.masks:
        return "Render the part masks first"
    if not pngs(entry.masks):
        return f"The part masks of {entry.name} are gone from {absolute(entry.masks)}: render them again"
    return current().why_no_backend() or _why_no_engine(scene.revision, "fine") or _why_not_followed(scene.revision)
