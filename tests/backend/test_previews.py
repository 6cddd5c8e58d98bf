"""Previews on their way: from a stage through worker and server to a client, small, the latest one, and kept nowhere."""

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.progress import Progress, silent
from backend.server.preview_line import MAX_FRAMES, MAX_HEIGHT, MAX_WIDTH, line_of, preview_from
from revision_blender.wire.events import JobDone, JobPreview, JobProgress
from revision_blender.wire.parsing import MAX_PREVIEW_BYTES
from tests.backend import slow_stages
from tests.backend.server_harness import client, job, server


@given(st.integers(1, MAX_FRAMES), st.integers(1, MAX_HEIGHT), st.integers(1, MAX_WIDTH), st.integers(0, 2**32 - 1))
def test_small_frames_cross_the_line_as_they_are(frames: int, height: int, width: int, seed: int) -> None:
    shown = np.random.default_rng(seed).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)
    heard = preview_from(line_of(shown))
    assert heard is not None and np.array_equal(heard, shown)


@given(st.integers(1, 60), st.integers(1, 200), st.integers(1, 400))
def test_larger_ones_are_made_small_and_keep_their_shape(frames: int, height: int, width: int) -> None:
    shown = np.broadcast_to(np.linspace(0, 255, frames).astype(np.uint8)[:, None, None, None], (frames, height, width, 3))
    heard = preview_from(line_of(shown))
    assert heard is not None and heard.size <= MAX_FRAMES * MAX_HEIGHT * MAX_WIDTH * 3 < MAX_PREVIEW_BYTES
    count, tall, wide = heard.shape[:3]
    assert count == min(frames, MAX_FRAMES) and tall <= MAX_HEIGHT and wide <= MAX_WIDTH
    assert (tall, wide) == (height, width) or abs(tall / height - wide / width) * min(height, width) <= 1.0 or min(tall, wide) == 1
    assert np.array_equal(heard[0], shown[0, :tall, :wide]) and np.array_equal(heard[-1], shown[-1, :tall, :wide])


@pytest.mark.parametrize(
    "line", [{}, {"frames": "no base64!", "shape": [1, 1, 1, 3]}, {"frames": "AAAA", "shape": [1, 1, 1, 4]}, {"frames": "AAAA", "shape": 3},
             {"frames": "AAAA", "shape": [2, 1, 1, 3]}, {"frames": None, "shape": [1, 1, 1, 3]}, {"frames": "", "shape": [-1, 0, 2, 3]}],
)  # fmt: skip
def test_a_line_that_cannot_be_read_is_no_preview(line: dict) -> None:
    assert preview_from(line) is None


def test_frames_of_another_form_are_a_mistake_of_ours() -> None:
    for wrong in (np.zeros((2, 3, 4), np.uint8), np.zeros((1, 2, 2, 3), np.float32), np.zeros((0, 2, 2, 3), np.uint8)):
        with pytest.raises(ValueError, match="preview"):
            line_of(wrong)


def test_a_preview_is_made_only_for_someone_who_looks() -> None:
    def never() -> np.ndarray:
        raise AssertionError

    silent().preview(never)
    shown: list[int] = []
    looked_at = Progress(lambda _fraction, _words: None, show=lambda frames: shown.append(len(frames)), show_due=lambda: True)
    looked_at.part(0.5, 1.0).part(0.0, 0.5).preview(lambda: np.zeros((3, 1, 1, 3), np.uint8))
    assert shown == [3]


def test_a_running_job_shows_its_frames_and_nothing_of_them_stays(tmp_path: Path) -> None:
    with server(tmp_path) as running, client(running.info) as listener:
        job_id = listener.client.submit(job(steps=160, milliseconds=10, what=slow_stages.SHOWS))
        previews: list[tuple[float, JobPreview]] = []
        first = listener.wait_for(JobPreview, job_id)
        previews.append((time.monotonic(), first))
        previews.append((time.monotonic(), listener.wait_for(JobPreview, job_id)))
        assert first.frames.shape == (MAX_FRAMES, 64, 80, 3) and first.frames.dtype == np.uint8
        assert previews[1][1].frames[0, 0, 0, 0] > first.frames[0, 0, 0, 0] >= 10
        listener.wait_for(JobProgress, job_id)
        assert running.job_files(job_id) == ["request.bin"]
        listener.wait_for(JobDone, job_id)
        shown = 2 + sum(isinstance(event, JobPreview) for event in listener.events + listener.client.poll(1000))
        assert shown < 80  # some, though it showed 160
        assert running.job_files(job_id) == ["result.bin"]
