"""YOLOv8 and RTMPose from ONNX files: small networks written by hand, whose answers follow from the picture, run over 8 frames."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from backend.errors import Cancelled, EngineError
from backend.lifting.providers import onnx_network
from backend.lifting.providers.coco import HALPE_KEYPOINTS, KEYPOINTS
from backend.lifting.providers.rtmpose import RtmPose
from backend.lifting.providers.yolo import YoloDetector, YoloSegmenter
from backend.lifting.providers.yolo_file import noted_names, open_file
from backend.progress import Progress, silent
from tests.lifting import handmade_onnx

F, H, W = 8, 360, 640
SEEN = np.ones((1, F), bool)


def person_at(frame: int) -> tuple[int, int, int, int]:
    return 60 + 32 * frame, 104, 140 + 32 * frame, 216


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """A red block that moves by 32 pixels a frame and a blue one that stays, on black."""
    made = np.zeros((F, H, W, 3), np.uint8)
    for frame in range(F):
        left, top, right, bottom = person_at(frame)
        made[frame, top:bottom, left:right, 0] = 255
    made[:, 280:312, 464:496, 2] = 255
    return made


# --- YOLOv8


def test_what_is_red_is_a_person(tmp_path: Path, frames: np.ndarray) -> None:
    handmade_onnx.yolo(tmp_path / "models" / "yolo" / "yolov8n.onnx", masks=False)
    found = YoloDetector(tmp_path).detect(frames, ("Man", "dog", "unicorn"), silent())
    assert len(found) == F
    for frame, on_frame in enumerate(found):
        left, top, right, bottom = person_at(frame)
        people = [seen for seen in on_frame if seen.label == "man"]
        dogs = [seen for seen in on_frame if seen.label == "dog"]
        assert people and {seen.kind for seen in people} == {"person"} and {seen.kind for seen in dogs} == {"animal"}
        assert len(people) + len(dogs) == len(on_frame)
        middle = (people[0].box[:2] + people[0].box[2:]) / 2
        assert left - 8 <= middle[0] <= right + 8 and top - 8 <= middle[1] <= bottom + 8
        assert people[0].box[2:] - people[0].box[:2] == pytest.approx([64, 64], abs=0.01)
        assert (dogs[0].box[:2] + dogs[0].box[2:]) / 2 == pytest.approx([480, 296], abs=16)
        assert [seen.score for seen in on_frame] == sorted((seen.score for seen in on_frame), reverse=True)


def test_only_what_was_named(tmp_path: Path, frames: np.ndarray) -> None:
    handmade_onnx.yolo(tmp_path / "models" / "yolo" / "yolov8n.onnx", masks=False)
    assert YoloDetector(tmp_path).detect(frames[:1], ("unicorn", "chair"), silent()) == [[]]


@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (360, 640), (500, 333)])
def test_a_mask_is_where_it_is_red(tmp_path: Path, size: tuple[int, int]) -> None:
    handmade_onnx.yolo(tmp_path / "models" / "yolo" / "yolov8n-seg.onnx", masks=True)
    width, height = size
    scale = max(size) / 640
    frame = np.zeros((1, height, width, 3), np.uint8)
    left, top = round(width * 0.3), round(height * 0.4)
    side = round(56 * scale)
    frame[0, top : top + side, left : left + side, 0] = 255
    boxes = np.array([[[left, top, left + side, top + side]], [[0, 0, 9, 9]], [[left, top, left + side, top + side]]], np.float32)
    masks = YoloSegmenter(tmp_path).segment(frame, boxes, np.array([[True], [True], [False]]), silent())
    truth = frame[0, ..., 0] > 0
    found = masks[0, 0] > 0
    assert (truth & found).sum() / (truth | found).sum() > 0.85  # its pixels are four of the input's, its box is a cell off at most
    assert not masks[1:].any()  # nothing fills the second box, the third is not seen


def test_masks_from_a_file_without_any(tmp_path: Path, frames: np.ndarray) -> None:
    handmade_onnx.yolo(tmp_path / "models" / "yolo" / "yolov8n.onnx", masks=False)
    boxes = np.array([[person_at(0)]], np.float32)
    with pytest.raises(EngineError, match="ends in -seg"):
        YoloSegmenter(tmp_path).segment(frames[:1], boxes, SEEN[:, :1], silent())


def test_other_classes_are_named_beside_the_file(tmp_path: Path, frames: np.ndarray) -> None:
    file = handmade_onnx.yolo(tmp_path / "models" / "yolo" / "mine.onnx", masks=False, classes=20)
    with pytest.raises(EngineError, match="knows 20 classes, but 80 names"):
        YoloDetector(tmp_path).detect(frames[:1], ("frog",), silent())
    (file.parent / "classes.txt").write_text("\n".join(["frog", *(f"thing {index}" for index in range(1, 20))]))
    assert {seen.label for seen in YoloDetector(tmp_path).detect(frames[:1], ("frog",), silent())[0]} == {"frog"}


def test_the_classes_that_the_exporter_wrote_into_the_file(tmp_path: Path, frames: np.ndarray) -> None:
    names = {0: "frog", **{number: f"thing {number}" for number in range(1, 20)}}
    file = handmade_onnx.yolo(tmp_path / "models" / "yolo" / "mine.onnx", masks=False, classes=20, notes={"names": str(names)})
    assert {seen.label for seen in YoloDetector(tmp_path).detect(frames[:1], ("frog",), silent())[0]} == {"frog"}
    assert open_file(file.parent).names[19] == "thing 19"


@pytest.mark.parametrize("text", ["", "[", "{0: 1}", "{1: 'a'}", "__import__('os').getcwd()", "(" * 9999, "9" * 2_000_000, "{'a': 'b'}"])
def test_names_that_are_none(text: str) -> None:
    assert noted_names(text) == ()


# --- RTMPose


def dots(points: list[tuple[float, float]]) -> np.ndarray:
    """A frame with a 3 x 3 dot in red, green, blue about each of three pixels' middles."""
    frame = np.zeros((H, W, 3), np.uint8)
    for channel, (x, y) in enumerate(points):
        frame[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2, channel] = 255
    return frame


@pytest.mark.parametrize(("width", "height", "count"), [(192, 256, 17), (288, 384, 26)])
def test_points_lie_where_the_dots_are(tmp_path: Path, width: int, height: int, count: int) -> None:
    """Which also says that red is the first channel. The input's size is found out from the file."""
    handmade_onnx.rtmpose(tmp_path / "models" / "rtmpose" / "end2end.onnx", width, height, count)
    box = np.array([150, 60, 290, 300], np.float32)
    places = np.array([[(170.5 + 6 * f, 100.5), (200.5, 150.5 + 9 * f), (280.5, 290.5 - 12 * f)] for f in range(F)])
    clip = np.stack([dots([tuple(place) for place in on_frame]) for on_frame in places])
    seen = np.ones((2, F), bool)
    seen[1, 3] = False
    found = RtmPose(tmp_path).keypoints(clip, np.tile(box, (2, F, 1)), seen, silent())
    assert found.names == (KEYPOINTS if count == 17 else HALPE_KEYPOINTS)
    assert found.pixels.shape == (2, F, count, 2)
    cell = 240 * 1.25 / height  # frame pixels of one of the input's
    for point in range(count):
        assert found.pixels[0, :, point] == pytest.approx(places[:, point % 3], abs=1.0 + cell)
    # A dot covers pixels on both sides: taken together the places have no offset.
    assert (found.pixels[0] - places[:, np.arange(count) % 3]).mean(axis=(0, 1)) == pytest.approx([0, 0], abs=0.75)
    assert (found.score[1, 3] == 0).all() and found.score[0].min() > 0 and found.score.max() <= 1


def test_pixels_count_from_the_corner(tmp_path: Path) -> None:
    """By hand: a box of 153.6 x 204.8, a quarter more, is 192 x 256, the input's own size. Its middle is that of the frame's pixel (160, 192),
    which is therefore one pixel of the input, and the point found lies in that pixel's middle, 160.5 and 192.5 from the frame's corner.
    """
    handmade_onnx.rtmpose(tmp_path / "models" / "rtmpose" / "end2end.onnx")
    clip = np.zeros((1, H, W, 3), np.uint8)
    clip[0, 192, 160] = 255
    box = np.array([160.5 - 76.8, 192.5 - 102.4, 160.5 + 76.8, 192.5 + 102.4], np.float32)
    found = RtmPose(tmp_path).keypoints(clip, np.tile(box, (1, 1, 1)), SEEN[:, :1], silent())
    assert found.pixels[0, 0] == pytest.approx(np.tile([160.5, 192.5], (17, 1)), abs=1e-4)


def test_a_package_that_is_not_installed_is_named(tmp_path: Path, frames: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("rtmpose", "yolo"):
        _made(tmp_path, name)
    monkeypatch.setattr(onnx_network, "find_spec", lambda name: None if name in ("rtmlib", "onnxruntime") else object())
    for provider, package in ((RtmPose(tmp_path), "rtmlib"), (YoloDetector(tmp_path), "onnxruntime")):
        assert not provider.ability().can_run and f"pip install --no-deps {package}" in provider.ability().missing
        with pytest.raises(EngineError, match=f"{package} is not installed"):
            _use(provider, frames, silent())


def test_answers_in_the_other_order_are_refused(tmp_path: Path, frames: np.ndarray) -> None:
    """rtmlib would take rows for columns and say nothing."""
    handmade_onnx.rtmpose(tmp_path / "models" / "rtmpose" / "end2end.onnx", rows_first=True)
    with pytest.raises(EngineError, match="distributions of 384 and 512 cells"):
        _use(RtmPose(tmp_path), frames, silent())


def test_nobody_is_seen(tmp_path: Path, frames: np.ndarray) -> None:
    handmade_onnx.rtmpose(tmp_path / "models" / "rtmpose" / "end2end.onnx")
    found = RtmPose(tmp_path).keypoints(frames, np.zeros((1, F, 4), np.float32), ~SEEN, silent())
    assert found.pixels.shape == (1, F, 17, 2) and not found.score.any()


@dataclass(frozen=True)
class Takes:
    """A session that takes pictures of these shapes."""

    shapes: tuple[list[object], ...]

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(shape=shape) for shape in self.shapes]


def test_the_input_of_a_published_file() -> None:
    assert onnx_network.input_size(Takes((["batch", 3, 256, 192],)), Path("a.onnx"), "Again.") == (192, 256)
    assert onnx_network.input_size(Takes(([1, 3, 640, 640],)), Path("a.onnx"), "Again.") == (640, 640)


@pytest.mark.parametrize(
    "shapes", [(), ([16, 3, 640, 640],), ([1, 3, "height", "width"],), ([1, 1, 8, 8],), ([1, 3],), ([1, 3, 8, 8],) * 2]
)
def test_networks_for_other_inputs_are_refused(shapes: tuple[list[object], ...]) -> None:
    with pytest.raises(EngineError, match="one picture of a fixed size"):
        onnx_network.input_size(Takes(shapes), Path("a.onnx"), "Again.")


# --- broken files, stopping, and what is missing


def _use(provider: object, frames: np.ndarray, progress: Progress) -> None:
    if isinstance(provider, RtmPose):
        provider.keypoints(frames, np.tile(np.array([10, 10, 90, 90], np.float32), (1, F, 1)), SEEN, progress)
    elif isinstance(provider, YoloSegmenter):
        provider.segment(frames, np.tile(np.array([10, 10, 90, 90], np.float32), (1, F, 1)), SEEN, progress)
    else:
        provider.detect(frames, ("person",), progress)


PROVIDERS = [("rtmpose", RtmPose), ("yolo", YoloDetector), ("yolo", YoloSegmenter)]
providers = pytest.mark.parametrize(("name", "provider"), PROVIDERS, ids=["rtmpose", "yolo", "yolo-masks"])


def _made(folder: Path, name: str) -> Path:
    file = folder / "models" / name / "model.onnx"
    return handmade_onnx.rtmpose(file) if name == "rtmpose" else handmade_onnx.yolo(file, masks=True)


@providers
@pytest.mark.parametrize("spoil", ["cut", "empty", "noise", "other"])
def test_a_broken_file_is_one_sentence(
    name: str, provider: type, spoil: str, tmp_path: Path, frames: np.ndarray, capfd: pytest.CaptureFixture[str]
) -> None:
    file = _made(tmp_path, name)
    whole = file.read_bytes()
    if spoil == "other":  # a network, but not this one
        _made(tmp_path, "yolo" if name == "rtmpose" else "rtmpose").rename(file)
    else:
        file.write_bytes({"cut": whole[: len(whole) * 2 // 3], "empty": b"", "noise": b"\xff" * 4096}[spoil])
    with pytest.raises(EngineError) as caught:
        _use(provider(tmp_path), frames, silent())
    words = str(caught.value)
    assert str(file) in words and "\n" not in words and words.endswith(".")
    assert capfd.readouterr().err == ""


@providers
def test_the_user_can_stop_it(name: str, provider: type, tmp_path: Path, frames: np.ndarray) -> None:
    _made(tmp_path, name)
    with pytest.raises(Cancelled):
        _use(provider(tmp_path), frames, Progress(lambda _fraction, _words: None, lambda: True))


@providers
def test_what_is_missing_is_said(name: str, provider: type, tmp_path: Path, frames: np.ndarray) -> None:
    able = provider(tmp_path).ability()
    assert not able.can_run and str(tmp_path / "models" / name) in able.missing and able.missing.endswith(".")
    with pytest.raises(EngineError, match=r"No (ONNX )?file was found"):
        _use(provider(tmp_path), frames, silent())
    _made(tmp_path, name)
    assert provider(tmp_path).ability().can_run
