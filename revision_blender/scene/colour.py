"""Colour management: what the scene does to a clip's colours, told and never changed silently."""

import bpy

STANDARD = "Standard"


def view_transform_note(scene: bpy.types.Scene) -> str:
    """One sentence for the panel where the scene's view transform changes a clip's colours; empty where it does not."""
    settings = scene.view_settings
    if settings.view_transform != STANDARD:
        return f"The view transform {settings.view_transform} changes the clip's colours; Standard leaves them as they are."
    if settings.look not in ("", "None"):
        return f"The look {settings.look} changes the clip's colours; None leaves them as they are."
    if abs(settings.exposure) > 1e-6 or abs(settings.gamma - 1.0) > 1e-6:
        return f"Exposure {settings.exposure:.2f} and gamma {settings.gamma:.2f} change the clip's colours; 0 and 1 leave them as they are."
    if settings.use_curve_mapping:
        return "The scene's colour curves change the clip's colours; turn them off to leave the clip as it is."
    return ""


def use_standard(scene: bpy.types.Scene) -> None:
    """Sets the view transform that shows and renders clips in their own colours. The scene's other renders change as well."""
    settings = scene.view_settings
    settings.view_transform = STANDARD
    settings.look = "None"
    settings.exposure = 0.0
    settings.gamma = 1.0
    settings.use_curve_mapping = False
