"""What the animator can do: one file a verb family, and the pump that brings results into the scene."""

from types import ModuleType


def _modules() -> tuple[ModuleType, ...]:
    from . import (
        add_body,
        backend,
        body_models,
        change_graphs,
        comparing,
        environment,
        found,
        generate,
        jobs,
        lift_providers,
        masks,
        model_download,
        motion,
        motion_export,
        motion_import,
        person_choice,
        pin_counts,
        pinning,
        preferences,
        pump,
        rigging,
        subject_drawing,
        subject_overlay,
        subjects,
        track_cuts,
        tracks,
    )

    first = (preferences, environment, backend, model_download, person_choice, found, generate, motion)
    lifting = (lift_providers, subjects, subject_drawing, subject_overlay, tracks, track_cuts)
    return (
        *first,
        *lifting,
        motion_import,
        motion_export,
        add_body,
        body_models,
        rigging,
        change_graphs,
        pin_counts,
        pinning,
        comparing,
        masks,
        jobs,
        pump,
    )


def register() -> None:
    from . import session

    session.register()
    for module in _modules():
        module.register()


def unregister() -> None:
    from . import session

    for module in reversed(_modules()):
        module.unregister()
    session.unregister()
