"""The sidebar tab ReVision, top to bottom in working order. Panels only draw."""


def register() -> None:
    from . import backend, jobs, motion, rig, source

    for module in (backend, source, motion, rig, jobs):
        module.register()


def unregister() -> None:
    from . import backend, jobs, motion, rig, source

    for module in (jobs, rig, motion, source, backend):
        module.unregister()
