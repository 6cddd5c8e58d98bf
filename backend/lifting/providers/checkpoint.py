"""Weights of published training checkpoints, read strictly and without running anything that a file names.

A checkpoint of PyTorch Lightning holds its weights under ``state_dict`` and, beside them, the settings it was trained with as objects of
other people's classes. torch reads it with ``weights_only``; every class that the file names and torch does not know is stood in for
by an inert one of ours, so no foreign code is imported or called, and what it would have held is thrown away.
"""

import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from backend.errors import EngineError

MAX_DESCRIPTION = 64 * 2**20  # bytes of data.pkl: names, shapes and settings, never the numbers


class _Inert:
    """Stands for every class that is not known here: what is made of it is an empty dictionary, which takes what the file puts in."""

    def __new__(cls, *_arguments: object) -> "OrderedDict[object, object]":  # type: ignore[misc]  # the only dictionary that torch fills later
        return OrderedDict()


class _Dropped:
    """Stands for numpy's numbers and their types, which are given a state that is no dictionary: nothing of it is kept."""

    def __init__(self, *_arguments: object) -> None:
        pass

    def __setstate__(self, _state: object) -> None:
        pass


def read_values(path: Path, what: str) -> dict[object, object]:
    """The dictionary that ``torch.save`` wrote; tensors stay on disk until they are used.

    Objects of other people's classes are dictionaries with what was their ``__dict__`` as attributes. what: names the model in the
    sentence ("HMR2.0"). Raises ``EngineError`` for a file that is missing, cut off, or holds something else.
    """
    try:
        _check_archive(path, what)
        foreign = torch.serialization.get_unsafe_globals_in_checkpoint(path)
        stand_ins: list[Any] = [(_Dropped if name.startswith("numpy.") else _Inert, name) for name in foreign]
        with torch.serialization.safe_globals(stand_ins), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of strange files, which are refused or read all the same
            loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except FileNotFoundError as reason:
        raise EngineError(f"There is no file {path}; put the weights of {what} there.") from reason
    except EngineError:
        raise
    except Exception as reason:  # a damaged pickle breaks in many ways
        raise EngineError(f"{path.name} is no whole checkpoint of {what} ({_cause(reason)}); get the file again.") from reason
    if not isinstance(loaded, dict):
        raise EngineError(f"{path.name} holds no weights; choose the checkpoint of {what} as it was published.")
    return loaded


def read_state(path: Path, what: str) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name. what: as in ``read_values``. Raises ``EngineError`` for a file that cannot be used."""
    loaded = read_values(path, what)
    state = loaded.get("state_dict", loaded)
    if not isinstance(state, dict) or not any(isinstance(value, Tensor) for value in state.values()):
        raise EngineError(f"{path.name} holds no weights; choose the checkpoint of {what} as it was published.")
    return honest({str(name): value for name, value in state.items() if isinstance(value, Tensor)}, path, what)


def honest(state: Mapping[str, Tensor], path: Path, what: str) -> dict[str, Tensor]:
    """The same tensors, once they are together no larger than the file, give or take some that are stored once and named twice.

    A tensor may repeat one stored number a million times over. Raises ``EngineError``.
    """
    needed, size = sum(value.numel() * value.element_size() for value in state.values()), path.stat().st_size
    if needed > 2 * size:
        raise EngineError(f"{path.name} has {size} bytes and speaks of {needed} bytes of weights; get the checkpoint of {what} again.")
    return dict(state)


def _cause(reason: Exception) -> str:
    """torch's words without its advice, which would be dangerous to follow."""
    text = str(reason).rsplit("WeightsUnpickler error:", maxsplit=1)[-1].strip()
    return (text.splitlines()[0] if text else type(reason).__name__)[:120].rstrip(". ")


def _check_archive(path: Path, what: str) -> None:
    """Sizes before any memory is taken: numbers are stored as they are, so the file cannot promise more than it has."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    described = [entry for entry in entries if entry.filename.endswith("/data.pkl") and entry.filename.count("/") == 1]
    if len(described) != 1:
        raise EngineError(f"{path.name} is an archive that torch.save did not write; choose the checkpoint of {what} as it was published.")
    if described[0].file_size > MAX_DESCRIPTION or any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise EngineError(f"{path.name} is packed in a way that no published checkpoint of {what} is; get the file again.")


def part_of(state: Mapping[str, Tensor], wanted: tuple[str, ...], ignored: tuple[str, ...], path: Path, what: str) -> dict[str, Tensor]:
    """The tensors under the prefixes ``wanted``; each name must be under one of these or of ``ignored``, else ``EngineError``."""
    kept = {name: value for name, value in state.items() if name.startswith(wanted)}
    missing = [prefix for prefix in wanted if not any(name.startswith(prefix) for name in kept)]
    if missing:
        raise EngineError(f"{path.name} has no weights named {missing[0]}…, as {what} has; choose the checkpoint of {what}.")
    strange = [name for name in state if not name.startswith((*wanted, *ignored))]
    if strange:
        raise EngineError(f"{path.name} has weights that {what} does not have ({strange[0][:80]}); choose the checkpoint of {what}.")
    return kept


def fill(module: torch.nn.Module, state: Mapping[str, Tensor], path: Path, what: str) -> None:
    """Puts the tensors into a module made on the device "meta", name by name and shape by shape. Raises ``EngineError``."""
    own = module.state_dict()
    missing, strange = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
    if missing or strange:
        which = f"lacks {missing[0]}" if missing else f"has {strange[0][:80]}, which is not known"
        raise EngineError(f"{path.name} is not laid out as {what} is: it {which}; choose the checkpoint of {what}.")
    for name, value in own.items():
        if value.shape != state[name].shape:
            raise EngineError(
                f"{path.name} is not laid out as {what} is: {name} has the shape {tuple(state[name].shape)}, "
                f"{tuple(value.shape)} is needed; choose the checkpoint of {what}."
            )
    copies = {name: state[name].to(own[name].dtype, copy=True) for name in own}  # the file may change while the network is in use
    module.load_state_dict(copies, strict=True, assign=True)
    module.requires_grad_(requires_grad=False).eval()
