"""YOLOv8 and RTMPose from ONNX files: small networks written by hand, whose answers follow from the picture, run over 8 frames."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from backend.errors import Cancelled, EngineError
from backend.lifting.providers import onnx_network
from backend.lifting.providers.coco import HALPE_KEYPOINTS, KEYPOINTS
from backend.lifting.providers.rtmpose import RtmPose
from backend.lifting.providers.yolo import YoloDetector, YoloSegmenter
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


@pytest.fixture(params=["opencv", "onnxruntime"])
def runner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "onnxruntime" and find_spec("onnxruntime") is None:
        pytest.skip("onnxruntime is optional and not installed")
    monkeypatch.setattr(onnx_network, "preferred_runner", lambda: request.param)
    return request.param


# --- YOLOv8


def test_what_is_red_is_a_person(runner: str, tmp_path: Path, frames: np.ndarray) -> None:
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
def test_a_mask_is_where_it_is_red(runner: str, tmp_path: Path, size: tuple[int, int]) -> None:
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


def test_a_pt_file_is_told_how_to_export(tmp_path: Path, frames: np.ndarray) -> None:
    folder = tmp_path / "models" / "yolo"
    folder.mkdir(parents=True)
    (folder / "yolov8n.pt").write_bytes(b"PK")
    able = YoloDetector(tmp_path).ability()
    assert not able.can_run and "yolo export" in able.missing and "AGPL" in able.licence and not able.automatic
    with pytest.raises(EngineError, match="yolo export"):
        YoloDetector(tmp_path).detect(frames[:1], ("dog",), silent())


# --- RTMPose


def dots(points: list[tuple[float, float]]) -> np.ndarray:
    """A frame with a 3 x 3 dot in red, green, blue about each of three pixels' middles."""
    frame = np.zeros((H, W, 3), np.uint8)
    for channel, (x, y) in enumerate(points):
        frame[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2, channel] = 255
    return frame


@pytest.mark.parametrize(("width", "height", "count"), [(192, 256, 17), (288, 384, 26)])
def test_points_lie_where_the_dots_are(runner: str, tmp_path: Path, width: int, height: int, count: int) -> None:
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


def test_nobody_is_seen(tmp_path: Path, frames: np.ndarray) -> None:
    handmade_onnx.rtmpose(tmp_path / "models" / "rtmpose" / "end2end.onnx")
    found = RtmPose(tmp_path).keypoints(frames, np.zeros((1, F, 4), np.float32), ~SEEN, silent())
    assert found.pixels.shape == (1, F, 17, 2) and not found.score.any()


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
    runner: str, name: str, provider: type, spoil: str, tmp_path: Path, frames: np.ndarray, capfd: pytest.CaptureFixture[str]
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
    with pytest.raises(EngineError, match="No ONNX file was found"):
        _use(provider(tmp_path), frames, silent())
    _made(tmp_path, name)
    assert provider(tmp_path).ability().can_run
