"""Errors of the scene room; their text is shown to the user as it stands."""

from ..motion.errors import RevisionError


class SceneError(RevisionError):
    """The Blender scene lacks something that is needed, or an import was interrupted."""


class PictureError(RevisionError):
    """A picture file that is missing, unreadable, or of a size that cannot be used."""
