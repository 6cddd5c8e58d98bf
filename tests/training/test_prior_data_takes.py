"""Takes on their way into training: files of them, other forms of them, loops, leaps, the split, and what is read from folders."""

import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.errors import InputError
from backend.prior.state.take import KINDS, Kind, Take
from backend.training.prior.augmentation import mirrored, proportioned, stretched
from backend.training.prior.bundled import bundled_takes
from backend.training.prior.glitches import sound_parts, without_leaps
from backend.training.prior.held_out import HELD_OUT, held_out_takes
from backend.training.prior.limbs import LEGS, mirror_of
from backend.training.prior.loops import unrolled
from backend.training.prior.motions import group_of, read_targets, text_of
from backend.training.prior.noise import forward
from backend.training.prior.split import (
    KNOWN_ACTIVITIES,
    NEAREST,
    UNSEEN_ACTIVITIES,
    WINDOW,
    Parts,
    column_of,
    compared,
    parted,
    purged,
    windows_of,
)
from backend.training.prior.take_file import QUANTUM, read_takes, write_takes
from backend.training.prior.variation import cut
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.clip import BodyTrack
from revision_blender.motion.errors import MotionFileError
from revision_blender.motion.rotation import angle_between, matrix_from_axis_angle
from tests.motion.captures import MOCAP
from tests.training.take_samples import a_take, person


def places_of(take: Take) -> np.ndarray:
    return forward(take)[1]


@pytest.mark.parametrize("small", [False, True])
def test_takes_come_back_from_a_file(small: bool, tmp_path: Path) -> None:
    takes = [a_take(kind) for kind in KINDS] + [person("walking_51", 41)]
    write_takes(takes, tmp_path / "takes.npz", small)
    back = {take.name: take for take in read_takes(tmp_path / "takes.npz")}
    assert len(back) == 4
    for take in takes:
        read = back[take.name]
        assert (read.kind, read.fps, read.group, read.text, read.n_frames) == (take.kind, take.fps, take.group, take.text, take.n_frames)
        assert angle_between(read.rotations, take.rotations).max() < (2.0 * QUANTUM if small else 2e-6)
        assert np.abs(read.root - take.root).max() < 1e-6 and np.abs(read.offsets - take.offsets).max() < 1e-7
        assert (read.points is None) == (take.points is None)


def test_a_damaged_file_of_takes_is_told_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "takes.npz"
    write_takes([a_take("human")], path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MotionFileError, match=r"takes\.npz"):
        read_takes(path)
    with pytest.raises(MotionFileError):
        read_takes(tmp_path / "none.npz")


@pytest.mark.parametrize("kind", KINDS)
def test_a_mirror_image_moves_as_one(kind: Kind) -> None:
    take = a_take(kind)
    image = mirrored(take)
    flip = np.array([-1.0, 1.0, 1.0])
    assert np.allclose(places_of(image)[:, mirror_of(kind)], places_of(take) * flip, atol=1e-5)
    assert np.linalg.det(image.rotations).min() > 0.99
    again = mirrored(image)
    assert np.allclose(again.rotations, take.rotations, atol=1e-6) and np.allclose(again.root, take.root)
    if take.points is not None:
        assert image.points is not None and again.points is not None
        assert np.allclose(image.points, take.points, atol=1e-6)  # a ball is its own, with the same order of points
        assert np.allclose(again.points, take.points, atol=1e-6)


def test_another_pace_is_the_same_motion() -> None:
    take = person("walking_51", 40)
    slow = stretched(take, 79)
    assert np.allclose(slow.rotations[::2], take.rotations, atol=1e-9) and np.allclose(slow.root[::2], take.root)
    rough = np.linalg.norm(np.diff(places_of(slow), n=3, axis=0), axis=-1).mean()
    line = np.repeat(places_of(take), 2, axis=0)[:-1]
    line[1::2] = 0.5 * (places_of(take)[1:] + places_of(take)[:-1])
    assert rough < 0.75 * np.linalg.norm(np.diff(line, n=3, axis=0), axis=-1).mean()  # no corners at the frames
    assert stretched(take, 40) is take


@given(seed=st.integers(0, 999))
@settings(max_examples=20, deadline=None)
def test_another_build_keeps_standing_feet_standing(seed: int) -> None:
    take = person("walking_51")
    other = proportioned(take, np.random.default_rng(seed), 0.05)
    legs = [joint for leg in LEGS["human"] for joint in leg]
    before, after = places_of(take), places_of(other)
    factor = other.root[5, 1] / take.root[5, 1]
    assert np.allclose(after[:, legs], factor * before[:, legs], atol=1e-9)
    lengths = np.linalg.norm(other.offsets[1:], axis=-1) / np.linalg.norm(take.offsets[1:], axis=-1)
    left, right = [1, 4, 7, 10, 13, 16, 18, 20], [2, 5, 8, 11, 14, 17, 19, 21]
    assert np.allclose(lengths[np.array(left) - 1], lengths[np.array(right) - 1]) and np.ptp(lengths) > 1e-3


def test_a_loop_goes_on_from_where_it_ended() -> None:
    turn = matrix_from_axis_angle(np.linspace(0.0, 0.5, 25)[:, None] * [0.0, 1.0, 0.0])  # a circle, 0.5 rad each time
    swing = matrix_from_axis_angle(0.4 * np.sin(np.linspace(0.0, 2.0 * np.pi, 25))[:, None] * [1.0, 0.0, 0.0])
    rotations = np.tile(np.eye(3), (25, 24, 1, 1))
    rotations[:, 0], rotations[:, 1] = turn, swing
    steps = turn[:-1] @ np.array([0.0, 0.0, 0.05])
    places = np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])
    root = np.array([0.0, 0.9, 0.0])
    track = BodyTrack("p", "smpl", "open_human", np.zeros(10), rotations, places - root, np.ones((25, 24)))
    longer = unrolled(track, root, 30.0, 4.0)
    assert longer.n_frames == 24 * 5 + 1
    step = np.linalg.norm(np.diff(longer.translation, axis=0), axis=-1)
    assert np.allclose(step, 0.05) and angle_between(longer.rotations[1:], longer.rotations[:-1]).max() < 0.15
    assert np.allclose(longer.rotations[24:48, 1], rotations[:-1, 1], atol=1e-9)
    assert unrolled(track, root, 30.0, 1.5) is track


def test_leaps_are_taken_out_and_fast_motion_is_not() -> None:
    take = person("walking_51", 90)
    rotations = take.rotations.copy()
    rotations[40:42, 16] = rotations[40:42, 16] @ matrix_from_axis_angle(np.array([2.5, 0.0, 0.0]))
    healed = without_leaps(rotations, 30.0)
    assert angle_between(healed[:, 16], take.rotations[:, 16]).max() < np.radians(15.0)
    assert np.array_equal(np.delete(healed, 16, axis=1), np.delete(rotations, 16, axis=1))
    assert np.array_equal(without_leaps(take.rotations, 30.0), take.rotations)
    assert sound_parts(take.rotations, 30.0) == [slice(0, 90)]
    rotations[50:, 0] = matrix_from_axis_angle(np.array([0.0, 3.0, 0.0])) @ rotations[50:, 0]
    assert sound_parts(rotations, 30.0) == [slice(0, 40), slice(59, 90)]


def test_names_say_groups_and_words() -> None:
    assert {group_of(f"walking_{number}") for number in range(13, 18)} == {"walking_13"}
    assert group_of("walking_18") == "walking_18" and group_of("walking_34") == "walking_27" and group_of("walking_47") == "walking_35"
    assert group_of("basketball_signal_2") == "basketball_signal_1" and group_of("basketball_signal_4") == "basketball_signal_3"
    assert group_of("walking_1") == group_of("02_01") == "02_01"
    words = {"walking_15": "walking", "basketball_signal_1": "basketball signal", "humanoid3d_dance_a": "dance", "dog3d_trot": "trot"}
    words |= {"humanoid3d_getup_facedown": "get up face down", "humanoid3d_long_walk1": "long walk", "02_09": "swordplay"}
    assert {name: text_of(name) for name in words} == words


def test_an_empty_folder_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name a folder of motion files"):
        read_targets([tmp_path], BodyShelf(None))
    with pytest.raises(InputError, match="there is no folder"):
        read_targets([tmp_path / "none"], BodyShelf(None))


def brute(windows: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """The smallest mean distance of each window to any of the others, metres."""
    return torch.stack([torch.linalg.vector_norm(one - others, dim=-1).mean(dim=(1, 2)).min() for one in windows])


def test_near_windows_are_found_like_one_by_one() -> None:
    take, other = person("basketball_signal_5", 90), person("walking_51", 80)
    noisy = replace(take, root=take.root + 0.024 * np.sin(np.arange(90) / 7.0)[:, None])
    judges = torch.cat([windows_of(take), windows_of(other)])
    for tried in (noisy, other, mirrored(take)):
        windows = windows_of(tried)
        assert torch.equal(compared(judges, "human").near(windows, "human"), brute(windows, judges) < NEAREST)
    assert 0 < (brute(windows_of(noisy), judges) < NEAREST).sum() < 61


def test_what_was_seen_before_is_purged_wherever_it_stands() -> None:
    take = person("basketball_signal_5", 120)
    R_turn = matrix_from_axis_angle(np.array([0.0, 2.0, 0.0]))
    rotations = take.rotations.copy()
    rotations[:, 0] = R_turn @ rotations[:, 0]
    elsewhere = replace(take, rotations=rotations, root=take.root @ R_turn.T + [3.0, 0.0, 1.0])
    unlike = person("walking_51", 100)
    assert purged([elsewhere, mirrored(elsewhere)], [take]) == []
    assert [piece.n_frames for piece in purged([unlike], [take])] == [100]
    joined = replace(
        unlike, rotations=np.concatenate([unlike.rotations, rotations[:60]]), root=np.concatenate([unlike.root, elsewhere.root[:60]])
    )
    (piece,) = purged([joined], [take])
    assert 100 <= piece.n_frames < 100 + WINDOW


def check_parts(parts: Parts) -> None:
    """Nothing that is learned from belongs to a held-out group or has a window near to one that judges, or to its mirror image."""
    judges = [take for take in (*parts.a, *parts.b) if take.kind == "human"]
    held_out = compared(torch.cat([windows_of(take) for take in [*judges, *map(mirrored, judges)]]), "human")
    assert {take.group for take in parts.train}.isdisjoint(take.group for take in judges)
    learned = [take for take in parts.train if take.kind == "human"]
    assert not any(held_out.near(windows_of(take), "human").any() for take in learned)
    assert len(held_out.places) > 1000 and sum(take.n_frames for take in learned) > 5000


def test_the_bundled_motions_are_split_cleanly() -> None:
    a, b = held_out_takes()
    bank = [take for take in bundled_takes() if column_of(take.group) == "train"]
    check_parts(parted([*bank, *a, *b]))


def test_the_motions_that_judge_come_along() -> None:
    a, b = held_out_takes()
    assert HELD_OUT.stat().st_size < 2**20 and HELD_OUT.with_suffix(".CREDITS.txt").exists()
    assert {take.group for take in a} == KNOWN_ACTIVITIES and {take.group for take in b} == UNSEEN_ACTIVITIES
    for take in (*a, *b):
        places = places_of(take)
        assert take.n_frames >= 39 and take.text and take.fps == 30.0
        lowest = places[:, [7, 8, 10, 11], 1].min(axis=1)
        assert 0.0 < np.percentile(lowest, 30) < 0.1 and places[..., 1].min() > -0.1  # it stands on the floor, most of the time
        still = cut(take, slice(0, 1))
        assert np.linalg.norm(places - places_of(still), axis=-1).max() > 0.3  # it moves


@pytest.fixture(scope="module")
def mocap(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folders = []
    for name in ("cmu_bvh", "cmu_amc_02", "deepmimic"):
        if not (MOCAP / f"{name}.tar.xz").exists():
            pytest.skip(f"the captures are not here: {MOCAP / name}.tar.xz")
        folder = tmp_path_factory.mktemp(name)
        with tarfile.open(MOCAP / f"{name}.tar.xz") as opened:
            opened.extractall(folder, filter="data")
        folders += [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    return folders


def test_targets_are_physical_and_little_changed_and_nothing_held_out_is_learned(mocap: list[Path]) -> None:
    read = read_targets(mocap, BodyShelf(None))
    people = [change for change in read.changes if np.isfinite(change.joints)]
    assert len(people) > 90 and "walking_1" not in {take.name for take in read.takes}
    assert max(change.joints for change in people) <= 15.0 and np.mean([change.joints for change in people]) < 8.0
    slid = [(change.sliding_before, change.sliding) for change in people if np.isfinite(change.sliding)]
    before, after = np.mean(slid, axis=0)
    assert after < 1.2 and after < 0.3 * before
    assert np.mean([change.sinking for change in people]) < 2.5
    fastest = max(angle_between(take.rotations[1:, 0], take.rotations[:-1, 0]).max() * 30.0 for take in read.takes if take.kind == "human")
    assert fastest < 16.0
    check_parts(parted(read.takes))
