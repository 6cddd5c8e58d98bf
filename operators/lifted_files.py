"""A take's lift on disk, kept in step with its tracks: the video engines and a further lift start from it. Nothing is overwritten."""

from collections.abc import Callable
from pathlib import Path

from ..revision_blender.motion.clip import Clip
from ..revision_blender.motion.clip_file import load_clip, save_clip
from ..revision_blender.scene.properties import RevisionTake
from .where import absolute, stored

Edit = Callable[[Clip], Clip]
_LIFT, _RAW = "lift", "raw"


def clips_on_disk(entry: RevisionTake) -> dict[str, Clip]:
    """The take's lift and the raw fit beside it, by role, as far as they are there. Raises RevisionError for a damaged file."""
    if not entry.lift:
        return {}
    file = absolute(entry.lift)
    found = {_LIFT: file, _RAW: file.with_name(file.name.replace(_LIFT, _RAW, 1))}
    return {role: load_clip(path) for role, path in found.items() if path.is_file()}


def keep_edited(entry: RevisionTake, edit: Edit) -> None:
    """The take goes on from an edited copy of its lift; the files before stay, and undo goes back to them."""
    clips = clips_on_disk(entry)
    if _LIFT not in clips:
        return
    folder = absolute(entry.lift).parent
    number = _free_number(folder)
    for role, clip in clips.items():
        save_clip(folder / f"{role}-{number}.npz", edit(clip))
    entry.lift = stored(folder / f"{_LIFT}-{number}.npz")


def _free_number(folder: Path) -> int:
    return next(number for number in range(2, 100_000) if not (folder / f"{_LIFT}-{number}.npz").exists())
