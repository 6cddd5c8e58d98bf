"""Laws of the figures that videos are judged by, and of what is read and paired."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.errors import InputError
from backend.evaluation.agreement import compared, completeness, figure_iou, jitter, part_iou, second_half, speed
from backend.evaluation.clips import families, names_of, read_clips
from backend.evaluation.following import APART, certainty, pairs_of
from backend.evaluation.parts import PART_OF_LABEL, PARTS
from backend.evaluation.preset_quality import EQUAL, psnr
from backend.evaluation.table import Table, figure_of
from revision_blender.masks.labels import PART_LABELS
from tests.evaluation.evaluation_samples import some_clips, write_folders, write_packed


def boxes(lefts: list[int], label: int = 5, side: int = 8, size: int = 48) -> np.ndarray:
    """A square of one label, its left edge where told in each frame."""
    labels = np.zeros((len(lefts), size, size), np.uint8)
    for frame, left in enumerate(lefts):
        labels[frame, 10 : 10 + side, left : left + side] = label
    return labels


def test_every_label_but_the_background_belongs_to_one_part() -> None:
    assert PART_OF_LABEL[0] == 0
    assert (PART_OF_LABEL[1:] > 0).all()
    assert set(PART_OF_LABEL.tolist()) == set(range(len(PARTS) + 1))
    sides = {row.name: PARTS[PART_OF_LABEL[row.label] - 1] for row in PART_LABELS[1:]}
    limbs = ("hip", "knee", "ankle", "foot", "shoulder", "elbow", "wrist", "hand")
    for side in ("left", "right"):
        assert all(sides[f"human.{side}_{limb}"].startswith(side) for limb in limbs)


@pytest.mark.parametrize("index", range(4))
def test_a_clip_agrees_with_itself_in_everything(index: int) -> None:
    labels = some_clips()[index].labels
    found = compared(labels, labels)
    assert (found.figure, found.parts, found.completeness) == (1.0, 1.0, 1.0)


@given(st.integers(0, 40), st.integers(0, 40))
def test_iou_of_two_squares_is_that_of_their_areas(a: int, b: int) -> None:
    shared = max(0, 8 - abs(a - b)) * 8
    assert figure_iou(boxes([a]), boxes([b])) == pytest.approx(shared / (128 - shared))
    assert part_iou(boxes([a]), boxes([b])) == pytest.approx(shared / (128 - shared))


def test_the_right_figure_of_the_wrong_parts_agrees_as_a_figure_only() -> None:
    assert figure_iou(boxes([3], label=5), boxes([3], label=16)) == 1.0
    assert part_iou(boxes([3], label=5), boxes([3], label=16)) == 0.0
    assert completeness(boxes([3], label=5), boxes([3], label=16)) == 0.0


def test_an_empty_or_full_video_is_no_good_answer() -> None:
    mask = some_clips()[0].labels
    empty, full = np.zeros_like(mask), np.full_like(mask, 5)
    assert figure_iou(empty, mask) == part_iou(empty, mask) == completeness(empty, mask) == 0.0
    assert max(figure_iou(full, mask), part_iou(full, mask), completeness(full, mask)) < 0.35
    assert math.isnan(jitter(empty)) and math.isnan(speed(empty))


def test_completeness_asks_for_size_and_not_for_place() -> None:
    mask = boxes([3, 3])
    assert completeness(boxes([30, 30]), mask) == 1.0
    assert completeness(boxes([3, 3], side=5), mask) == 0.0  # 25 of 64 pixels
    assert completeness(boxes([3, 3], side=12), mask) == 0.0  # 144 of 64
    assert completeness(np.concatenate([boxes([9]), boxes([9], side=4)]), mask) == 0.5


@settings(deadline=None)
@given(st.integers(-3, 3), st.integers(-1, 1), st.integers(18, 22))
def test_jitter_is_blind_to_constant_speed_and_acceleration(step: int, twice: int, start: int) -> None:
    lefts = [start + step * frame // 1 + twice * frame * (frame - 1) // 2 for frame in range(5)]
    labels = boxes([min(max(left, 0), 40) for left in lefts])
    if all(0 <= left <= 40 for left in lefts):
        assert jitter(labels) == pytest.approx(0.0, abs=1e-9)
        assert speed(labels) == pytest.approx(np.abs(np.diff(lefts)).mean() / 8.0)


def test_shaking_is_jitter_and_is_measured_in_figure_heights() -> None:
    shaky = [10, 12, 10, 12, 10, 12]
    assert jitter(boxes(shaky)) == pytest.approx(8.0 * 2.0 / 2.0 / 8.0)  # third difference of +-1 about the mean: 8; figure of 8 rows
    larger = boxes([2 * left for left in shaky], side=16)
    assert jitter(larger) == pytest.approx(jitter(boxes(shaky)))


def test_the_second_half_of_eight_frames_is_the_last_four() -> None:
    labels = np.arange(8, dtype=np.uint8)[:, None, None]
    assert second_half(labels).ravel().tolist() == [4, 5, 6, 7]


def test_clips_read_from_folders_and_packed_are_the_same(tmp_path) -> None:
    shown = some_clips()[:2]
    for write in (write_folders, write_packed):
        folder = write(tmp_path / write.__name__, shown)
        read = read_clips(folder)
        assert [one.name for one in read] == [one.name for one in shown] == list(names_of(folder))
        for one, other in zip(read, shown, strict=True):
            assert np.array_equal(one.frames, other.frames) and np.array_equal(one.labels, other.labels)
            assert np.allclose(one.clip.camera.T_world_camera, other.clip.camera.T_world_camera)
        assert [one.name for one in read_clips(folder, [shown[1].name])] == [shown[1].name]


def test_what_is_no_dataset_is_said(tmp_path) -> None:
    with pytest.raises(InputError, match="no dataset"):
        read_clips(tmp_path)
    folder = write_packed(tmp_path / "packed", some_clips()[:2])
    with pytest.raises(InputError, match="no clip 'elsewhere'"):
        read_clips(folder, ["elsewhere"])
    np.save(folder / "packed" / "labels.npy", np.zeros((2, 7, 64, 64), np.uint8))
    with pytest.raises(InputError, match="frames"):
        read_clips(folder)


def test_partners_begin_alike_and_come_apart() -> None:
    shown = some_clips()
    assert sorted(index for family in families(shown) for index in family) == list(range(len(shown)))
    pairs = [pair for pair in pairs_of(shown, len(shown)) if pair.other is not None]
    assert len(pairs) >= 6
    for pair in pairs:
        assert np.array_equal(pair.own.frames[0], pair.other.frames[0])
        assert figure_iou(second_half(pair.own.labels), second_half(pair.other.labels)) < APART


def test_a_clip_without_a_partner_comes_last_and_has_none() -> None:
    lonely = replace(some_clips()[0], name="lonely", frames=255 - some_clips()[0].frames)
    pairs = pairs_of((lonely, *some_clips()), 9)
    assert pairs[-1].own is lonely and pairs[-1].other is None
    assert all(pair.own is not lonely for pair in pairs_of((lonely, *some_clips()), 4))


def test_certainty_is_nothing_on_the_background() -> None:
    labels = some_clips()[0].labels
    values = certainty(labels, 0.5)
    assert set(np.unique(values[labels > 0])) == {128} and not values[labels == 0].any()


@given(st.integers(0, 255), st.integers(0, 255))
def test_psnr_of_flat_videos(a: int, b: int) -> None:
    one, other = (np.full((2, 4, 4, 3), value, np.uint8) for value in (a, b))
    assert psnr(one, other) == psnr(other, one)
    assert psnr(one, other) == (EQUAL if a == b else pytest.approx(20.0 * math.log10(255.0 / abs(a - b))))


def test_figures_leave_out_what_is_no_number() -> None:
    figure = figure_of([1.0, float("nan"), 3.0])
    assert (figure.mean, figure.error, figure.count) == (2.0, pytest.approx(1.0), 2)
    table = Table("title", ("a", "b"), {"row": {"a": figure, "b": figure_of([float("nan")])}}, "note")
    assert table.values()["rows"]["row"]["b"]["mean"] is None
    assert "2.000 ± 1.000" in table.text() and table.text().splitlines()[2].rstrip().endswith("-")
