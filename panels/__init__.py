"""The sidebar tab ReVision, top to bottom in working order. Panels only draw."""


def register() -> None:
    from . import backend, jobs, lift, motion, providers, refine, rig, source, tracks, video_model

    for module in (backend, source, lift, tracks, providers, motion, refine, video_model, rig, jobs):
        module.register()


def unregister() -> None:
    from . import backend, jobs, lift, motion, providers, refine, rig, source, tracks, video_model

    for module in (jobs, rig, video_model, refine, motion, providers, tracks, lift, source, backend):
        module.unregister()
