"""Files of takes: plain arrays in one npz, each kind's motions end to end.

Rotations are stored as axis times angle: float32, or int16 in steps of ``QUANTUM`` (0.005 degrees) where the file has to be small.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.prior.state.take import FPS, KINDS, Kind, Take
from revision_blender.motion.errors import MotionFileError
from revision_blender.motion.npz_file import read_npz, write_npz
from revision_blender.motion.rotation import axis_angle_from_matrix, matrix_from_axis_angle

Arrays = dict[str, NDArray[Any]]

QUANTUM = np.pi / 32000.0  # radians
_MAX_BYTES = 2**30


def write_takes(takes: Sequence[Take], path: Path, small: bool = False) -> None:
    """Writes takes at ``FPS`` to an npz, whole or not at all. small: quantised to int16, places as millimetres' tenths."""
    arrays: Arrays = {"fps": np.array(FPS)}
    for kind in KINDS:
        chosen = [take for take in takes if take.kind == kind]
        if chosen:
            arrays |= {f"{kind}.{name}": array for name, array in _arrays(chosen, small).items()}
    write_npz(path, arrays)


def read_takes(path: Path) -> list[Take]:
    """The takes of a file, by kind and in the order in which they were written; ``MotionFileError`` for another or damaged file."""
    arrays = read_npz(path, max_bytes=_MAX_BYTES, error=MotionFileError, what="file of takes", text=True)
    try:
        return [take for kind in KINDS if f"{kind}.names" in arrays for take in _takes(arrays, kind)]
    except (KeyError, ValueError, IndexError) as reason:
        raise MotionFileError(f"{path.name} is no file of takes ({reason}); write it again with the command that made it") from None


def _arrays(takes: Sequence[Take], small: bool) -> Arrays:
    rotations = np.concatenate([axis_angle_from_matrix(take.rotations) for take in takes])
    root = np.concatenate([take.root for take in takes])
    arrays: Arrays = {
        "names": np.array([take.name for take in takes]),
        "groups": np.array([take.group for take in takes]),
        "texts": np.array([take.text for take in takes]),
        "starts": np.cumsum([0] + [take.n_frames for take in takes]),
        "offsets": np.stack([take.offsets for take in takes]).astype(np.float32),
        "root": root.astype(np.float32),
        "rotations": np.round(rotations / QUANTUM).astype(np.int16) if small else rotations.astype(np.float32),
    }
    if takes[0].points is not None:
        arrays["points"] = np.concatenate([_points(take) for take in takes]).astype(np.float32)
    return arrays


def _points(take: Take) -> NDArray[np.floating]:
    if take.points is None:
        raise ValueError(f"the object {take.name!r} has no points; give it its 21")
    return take.points


def _takes(arrays: Arrays, kind: Kind) -> list[Take]:
    def of(name: str) -> NDArray[Any]:
        return arrays[f"{kind}.{name}"]

    stored = of("rotations")
    angles = stored * QUANTUM if stored.dtype == np.int16 else stored.astype(np.float64)
    rotations, root = matrix_from_axis_angle(angles), of("root").astype(np.float64)
    points = arrays[f"{kind}.points"].astype(np.float64) if f"{kind}.points" in arrays else None
    starts = of("starts")
    return [
        Take(
            kind, float(arrays["fps"]), rotations[a:b], root[a:b], of("offsets")[number].astype(np.float64),
            None if points is None else points[a:b], str(of("names")[number]), str(of("groups")[number]), str(of("texts")[number]),
        )
        for number, (a, b) in enumerate(itertools.pairwise(starts))
    ]  # fmt: skip
