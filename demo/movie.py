"""Delivery of frames as H.264, through PyAV (OpenCV's wheel has no H.264 encoder)."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray


def read_frames(folder: Path) -> NDArray[np.uint8]:
    """``(F, H, W, 3)`` red green blue, from the PNGs of a folder in order."""
    files = sorted(folder.glob("*.png"))
    if not files:
        raise FileNotFoundError(f"no PNG frames in {folder}")
    pictures = [cv2.imread(str(file), cv2.IMREAD_COLOR) for file in files]
    return np.stack([cv2.cvtColor(picture, cv2.COLOR_BGR2RGB) for picture in pictures if picture is not None])


def write_movie(path: Path, frames: NDArray[np.uint8], fps: float) -> None:
    """``(F, H, W, 3)`` to an H.264 yuv420p file that every player opens; an odd last row or column is dropped."""
    height, width = (side - side % 2 for side in frames.shape[1:3])
    partial = path.with_name(f".{path.name}.partial.mp4")
    with av.open(str(partial), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": "16", "preset": "medium"}
        for frame in frames:
            picture = np.ascontiguousarray(frame[:height, :width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    partial.replace(path)
