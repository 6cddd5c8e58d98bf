"""The sidebar tab ReVision, top to bottom in working order. Panels only draw."""


def register() -> None:
    from . import backend, jobs, motion, source

    for module in (backend, source, motion, jobs):
        module.register()


def unregister() -> None:
    from . import backend, jobs, motion, source

    for module in (jobs, motion, source, backend):
        module.unregister()
