"""What goes wrong with the files of a video model."""


class ModelFileError(Exception):
    """A model's file that is missing, damaged or of another kind: one sentence with what to do next."""
