"""Frames written as an MP4 that plays everywhere; for looking at, so with H.264's losses."""

from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from jaxtyping import UInt8
from numpy.typing import NDArray

from backend.errors import BackendError
from revision_blender.motion.whole_file import whole_file

CODECS = ("libx264", "mpeg4")  # the first that this build of FFmpeg has


def write_video(path: Path, frames: UInt8[NDArray[np.uint8], "F H W 3"], fps: float) -> None:
    """Writes the file whole or not at all. Odd sides lose their last row or column, which H.264's colours ask for."""
    height, width = (side // 2 * 2 for side in frames.shape[1:3])
    buffer = BytesIO()
    codec = next((name for name in CODECS if name in av.codecs_available), CODECS[-1])
    try:
        with av.open(buffer, "w", format="mp4") as container:
            stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(1001))
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"  # type: ignore[union-attr]
            for frame in frames:
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame[:height, :width]), format="rgb24")
                container.mux(stream.encode(picture))  # type: ignore[union-attr]
            container.mux(stream.encode())  # type: ignore[union-attr]
        with whole_file(path) as file:
            file.write(buffer.getvalue())
    except (FFmpegError, OSError) as error:
        raise BackendError(
            f"The video cannot be written to {path} ({error.strerror or error}); choose another folder or make room."
        ) from error
