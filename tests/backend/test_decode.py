"""Footage decoded from bytes: a round trip with a clip encoded here, and every refusal."""

import io
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backend.errors import InputError
from backend.progress import silent
from backend.stages.decode import run
from revision_blender.wire.requests import DecodeRequest

WIDTH, HEIGHT, FRAMES = 64, 48, 10


def encoded(
    width: int = WIDTH,
    height: int = HEIGHT,
    frames: int = FRAMES,
    codec: str = "ffv1",
    rate: int = 24,
    times: tuple[int, ...] | None = None,
) -> np.ndarray:
    """A lossless clip whose every frame is one gray level, ten apart. times: when each comes, in milliseconds, else steadily."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "bgr0"
        for index in range(frames if times is None else len(times)):
            frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 10 * index, np.uint8), format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[index], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return np.frombuffer(buffer.getvalue(), np.uint8)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 5), st.integers(1, 4), st.integers(1, 3))
def test_the_frames_asked_for_come_back_exactly_at_real_time(start: int, frames: int, stride: int) -> None:
    request = DecodeRequest(encoded(), start=start, frames=frames, stride=stride)
    if start + (frames - 1) * stride >= FRAMES:
        with pytest.raises(InputError, match="ends after"):
            run(request, silent())
        return
    result = run(request, silent())
    assert result.frames.shape == (frames, HEIGHT, WIDTH, 3)
    assert result.frames[:, 0, 0, 0].tolist() == [10 * (start + index * stride) for index in range(frames)]
    assert result.fps == pytest.approx(24.0 / stride)


def test_a_shorter_video_gives_what_it_has_where_that_will_do() -> None:
    result = run(DecodeRequest(encoded(), start=2, frames=100, stride=2, fewer=True), silent())
    assert result.frames[:, 0, 0, 0].tolist() == list(range(20, 10 * FRAMES, 20))
    with pytest.raises(InputError, match="ends after 0"):
        run(DecodeRequest(encoded(), start=FRAMES, frames=100, fewer=True), silent())


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp", ".tiff"])
def test_a_picture_is_one_frame(suffix: str) -> None:
    pixels = np.full((HEIGHT, WIDTH, 3), (200, 120, 40), np.uint8)
    done, data = cv2.imencode(suffix, pixels[..., ::-1])
    assert done
    result = run(DecodeRequest(np.asarray(data, np.uint8), frames=24, fewer=True), silent())
    assert result.frames.shape == (1, HEIGHT, WIDTH, 3)
    np.testing.assert_allclose(result.frames[0], pixels, atol=4)


def test_long_sides_are_scaled_down_in_shape() -> None:
    result = run(DecodeRequest(encoded(), frames=1, max_side=32), silent())
    assert result.frames.shape == (1, 24, 32, 3)


@pytest.mark.parametrize("bad", [b"", b"RIFF", b"\x00" * 1000, b"/etc/passwd", b"concat:/etc/passwd|/etc/passwd"])
def test_what_is_no_video_is_refused_in_a_sentence(bad: bytes) -> None:
    with pytest.raises(InputError, match=r"empty|cannot be read as a video"):
        run(DecodeRequest(np.frombuffer(bad, np.uint8)), silent())


def test_a_playlist_opens_no_other_file(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A playlist that names a real video beside it: its bytes are no video, whatever it points at."""
    (tmp_path / "real.mkv").write_bytes(encoded().tobytes())
    monkeypatch.chdir(tmp_path)
    for text in ("ffconcat version 1.0\nfile real.mkv\n", f"#EXTM3U\n#EXTINF:1,\n{tmp_path}/real.mkv\n#EXT-X-ENDLIST\n"):
        with pytest.raises(InputError):
            run(DecodeRequest(np.frombuffer(text.encode(), np.uint8), frames=1), silent())


@settings(max_examples=25, deadline=None)
@example(344, b"\x00")  # a codec that nobody knows: its stream has no size
@given(st.integers(0, 2000), st.binary(min_size=1, max_size=40))
def test_damaged_files_give_frames_or_a_sentence(place: int, noise: bytes) -> None:
    data = encoded(frames=3).copy()
    place %= len(data)
    damage = np.frombuffer(noise, np.uint8)[: len(data) - place]
    data[place : place + len(damage)] = damage
    try:
        result = run(DecodeRequest(data, frames=2), silent())
    except InputError:
        return
    assert result.frames.shape[0] == 2 and result.frames.dtype == np.uint8


def test_sizes_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="20000 x 16"):
        run(DecodeRequest(encoded(width=20000, height=16, frames=1), frames=1), silent())
    with pytest.raises(InputError, match="stride 0"):
        run(DecodeRequest(encoded(), stride=0), silent())


@pytest.mark.parametrize("start", [10**6, 10**13, 10**40])
def test_a_start_far_beyond_the_end_is_a_sentence(start: int) -> None:
    for times in (None, (0, 40, 80, 200, 240)):  # steady or not: nothing as long as the way there is made
        with pytest.raises(InputError, match=r"ends after 0 of the 2|no part of a video"):
            run(DecodeRequest(encoded(times=times), start=start, frames=2), silent())


def test_a_video_whose_frames_come_days_apart_has_a_rate() -> None:
    result = run(DecodeRequest(encoded(times=(0, 40, 80, 500_000_000)), frames=2), silent())
    assert result.report["uneven"] == 1.0
    assert result.fps > 0.0 and np.isfinite(result.fps)
