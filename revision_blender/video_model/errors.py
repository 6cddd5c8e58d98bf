"""What goes wrong with the files of a video model."""


class ModelFileError(Exception):
    """A model's file that is missing, damaged or of another kind: one sentence with what to do next."""


class IncompleteModelError(ModelFileError):
    """A file that is not there in full: what a download would put right."""


class MissingModelFileError(IncompleteModelError):
    """A file that is not there at all."""
