"""The user's own footage instead of S1: a video file's bytes become frames. No path is ever opened."""

import io
from collections.abc import Iterator
from fractions import Fraction

import av
import av.container
import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from backend.errors import InputError
from backend.progress import Progress
from backend.stages.limits import MAX_FRAMES, MIN_SIDE, check_size
from revision_blender.wire.requests import DecodeRequest, VideoResult

# Formats that hold their pictures themselves. Playlists and image lists, which name other files, are not among them.
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,flv,ogg,asf,gif,apng,mxf,dv,h264,hevc,ivf,nut,rawvideo,wtv"
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "none"}
_NOT_A_VIDEO = "The file cannot be read as a video ({why}); choose a file that plays in a video player, such as an MP4."


def run(request: DecodeRequest, progress: Progress) -> VideoResult:
    """Frames ``start, start + stride, ...`` of the first video stream, at the rate that keeps them in real time.

    Raises InputError for bytes that are no video, a clip shorter than asked, sizes out of range.
    """
    _check(request)
    with _opened(request.file) as container:
        stream = _video_stream(container)
        check_size(stream.width, stream.height, "The video")
        frames = list(_taken(container, stream, request, progress))
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    if len(frames) < request.frames:
        last = request.start + (request.frames - 1) * request.stride + 1
        raise InputError(
            f"The video ends after {len(frames)} of the {request.frames} frames asked for (it would need {last} frames); "
            "choose an earlier start, fewer frames or a smaller stride."
        )
    fps = float(rate) / request.stride
    return VideoResult(np.stack(frames), fps, {"source_fps": float(rate), "start": float(request.start), "stride": float(request.stride)})


def _check(request: DecodeRequest) -> None:
    if request.file.ndim != 1 or request.file.dtype != np.uint8 or not request.file.size:
        raise InputError(f"The video file is empty ({request.file.size} bytes); choose another file.")
    if request.start < 0 or request.stride < 1 or not 1 <= request.frames <= MAX_FRAMES:
        raise InputError(
            f"Start {request.start}, {request.frames} frames, stride {request.stride} is no part of a video: "
            f"the start is at least 0, the stride at least 1, the frames from 1 to {MAX_FRAMES}."
        )
    check_size(request.max_side, request.max_side, "The wanted picture")


def _opened(file: NDArray[np.uint8]) -> av.container.InputContainer:
    try:
        return av.open(io.BytesIO(file.tobytes()), mode="r", metadata_errors="ignore", options=_OPTIONS)
    except (FFmpegError, ValueError) as error:
        raise InputError(_NOT_A_VIDEO.format(why=_reason(error))) from error


def _video_stream(container: av.container.InputContainer) -> VideoStream:
    if not container.streams.video:
        raise InputError(_NOT_A_VIDEO.format(why="it holds no picture track"))
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return stream


def _taken(
    container: av.container.InputContainer, stream: VideoStream, request: DecodeRequest, progress: Progress
) -> Iterator[NDArray[np.uint8]]:
    last = request.start + (request.frames - 1) * request.stride
    try:
        for index, frame in enumerate(container.decode(stream)):
            progress(index / (last + 1), "Reading the video")
            if index >= request.start and (index - request.start) % request.stride == 0:
                yield _pixels(frame, request.max_side)
            if index == last:
                return
    except FFmpegError as error:
        raise InputError(_NOT_A_VIDEO.format(why=_reason(error))) from error


def _pixels(frame: VideoFrame, max_side: int) -> NDArray[np.uint8]:
    """RGB of a frame, turned upright as its file says, scaled down to ``max_side``."""
    check_size(frame.width, frame.height, "The video")
    scale = min(1.0, max_side / max(frame.width, frame.height))
    width, height = (max(MIN_SIDE, round(side * scale)) for side in (frame.width, frame.height))
    pixels = frame.to_ndarray(format="rgb24", width=width, height=height, interpolation="AREA" if scale < 1.0 else "BICUBIC")
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90.0) % 4), dtype=np.uint8)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
