"""HMR2.0, HaMeR and AniMer from checkpoints laid out as the released ones: they run, and refuse what is not theirs in one sentence."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.errors import Cancelled, EngineError
from backend.lifting.providers.animer import AniMer
from backend.lifting.providers.base import AnimalLifter, HandLifter, PeopleLifter
from backend.lifting.providers.hamer import Hamer
from backend.lifting.providers.hmr2 import Hmr2
from backend.lifting.providers.parameter_head import head_like, rotations_of_columns
from backend.lifting.providers.vit_backbone import backbone_like
from backend.lifting.subject import Followed
from backend.progress import Progress, silent
from revision_blender.motion.camera import static_camera
from tests.lifting.tiny_body_models import ANIMER, HAMER, HMR2, KINDS, RELEASED, shapes_of, tiny_state, write_tiny

F, HEIGHT, WIDTH = 8, 90, 120
CAMERA = static_camera(WIDTH, HEIGHT, 150.0, F)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def frames():
    return np.random.default_rng(3).integers(0, 256, (F, HEIGHT, WIDTH, 3), dtype=np.uint8)


BOX = np.tile(np.array([40.0, 20.0, 70.0, 80.0], np.float32), (F, 1))
SEEN = np.array([1, 1, 0, 1, 1, 1, 1, 0], bool)


def _are_rotations(rotations):
    np.testing.assert_allclose(rotations @ np.swapaxes(rotations, -1, -2), np.broadcast_to(np.eye(3), rotations.shape), atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(rotations), 1.0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_released_sizes_fit_the_modules_name_by_name(kind):
    with torch.device("meta"):
        state = {name: torch.empty(shape) for name, shape in shapes_of(kind, RELEASED).items()}
        own = {name.removeprefix("backbone."): value for name, value in state.items() if name.startswith("backbone.")}
        head = {name.removeprefix(f"{kind.head}."): value for name, value in state.items() if name.startswith(f"{kind.head}.")}
        modules = (backbone_like(own), own), (head_like(head, kind.mean_pose, 8, 1), head)
    for module, wanted in modules:
        assert module is not None
        found = {name: tuple(value.shape) for name, value in module.state_dict().items()}
        assert found == {name: tuple(value.shape) for name, value in wanted.items()}


def test_people_are_lifted_from_a_small_checkpoint(tmp_path, frames):
    write_tiny(HMR2, tmp_path)
    provider = Hmr2(tmp_path)
    assert provider.ability().can_run
    people: PeopleLifter = provider
    boxes, seen = np.stack([BOX, BOX + 20]), np.stack([SEEN, ~SEEN])
    first, second = people.lift_people(frames, boxes, seen, CAMERA, silent())
    assert first.rotations.shape == (F, 24, 3, 3)
    _are_rotations(first.rotations)
    assert (first.confidence[~SEEN] == 0).all() and (first.confidence[SEEN] > 0).all()
    np.testing.assert_array_equal(first.rotations[2], first.rotations[1])  # held where not seen
    assert np.abs(first.rotations[0] - first.rotations[1]).max() > 1e-3  # each picture has its own answer
    assert np.abs(first.rotations[0] - second.rotations[0]).max() > 1e-3
    pixels, depth = CAMERA.project(first.translation[:, None])
    assert (depth > 0).all() and np.abs(pixels[:, 0] - [55, 50]).max() < 60


def test_hands_are_lifted_from_a_small_checkpoint(tmp_path, frames):
    write_tiny(HAMER, tmp_path)
    provider = Hamer(tmp_path)
    assert provider.ability().can_run
    lifter: HandLifter = provider
    boxes = np.stack([BOX, BOX + 15], axis=1)[None]
    seen = np.stack([SEEN, np.zeros(F, bool)], axis=1)[None]
    hands = lifter.hands(frames, boxes, seen, CAMERA, silent())
    assert hands.rotations is not None and hands.rotations.shape == (1, F, 2, 16, 3, 3)
    _are_rotations(hands.rotations)
    assert (hands.score[0, :, 0] > 0).tolist() == SEEN.tolist() and not hands.score[0, :, 1].any()
    assert np.abs(hands.rotations[0, 0, 0] - hands.rotations[0, 1, 0]).max() > 1e-3
    assert np.isfinite(hands.points).all()


def test_a_left_hand_is_the_right_hand_of_the_mirrored_picture(tmp_path, frames):
    write_tiny(HAMER, tmp_path)
    lifter = Hamer(tmp_path)
    box = np.array([30.0, 20.0, 60.0, 50.0], np.float32)
    mirrored = np.array([WIDTH - 1 - 60.0, 20.0, WIDTH - 1 - 30.0, 50.0], np.float32)  # the crop counts pixels' middles

    def seen_at(side):
        return np.tile(np.arange(2) == side, (1, 1, 1))

    camera = static_camera(WIDTH - 1, HEIGHT, 150.0, 1)
    left = lifter.hands(frames[:1], np.tile(box, (1, 1, 2, 1)), seen_at(0), camera, silent())
    right = lifter.hands(frames[:1, :, ::-1], np.tile(mirrored, (1, 1, 2, 1)), seen_at(1), camera, silent())
    assert left.rotations is not None and right.rotations is not None
    mirror = np.diag([-1.0, 1.0, 1.0])
    np.testing.assert_allclose(left.rotations[0, 0, 0], mirror @ right.rotations[0, 0, 1] @ mirror, atol=1e-5)
    np.testing.assert_allclose(left.points[0, 0, 0, :, 0], WIDTH - 1 - right.points[0, 0, 1, :, 0], atol=1e-2)


def test_an_animal_is_lifted_from_a_small_checkpoint(tmp_path, frames):
    write_tiny(ANIMER, tmp_path)
    provider = AniMer(tmp_path)
    assert provider.ability().can_run
    lifter: AnimalLifter = provider
    masks = np.zeros((F, HEIGHT, WIDTH), np.uint8)
    followed = Followed("dog", "animal", "dog", BOX, SEEN, SEEN.astype(np.float32), masks)
    body = lifter.lift_animal(frames, followed, CAMERA, 12.0, silent())
    assert body.family == "smal" and body.rotations.shape == (F, 35, 3, 3)
    _are_rotations(body.rotations)
    assert (body.confidence[~SEEN] == 0).all() and (body.confidence[SEEN] > 0).all()
    assert np.abs(body.rotations[0] - body.rotations[1]).max() > 1e-3


KEY_VALUES = "smpl_head.transformer.transformer.layers.0.1.fn.to_kv.weight"

# What is wrong with the weights: a change of the dictionary, and a word of the sentence that says so.
WRONG_STATES = {
    "lacks a weight": (lambda state: {name: value for name, value in state.items() if name != "backbone.blocks.1.mlp.fc2.bias"}, "lacks"),
    "has one too many": (lambda state: state | {"backbone.blocks.1.mlp.fc3.bias": torch.zeros(3)}, "fc3"),
    "another shape": (lambda state: state | {KEY_VALUES: torch.zeros(32, 7)}, "shape"),
    "another network": (lambda state: {f"model.{name}": value for name, value in state.items()}, "no weights"),
    "strange part": (lambda state: state | {"depth_head.weight": torch.zeros(3)}, "depth_head"),
    "not finite": (lambda state: state | {"smpl_head.deccam.bias": torch.full((3,), torch.nan)}, "finite"),
    "no tensors": (lambda _state: {"epoch": 3}, "no weights"),
}
# What is wrong with the file.
WRONG_FILES = {
    "cut at the end": (lambda path: path.write_bytes(path.read_bytes()[:-2000]), "again"),
    "cut in the middle": (lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]), "again"),
    "a page": (lambda path: path.write_text("<html>Too many requests</html>"), "again"),
    "empty": (lambda path: path.write_bytes(b""), "again"),
    "no settings": (lambda path: (path.parent.parent / "model_config.yaml").unlink(), "model_config.yaml"),
    "broken settings": (lambda path: (path.parent.parent / "model_config.yaml").write_text("MODEL: ["), "again"),
    "settings of another": (lambda path: (path.parent.parent / "model_config.yaml").write_text("MODEL: {IMAGE_SIZE: 224}"), "section"),
}


def _refusal(home, frames):
    with pytest.raises(EngineError) as caught:
        Hmr2(home).lift_people(frames, BOX[None], SEEN[None], CAMERA, silent())
    text = str(caught.value)
    assert "\n" not in text and len(text) < 400 and text.endswith(".")
    return text


@pytest.mark.parametrize("wrong", WRONG_STATES)
def test_wrong_weights_are_one_sentence(tmp_path, frames, wrong):
    change, word = WRONG_STATES[wrong]
    write_tiny(HMR2, tmp_path, change(tiny_state(HMR2)))
    assert word in _refusal(tmp_path, frames)


@pytest.mark.parametrize("wrong", WRONG_FILES)
def test_a_wrong_file_is_one_sentence(tmp_path, frames, wrong):
    change, word = WRONG_FILES[wrong]
    change(write_tiny(HMR2, tmp_path))
    assert word in _refusal(tmp_path, frames)


def test_a_cancelled_lift_stops(tmp_path, frames):
    write_tiny(HMR2, tmp_path)
    stopped = Progress(lambda _fraction, _words: None, lambda: True)
    with pytest.raises(Cancelled):
        Hmr2(tmp_path).lift_people(frames, BOX[None], SEEN[None], CAMERA, stopped)


def test_weights_stay_while_the_file_changes_and_are_read_anew_after_forgetting(tmp_path, frames):
    path = write_tiny(HMR2, tmp_path)
    provider = Hmr2(tmp_path)
    before = provider.lift_people(frames, BOX[None], SEEN[None], CAMERA, silent())[0]
    path.write_bytes(b"")
    again = provider.lift_people(frames, BOX[None], SEEN[None], CAMERA, silent())[0]
    np.testing.assert_array_equal(before.rotations, again.rotations)
    provider.forget()
    with pytest.raises(EngineError):
        provider.lift_people(frames, BOX[None], SEEN[None], CAMERA, silent())


def test_without_weights_the_ability_says_where_they_go(tmp_path):
    for provider in (Hmr2(tmp_path), Hamer(tmp_path), AniMer(tmp_path)):
        ability = provider.ability()
        assert not ability.can_run and str(tmp_path / "models" / provider.name) in ability.missing and ability.where.startswith("https://")


class _Shouts:
    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_nothing_that_a_file_names_is_run(tmp_path, frames):
    path = write_tiny(HMR2, tmp_path)
    torch.save({"state_dict": tiny_state(HMR2), "hyper_parameters": _Shouts(tmp_path / "was_here")}, path)
    with pytest.raises(EngineError):
        Hmr2(tmp_path).lift_people(frames, BOX[None], SEEN[None], CAMERA, silent())
    assert not (tmp_path / "was_here").exists()
    assert "yacs.config" not in sys.modules


def test_columns_become_rotations_by_hand():
    six = torch.tensor([[0.0, 2.0, 0.0, -3.0, 5.0, 0.0]])  # first column along y; the second loses its y and is -x
    wanted = [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    np.testing.assert_allclose(rotations_of_columns(six)[0], wanted, atol=1e-6)
