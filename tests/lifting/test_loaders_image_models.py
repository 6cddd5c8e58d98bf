"""Models of the ``transformers`` library as providers: small random checkpoints with the real keys load and run over 8 frames."""

import json
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.errors import Cancelled, EngineError, InputError
from backend.lifting.providers import depth_anything, grounding_dino, pretrained, sam2_video
from backend.lifting.providers.base import Frames
from backend.lifting.providers.coco import KEYPOINTS
from backend.lifting.providers.depth_anything import DepthAnything
from backend.lifting.providers.grounding_dino import GroundingDino
from backend.lifting.providers.sam2_video import Sam2Segmenter, Sam2Tracker
from backend.lifting.providers.vitpose import VitPose
from backend.progress import Progress, silent
from revision_blender.motion.subjects import Click, Prompt
from tests.lifting import tiny_image_models as tiny

F, H, W = 8, 96, 160
BOX = Prompt("ball", "object", 3, (40.0, 20.0, 100.0, 80.0), label="ball")
BOXES = np.tile(np.array([30, 10, 90, 90], np.float32), (2, F, 1))


@dataclass(frozen=True)
class Case:
    name: str
    make: Callable[[Path], Path]
    provider: type
    use: Callable[[object, Frames, Progress], object]


CASES = [
    Case(
        "grounding_dino",
        tiny.grounding_dino,
        GroundingDino,
        lambda it, frames, progress: it.detect(frames, ("person", "red ball"), progress),
    ),
    Case("sam2_video", tiny.sam2_video, Sam2Tracker, lambda it, frames, progress: it.follow(frames, (BOX,), None, progress)),
    Case("depth_anything", tiny.depth_anything, DepthAnything, lambda it, frames, progress: it.depths(frames, progress)),
    Case("vitpose", tiny.vitpose, VitPose, lambda it, frames, progress: it.keypoints(frames, BOXES, np.ones((2, F), bool), progress)),
]
cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    for case in CASES:
        case.make(folder / "models" / case.name)
    return folder


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "empty"))


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_named: object) -> None:
        pytest.fail("a lift asked the network for something")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(autouse=True)
def small_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small networks look at small pictures; the real sizes are tested with the preparation."""
    monkeypatch.setattr(grounding_dino, "SHORTEST", 160)
    monkeypatch.setattr(grounding_dino, "LONGEST", 266)
    monkeypatch.setattr(depth_anything, "SIDE", 126)


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """A bright square that moves over noise."""
    made = np.random.default_rng(0).integers(0, 60, (F, H, W, 3), np.uint8)
    for frame in range(F):
        made[frame, 30:70, 40 + 4 * frame : 80 + 4 * frame] = (220, 120, 40)
    return made


# --- each runs, and gives what its protocol promises


def test_detection_by_words(home: Path, frames: np.ndarray) -> None:
    found = GroundingDino(home).detect(frames, ("Person", "red ball."), silent())
    assert len(found) == F
    assert any(found)  # a random network is sure of anything
    for on_frame in found:
        scores = [seen.score for seen in on_frame]
        assert scores == sorted(scores, reverse=True) and all(0.3 < score <= 1.0 for score in scores)
        for seen in on_frame:
            left, top, right, bottom = seen.box
            assert 0 <= left < right <= W and 0 <= top < bottom <= H
            assert (seen.kind, seen.label) in {("person", "person"), ("object", "red ball")}


def test_detections_are_the_librarys(home: Path) -> None:
    """The same boxes, scores and words as the library's own reading of the same network's answer."""
    from transformers import GroundingDinoForObjectDetection
    from transformers.models.grounding_dino.image_processing_pil_grounding_dino import GroundingDinoImageProcessorPil
    from transformers.models.grounding_dino.processing_grounding_dino import GroundingDinoProcessor

    frame = np.random.default_rng(1).integers(0, 255, (160, 266, 3), np.uint8)  # as large as the input, which is then the same to the bit
    folder = home / "models" / "grounding_dino"
    tokenizer = grounding_dino.open_tokenizer(folder, "")
    network = GroundingDinoForObjectDetection.from_pretrained(folder).eval()
    theirs = GroundingDinoProcessor(GroundingDinoImageProcessorPil(size={"shortest_edge": 160, "longest_edge": 266}), tokenizer)
    given = theirs(images=frame, text="dog. ball.", return_tensors="pt")
    with torch.inference_mode():
        answer = network(**given)
    result = theirs.post_process_grounded_object_detection(answer, given["input_ids"], 0.3, 0.3, [(160, 266)])[0]
    boxes, scores = result["boxes"].numpy().clip(0, [266, 160, 266, 160]), result["scores"].numpy()
    ours = GroundingDino(home).detect(frame[None], ("dog", "ball"), silent())[0]
    assert len(ours) > 1
    for seen in ours:
        same = np.flatnonzero(np.abs(boxes - seen.box).max(axis=1) < 0.01)
        # Their score is the best of all tokens, full stops too.
        assert any(seen.score <= scores[index] + 1e-4 and seen.label in result["text_labels"][index] for index in same)


def test_a_subject_through_the_clip(home: Path, frames: np.ndarray) -> None:
    taken = np.zeros((F, H, W), np.uint8)
    taken[:, :, :50] = 255
    prompts = (BOX, Prompt("ball", "object", 6, None, (Click(70, 50), Click(5, 5, "off"))))
    followed = Sam2Tracker(home).follow(frames, prompts, taken, silent())
    assert (followed.name, followed.kind, followed.label, followed.prompts) == ("ball", "object", "ball", prompts)
    assert followed.masks.shape == (F, H, W) and set(np.unique(followed.masks)) <= {0, 255}
    assert followed.masks[:, :, :50].max() == 0
    assert (followed.seen == followed.masks.any(axis=(1, 2))).all() and followed.seen.any()
    assert ((followed.score > 0) == followed.seen).all() and followed.score.max() <= 1


def test_clicks_beside_the_subject_alone_correct_what_was_found(home: Path, frames: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """They go in with the box of what was found on their frame."""
    given: list[tuple[int, list[int]]] = []
    show = sam2_video._show
    monkeypatch.setattr(sam2_video, "_show", lambda *told: (given.append((told[2], told[3].labels.tolist())), show(*told)))
    before = Sam2Tracker(home).follow(frames, (BOX,), None, silent())
    assert before.seen[6] and given == [(3, [2, 3])]
    beside = Prompt("ball", "object", 6, None, (Click(10, 10, "off"), Click(20, 90, "off")))
    after = Sam2Tracker(home).follow(frames, (BOX, beside), None, silent())
    assert given[1:] == [(3, [2, 3]), (3, [2, 3]), (6, [2, 3, 0, 0])]
    assert (after.masks[6] != before.masks[6]).any()


def test_the_lazy_notebook_changes_nothing(home: Path, frames: np.ndarray) -> None:
    """Frames made when they are looked at and outputs dropped early give the masks of the library's own session."""
    from transformers import Sam2VideoModel
    from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

    from backend.lifting.providers.sam2_prompts import points_of
    from backend.lifting.providers.sam2_video import input_of

    network = Sam2VideoModel.from_pretrained(home / "models" / "sam2_video").eval()
    side = network.config.image_size
    clip = torch.stack([input_of(frame, side) for frame in frames])
    session = Sam2VideoInferenceSession(video=clip, video_height=H, video_width=W, dtype=torch.float32)
    points = points_of((BOX,), W, H, side)
    inputs = {"point_coords": torch.from_numpy(points.pixels)[None, None], "point_labels": torch.from_numpy(points.labels)[None, None]}
    session.add_point_inputs(session.obj_id_to_idx(1), BOX.frame, inputs)
    session.obj_with_new_inputs = [1]
    network(inference_session=session, frame_idx=BOX.frame)
    theirs = {}
    for reverse in (False, True):
        for answer in network.propagate_in_video_iterator(session, start_frame_idx=BOX.frame, reverse=reverse):
            theirs[answer.frame_idx] = float(answer.object_score_logits.flatten()[0].sigmoid())
    ours = Sam2Tracker(home).follow(frames, (BOX,), None, silent())
    seen = ours.seen
    assert sorted(theirs) == list(range(F)) and seen.any()
    assert ours.score[seen] == pytest.approx(np.array([theirs[frame] for frame in range(F)])[seen], abs=1e-5)


def test_masks_in_boxes(home: Path, frames: np.ndarray) -> None:
    seen = np.ones((2, F), bool)
    seen[1, 2], seen[:, 5] = False, False
    masks = Sam2Segmenter(home).segment(frames, BOXES, seen, silent())
    assert masks.shape == (2, F, H, W) and masks.any()
    assert not masks[~seen].any()
    assert (masks[0][seen[0] & seen[1]] == masks[1][seen[0] & seen[1]]).all()  # the same box on the same frame


def test_a_subject_that_the_network_does_not_see(tmp_path: Path, frames: np.ndarray) -> None:
    tiny.sam2_video(tmp_path / "models" / "sam2_video", appearing=False)
    followed = Sam2Tracker(tmp_path).follow(frames, (BOX,), None, silent())
    assert not followed.seen.any() and not followed.masks.any() and not followed.score.any()


@pytest.mark.parametrize("metric", [False, True])
def test_depth(home: Path, tmp_path: Path, frames: np.ndarray, metric: bool) -> None:
    folder = tmp_path if metric else home
    if metric:
        tiny.depth_anything(folder / "models" / "depth_anything", metric=True)
    depths = DepthAnything(folder).depths(frames if not metric else frames[:1], silent())
    assert depths.metric is metric
    assert depths.values.shape == (F if not metric else 1, H, W) and np.isfinite(depths.values).all() and (depths.values >= 0).all()
    if metric:
        assert depths.values == pytest.approx(10.0, abs=1.0)  # a random head's sigmoid of about 0, of 20 m


def test_body_points_move_with_the_picture(home: Path, frames: np.ndarray) -> None:
    """The same crop elsewhere in the picture gives the same points there: of a network with any weights."""
    seen = np.ones((2, F), bool)
    seen[1, 4] = False
    points = VitPose(home).keypoints(frames, BOXES, seen, silent())
    assert points.names == KEYPOINTS and points.pixels.shape == (2, F, 17, 2)
    assert (points.score[~seen] == 0).all() and ((points.score >= 0) & (points.score <= 1)).all()
    assert np.ptp(points.pixels[0, 0], axis=0).min() > 1  # not all in one place
    wide = np.zeros((F, H + 40, W + 60, 3), np.uint8)
    wide[:, 15 : 15 + H, 25 : 25 + W] = frames
    again = VitPose(home).keypoints(wide, BOXES + np.array([25, 15, 25, 15], np.float32), seen, silent())
    assert again.pixels[seen] == pytest.approx(points.pixels[seen] + (25, 15), abs=0.5)


@pytest.mark.parametrize(("experts", "simple"), [(6, True), (1, False)], ids=["plus", "classic"])
def test_other_layouts_of_vitpose(tmp_path: Path, frames: np.ndarray, experts: int, simple: bool) -> None:
    tiny.vitpose(tmp_path / "models" / "vitpose", experts=experts, simple=simple)
    points = VitPose(tmp_path).keypoints(frames[:2], BOXES[:, :2], np.ones((2, 2), bool), silent())
    assert np.isfinite(points.pixels).all() and points.pixels.any()


# --- what is asked wrongly


def test_a_subject_that_nothing_shows(home: Path, frames: np.ndarray) -> None:
    with pytest.raises(InputError, match="ball is shown on none of the 8 frames"):
        Sam2Tracker(home).follow(frames, (Prompt("ball", "object", 9, (0, 0, 9, 9)),), None, silent())


def test_words_that_run_into_each_other(home: Path, frames: np.ndarray) -> None:
    with pytest.raises(InputError, match="fewer or simpler"):
        GroundingDino(home).detect(frames, tuple(f"dog ball a red{'s' * index}" for index in range(20)), silent())


@cases
def test_the_user_can_stop_it(case: Case, home: Path, frames: np.ndarray) -> None:
    with pytest.raises(Cancelled):
        case.use(case.provider(home), frames, Progress(lambda _fraction, _words: None, lambda: True))


# --- broken files


def _cut(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) * 2 // 3])


def _empty(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def _noise(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff" * 4096)


def _no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def _other_model(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "bert"}')


def _no_json(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def _another_size(folder: Path) -> None:
    """The weights of a model with one layer more, or wider ones, than the configuration says."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    first = max(weights, key=lambda name: weights[name].numel())
    weights[first] = weights[first].flatten()[: weights[first].numel() // 2].clone()
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def _lacking(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    kept = dict(list(weights.items())[: len(weights) * 3 // 4])
    save_file(kept, folder / "model.safetensors", {"format": "pt"})


def _part_from_the_hub(folder: Path) -> None:
    """The library would ask the hub whether there is such a repository."""
    config = json.loads((folder / "config.json").read_text())
    config["vision_config" if "vision_config" in config else "backbone_config"] = None
    (folder / "config.json").write_text(json.dumps(config | {"backbone": "someone/something"}))


def _huge(folder: Path) -> None:
    """A configuration that asks for more memory than there is."""
    config = json.loads((folder / "config.json").read_text())

    def grow(values: dict) -> None:
        for name, value in values.items():
            if isinstance(value, dict):
                grow(value)
            elif name in {"hidden_size", "d_model", "vocab_size", "mlp_dim"}:
                values[name] = value * 4096

    grow(config)
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    "spoil",
    [_cut, _empty, _noise, _no_weights, _other_model, _no_json, _another_size, _lacking, _part_from_the_hub, _huge],
    ids=lambda spoil: spoil.__name__[1:],
)
@cases
def test_a_broken_file_is_one_sentence(case: Case, spoil: Callable[[Path], None], home: Path, tmp_path: Path, frames: np.ndarray) -> None:
    folder = tmp_path / "models" / case.name
    shutil.copytree(home / "models" / case.name, folder)
    spoil(folder)
    with pytest.raises(EngineError) as caught:
        case.use(case.provider(tmp_path), frames, silent())
    words = str(caught.value)
    assert str(folder) in words and "\n" not in words and words.endswith(".") and "ownload" in words


def test_a_vocabulary_that_is_none(home: Path, tmp_path: Path, frames: np.ndarray) -> None:
    folder = tmp_path / "models" / "grounding_dino"
    shutil.copytree(home / "models" / "grounding_dino", folder)
    (folder / "vocab.txt").write_text("cat\n")
    with pytest.raises(EngineError, match=r"vocabulary .* Download"):
        GroundingDino(tmp_path).detect(frames, ("dog",), silent())
    (folder / "vocab.txt").unlink()
    assert "vocab.txt" in GroundingDino(tmp_path).ability().missing


def test_either_form_of_the_vocabulary(home: Path, tmp_path: Path) -> None:
    """The hub keeps both; older copies have vocab.txt alone, newer ones tokenizer.json."""
    folder = tmp_path / "models" / "grounding_dino"
    shutil.copytree(home / "models" / "grounding_dino", folder)
    before = grounding_dino.open_tokenizer(folder, "")
    before.save_pretrained(folder)
    (folder / "vocab.txt").unlink()
    assert GroundingDino(tmp_path).ability().can_run
    after = grounding_dino.open_tokenizer(folder, "")
    assert after("Red ball. dogs.")["input_ids"] == before("red ball. dogs.")["input_ids"] == [101, 1042, 1043, 1012, 1041, 1045, 1012, 102]


@cases
def test_what_is_missing_is_said(case: Case, tmp_path: Path, home: Path, frames: np.ndarray) -> None:
    able = case.provider(home).ability()
    assert able.can_run and not able.missing and able.where.startswith("https://huggingface.co/") and able.licence
    lacking = case.provider(tmp_path).ability()
    assert not lacking.can_run and str(tmp_path) in lacking.missing and lacking.missing.endswith(".")
    with pytest.raises(EngineError, match="No weights were found"):
        case.use(case.provider(tmp_path), frames, silent())


def test_the_hubs_cache_is_found(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the hub's own layout: refs/main names the snapshot."""
    repository = tmp_path / "hub" / "models--usyd-community--vitpose-base-simple"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    shutil.copytree(home / "models" / "vitpose", repository / "snapshots" / "abc")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    assert VitPose(tmp_path).ability().can_run


def test_weights_in_several_files(home: Path, tmp_path: Path, frames: np.ndarray) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "models" / "vitpose"
    shutil.copytree(home / "models" / "vitpose", folder)
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(weights)
    table = {name: f"model-0000{1 + (index % 2)}-of-00002.safetensors" for index, name in enumerate(names)}
    for file in set(table.values()):
        save_file({name: weights[name] for name in names if table[name] == file}, folder / file, {"format": "pt"})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": table}))
    one, two = (VitPose(place).keypoints(frames[:1], BOXES[:, :1], np.ones((2, 1), bool), silent()) for place in (home, tmp_path))
    assert (one.pixels == two.pixels).all()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../../outside.safetensors"}}))
    with pytest.raises(EngineError, match="names no files"):
        pretrained.open_model(folder, "VitPoseForPoseEstimation", "vitpose", "it")
