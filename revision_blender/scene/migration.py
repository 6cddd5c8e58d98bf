"""Files saved by earlier versions: their settings are brought to what this one reads."""

import bpy

from .properties import OWN_FOLDER, RevisionSettings


def migrate_file() -> None:
    """All scenes of the open file; calling it again changes nothing."""
    for scene in bpy.data.scenes:
        _keep_model_folder(scene.revision)


def _keep_model_folder(settings: RevisionSettings) -> None:
    """Before there was a menu a folder named the model; a file that names one and has chosen nothing goes on using it."""
    if settings.model_folder and not settings.is_property_set("model_choice"):
        settings.model_choice = OWN_FOLDER
