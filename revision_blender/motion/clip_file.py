"""Clips as ``.npz`` files: plain arrays and one JSON text, no pickles, a schema version, every size checked."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from .clip import Clip
from .clip_arrays import array_names, clip_from_arrays, clip_to_arrays
from .errors import ClipError
from .npz_file import read_npz, write_npz

__all__ = ["clip_from_arrays", "clip_to_arrays", "load_clip", "save_clip"]

_FACTS = "clip.json"
_MAX_BYTES = 1 << 30
_MAX_FACTS = 1 << 20


def save_clip(path: Path, clip: Clip) -> None:
    """Writes the clip, whole or not at all: a reader never sees half a file."""
    facts, arrays = clip_to_arrays(clip)
    text = json.dumps(facts).encode("ascii")
    members = {_FACTS: np.frombuffer(text, dtype=np.uint8)}
    members.update(zip(array_names(facts), arrays, strict=True))
    try:
        write_npz(Path(path), members)
    except OSError as reason:
        raise ClipError(
            f"the clip cannot be written to {path} ({reason.strerror or reason}); choose another folder or make room"
        ) from reason


def load_clip(path: Path) -> Clip:
    """Reads a clip; raises ``ClipError`` with a sentence for any file that is not a whole clip of a known schema."""
    members = read_npz(Path(path), max_bytes=_MAX_BYTES, error=ClipError, what="clip file")
    facts = _parse_facts(members.pop(_FACTS, None), path)
    names = array_names(facts)
    if set(names) != set(members):
        odd = sorted(set(names) ^ set(members))[:4]
        raise ClipError(f"{path} does not hold the arrays of its tracks ({', '.join(odd)}); make the clip again")
    return clip_from_arrays(facts, [members[name] for name in names])


def _parse_facts(raw: Any, path: Path) -> dict[str, Any]:
    if raw is None or raw.dtype != np.uint8 or raw.ndim != 1 or len(raw) > _MAX_FACTS:
        raise ClipError(f"{path} holds arrays but no clip; choose a file that ReVision wrote")
    try:
        facts = json.loads(raw.tobytes().decode("ascii"))
    except (ValueError, RecursionError) as reason:
        raise ClipError(f"the description inside {path} is damaged ({reason}); make the clip again") from reason
    if not isinstance(facts, dict):
        raise ClipError(f"the description inside {path} is not one of a clip; choose a file that ReVision wrote")
    return facts
