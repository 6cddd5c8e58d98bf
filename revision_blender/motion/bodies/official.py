"""Official body files."""

from pathlib import Path

from ..errors import BodyModelError
from .body_data import BodyModel


def read_official_body(path: Path) -> BodyModel:
    """Not read yet."""
    raise BodyModelError(f"{path} cannot be read yet")
