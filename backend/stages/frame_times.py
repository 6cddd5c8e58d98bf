"""When the frames of a video are shown, and which of them a steady rate shows.

Telephones and screen recorders write frames when they come. Taken as if they came steadily, such a video runs fast and slow; so the
frame that is on the screen at each beat of a steady clock is taken instead, as a player would show it.
"""

from fractions import Fraction

import av.container
import numpy as np
from av.video.stream import VideoStream
from jaxtyping import Float, Int
from numpy.typing import NDArray

UNEVEN = 1.5  # a video whose longest frame lasts this many times its median one has no steady rate
ROUNDING = 0.0015  # seconds: containers write times in milliseconds
MAX_PACKETS = 2_000_000
SLOWEST = Fraction(1, 10)  # frames a second of a steady clock: times that are damaged may lie days apart


def shown_times(container: av.container.InputContainer, stream: VideoStream) -> Float[NDArray[np.float64], " N"] | None:
    """Seconds at which each frame of the stream comes on, in the order in which they are shown; nothing where the file does not say.

    Reads the packets, so that the container stands at its end afterwards; nothing is decoded.
    """
    if stream.time_base is None:
        return None
    stamps = []
    for packet in container.demux(stream):
        if packet.size == 0:
            continue
        if packet.pts is None or len(stamps) >= MAX_PACKETS:
            return None
        if not packet.is_discard:
            stamps.append(packet.pts)
    return np.sort(np.array(stamps, np.float64)) * float(stream.time_base) if stamps else None


def is_uneven(times: Float[NDArray[np.float64], " N"] | None) -> bool:
    """Whether the frames come at no steady rate."""
    if times is None or len(times) < 3:
        return False
    gaps = np.diff(times)
    middle = float(np.median(gaps))
    return middle > 0.0 and bool((gaps.max() > UNEVEN * middle + ROUNDING) or (gaps.min() < middle / UNEVEN - ROUNDING))


def steady_rate(times: Float[NDArray[np.float64], " N"]) -> Fraction:
    """Frames a second of a steady clock with as many beats as the video has frames, at least ``SLOWEST``."""
    return max(Fraction((len(times) - 1) / float(times[-1] - times[0])).limit_denominator(1001), SLOWEST)


def on_screen(
    times: Float[NDArray[np.float64], " N"], rate: Fraction, beats: Int[NDArray[np.int64], " count"]
) -> Int[NDArray[np.int64], " count"]:
    """Which frame is shown at each beat of a clock that begins with the first; -1 after the last frame's own time."""
    seconds = times[0] + beats / float(rate)
    index = np.searchsorted(times, seconds + ROUNDING, side="right") - 1
    return np.where(seconds > times[-1] + 1.0 / float(rate) - ROUNDING, -1, index)
