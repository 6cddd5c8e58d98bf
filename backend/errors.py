"""The error family of the backend's side: each message says what is wrong, with the value, and what to do next."""


class BackendError(Exception):
    """Base of every error whose text is meant for the user; the server sends it as it stands."""


class InputError(BackendError):
    """The request cannot be worked on as it is: no person in the picture, an empty video, a size out of range."""


class EngineError(BackendError):
    """A video engine that cannot run here: weights missing, a folder of another layout, no memory left."""


class Cancelled(Exception):
    """The user cancelled the job; raised from inside a stage by its progress, caught by the worker alone."""
