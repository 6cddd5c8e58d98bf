"""Opens a model of the ``transformers`` library from a folder of the user's: nothing is downloaded, nothing in it is run.

A folder holds ``config.json`` and ``model.safetensors`` (or its parts with ``model.safetensors.index.json``). The safetensors format
(https://huggingface.co/docs/safetensors) starts with the length of a JSON header that names every tensor with its place in the file:
read first, it tells a cut off file before any memory is taken.
"""

import json
import logging
import math
import shutil
import struct
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backend.errors import EngineError
from backend.lifting.providers.base import weights_folder

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
MAX_HEADER = 100_000_000  # bytes, the format's own limit
MAX_CONFIG = 10_000_000  # bytes


def found_folder(name: str, repositories: tuple[str, ...], home: Path) -> Path | None:
    """``<home>/models/<name>``, else the first of the repositories (OWNER/NAME, best first) that the hub's cache holds, else nothing."""
    folders = (weights_folder(name, repository, home) for repository in repositories)
    return next((folder for folder in folders if folder is not None), None)


def missing_words(name: str, repositories: tuple[str, ...], home: Path, others: tuple[str, ...] = ()) -> str:
    """One sentence when a model's files are not there, empty when they are. Looks at names alone."""
    folder = found_folder(name, repositories, home)
    if folder is None:
        place = home / "models" / name
        return f"No weights were found: download {repositories[0]} from the Hugging Face hub, or lay its files into {place}."
    needed = (CONFIG, *others)
    lacking = [file for file in needed if not (folder / file).is_file()]
    if not (folder / WEIGHTS).is_file() and not (folder / INDEX).is_file():
        lacking.append(WEIGHTS)
    return f"{folder} lacks {', '.join(lacking)}; download {repositories[0]} again." if lacking else ""


def quick_device() -> bool:
    """Whether a card that torch can use is likely here, without importing it."""
    return sys.platform == "darwin" or shutil.which("nvidia-smi") is not None


def device_name() -> str:
    """Where networks run: the first NVIDIA card, Apple's, or the processor."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def open_model(folder: Path, model_class: str, model_type: str, again: str) -> Any:
    """The network of the ``transformers`` class in ``folder``: on this machine's device, evaluating, without gradients.

    model_type: what its configuration must say. again: what to download when it is broken. Raises EngineError, one sentence, for a
    configuration of another model, files that are missing or cut off, and weights that do not fit.
    """
    try:
        _check_type(folder, model_type, again)
        held = sum(check_safetensors(file, again) for file in _weight_files(folder, again))
        with _quietly():
            import transformers

            kind = getattr(transformers, model_class)
            _check_size(kind, folder, held, again)
            network, found = kind.from_pretrained(folder, local_files_only=True, use_safetensors=True, output_loading_info=True)
        _check_fit(folder, found, again)
        return network.to(device_name()).eval().requires_grad_(False)
    except MemoryError as error:
        raise EngineError(f"There is not enough memory for the model in {folder}: close what else uses it.") from error
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError, struct.error) as error:
        raise EngineError(f"{folder} cannot be loaded ({first_line(error)}). Download {again} again.") from error
    except Exception as error:
        if type(error).__module__.startswith(("safetensors", "safetensors_rust", "huggingface_hub")):
            raise EngineError(f"{folder} cannot be loaded ({first_line(error)}). Download {again} again.") from error
        raise


def read_json(file: Path, again: str) -> dict[str, Any]:
    """An object from a small JSON file. Raises EngineError."""
    try:
        if file.stat().st_size > MAX_CONFIG:
            raise EngineError(f"{file} has {file.stat().st_size} bytes, which is no configuration. Download {again} again.")
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise EngineError(f"{file} cannot be read ({first_line(error)}). Download {again} again.") from error
    if not isinstance(values, dict):
        raise EngineError(f"{file} holds {type(values).__name__} instead of an object. Download {again} again.")
    return values


def _check_type(folder: Path, model_type: str, again: str) -> None:
    values = read_json(folder / CONFIG, again)
    found = values.get("model_type")
    if found != model_type:
        raise EngineError(f"{folder} holds a model of the type {str(found)[:40]!r}; {model_type!r} is needed. Download {again}.")
    elsewhere = _named_backbone(values)
    if elsewhere:
        raise EngineError(
            f"{folder / CONFIG} takes a part from {elsewhere[:80]!r}, which the library would ask the hub for. Download {again} instead."
        )


def _named_backbone(values: dict[str, Any]) -> str:
    """The repository that a configuration names in the place of a part of its own, at any depth, or nothing."""
    for name, value in values.items():
        if name == "backbone" and isinstance(value, str):
            return value
        inside = _named_backbone(value) if isinstance(value, dict) else ""
        if inside:
            return inside
    return ""


def _weight_files(folder: Path, again: str) -> list[Path]:
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if not (folder / INDEX).is_file():
        raise EngineError(f"{folder} holds no {WEIGHTS}. Download {again} again.")
    table = read_json(folder / INDEX, again).get("weight_map")
    names = sorted(set(table.values())) if isinstance(table, dict) and all(isinstance(name, str) for name in table.values()) else []
    if not names or any(Path(name).name != name for name in names):
        raise EngineError(f"{folder / INDEX} names no files. Download {again} again.")
    return [folder / name for name in names]


def check_safetensors(file: Path, again: str) -> int:
    """How many numbers the file holds, once it is as long as its own header says. Raises EngineError; allocates nothing for tensors."""
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if not 2 <= length <= min(MAX_HEADER, size - 8):
                raise EngineError(f"{file} is no safetensors file or is cut off ({size} bytes). Download {again} again.")
            header = json.loads(stream.read(length))
        tensors = [entry for name, entry in header.items() if name != "__metadata__"]
        ends = [entry["data_offsets"][1] for entry in tensors]
        count = sum(math.prod(entry["shape"]) for entry in tensors)
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError, IndexError, struct.error) as error:
        raise EngineError(f"{file} is no safetensors file ({first_line(error)}). Download {again} again.") from error
    whole = 8 + length + max(ends, default=0)
    if not ends or size != whole:
        raise EngineError(f"{file} is cut off: it has {size} bytes, its header speaks of {whole}. Download {again} again.")
    return count


def _check_size(kind: Any, folder: Path, held: int, again: str) -> None:
    """That the network of the configuration is about as large as its weights, before memory is taken for it."""
    import torch

    with torch.device("meta"):
        network = kind(kind.config_class.from_pretrained(folder, local_files_only=True))
    wanted = sum(parameter.numel() for parameter in network.parameters())
    if not held / 2 <= wanted <= 2 * held:
        counts = f"{held} numbers in the files, {wanted} in the configuration"
        raise EngineError(f"The weights in {folder} do not fit its configuration ({counts}). Download {again} again.")


def _check_fit(folder: Path, found: Any, again: str) -> None:
    missing = sorted(found.get("missing_keys") or ())
    wrong = list(found.get("mismatched_keys") or ()) + list(found.get("error_msgs") or ())
    if missing or wrong:  # unknown ones are let be: published files carry buffers that later versions of the library do without
        counts = f"{len(missing)} missing, {len(wrong)} of another shape; first: {[*missing, *wrong][0]!s:.80}"
        raise EngineError(f"The weights in {folder} do not fit its configuration ({counts}). Download {again} again.")


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the library's own warnings and bars: what they warn of is an error here."""
    from transformers.utils import logging as library

    before = library.get_verbosity()
    library.set_verbosity(logging.CRITICAL)
    library.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        library.set_verbosity(before)


def first_line(error: BaseException) -> str:
    """The first line of an error that came from elsewhere, without its full stop."""
    lines = str(getattr(error, "err", "") or error).strip().splitlines()  # OpenCV's errors keep what is wrong in "err"
    return lines[0][:160].rstrip(".") if lines else type(error).__name__
