"""A picture file's exact sRGB bytes through Blender, which reads more formats than the backend needs to know."""

from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from .errors import PictureError
from .picture_head import size_in_head

SMALLEST, LARGEST = 16, 8192  # pixels a side


def picture_pixels(path: Path) -> NDArray[np.uint8]:
    """``(H, W, 3)`` sRGB bytes of a picture file, row 0 at the top; alpha is ignored.

    Eight-bit files come through unchanged, deeper ones are rounded. Raises PictureError, before the pixels are decoded
    where the file's head tells the size, for a missing or unreadable file and for sides outside 16 to 8192 pixels.
    """
    path = Path(path)
    if not path.is_file():
        raise PictureError(f"There is no picture file {path}; choose another.")
    _check_size(path, *size_in_head(path))
    try:
        image = bpy.data.images.load(str(path), check_existing=False)
    except RuntimeError as error:
        raise PictureError(f"{path.name} is not a picture that Blender can read ({error}); choose another file.") from error
    try:
        return _bytes(image, path)
    finally:
        bpy.data.images.remove(image)


def _check_size(path: Path, width: int, height: int) -> None:
    if width and height and (min(width, height) < SMALLEST or max(width, height) > LARGEST):
        raise PictureError(f"{path.name} is {width} x {height} pixels; sides from {SMALLEST} to {LARGEST} can be used, scale it first.")


def _bytes(image: bpy.types.Image, path: Path) -> NDArray[np.uint8]:
    width, height = image.size
    if width == 0 or height == 0:
        raise PictureError(f"{path.name} holds no readable picture; it may be damaged or empty, choose another file.")
    _check_size(path, width, height)
    values = np.empty(width * height * image.channels, dtype=np.float32)
    image.pixels.foreach_get(values)
    values = values.reshape(height, width, image.channels)[::-1]
    colour = np.repeat(values[..., :1], 3, axis=-1) if image.channels < 3 else values[..., :3]
    return np.rint(np.clip(_srgb(colour) if image.is_float else colour, 0.0, 1.0) * 255.0).astype(np.uint8)


def _srgb(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scene-linear values to sRGB's encoding (IEC 61966-2-1); Blender keeps deep files linear."""
    low = np.clip(linear, 0.0, None)
    return np.where(low <= 0.0031308, 12.92 * low, 1.055 * np.power(np.maximum(low, 0.0031308), 1.0 / 2.4) - 0.055)
