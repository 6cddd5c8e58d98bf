"""The clip's pictures behind the camera, in time with the body at any scene frame rate."""

import re
from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from . import actions
from .keys import Channel, write_keys
from .timing import shown_pictures

_NUMBER = re.compile(r"(\d+)(?=\.[^.]*$)")
_OFFSET = "background_images[0].image_user.frame_offset"


def _first_number(files: Sequence[Path]) -> int | None:
    """The first file's number where the files are a numbered sequence of one folder, else ``None``."""
    matches = [_NUMBER.search(file.name) for file in files]
    if len(files) < 2 or not all(matches):
        return None
    first = int(matches[0].group(1))
    consecutive = all(int(match.group(1)) == first + index for index, match in enumerate(matches))
    return first if consecutive and len({file.parent for file in files}) == 1 else None


def attach(camera: bpy.types.Object, files: Sequence[Path], fps: float, scene_rate: float, start_frame: float) -> None:
    """Shows ``files`` (pictures of a clip at ``fps``, or one still) behind what ``camera`` sees."""
    if not files:
        return
    data = camera.data
    image = bpy.data.images.load(str(files[0]), check_existing=False)
    image.colorspace_settings.name = "sRGB"
    background = data.background_images.new()
    background.image, background.alpha = image, 1.0
    background.frame_method, background.display_depth = "FIT", "BACK"
    data.show_background_images = True
    first_number = _first_number(files)
    if first_number is None:
        return
    image.source = "SEQUENCE"
    first, pictures = shown_pictures(len(files), fps, scene_rate, start_frame)
    user = background.image_user
    user.frame_start, user.frame_duration = first, len(pictures)
    user.use_auto_refresh = True
    _keep_time(data, first_number, first, pictures)


def _keep_time(data: bpy.types.Camera, first_number: int, first: int, pictures: NDArray[np.int64]) -> None:
    """A sequence steps one file a scene frame; its offset is keyed so that file ``first_number + pictures[i]`` shows instead."""
    offsets = first_number + pictures - (np.arange(len(pictures)) + 1)
    data.background_images[0].image_user.frame_offset = int(offsets[0])
    changes = np.flatnonzero(np.diff(offsets, prepend=offsets[0] - 1))
    if len(changes) == 1:
        return
    action, slot = actions.new_action(f"{data.name} pictures", data, "CAMERA")
    row = Channel(_OFFSET, offsets[changes, None].astype(np.float64))
    write_keys(actions.channelbag(action, slot, ensure=True), (first + changes).astype(np.float64), (row,), "CONSTANT")
    actions.assign(data, action, slot)
