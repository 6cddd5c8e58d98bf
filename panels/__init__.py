"""The sidebar tab ReVision, top to bottom in working order. Panels only draw."""


def register() -> None:
    from . import backend, jobs, motion, refine, rig, source, video_model

    for module in (backend, source, motion, refine, video_model, rig, jobs):
        module.register()


def unregister() -> None:
    from . import backend, jobs, motion, refine, rig, source, video_model

    for module in (jobs, rig, video_model, refine, motion, source, backend):
        module.unregister()
