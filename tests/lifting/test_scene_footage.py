"""Footage as telephones make it: turned, of no steady rate, large, with the lens written down."""

import io
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.errors import InputError
from backend.progress import silent
from backend.stages.decode import run, written_focal
from backend.stages.frame_times import is_uneven, on_screen, steady_rate
from revision_blender.wire.requests import DecodeRequest

WIDTH, HEIGHT = 96, 64


def _encoded(times: list[float], container: str = "matroska", codec: str = "ffv1", metadata: dict[str, str] | None = None) -> np.ndarray:
    """Frames of one gray level each, ten apart, that come on at ``times`` seconds; the top left quarter is white."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container, options={"movflags": "use_metadata_tags"} if container == "mp4" else {}) as file:
        file.metadata.update(metadata or {})
        stream = file.add_stream(codec, rate=24)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "bgr0" if codec == "ffv1" else "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for index, time in enumerate(times):
            pixels = np.full((HEIGHT, WIDTH, 3), 10 * index, np.uint8)
            pixels[: HEIGHT // 2, : WIDTH // 2] = 255
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = round(1000 * time), Fraction(1, 1000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return np.frombuffer(buffer.getvalue(), np.uint8)


def _levels(frames: np.ndarray) -> list[int]:
    return [round(float(frame[-1, -1, 0]) / 10) for frame in frames]


def _turned(file: np.ndarray, matrix: tuple[int, int, int, int]) -> np.ndarray:
    """The MP4 with another display matrix in its track's header (ISO 14496-12, tkhd: nine numbers of 16.16 and 2.30 bits)."""
    data = bytearray(file.tobytes())
    place = data.index(b"tkhd") + 4 + 4 + 20 + 16
    a, b, c, d = (value << 16 for value in matrix)
    data[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    return np.frombuffer(bytes(data), np.uint8)


def test_a_portrait_video_stands_upright():
    """Held upright, a telephone writes its frames lying and says so; what is at the top left of the sensor is then at the top right."""
    plain = _encoded([0.0, 0.1], "mp4", "mpeg4")
    result = run(DecodeRequest(_turned(plain, (0, 1, -1, 0)), frames=2), silent())
    assert result.frames.shape == (2, WIDTH, HEIGHT, 3)
    assert (result.report["width"], result.report["height"]) == (HEIGHT, WIDTH)
    assert result.frames[0, 4, -4].min() > 200 and result.frames[0, 4, 4].max() < 60
    upside_down = run(DecodeRequest(_turned(plain, (-1, 0, 0, -1)), frames=1), silent())
    assert upside_down.frames.shape == (1, HEIGHT, WIDTH, 3) and upside_down.frames[0, -4, -4].min() > 200


def test_a_video_without_a_steady_rate_is_seen_as_a_player_shows_it():
    times = [0.0, 0.1, 0.2, 0.6, 0.7, 0.8, 0.9, 1.0]  # frame 2 stands for four beats
    result = run(DecodeRequest(_encoded(times), frames=8), silent())
    assert result.report["uneven"] == 1.0 and result.fps == pytest.approx(7.0, abs=0.05)
    assert _levels(result.frames) == [0, 1, 2, 2, 2, 4, 5, 7]
    with pytest.raises(InputError, match="ends after 8 of the 12"):
        run(DecodeRequest(_encoded(times), frames=12), silent())


def test_a_steady_video_is_taken_frame_by_frame_whatever_its_times_are_rounded_to():
    times = [index / 29.97 for index in range(12)]  # in whole milliseconds
    result = run(DecodeRequest(_encoded(times), start=2, frames=5, stride=2), silent())
    assert result.report["uneven"] == 0.0 and _levels(result.frames) == [2, 4, 6, 8, 10]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.005, 0.3), min_size=2, max_size=40))
def test_every_beat_shows_the_frame_that_is_on_and_time_never_runs_back(gaps):
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    rate = steady_rate(times)
    shown = on_screen(times, rate, np.arange(len(times) + 5))
    on = shown[shown >= 0]
    assert (np.diff(on) >= 0).all() and (shown[len(on) :] == -1).all()
    beats = np.arange(len(on)) / float(rate)
    assert (times[on] <= beats + 0.002).all()
    later = np.minimum(on + 1, len(times) - 1)
    assert ((times[later] >= beats - 1e-9) | (later == on)).all()


def test_what_is_steady():
    assert not is_uneven(None) and not is_uneven(np.array([0.0, 0.5]))
    assert not is_uneven(np.round(np.arange(60) / 59.94, 3))
    assert is_uneven(np.array([0.0, 0.04, 0.08, 0.2, 0.24]))
    assert is_uneven(np.array([0.0, 0.04, 0.08, 0.09, 0.13]))


def test_the_lens_that_a_telephone_wrote_down_is_read():
    key = "com.apple.quicktime.camera.focal_length.35mm_equivalent"
    assert written_focal({key: "26"}, 1920, 1080) == pytest.approx(26 / 43.27 * np.hypot(1920, 1080))
    assert written_focal({key: "26"}, 1080, 1920) == written_focal({key: "26"}, 1920, 1080)
    for odd in ({}, {key: "wide"}, {key: "nan"}, {key: "0"}, {key: "1e9"}, {"focal": "26"}):
        assert written_focal(odd, 1920, 1080) == 0.0
    result = run(DecodeRequest(_encoded([0.0, 0.1], "mp4", "mpeg4", {key: "52"}), frames=1), silent())
    assert result.report["focal"] == pytest.approx(52 / 43.27 * np.hypot(WIDTH, HEIGHT))
