"""What the animator can do: one file a verb family, and the pump that brings results into the scene."""


def register() -> None:
    from . import backend, environment, generate, jobs, masks, motion, preferences, pump, session

    session.register()
    for module in (preferences, environment, backend, generate, motion, masks, jobs, pump):
        module.register()


def unregister() -> None:
    from . import backend, environment, generate, jobs, masks, motion, preferences, pump, session

    for module in (pump, jobs, masks, motion, generate, backend, environment, preferences):
        module.unregister()
    session.unregister()
