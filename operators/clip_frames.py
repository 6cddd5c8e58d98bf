"""The clip that subjects are shown on: its pictures, their size, the frame that shows now."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import bpy

from ..revision_blender.scene.errors import SceneError
from ..revision_blender.scene.picture_head import size_in_head
from ..revision_blender.scene.properties import RevisionTake
from ..revision_blender.scene.subjects import clip_frame
from .where import absolute, pngs


@dataclass(frozen=True)
class ClipFrames:
    files: tuple[Path, ...]
    width: int
    height: int

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height


def clip_frames(entry: RevisionTake) -> ClipFrames:
    """Raises SceneError where the frames are gone."""
    found = _seen(absolute(entry.frames)) if entry.frames else None
    if found is None:
        raise SceneError(f"The frames of {entry.name} are gone from its results folder; generate the clip again.")
    return found


def known_frames(entry: RevisionTake) -> ClipFrames | None:
    """As far as a look at the disk has told before or tells now: for drawing."""
    return _seen(absolute(entry.frames)) if entry.frames else None


def frame_now(scene: bpy.types.Scene, entry: RevisionTake) -> int:
    """The clip's frame whose picture shows. Raises SceneError outside the clip or without frames."""
    return clip_frame(scene, entry, len(clip_frames(entry).files))


def _seen(folder: Path) -> ClipFrames | None:
    found = _look(folder)
    if found is None:
        _look.cache_clear()  # they may come back
    return found


@lru_cache(maxsize=32)
def _look(folder: Path) -> ClipFrames | None:
    files = pngs(str(folder))
    width, height = size_in_head(files[0]) if files else (0, 0)
    return ClipFrames(files, width, height) if width and height else None
