"""YOLOv8 from ultralytics' own ``.pt`` files: small random ones in the real layout, read without the package and without running anything."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backend.errors import Cancelled, EngineError
from backend.lifting.providers import yolo_file
from backend.lifting.providers.yolo import YoloDetector, YoloSegmenter
from backend.lifting.providers.yolo_checkpoint import read_weights
from backend.lifting.providers.yolo_file import open_file, smallest_around
from backend.lifting.providers.yolo_network import Sizes, YoloNetwork, network_of
from backend.progress import Progress, silent
from tests.lifting import handmade_onnx, tiny_yolo

F, H, W = 8, 90, 160
PUBLISHED = {
    "n": ((16, 32, 64, 128, 256), (1, 2)), "s": ((32, 64, 128, 256, 512), (1, 2)), "m": ((48, 96, 192, 384, 576), (2, 4)),
    "l": ((64, 128, 256, 512, 512), (3, 6)), "x": ((80, 160, 320, 640, 640), (3, 6)),
}  # fmt: skip
NAMES = {number: "frog" if number == 0 else f"thing {number}" for number in range(tiny_yolo.CLASSES)}
BOXES = np.tile(np.array([20, 10, 90, 80], np.float32), (1, F, 1))
SEEN = np.ones((1, F), bool)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small networks look at small pictures; the real size is tested with the preparation."""
    monkeypatch.setattr(yolo_file, "SIDE", 160)


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    made = np.random.default_rng(0).integers(0, 60, (F, H, W, 3), np.uint8)
    for frame in range(F):
        made[frame, 20:70, 20 + 8 * frame : 70 + 8 * frame] = (220, 120, 40)
    return made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    tiny_yolo.write(file_in(folder), names=NAMES)
    return folder


def file_in(home: Path) -> Path:
    return home / "models" / "yolo" / "yolov8n-seg.pt"


# --- the layout


@pytest.mark.parametrize("masks", [True, False], ids=["masks", "boxes"])
@pytest.mark.parametrize("size", PUBLISHED)
def test_the_published_sizes_fit_the_modules_name_by_name(size: str, masks: bool) -> None:
    with torch.device("meta"):
        state = {name: torch.empty(shape) for name, shape in tiny_yolo.shapes_of(*PUBLISHED[size], masks=masks).items()}
        network = YoloNetwork(Sizes(state))
    assert {name: value.shape for name, value in network.state_dict().items()} == {name: value.shape for name, value in state.items()}


@pytest.mark.parametrize("trained", [False, True])
def test_weights_come_out_of_the_pickled_network(tmp_path: Path, trained: bool) -> None:
    state = tiny_yolo.tiny_state()
    weights = read_weights(tiny_yolo.write(tmp_path / "a.pt", state, names=NAMES, trained=trained))
    assert weights.names == NAMES
    assert weights.state.keys() == state.keys()
    assert all(torch.equal(weights.state[name], value.half() if value.is_floating_point() else value) for name, value in state.items())


def _quiet_state(*, classes: int = tiny_yolo.CLASSES) -> dict[str, torch.Tensor]:
    """A head whose last layers have no weights, only biases: what it answers can be worked out by hand."""
    state = tiny_yolo.tiny_state(classes=classes)
    for name, value in state.items():
        if name.startswith(("model.22.cv2.", "model.22.cv3.", "model.22.cv4.")) and name.endswith(("2.weight", "2.bias")):
            value.zero_()
    return state


def test_a_box_by_hand(tmp_path: Path) -> None:
    """Left 2, top 3, right 4, bottom 5 cells from the middle of every cell, of class 7 at a logit of 2; coefficients all 1."""
    state = _quiet_state()
    for level in range(3):
        for side, distance in enumerate((2, 3, 4, 5)):
            state[f"model.22.cv2.{level}.2.bias"][16 * side + distance] = 30.0
        state[f"model.22.cv3.{level}.2.bias"] -= 4.0
        state[f"model.22.cv3.{level}.2.bias"][7] = 2.0
        state[f"model.22.cv4.{level}.2.bias"] += 1.0
    with torch.inference_mode():
        table, prototypes = network_of(state, tiny_yolo.write(tmp_path / "a.pt"))(torch.rand(1, 3, 64, 96))
    assert prototypes.shape == (1, 32, 16, 24)
    assert table.shape == (1, 4 + 80 + 32, 8 * 12 + 4 * 6 + 2 * 3)
    # The cell in row 1, column 2 of stride 8: its middle (2.5, 1.5), the box from (0.5, -1.5) to (6.5, 6.5) cells.
    assert table[0, :4, 12 + 2].tolist() == pytest.approx([3.5 * 8, 2.5 * 8, 6 * 8, 8 * 8], rel=1e-5)
    # The first cell of stride 32 is the first of the last six.
    assert table[0, :4, -6].tolist() == pytest.approx([1.5 * 32, 1.5 * 32, 6 * 32, 8 * 32], rel=1e-5)
    assert table[0, 4 + 7].unique().tolist() == pytest.approx([1 / (1 + np.exp(-2.0))], abs=1e-6)
    assert (table[0, 84:] == 1.0).all()


def test_norms_become_part_of_the_convolutions_without_a_change(tmp_path: Path) -> None:
    state = tiny_yolo.tiny_state()
    with torch.device("meta"):
        plain = YoloNetwork(Sizes(state))
    plain.load_state_dict(state, assign=True)
    picture = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        for found, wanted in zip(network_of(state, tiny_yolo.write(tmp_path / "a.pt"))(picture), plain.eval()(picture), strict=True):
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


# --- the providers


@pytest.mark.usefixtures("small")
def test_what_the_file_knows_is_found(tmp_path: Path, frames: np.ndarray) -> None:
    """A head that sees frogs everywhere, surest where the picture is red."""
    state = _quiet_state()
    for level in range(3):
        state[f"model.22.cv2.{level}.2.bias"][2::16] = 30.0
        state[f"model.22.cv3.{level}.2.bias"] -= 8.0
        state[f"model.22.cv3.{level}.2.bias"][0] = 1.0
    tiny_yolo.write(file_in(tmp_path), state, names=NAMES)
    detector = YoloDetector(tmp_path)
    able = detector.ability()
    assert able.can_run and "AGPL" in able.licence and not able.automatic
    found = detector.detect(frames, ("Frog", "unicorn"), silent())
    assert len(found) == F and all(on_frame for on_frame in found)
    for seen in found[0]:
        assert (seen.label, seen.kind) == ("frog", "object") and seen.score == pytest.approx(1 / (1 + np.exp(-1.0)), abs=1e-3)
        assert (seen.box >= 0).all() and (seen.box <= (W, H, W, H)).all()
    assert detector.detect(frames[:1], ("thing 5",), silent()) == [[]]


def test_masks_of_a_small_file(tmp_path: Path, frames: np.ndarray) -> None:
    """Prototypes that are all above nothing: a mask is the whole of its box, and boxes of four cells of 32 pixels lie on the picture."""
    state = _quiet_state()
    for level in range(3):
        state[f"model.22.cv2.{level}.2.bias"][2::16] = 30.0
        state[f"model.22.cv3.{level}.2.bias"] -= 8.0
        state[f"model.22.cv4.{level}.2.bias"] += 1.0
    state["model.22.cv3.2.2.bias"][0] = 2.0
    for name in ("weight", "running_mean"):
        state[f"model.22.proto.cv3.bn.{name}"].zero_()
    state["model.22.proto.cv3.bn.bias"].fill_(1.0)
    tiny_yolo.write(file_in(tmp_path), state)
    # 160 x 90 at four times its size: a cell of stride 32 is 8 pixels, a box 32, about the middle of cell (3, 4) of the input at 28 x 36 - 3.
    box = np.array([[[12, 17, 44, 49]]], np.float32)
    masks = YoloSegmenter(tmp_path).segment(frames[:1], box, SEEN[:, :1], silent())
    rows, columns = np.flatnonzero(masks[0, 0].any(axis=1)), np.flatnonzero(masks[0, 0].any(axis=0))
    assert (columns[0], columns[-1] + 1) == (12, 44) and (rows[-1] + 1 - rows[0]) == 32
    assert (masks[0, 0, rows[0] : rows[-1] + 1, 12:44] == 255).all()


def test_only_as_much_of_the_input_as_a_frame_needs() -> None:
    assert smallest_around(1280, 720) == (640, 384)  # 360 rows and bars of 12
    assert smallest_around(720, 1280) == (384, 640)
    assert smallest_around(500, 500) == (640, 640)
    assert smallest_around(4000, 10) == (640, 32)


@pytest.mark.usefixtures("small")
def test_a_file_that_was_exported_goes_before(tmp_path: Path) -> None:
    tiny_yolo.write(file_in(tmp_path), names=NAMES)
    assert open_file(file_in(tmp_path).parent).file.suffix == ".pt"
    handmade_onnx.yolo(file_in(tmp_path).with_suffix(".onnx"), masks=True)
    assert open_file(file_in(tmp_path).parent).file.suffix == ".onnx"


@pytest.mark.usefixtures("small")
def test_names_of_coco_where_the_file_has_none_and_a_list_beside_it(tmp_path: Path) -> None:
    file = tiny_yolo.write(file_in(tmp_path), names="none")
    assert open_file(file.parent).names[:2] == ("person", "bicycle")
    (file.parent / "classes.txt").write_text("frog")
    with pytest.raises(EngineError, match="knows 80 classes, but 1 names"):
        open_file(file.parent)


@pytest.mark.usefixtures("small")
def test_both_kinds_of_work_open_the_file_once(home: Path) -> None:
    detector, segmenter = YoloDetector(home), YoloSegmenter(home)
    assert detector.opened() is segmenter.opened()
    segmenter.forget()
    assert detector.opened() is segmenter.opened()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("provider", [YoloDetector, YoloSegmenter])
def test_the_user_can_stop_it(provider: type, home: Path, frames: np.ndarray) -> None:
    with pytest.raises(Cancelled):
        _use(provider(home), frames, Progress(lambda _fraction, _words: None, lambda: True))


# --- files that cannot be trusted


def _use(provider: object, frames: np.ndarray, progress: Progress) -> None:
    if isinstance(provider, YoloDetector):
        provider.detect(frames, ("person",), progress)
    elif isinstance(provider, YoloSegmenter):
        provider.segment(frames, BOXES, SEEN, progress)


def _sentence(home: Path, frames: np.ndarray) -> str:
    with pytest.raises(EngineError) as caught:
        _use(YoloDetector(home), frames, silent())
    words = str(caught.value)
    assert file_in(home).name in words and "\n" not in words and words.endswith(".")
    return words


class _Runs:
    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


class _Writes:
    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self):
        return Path.write_text, (Path(self.path), "ran")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("hostile", [_Runs, _Writes])
def test_nothing_that_a_file_names_is_run(hostile: type, tmp_path: Path, frames: np.ndarray) -> None:
    file_in(tmp_path).parent.mkdir(parents=True)
    torch.save({"model": hostile(tmp_path / "was_here")}, file_in(tmp_path))
    _sentence(tmp_path, frames)
    assert not (tmp_path / "was_here").exists() and "ultralytics" not in sys.modules


def _changed(change: str, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    first = "model.0.conv.weight"
    if change == "lacking":
        del state["model.5.bn.bias"]
    elif change == "strange":
        state["model.23.weight"] = torch.zeros(3)
    elif change == "other network":
        state = {name.replace("model.16.", "model.17."): value for name, value in state.items()}
    elif change == "no shape":
        state[first] = torch.tensor(1.0)
    elif change == "no channels":
        state[first] = torch.zeros(4, 0, 3, 3)
    elif change == "unfit":  # each layer is one of the network's, and does not fit the next
        state |= {name: value for name, value in _wider().items() if name.startswith("model.3.")}
    elif change == "not finite":
        state[first] = state[first] * float("nan")
    elif change == "huge":  # a few numbers, repeated
        state[first] = torch.zeros(1, 1, 1, 1, dtype=torch.float16).expand(40_000, 40_000, 3, 3)
    return state


def _wider() -> dict[str, torch.Tensor]:
    shapes = tiny_yolo.shapes_of((8, 16, 24, 48, 96), (1, 2), masks=True)
    return {name: torch.zeros(shape) for name, shape in shapes.items()}


@pytest.mark.usefixtures("small")
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors:UserWarning")
@pytest.mark.parametrize("change", ["lacking", "strange", "other network", "no shape", "no channels", "unfit", "not finite", "huge"])
def test_other_weights_are_one_sentence(change: str, tmp_path: Path, frames: np.ndarray) -> None:
    tiny_yolo.write(file_in(tmp_path), _changed(change, tiny_yolo.tiny_state()))
    _sentence(tmp_path, frames)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("spoil", ["cut", "empty", "noise", "state only", "nothing", "list"])
def test_a_broken_file_is_one_sentence(spoil: str, home: Path, tmp_path: Path, frames: np.ndarray) -> None:
    file = file_in(tmp_path)
    file.parent.mkdir(parents=True)
    whole = file_in(home).read_bytes()
    if spoil in ("state only", "nothing", "list"):
        torch.save({"state only": tiny_yolo.tiny_state(), "nothing": {}, "list": [1]}[spoil], file)
    else:
        file.write_bytes({"cut": whole[: len(whole) * 2 // 3], "empty": b"", "noise": b"\xff" * 4096}[spoil])
    _sentence(tmp_path, frames)


@pytest.fixture(scope="module")
def few_tensors(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    state = {"model.0.conv.weight": torch.zeros(2, 2), "model.0.bn.running_mean": torch.zeros(3), "model.0.count": torch.tensor(3)}
    return tiny_yolo.write(tmp_path_factory.mktemp("few") / "a.pt", state, names=["a"]).read_bytes()


@settings(max_examples=300, deadline=None)
@example([(0.0, ord("q"))])  # the first letters of "latin1", in which numpy's numbers are written
@given(st.lists(st.tuples(st.floats(0.0, 1.0, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_pickle_is_read_or_is_one_sentence(
    few_tensors: bytes, tmp_path_factory: pytest.TempPathFactory, bytes_changed: list[tuple[float, int]]
) -> None:
    damaged = bytearray(few_tensors)
    start, end = damaged.find(b"latin1"), damaged.find(b"PK", 100)
    for share, value in bytes_changed:
        begin = start if share == 0.0 else 64
        damaged[begin + int(share * (end - begin))] = value
    file = tmp_path_factory.getbasetemp() / "damaged.pt"
    file.write_bytes(damaged)
    try:
        assert len(read_weights(file).state) <= 3
    except EngineError as error:
        assert "damaged.pt" in str(error) and "\n" not in str(error)


@pytest.mark.usefixtures("small")
def test_masks_from_a_file_without_any(tmp_path: Path, frames: np.ndarray) -> None:
    tiny_yolo.write(file_in(tmp_path), tiny_yolo.tiny_state(masks=False))
    assert len(YoloDetector(tmp_path).detect(frames[:1], ("person",), silent())) == 1
    with pytest.raises(EngineError, match="ends in -seg"):
        YoloSegmenter(tmp_path).segment(frames, BOXES, ~SEEN, silent())
