"""What networks are given and what their answers mean, against numbers worked out by hand and against the library's own preparation."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.errors import EngineError, InputError
from backend.lifting.providers import depth_anything, grounding_dino, vitpose
from backend.lifting.providers.coco import CLASSES, HALPE_KEYPOINTS, WHOLE_BODY_KEYPOINTS, class_for, keypoint_names, kind_of
from backend.lifting.providers.heatmap_peaks import peaks
from backend.lifting.providers.overlaps import kept, overlap
from backend.lifting.providers.person_crops import crop_about, cut_out, input_from_frame, to_frame
from backend.lifting.providers.picture_input import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Placed,
    letterboxed,
    multiple_of,
    normalised,
    shorter_side,
    stretched,
)
from backend.lifting.providers.sam2_prompts import by_frame, points_of, shows_something
from backend.lifting.providers.yolo_answers import Seen, mask_of, read
from revision_blender.motion.subjects import Click, Prompt


def picture(width: int, height: int) -> np.ndarray:
    """Smooth, different everywhere, so that a swapped axis or a flipped channel shows."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    return np.stack([255 * x / width, 255 * y / height, 127 + 120 * np.sin(x / 40 + y / 25)], axis=-1).astype(np.uint8)


# --- resizing and normalising


def test_a_colour_becomes_what_imagenet_networks_expect() -> None:
    colour = torch.tensor([255.0, 0.0, 127.5]).view(3, 1, 1)
    assert normalised(colour).flatten().tolist() == pytest.approx([(1 - 0.485) / 0.229, -0.456 / 0.224, (0.5 - 0.406) / 0.225], abs=1e-5)


def test_halving_takes_the_smoothed_mean_and_keeps_the_channels() -> None:
    frame = np.zeros((2, 4, 3), np.uint8)
    frame[:, 2:, 0] = 200  # red on the right
    small = stretched(frame, 2, 1)
    # PIL's triangle of two input pixels each way, cut off at the border: (3 * 200 + 3 * 200 + ...) weights 3/8, 3/8, 1/8 renormalised to 7.
    assert small.shape == (3, 1, 2)
    assert small[0, 0].tolist() == [round(200 * 1 / 7), round(200 * 6 / 7)]
    assert small[1:].abs().max() == 0


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((1280, 720), (1333, 750)),
        ((720, 1280), (750, 1333)),
        ((640, 640), (800, 800)),
        ((640, 480), (1066, 800)),
        ((800, 1000), (800, 1000)),
    ],
)
def test_the_detectors_sizes(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert shorter_side(*size, 800, 1333) == wanted


@pytest.mark.parametrize(
    ("size", "wanted"), [((1280, 720), (924, 518)), ((720, 1280), (518, 924)), ((518, 518), (518, 518)), ((100, 60), (868, 518))]
)
def test_the_depth_networks_sizes(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert multiple_of(*size, 518, 14) == wanted


def test_inputs_are_the_librarys_own_to_a_gray_level() -> None:
    from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil
    from transformers.models.grounding_dino.image_processing_pil_grounding_dino import GroundingDinoImageProcessorPil
    from transformers.models.vitpose.image_processing_pil_vitpose import VitPoseImageProcessorPil

    frame = picture(640, 360)
    level = 1.01 / 255 / min(IMAGENET_STD)
    theirs = GroundingDinoImageProcessorPil()(images=frame, return_tensors="np")["pixel_values"][0]
    assert np.abs(theirs - grounding_dino.input_of(frame).numpy()).max() <= level
    deep = DPTImageProcessorPil(
        size={"height": 518, "width": 518}, ensure_multiple_of=14, keep_aspect_ratio=True, image_mean=IMAGENET_MEAN, image_std=IMAGENET_STD
    )
    large = picture(1280, 720)  # smaller ones the library shrinks, where the authors' own code enlarges them
    theirs = deep(images=large, return_tensors="np")["pixel_values"][0]
    assert np.abs(theirs - depth_anything.input_of(large).numpy()).max() <= 2 * level
    # The library counts boxes from the middle of the first pixel: left, top, width, height.
    theirs = VitPoseImageProcessorPil()(frame, boxes=[[[100.0, 50.0, 120.0, 200.0]]], return_tensors="np")["pixel_values"][0]
    crop = crop_about(np.array([100.5, 50.5, 220.5, 250.5]), 192, 256)
    assert np.abs(theirs - vitpose.input_of(frame, crop, 192, 256).numpy()).max() <= 2 * level


@pytest.mark.parametrize(
    ("size", "placed"),
    [
        ((1280, 720), Placed(0.5, 0.5, 0, 140)),  # 640 x 360, 280 rows to share
        ((720, 1280), Placed(0.5, 0.5, 140, 0)),
        ((500, 333), Placed(640 / 500, 426 / 333, 0, 107)),  # 333 * 1.28 = 426.24
        ((641, 480), Placed(640 / 641, 479 / 480, 0, 80)),  # 161 rows to share: 80 above, 81 below
    ],
)
def test_a_letterbox_lies_where_yolo_puts_it(size: tuple[int, int], placed: Placed) -> None:
    boxed = letterboxed(np.full((size[1], size[0], 3), 9, np.uint8), 640, 640)
    assert boxed.placed == placed
    inside = (boxed.pixels == 9).all(axis=-1)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    assert (columns[0], rows[0]) == (placed.offset_x, placed.offset_y)
    assert (len(columns), len(rows)) == (round(size[0] * placed.scale_x), round(size[1] * placed.scale_y))
    assert (boxed.pixels[~inside] == 114).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(70, 1500), st.integers(70, 1500), st.lists(st.floats(0.0, 1.0), min_size=2, max_size=2))
def test_points_come_back_from_a_letterbox(width: int, height: int, share: list[float]) -> None:
    placed = letterboxed(np.zeros((height, width, 3), np.uint8), 640, 640).placed
    point = np.array(share) * (width, height)
    inside = point * (placed.scale_x, placed.scale_y) + (placed.offset_x, placed.offset_y)
    assert (inside >= -1e-6).all() and (inside <= 640 + 1e-6).all()
    assert placed.to_frame(inside) == pytest.approx(point, abs=1e-6)


# --- crops about people


def test_a_crop_and_its_points_by_hand() -> None:
    crop = crop_about(np.array([100.0, 100.0, 200.0, 400.0]), 192, 256)  # 100 x 300 grows to 225 x 300, then by a quarter
    assert (crop.x, crop.y, crop.width, crop.height) == (150.0, 250.0, 281.25, 375.0)
    assert to_frame(np.array([[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]]), crop).tolist() == [[9.375, 62.5], [150.0, 250.0], [290.625, 437.5]]
    # Unbiased: the crop's left border, at 9.375 from the corner and so 8.875 from the first middle, lies upon the middle of column 0.
    unbiased = input_from_frame(crop, 192, 256)
    assert unbiased @ (8.875, 62.0, 1.0) == pytest.approx([0.0, 0.0])
    assert unbiased @ (290.125, 437.0, 1.0) == pytest.approx([191.0, 255.0])


def test_a_dot_is_found_where_it_was_drawn() -> None:
    """Through the crop and back: half a pixel lost on the way would show."""
    frame = np.zeros((400, 300, 3), np.uint8)
    frame[120:123, 90:93] = 255  # its middle: (91.5, 121.5)
    crop = crop_about(np.array([50.0, 60.0, 170.0, 260.0]), 192, 256)
    cut = cut_out(frame, crop, 192, 256)[..., 0].astype(float)
    rows, columns = np.mgrid[0:256, 0:192]
    middle = np.array([(cut * columns).sum(), (cut * rows).sum()]) / cut.sum()
    assert to_frame(middle / (191, 255), crop) == pytest.approx([91.5, 121.5], abs=0.1)


def test_peaks_lie_between_cells() -> None:
    rows, columns = np.mgrid[0:64, 0:48].astype(float)
    places = np.array([[10.3, 20.6], [30.0, 5.5], [1.2, 62.1]])
    maps = np.stack([np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 2.0**2)) for x, y in places]).astype(np.float32)
    found, score = peaks(maps[None])
    assert found[0, :2] == pytest.approx(places[:2], abs=0.02)  # a Gaussian's logarithm is the parabola that is assumed
    assert found[0, 2] == pytest.approx(places[2], abs=0.8)  # at the border the smoothing takes in what is beyond it
    assert score[0] == pytest.approx([1.0, 1.0, 1.0], abs=0.05)


def test_flat_maps_have_a_place_and_no_score() -> None:
    found, score = peaks(np.zeros((1, 2, 8, 6), np.float32))
    assert np.isfinite(found).all() and (score == 0).all()


# --- prompts for SAM 2


def test_prompts_become_points_of_the_square_input() -> None:
    prompt = Prompt("dog", "animal", 0, (0.0, 0.0, 1280.0, 360.0), (Click(640, 360, "nose"), Click(320, 180, "off"), Click(9999, -5)))
    points = points_of((prompt,), 1280, 720, 1024)
    assert points.labels.tolist() == [2, 3, 1, 0, 1]
    # x * 1024 / 1280 and y * 1024 / 720, counted from the middle of the first pixel; a click beyond the frame lies on its border.
    assert points.pixels.tolist() == [[-0.5, -0.5], [1023.5, 511.5], [511.5, 511.5], [255.5, 255.5], [1023.5, -0.5]]


def test_of_two_boxes_on_a_frame_the_later_counts() -> None:
    prompts = tuple(Prompt("ball", "object", 3, (0.0, 0.0, side, side)) for side in (10.0, 20.0))
    assert points_of(prompts, 100, 100, 100).pixels.tolist() == [[-0.5, -0.5], [19.5, 19.5]]


def test_prompts_by_frame() -> None:
    late, early, beyond = (Prompt("ball", "object", frame, (0, 0, 9, 9)) for frame in (7, 2, 8))
    assert by_frame((late, early, beyond), 8) == {2: (early,), 7: (late,)}
    assert not shows_something((Prompt("ball", "object", 0, None, (Click(1, 1, "off"),)),))
    assert shows_something((Prompt("ball", "object", 0, None, (Click(1, 1, "off"), Click(2, 2, "tail_base"))),))


# --- words and classes


def test_words_become_a_sentence_and_its_tokens_are_told_apart() -> None:
    assert grounding_dino.sentence_of(("Person ", "red  ball.", "person", "")) == "person. red ball."
    with pytest.raises(InputError, match="name at least one"):
        grounding_dino.sentence_of(("", " . "))
    # [CLS] person . red ball . [SEP]
    assert grounding_dino.token_places([101, 7, 1012, 8, 9, 1012, 102], 1012, frozenset({101, 102})) == [[1], [3, 4]]


def test_shares_become_boxes() -> None:
    shares = np.array([[0.5, 0.5, 0.5, 0.5], [0.0, 1.0, 0.5, 0.5]], np.float32)
    assert grounding_dino.boxes_in_pixels(shares, 200, 100).tolist() == [[50, 25, 150, 75], [0, 75, 50, 100]]


def test_a_box_speaks_of_the_phrase_that_it_values_most() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9.5], [50, 50, 60, 60], [0, 0, 10, 10]], np.float32)
    values = np.array([[0.9, 0.2], [0.6, 0.1], [0.1, 0.5], [0.1, 0.2]])
    found = grounding_dino.chosen(boxes, values, ("dog", "ball"))
    assert [(seen.label, seen.kind, seen.score) for seen in found] == [("dog", "animal", 0.9), ("ball", "object", 0.5)]


def test_kinds_of_words() -> None:
    assert [kind_of(word) for word in ("woman", "two dogs", "Teddy bear", "hot dogs", "red ball", "")] == [
        "person", "animal", "object", "object", "object", "object",
    ]  # fmt: skip
    assert {kind_of(name) for name in CLASSES[14:24]} == {"animal"}
    assert [class_for(word) for word in ("ball", "Man", "dogs", "unicorn")] == ["sports ball", "person", "dog", None]


def test_points_have_the_names_of_their_data_sets() -> None:
    assert len(CLASSES) == 80
    assert [len(keypoint_names(count) or ()) for count in (17, 26, 133, 21)] == [17, 26, 133, 0]
    assert HALPE_KEYPOINTS[24] == "left_heel" and WHOLE_BODY_KEYPOINTS[22] == "right_heel"


# --- boxes that cover each other, and YOLO's answers


def test_overlap_by_hand() -> None:
    box = np.array([0.0, 0.0, 10.0, 10.0])
    others = np.array([[0.0, 0.0, 10.0, 10.0], [5.0, 0.0, 15.0, 10.0], [20.0, 0.0, 30.0, 10.0]])
    assert overlap(box, others) == pytest.approx([1.0, 1 / 3, 0.0])


def test_of_two_boxes_of_a_thing_the_surer_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [0, 0, 10, 10], [40, 0, 50, 10]], float)
    assert kept(boxes, np.array([0.5, 0.9, 0.4, 0.3]), np.array([0, 0, 1, 0]), 0.7) == [1, 2, 3]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40), st.integers(0, 10_000), st.integers(1, 50))
def test_who_stays_overlaps_nobody_better_and_who_goes_does(count: int, seed: int, most: int) -> None:
    numbers = np.random.default_rng(seed)
    corners = numbers.uniform(0, 40, (count, 2))
    boxes = np.concatenate([corners, corners + numbers.uniform(5, 40, (count, 2))], axis=1)
    scores, labels = numbers.uniform(0, 1, count), numbers.integers(0, 3, count)
    stay = kept(boxes, scores, labels, 0.5, most)
    assert len(stay) <= most and list(scores[stay]) == sorted(scores[stay], reverse=True)
    for index in range(count):
        better = [other for other in stay if labels[other] == labels[index] and scores[other] > scores[index]]
        covered = bool(better) and overlap(boxes[index], boxes[better]).max() > 0.5
        assert covered != (index in stay) or (index not in stay and len(stay) == most)


def test_yolos_table_is_read_by_columns() -> None:
    table = np.zeros((1, 84, 100), np.float32)
    table[0, :4, 7] = (320, 320, 100, 50)
    table[0, 4 + 16, 7] = 0.9
    seen, classes = read([table], "model.onnx")
    assert classes == 80
    assert (seen.boxes.tolist(), seen.classes.tolist(), seen.scores.tolist()) == ([[270, 295, 370, 345]], [16], pytest.approx([0.9]))
    with pytest.raises(EngineError, match="without NMS"):
        read([np.zeros((1, 300, 6), np.float32)], "model.onnx")


def test_a_mask_lies_where_its_prototype_says() -> None:
    """A block of the prototypes' pixels, four input pixels each, back through the letterbox into a 1280 x 720 frame."""
    prototypes = np.full((32, 160, 160), 0.0, np.float32)
    prototypes[0] = -8.0
    prototypes[0, 80:90, 40:60] = 8.0  # input rows 320..360, columns 160..240: frame rows 360..440, columns 320..480
    coefficients = np.zeros((1, 32), np.float32)
    coefficients[0, 0] = 1.0
    seen = Seen(np.array([[100, 300, 300, 400]], np.float32), np.ones(1, np.float32), np.zeros(1, int), coefficients, prototypes)
    mask = mask_of(seen, 0, Placed(0.5, 0.5, 0, 140), (640, 640), (1280, 720))
    assert set(np.unique(mask)) == {0, 255}
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    assert (columns[0], columns[-1] + 1, rows[0], rows[-1] + 1) == pytest.approx((320, 480, 360, 440), abs=1)
