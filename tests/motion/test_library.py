"""The bundled motions, and which one a prompt gets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revision_blender.motion.bodies.soles import sole_points
from revision_blender.motion.errors import ClipError
from revision_blender.motion.library import LIBRARY, Motion, match_prompt, motion_for_prompt, motions, stem, with_strength
from tests.motion.motion_samples import mean_body

ALL = motions()


def _soles(motion: Motion) -> np.ndarray:
    return sole_points(mean_body(), motion.rotations, motion.translation)


def test_everything_promised_is_there_and_small() -> None:
    assert {"walk", "run", "jump", "kick", "wave", "turn", "throw"} <= {motion.words[0] for motion in ALL}
    assert LIBRARY.stat().st_size < 2**20
    assert "NSF EIA-0196217" in LIBRARY.with_suffix(".CREDITS.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("motion", ALL, ids=lambda motion: motion.name)
def test_each_starts_over_the_origin_facing_ahead_on_the_floor(motion: Motion) -> None:
    assert motion.fps == 30.0 and 1.5 <= motion.seconds <= 6.5
    np.testing.assert_allclose(motion.pelvis[0, [0, 2]], 0.0, atol=1e-5)
    ahead = motion.rotations[:6, 0, :, 2].mean(axis=0)
    assert abs(np.arctan2(ahead[0], ahead[2])) < 1e-3
    lowest = _soles(motion)[..., 1].min(axis=(1, 2))
    assert abs(np.percentile(lowest, 15.0)) < 0.02 and lowest.min() > -0.03


@pytest.mark.parametrize("motion", ALL, ids=lambda motion: motion.name)
def test_each_is_made_of_rotations_without_leaps(motion: Motion) -> None:
    product = motion.rotations @ np.swapaxes(motion.rotations, -1, -2)
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), product.shape), atol=1e-9)
    assert np.abs(np.diff(motion.pelvis, axis=0)).max() < 0.25  # 7.5 m/s at 30 frames a second


@pytest.mark.parametrize("motion", [m for m in ALL if m.words[0] == "walk"], ids=lambda motion: motion.name)
def test_a_walking_foot_stays_where_it_stands(motion: Motion) -> None:
    soles = _soles(motion).reshape(motion.n_frames, 6, 3)
    steps = np.linalg.norm(np.diff(soles[..., [0, 2]], axis=0), axis=-1)
    low = (soles[1:, :, 1] < 0.04) & (soles[:-1, :, 1] < 0.04)
    slowest = np.where(low, steps, np.inf).min(axis=1)
    assert np.median(slowest) < 0.004


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("a woman walking through a park", "walk"),
        ("She jogs along the beach", "run"),
        ("He is jumping for joy", "jump"),
        ("a player kicked the ball", "kick"),
        ("waves at the camera", "wave"),
        ("turning around slowly", "turn"),
        ("THROWS!!! a stone", "throw"),
        ("running", "run"),
        ("a child hops on one leg", "hop"),
    ],
)
def test_words_find_their_motion(prompt: str, name: str) -> None:
    match = match_prompt(prompt, 1)
    assert match.motion.words[0] == name
    assert name in match.reason


@pytest.mark.parametrize("prompt", ["", "an empty street", "???", "гуляет"])
def test_without_a_known_word_it_walks_and_says_so(prompt: str) -> None:
    match = match_prompt(prompt, 7)
    assert match.motion.words[0] == "walk"
    assert "No bundled motion is named" in match.reason and "kick" in match.reason


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60), st.floats(0.0, 1.0), st.integers(0, 2**63 - 1))
def test_any_prompt_gets_the_same_motion_each_time(prompt: str, strength: float, seed: int) -> None:
    first, second = (motion_for_prompt(prompt, strength, seed) for _ in range(2))
    assert first.name == second.name and first.fps == second.fps
    assert 15.0 < first.fps < 45.0


def test_seeds_choose_among_equals() -> None:
    assert len({match_prompt("kick", seed).motion.name for seed in range(6)}) > 1


def test_strength_changes_the_pace_and_leaves_the_recording_alone() -> None:
    walk = ALL[0]
    assert with_strength(walk, 0.7).fps == walk.fps
    assert with_strength(walk, 0.1).fps < walk.fps < with_strength(walk, 1.0).fps
    assert motion_for_prompt("walk slowly", 0.7, 0).fps < motion_for_prompt("walk", 0.7, 0).fps < motion_for_prompt("walk fast", 0.7, 0).fps
    with pytest.raises(ClipError, match=r"strength is 1\.5"):
        with_strength(walk, 1.5)


@pytest.mark.parametrize(
    ("word", "same"),
    [("kicking", "kick"), ("waved", "wave"), ("running", "run"), ("jumps", "jump"), ("tossing", "toss"), ("throwing", "throw")],
)
def test_endings_do_not_matter(word: str, same: str) -> None:
    assert stem(word) == stem(same)
