"""The user's own footage instead of S1: a video file's bytes become frames, a picture's become one. No path is ever opened."""

import io
from collections import Counter
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
from backend.stages.frame_times import is_uneven, on_screen, shown_times, steady_rate
from backend.stages.limits import MAX_FRAMES, MIN_SIDE, check_size
from revision_blender.wire.requests import DecodeRequest, VideoResult

# Formats that hold their pictures themselves. Playlists and image lists, which name other files, are not among them.
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,flv,ogg,asf,gif,apng,mxf,dv,h264,hevc,ivf,nut,rawvideo,wtv"
_PICTURES = "png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe"
_OPTIONS = {"format_whitelist": f"{_FORMATS},{_PICTURES}", "protocol_whitelist": "none"}
MAX_PLACE = 1 << 31  # what no video has frames
FILM_DIAGONAL = 43.27  # millimetres
_NOT_A_VIDEO = "The file cannot be read as a video ({why}); choose a file that plays in a video player, such as an MP4."


def run(request: DecodeRequest, progress: Progress) -> VideoResult:
    """Frames ``start, start + stride, ...`` of the first video stream, upright, at the rate that keeps them in real time.

    A video without a steady rate is taken as a player shows it at its mean rate; start and stride then count the beats of that.
    report: ``source_fps``, ``start``, ``stride``; ``width``, ``height``: of the video itself, upright; ``uneven``: 1 without a steady
    rate; ``focal``: pixels of the video itself, where the camera wrote it down.
    Raises InputError for bytes that are no video, a clip shorter than asked (unless ``fewer``, then one without any frame), sizes out of
    range.
    """
    _check(request)
    with _opened(request.file) as container:
        times = _times(container)
    with _opened(request.file) as container:
        stream = _video_stream(container)
        check_size(stream.width, stream.height, "The video")
        uneven = times is not None and is_uneven(times)
        rate = steady_rate(times) if uneven and times is not None else stream.average_rate or stream.guessed_rate or Fraction(25)
        wanted = _wanted(times if uneven else None, rate, request)
        taken = _Taken(wanted, request.max_side)
        frames = list(taken.frames(container, stream, progress))
        focal = written_focal({**container.metadata, **stream.metadata}, *taken.size)
    if len(frames) < request.frames and not (request.fewer and frames):
        last = request.start + (request.frames - 1) * request.stride + 1
        raise InputError(
            f"The video ends after {len(frames)} of the {request.frames} frames asked for (it would need {last} frames); "
            "choose an earlier start, fewer frames or a smaller stride."
        )
    report = {"source_fps": float(rate), "start": float(request.start), "stride": float(request.stride), "uneven": float(uneven)}
    report |= {"width": float(taken.size[0]), "height": float(taken.size[1])} | ({"focal": focal} if focal else {})
    return VideoResult(np.stack(frames), float(rate) / request.stride, report)


def _times(container: av.container.InputContainer) -> NDArray[np.float64] | None:
    """When each frame is shown; nothing where that cannot be told, which is no reason to refuse the video."""
    try:
        return shown_times(container, _video_stream(container))
    except FFmpegError:
        return None


def _wanted(times: NDArray[np.float64] | None, rate: Fraction, request: DecodeRequest) -> list[int]:
    """The frames of the file to take, in order; one may be shown for several beats."""
    beats = [request.start + place * request.stride for place in range(request.frames)]
    if times is None:
        return beats
    return [int(shown) for shown in on_screen(times, rate, np.array(beats)) if shown >= 0]


def written_focal(metadata: dict[str, str], width: int, height: int) -> float:
    """The focal length in pixels that a telephone wrote into the file as its equivalent on 35 mm film, 0 where it did not.

    The film's diagonal measures 43.27 mm; makers compare diagonals (CIPA DCG-001).
    """
    for name, value in metadata.items():
        if name.lower().endswith("focal_length.35mm_equivalent"):
            try:
                millimetres = float(value)
            except ValueError:
                return 0.0
            return millimetres / FILM_DIAGONAL * float(np.hypot(width, height)) if 8.0 <= millimetres <= 2000.0 else 0.0
    return 0.0


def _check(request: DecodeRequest) -> None:
    if request.file.ndim != 1 or request.file.dtype != np.uint8 or not request.file.size:
        raise InputError(f"The video file is empty ({request.file.size} bytes); choose another file.")
    if not (0 <= request.start <= MAX_PLACE and 1 <= request.stride <= MAX_PLACE and 1 <= request.frames <= MAX_FRAMES):
        raise InputError(
            f"Start {request.start}, {request.frames} frames, stride {request.stride} is no part of a video: "
            f"the start is from 0 to {MAX_PLACE}, the stride from 1 to as many, the frames from 1 to {MAX_FRAMES}."
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
    if stream.codec_context is None:  # such a stream has neither size nor rate
        raise InputError(_NOT_A_VIDEO.format(why="its pictures are coded in a way that is not known here"))
    stream.thread_type = "AUTO"
    return stream


class _Taken:
    """The wanted frames of a stream, and the size of the video, upright, once the first has come."""

    def __init__(self, wanted: list[int], max_side: int) -> None:
        self.wanted, self.max_side = wanted, max_side
        self.size = (0, 0)

    def frames(self, container: av.container.InputContainer, stream: VideoStream, progress: Progress) -> Iterator[NDArray[np.uint8]]:
        times = Counter(self.wanted)
        last = self.wanted[-1] if self.wanted else -1
        try:
            for index, frame in enumerate(container.decode(stream) if self.wanted else ()):
                progress(index / (last + 1), "Reading the video")
                if times[index]:
                    pixels = self._pixels(frame)
                    yield from [pixels] * times[index]
                if index == last:
                    return
        except FFmpegError as error:
            raise InputError(_NOT_A_VIDEO.format(why=_reason(error))) from error

    def _pixels(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """RGB of a frame, turned upright as its file says, scaled down to ``max_side``."""
        check_size(frame.width, frame.height, "The video")
        scale = min(1.0, self.max_side / max(frame.width, frame.height))
        width, height = (max(MIN_SIDE, round(side * scale)) for side in (frame.width, frame.height))
        pixels = frame.to_ndarray(format="rgb24", width=width, height=height, interpolation="AREA" if scale < 1.0 else "BICUBIC")
        turns = round(frame.rotation / 90.0) % 4
        self.size = (frame.width, frame.height) if turns % 2 == 0 else (frame.height, frame.width)
        return np.ascontiguousarray(np.rot90(pixels, turns), dtype=np.uint8)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
