"""The canvas keeps a picture's shape, is made of whole cells, and stays near the number of pixels wanted."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revision_blender.video_model.canvas import SPARE, canvas_for, multiple_of
from revision_blender.video_model.facts import ModelFacts

SIDES = st.integers(16, 4000)


@given(SIDES, SIDES, st.sampled_from([(1024 * 576, 64), (512 * 288, 64), (64 * 64, 16)]))
def test_whole_cells_around_an_unstretched_picture(width: int, height: int, wanted: tuple[int, int]) -> None:
    pixels, multiple = wanted
    canvas = canvas_for(width, height, pixels, multiple)
    left, top, inner_width, inner_height = canvas.content
    assert canvas.width % multiple == canvas.height % multiple == 0
    assert canvas.width * canvas.height <= pixels * SPARE or max(canvas.width, canvas.height) == multiple or min(canvas.content[2:]) == 1
    assert 0 <= canvas.width - inner_width < multiple
    assert 0 <= canvas.height - inner_height < multiple
    assert left == (canvas.width - inner_width) // 2
    assert top == (canvas.height - inner_height) // 2
    scale = min(inner_width / width, inner_height / height)
    assert abs(inner_width - width * scale) <= 1 + max(width, height) / min(width, height)
    assert abs(inner_height - height * scale) <= 1 + max(width, height) / min(width, height)
    assert inner_width <= width
    assert inner_height <= height


def test_the_published_size_is_its_own_canvas() -> None:
    canvas = canvas_for(1024, 576, 1024 * 576, 64)
    assert (canvas.width, canvas.height, canvas.content) == (1024, 576, (0, 0, 1024, 576))


@pytest.mark.parametrize(("blocks", "factor", "multiple"), [([320, 640, 1280, 1280], 8, 64), ([32, 64, 96], 4, 16), ([32], 8, 8)])
def test_a_side_is_halved_once_less_than_there_are_blocks(tmp_path: Path, blocks: list[int], factor: int, multiple: int) -> None:
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "config.json").write_text(json.dumps({"block_out_channels": blocks}))
    assert multiple_of(tmp_path, ModelFacts(25, (64, 64), factor=factor)) == multiple
