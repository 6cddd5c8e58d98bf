"""ReVision for Blender: Blender's door. Everything is imported when the extension is enabled, nothing before."""


def register() -> None:
    """Adds properties, operators, preferences and panels; starts the pump. Called by Blender."""
    from . import operators, panels
    from .revision_blender.scene import properties

    properties.register()
    operators.register()
    panels.register()


def unregister() -> None:
    """Takes everything back: panels, timers, handlers, threads, classes. Called by Blender."""
    from . import operators, panels
    from .revision_blender.scene import properties

    panels.unregister()
    operators.unregister()
    properties.unregister()
