"""What is said where little or nothing is seen, and that nothing breaks there."""

from dataclasses import replace

import numpy as np
import pytest

from backend.errors import InputError
from backend.lifting.providers.registry import Choices
from backend.lifting.world.cuts import shots_of
from backend.lifting.world.lifted import LiftedShot
from backend.lifting.world.nothing import nothing_found, said_of_shots
from backend.lifting.world.people_step import agreed
from backend.lifting.world.shot import ordered
from backend.lifting.world.wish import Wish
from backend.lifting.world.working import checked_prompts, scaled_prompts, working_size
from backend.progress import silent
from revision_blender.motion.clip import Clip
from revision_blender.motion.subjects import Click, Prompt
from tests.lifting.scene_cases import FLOOR, body, camera_of, card, seen_masks, shot_of

SHOWN = Prompt("ball", "object", 0, (1.0, 2.0, 30.0, 40.0))


def _wish(*prompts: Prompt, people: bool = True) -> Wish:
    return Wish(12.0, 150.0, prompts, people, 8, Choices({}, ()))


def _shot(seen: list[bool], name: str = "person_1") -> LiftedShot:
    """Somebody who is seen on some frames only."""
    camera = camera_of(len(seen))
    tracks = (body(len(seen), name),)
    (mask,) = seen_masks(tracks, camera, (0,))
    mask[~np.array(seen)] = 0
    return shot_of(tracks, [mask], camera)


def _empty(frames: int) -> LiftedShot:
    return replace(_shot([True] * frames), tracks=(), ground_confidence=0.0)


@pytest.mark.parametrize(
    ("shots", "words"),
    [
        ([_empty(1)], "No person was found in the picture"),
        ([_empty(6)], "any of the 6 frames"),
        ([_empty(3), _empty(2)], "any of the 5 frames"),
        ([_shot([True] + [False] * 5)], "found in 1 of 6 frames only"),
    ],
)
def test_too_little_is_refused_in_one_sentence(shots, words):
    with pytest.raises(InputError, match=words):
        nothing_found(shots, _wish())


def test_one_shot_with_somebody_is_enough_and_so_is_what_was_shown():
    nothing_found([_empty(9), _shot([True, True, False])], _wish())
    nothing_found([_shot([True] + [False] * 5, "ball")], _wish(SHOWN))
    with pytest.raises(InputError, match="Nothing of what is shown"):
        nothing_found([_empty(4)], _wish(SHOWN))


def test_a_subject_that_is_hidden_on_all_frames_is_kept_and_said():
    camera = camera_of(4)
    tracks = (body(4), card("wall", np.tile([0.0, 0.0, 1.5], (4, 1)), 6.0))
    masks = seen_masks(tracks, camera, (1, 0))
    assert not masks[0].any()
    shot = shot_of(tracks, masks, camera)
    measured = ordered(shot, frozenset(), silent())
    assert measured.figures["person_1/frames_seen"] == 0.0 and np.isnan(measured.figures["person_1/silhouette_iou"])
    assert measured.figures["person_1/confidence"] == 0.0 and measured.figures["wall/silhouette_iou"] == 1.0
    wish = _wish(SHOWN)
    said_of_shots([measured.shot], [slice(0, 4)], wish)
    assert any("person_1 is hidden by others on all frames" in note for note in wish.choices.notes)
    hidden = replace(shot.tracks[0], track=replace(shot.tracks[0].track, track_id="person_2"))
    assert len(agreed([shot.tracks[0], hidden], camera, 12.0)) == 2


def test_cuts_empty_shots_and_guessed_floors_are_said_once():
    wish = _wish()
    shots = [_shot([True, True, True]), _empty(2), replace(_shot([True, False, False, False]), ground_confidence=0.0)]
    said_of_shots(shots, shots_of([0, 3, 5], 9), wish)
    said_of_shots(shots, shots_of([0, 3, 5], 9), wish)
    notes = wish.choices.notes
    assert len(notes) == len(set(notes)) == 4
    assert "2 cuts, at frame 4, 6" in notes[0] and "Shot 2 (frames 4 to 5) shows nothing" in notes[1]
    assert "guessed" in notes[2] and "seen on 1 of 4 frames" in notes[3]


def test_a_wish_for_one_shot_holds_its_own_prompts_counted_from_its_first_frame():
    wish = _wish(SHOWN, replace(SHOWN, frame=4), replace(SHOWN, frame=6, name="box"))
    assert [(prompt.name, prompt.frame) for prompt in wish.within(slice(3, 7)).prompts] == [("ball", 1), ("box", 3)]


def test_working_size_there_and_back():
    frames = np.random.default_rng(0).integers(0, 255, (2, 1440, 2560, 3), dtype=np.uint8)
    working = working_size(frames)
    assert working.frames.shape == (2, 720, 1280, 3) and working.scale == 0.5
    prompt = Prompt("dog", "animal", 0, (100.0, 200.0, 300.0, 400.0), (Click(150.0, 250.0, "nose"),))
    (small,) = working.smaller((prompt,))
    assert small.box == (50.0, 100.0, 150.0, 200.0) and (small.clicks[0].x, small.clicks[0].y, small.clicks[0].part) == (
        75.0,
        125.0,
        "nose",
    )
    assert scaled_prompts((small,), 2.0) == (prompt,)
    masks = np.zeros((2, 720, 1280), np.uint8)
    masks[:, 100:200, 300:500] = 3
    large = working.larger_masks(masks)
    assert large.shape == (2, 1440, 2560) and set(np.unique(large)) == {0, 3} and (large > 0).sum() == 4 * (masks > 0).sum()
    camera = replace(camera_of(2), width=1280, height=720, center=np.array([640.0, 360.0]))
    clip = working.larger(Clip(12.0, camera, FLOOR, ()))
    assert (clip.camera.width, clip.camera.focal) == (2560, 300.0)
    tiny = working_size(frames[:, :64, :64])
    assert tiny.frames.base is frames or np.shares_memory(tiny.frames, frames)
    assert tiny.larger_masks(masks) is masks and tiny.smaller((prompt,)) == (prompt,)


def test_prompts_of_two_kinds_under_one_name_are_refused():
    with pytest.raises(InputError, match="both object and animal"):
        checked_prompts((SHOWN, replace(SHOWN, kind="animal")), 3, 160, 120)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (replace(SHOWN, box=(-1000.0, -1000.0, 0.001, 0.001)), "holds 0.0 x 0.0 pixels"),
        (replace(SHOWN, box=(5.0, 5.0, 5.0001, 60.0)), "too few to see"),
        (replace(SHOWN, box=(-9.0, 5.0, 0.0, 60.0)), "outside the picture"),
        (replace(SHOWN, box=None, clicks=(Click(4.0, 4.0, "off"), Click(9.0, 9.0, "off"))), "only say what it is not"),
    ],
)
def test_what_is_shown_without_showing_anything_is_refused(prompt, words):
    with pytest.raises(InputError, match=words):
        checked_prompts((prompt,), 3, 160, 120)
    correction = replace(SHOWN, frame=2, box=None, clicks=(Click(4.0, 4.0, "off"),))
    assert checked_prompts((SHOWN, correction), 3, 160, 120) == (SHOWN, correction)
