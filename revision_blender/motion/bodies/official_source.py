"""The members of an official body file, whether ``.pkl`` or ``.npz``: looked at by shape first, read one at a time."""

from collections.abc import Collection, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BodyModelError
from ..npz_file import npz_arrays, read_npz
from ..pickles.pickle_file import read_pickle
from ..pickles.values import Refusal, Sparse

_WHAT = "body model file"
_MAX_PICKLE = 1 << 30
_MAX_ARRAYS = 256 << 20  # bytes of what is read: an SMPL-X in double precision with 400 components takes 235 MB
_MAX_PIECES = 16 << 20  # a body's pickle is a few arrays, not many small things


class OfficialSource:
    """One file's members by name. Nothing of an ``.npz`` is read before its shape was asked for; members of objects never are."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_npz = _head(path) == b"PK"
        self._found: dict[str, Any] = {}
        if self._is_npz:
            self._found = dict(npz_arrays(path, error=BodyModelError, what=_WHAT))
            return
        value = read_pickle(path, error=BodyModelError, max_bytes=_MAX_PICKLE, what=_WHAT, max_pieces=_MAX_PIECES)
        if not isinstance(value, dict):
            raise self.wrong(f"it holds a {type(value).__name__} and not a body's arrays by name")
        self._found = {name: member for name, member in value.items() if isinstance(name, str)}

    def __contains__(self, name: str) -> bool:
        return name in self._found

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._found)

    def wrong(self, what: str) -> BodyModelError:
        """The error for this file: ``what`` is wrong with it."""
        return BodyModelError(f"{self.path} is not a body model that can be used: {what}; get it anew from where it is published")

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a member; ``BodyModelError`` where it is missing or not numbers."""
        found = self._found.get(name)
        if found is None:
            raise self.wrong(f"it has no {name!r} (it has {', '.join(sorted(self._found)[:12]) or 'nothing'})")
        numbers = (
            found.is_number if self._is_npz else isinstance(found, Sparse) or (isinstance(found, np.ndarray) and found.dtype.kind in "fiub")
        )
        if not numbers:
            raise self.wrong(f"its {name!r} is not made of plain numbers")
        return found.shape

    def expect(self, shapes: Mapping[str, tuple[int, ...]], others: Collection[str]) -> None:
        """Before anything is read: these members have these shapes, the others are there, and all of them fit into the limit."""
        for name, shape in shapes.items():
            if self.shape(name) != shape:
                raise self.wrong(f"its {name!r} has shape {self.shape(name)} and not {shape}")
        total = 8 * sum(prod(self.shape(name)) for name in (*shapes, *others))
        if total > _MAX_ARRAYS:
            raise self.wrong(f"its arrays take {total >> 20} MB, which does not fit into the {_MAX_ARRAYS >> 20} MB that are read")

    def read(self, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
        """A member that must have ``shape`` and only finite numbers."""
        if self.shape(name) != shape:
            raise self.wrong(f"its {name!r} has shape {self.shape(name)} and not {shape}")
        found = self._array(name)
        if found.shape != shape or (found.dtype.kind == "f" and not np.isfinite(found).all()):
            raise self.wrong(f"its {name!r} holds numbers that are not finite")
        return found

    def _array(self, name: str) -> NDArray[Any]:
        if self._is_npz:
            return read_npz(self.path, max_bytes=_MAX_ARRAYS, error=BodyModelError, what=_WHAT, wanted={name})[name]
        found = self._found[name]
        if isinstance(found, Sparse):
            try:
                return found.dense(_MAX_ARRAYS)
            except Refusal as reason:
                raise self.wrong(f"its {name!r}: {reason}") from reason
        return np.asarray(found)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(2)
    except FileNotFoundError as reason:
        raise BodyModelError(f"there is no {_WHAT} at {path}; choose another file") from reason
    except OSError as reason:
        raise BodyModelError(f"the {_WHAT} {path} cannot be read ({reason.strerror or reason}); check its permissions") from reason
