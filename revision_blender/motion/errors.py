"""The error family of the extension's side: every message says what is wrong, with the value, and what to do next."""


class RevisionError(Exception):
    """Base of every error that a user of the extension may see; its text is shown as it stands."""


class ClipError(RevisionError):
    """A clip, track or camera whose arrays do not fit together, or a clip file that cannot be read."""


class BodyModelError(RevisionError):
    """A body model file that is missing, damaged or of another layout."""


class MaskError(RevisionError):
    """A part-mask or confidence map of the wrong shape, type or label range."""


class MotionFileError(RevisionError):
    """A motion capture file that is damaged, of another format, or whose skeleton is not the one expected."""
