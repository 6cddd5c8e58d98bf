"""Providers chosen by the user, by themselves, and the way back when one fails."""

import numpy as np
import pytest

from backend.errors import Cancelled, EngineError, InputError
from backend.lifting.providers.base import KINDS, Ability, Depths, Keypoints, weights_folder
from backend.lifting.providers.registry import Choices, abilities, bundled, choices, parsed_choices, providers
from backend.lifting.subject import Detection
from backend.lifting.world.depth_agreement import metric_depths
from backend.lifting.world.drawn import drawn_tracks, small_camera
from backend.lifting.world.keypoints import replaced_landmarks
from backend.lifting.world.sightings import detected_prompts, disjoint
from revision_blender.motion.subjects import Prompt
from tests.backend.lifting_cases import walking_clip
from tests.lifting.people_cases import person_of
from tests.lifting.scene_cases import body, camera_of, card, seen_masks, shot_of


class Made:
    """A provider whose only skill is to be asked."""

    def __init__(self, kind: str, name: str, can_run: bool = True, automatic: bool = True) -> None:
        self.kind, self.name = kind, name
        self._ability = Ability(kind, name, can_run, "" if can_run else "It has no weights.", "", "", 1.0, automatic)

    def ability(self) -> Ability:
        return self._ability

    def forget(self) -> None: ...


def _failing(error: Exception):
    def use(_provider):
        raise error

    return use


def test_every_kind_can_be_done_on_any_machine_and_every_provider_says_what_it_needs(tmp_path):
    found = abilities(tmp_path)
    for kind in KINDS:
        assert any(one.kind == kind and one.name == bundled(kind) and one.can_run for one in found)
    for one in found:
        assert one.can_run or (one.missing and one.where.startswith("https://") and one.licence), one
    assert len({(one.kind, one.name) for one in found}) == len(found)
    assert {one.name for one in found} > {
        "grounding_dino",
        "sam2_video",
        "depth_anything",
        "vitpose",
        "rtmpose",
        "yolo",
        "hmr2",
        "hamer",
        "animer",
    }


def test_without_weights_the_choice_of_each_kind_is_the_bundled_one(tmp_path):
    chosen = choices((), tmp_path)
    assert {kind: chosen.named(kind) for kind in KINDS} == {kind: bundled(kind) for kind in KINDS}
    assert chosen.notes == []


def test_choices_are_parsed_and_refused():
    assert parsed_choices(("people=hmr2", "depth=contact")) == {"people": "hmr2", "depth": "contact"}
    for words in (("people",), ("weather=sunny",), ("people=",), ("people=a", "people=b")):
        with pytest.raises(InputError):
            parsed_choices(words)


def test_what_can_run_is_taken_first_what_must_be_chosen_only_when_chosen():
    made = (Made("depth", "poor", can_run=False), Made("depth", "shy", automatic=False), Made("depth", "good"), Made("depth", "other"))
    assert Choices({}, made).attempt("depth", lambda one: one.name, lambda: "fallback") == "good"
    assert Choices({"depth": "shy"}, made).attempt("depth", lambda one: one.name, lambda: "fallback") == "shy"
    assert Choices({"depth": "contact"}, made).attempt("depth", lambda one: one.name, lambda: "fallback") == "fallback"
    poor = Choices({"depth": "poor"}, made)
    assert poor.attempt("depth", lambda one: one.name, lambda: "fallback") == "fallback"
    assert poor.notes == ["The provider poor for depth could not be used (It has no weights); contact did it instead."]


@pytest.mark.parametrize(
    "error",
    [
        EngineError("The file is cut off."),
        OSError("gone"),
        MemoryError(),
        RuntimeError("CUDA out of memory\ntrace"),
        RuntimeError(),
        OSError(),
    ],
)
def test_a_provider_that_fails_is_never_silent(error):
    chosen = Choices({}, (Made("depth", "good"),))
    for _ in range(2):
        assert chosen.attempt("depth", _failing(error), lambda: "fallback") == "fallback"
    assert len(chosen.notes) == 1 and "good for depth could not be used" in chosen.notes[0] and "\n" not in chosen.notes[0]


@pytest.mark.parametrize("error", [Cancelled(), KeyError("x"), InputError("nothing shown")])
def test_what_is_no_failure_of_the_provider_passes_through(error):
    with pytest.raises(type(error)):
        Choices({}, (Made("depth", "good"),)).attempt("depth", _failing(error), lambda: "fallback")


def test_weights_lie_in_the_home_or_in_the_hubs_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    assert weights_folder("yolo", "owner/name", tmp_path) is None
    (tmp_path / "models" / "yolo").mkdir(parents=True)
    assert weights_folder("yolo", "owner/name", tmp_path) == tmp_path / "models" / "yolo"
    assert providers(tmp_path) is providers(tmp_path)


def _bodies_and_truth():
    camera = camera_of(4)
    tracks = (body(4), card("box", np.tile([0.5, 0.2, 6.0], (4, 1)), 0.6))
    shot = shot_of(tracks, seen_masks(tracks, camera, (0, 1)), camera)
    drawn = drawn_tracks(tracks, small_camera(camera))
    near = np.maximum(drawn[0].inverse_depth, drawn[1].inverse_depth)
    return shot, camera, np.where(near > 0, near, 1.0 / 9.0)


def test_relative_depth_becomes_metres_by_the_bodies_it_shows():
    """The map says a x + b of the true inverse depth; bodies at two distances tell a and b."""
    shot, camera, inverse = _bodies_and_truth()
    found = metric_depths(Depths((7.0 * inverse + 0.6).astype(np.float32), metric=False), list(shot.tracks), camera)
    assert found is not None
    assert np.abs(found * inverse - 1.0)[inverse > 1.0 / 8.0].max() < 0.02


def test_metric_depth_takes_the_bodies_scale_and_stands_alone_without_any():
    shot, camera, inverse = _bodies_and_truth()
    maps = Depths((1.3 / inverse).astype(np.float32), metric=True)
    found = metric_depths(maps, list(shot.tracks), camera)
    assert found is not None and np.abs(found * inverse - 1.0).max() < 0.02
    alone = metric_depths(maps, [], camera)
    assert alone is not None and np.allclose(alone, 1.3 / inverse, rtol=1e-4)
    assert metric_depths(Depths(maps.values, metric=False), [], camera) is None


def test_sure_keypoints_take_the_place_of_landmarks_of_the_same_name():
    person, _ = person_of("person_1", walking_clip(3))
    pixels = np.full((1, 3, 2, 2), 7.0, np.float32)
    score = np.array([[[0.9, 0.9], [0.1, 0.9], [0.9, 0.9]]], np.float32)
    moved = replaced_landmarks(person, Keypoints(("left_wrist", "no_such_point"), pixels, score), 0).landmarks
    changed = (moved.pixels != person.landmarks.pixels).any(axis=-1)
    assert changed[[0, 2], 15].all() and changed.sum() == 2 and (moved.pixels[0, 15] == 7.0).all()


def _seen(label: str, box: tuple[float, ...], score: float) -> Detection:
    return Detection("person" if label == "person" else "object", label, np.array(box, np.float32), score)


def test_what_a_detector_sees_is_shown_once_and_never_twice():
    frames = [
        [_seen("person", (0, 0, 20, 80), 0.9), _seen("ball", (50, 50, 60, 60), 0.6), _seen("car", (5, 5, 30, 30), 0.2)],
        [_seen("ball", (52, 50, 62, 60), 0.8), _seen("ball", (90, 50, 99, 60), 0.5)],
    ]
    found = detected_prompts(frames, ())
    assert [(prompt.name, prompt.frame) for prompt in found] == [("ball_1", 1), ("ball_2", 1)]
    known = (Prompt("my ball", "object", 1, (51.0, 49.0, 63.0, 61.0), (), "toy"),)
    assert [prompt.box[0] for prompt in detected_prompts(frames, known)] == [90.0]
    assert detected_prompts(frames, (Prompt("b", "object", 0, (1.0, 1.0, 5.0, 5.0), (), "ball"),)) == ()
    assert detected_prompts([], ()) == ()


def test_masks_that_overlap_are_told_apart_in_favour_of_the_smaller():
    masks = np.zeros((2, 1, 20, 20), np.uint8)
    masks[0, 0, :, :15], masks[1, 0, 5:10, 10:20] = 255, 255
    apart = disjoint(masks)
    assert not ((apart[0] > 0) & (apart[1] > 0)).any()
    assert np.array_equal(apart[1], masks[1]) and ((apart.max(axis=0) > 0) == (masks.max(axis=0) > 0)).all()
