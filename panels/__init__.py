"""The sidebar tab ReVision, top to bottom in working order. Panels only draw."""


def register() -> None:
    from . import backend, jobs, motion, rig, source, video_model

    for module in (backend, source, motion, video_model, rig, jobs):
        module.register()


def unregister() -> None:
    from . import backend, jobs, motion, rig, source, video_model

    for module in (jobs, rig, video_model, motion, source, backend):
        module.unregister()
