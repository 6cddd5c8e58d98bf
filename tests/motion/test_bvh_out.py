"""BVH files as we write them are read back as they were, by our own reader and by the plain rules of the format."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revision_blender.motion.axes import T_blender_world
from revision_blender.motion.bodies.body_model import identity_of, joints_of
from revision_blender.motion.bodies.body_size import size_of
from revision_blender.motion.bodies.shape_presets import shape_presets
from revision_blender.motion.clip import BodyTrack, Clip
from revision_blender.motion.errors import MotionFileError
from revision_blender.motion.files.bvh import read_bvh, world_motion
from revision_blender.motion.files.bvh_in import read
from revision_blender.motion.files.bvh_out import R_BVH_BLENDER, angles_zxy, write_bvh
from revision_blender.motion.files.framing import floor, framing_camera
from revision_blender.motion.files.motion_file import ReadOptions
from revision_blender.motion.rotation import angle_between, matrix_from_axis_angle
from revision_blender.motion.skeletons import skeleton_of
from tests.motion.captures import SHELF, body

BODIES = ("open_human", "open_human_x", "open_quadruped")


def clip_of(model: str, up: str = "y", frames: int = 12, seed: int = 0, betas: bool = True, fps: float = 30.0) -> Clip:
    identity = body(model)
    rng = np.random.default_rng(seed)
    skeleton = skeleton_of(identity.model.family)
    rotations = matrix_from_axis_angle(rng.normal(size=(frames, skeleton.n_joints, 3)))
    translation = rng.normal(size=(frames, 3)) * 2.0
    shape = rng.normal(size=10) if betas else np.zeros(10)
    track = BodyTrack("anna", skeleton.family, model, shape, rotations, translation, np.ones(rotations.shape[:2]))
    return Clip(fps, framing_camera(up, translation, frames), floor(up), (track,))  # type: ignore[arg-type]


def in_blender(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """Rotations and joints in Blender's world."""
    track = clip.bodies[0]
    T = T_blender_world(clip)
    rotations = np.array(track.rotations)
    rotations[:, 0] = T[:3, :3] @ rotations[:, 0]
    joints = joints_of(identity_of(SHELF.load(track.model), track.betas), track.rotations, track.translation)
    return rotations, joints @ T[:3, :3].T + T[:3, 3]


@pytest.mark.parametrize("model", BODIES)
@pytest.mark.parametrize("up", ["y", "z"])
@pytest.mark.parametrize("centimetres", [False, True])
def test_what_is_written_is_read(tmp_path: Path, model: str, up: str, centimetres: bool) -> None:
    clip = clip_of(model, up)
    assert write_bvh(tmp_path / "a.bvh", clip, "anna", SHELF, centimetres=centimetres) == ()
    found = read(tmp_path / "a.bvh", SHELF, ReadOptions()).clip
    assert found.fps == clip.fps
    track = found.bodies[0]
    assert (track.model, track.family) == (model, clip.bodies[0].family)
    (rotations, joints), (rotations_read, joints_read) = in_blender(clip), in_blender(found)
    assert angle_between(rotations, rotations_read).max() < 1e-8  # the bar is 1e-4
    assert np.abs(joints - joints_read).max() < 1e-5


@pytest.mark.parametrize("animal", ["horse", "cat"])
def test_an_animal_comes_back_as_large_as_it_was(tmp_path: Path, animal: str) -> None:
    clip = clip_of("open_quadruped")
    sized = replace(clip.bodies[0], betas=shape_presets(SHELF, "open_quadruped")[animal])
    write_bvh(tmp_path / "a.bvh", clip.with_tracks((sized,)), "anna", SHELF)
    track = read(tmp_path / "a.bvh", SHELF, ReadOptions()).clip.bodies[0]
    assert track.model == "open_quadruped"
    model = SHELF.load("open_quadruped")
    assert np.isclose(size_of(model, track.betas), size_of(model, sized.betas), rtol=0.02)
    assert np.abs(in_blender(clip.with_tracks((sized,)))[1] - in_blender(clip.with_tracks((track,)))[1]).max() < 1e-5


def test_a_mean_body_keeps_its_numbers(tmp_path: Path) -> None:
    clip = clip_of("open_human", betas=False)
    write_bvh(tmp_path / "a.bvh", clip, "anna", SHELF)
    track = read(tmp_path / "a.bvh", SHELF, ReadOptions()).clip.bodies[0]
    np.testing.assert_array_equal(track.betas, 0.0)
    np.testing.assert_allclose(track.translation, clip.bodies[0].translation, atol=1e-7)


def test_by_the_plain_rules_of_the_format(tmp_path: Path) -> None:
    clip = clip_of("open_human", "z")
    write_bvh(tmp_path / "a.bvh", clip, "anna", SHELF)
    bvh = read_bvh(tmp_path / "a.bvh")
    _, places = world_motion(bvh)
    index = [bvh.names.index(name) for name in skeleton_of("smpl").names]
    np.testing.assert_allclose(places[:, index], in_blender(clip)[1] @ R_BVH_BLENDER.T, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.floats(-3.2, 3.2), st.floats(-3.2, 3.2), st.sampled_from([0.0, 1e-12, 1e-9, 1e-7, 1e-5, 1e-3, 0.3]), st.sampled_from([-1.0, 1.0]))
def test_angles_are_exact_at_their_pole(z: float, y: float, off: float, sign: float) -> None:
    def about(axis: int, angle: float) -> np.ndarray:
        return matrix_from_axis_angle(np.eye(3)[axis] * angle)

    rotation = about(2, z) @ about(0, sign * (np.pi / 2.0 - off)) @ about(1, y)
    angles = np.radians(np.round(np.degrees(angles_zxy(rotation)), 9))
    made = about(2, angles[0]) @ about(0, angles[1]) @ about(1, angles[2])
    assert angle_between(rotation, made) < 1e-7


def test_curves_go_on_without_leaps(tmp_path: Path) -> None:
    clip = clip_of("open_human", frames=60)
    turn = np.linspace(0.0, 6.0 * np.pi, 60)
    rotations = np.tile(np.eye(3), (60, 24, 1, 1))
    rotations[:, 0] = matrix_from_axis_angle(turn[:, None] * [0.0, 1.0, 0.0])
    track = clip.bodies[0]
    spun = BodyTrack("anna", "smpl", "open_human", track.betas, rotations, track.translation, track.confidence)
    write_bvh(tmp_path / "a.bvh", clip.with_tracks((spun,)), "anna", SHELF)
    values = read_bvh(tmp_path / "a.bvh").values
    assert np.abs(np.diff(values[:, 3:], axis=0)).max() < 30.0


def test_what_the_format_cannot_hold_is_said(tmp_path: Path) -> None:
    clip = clip_of("open_human")
    track = clip.bodies[0]
    doubtful = BodyTrack("anna", "smpl", "open_human", track.betas, track.rotations, track.translation, 0.5 * track.confidence)
    notes = write_bvh(tmp_path / "a.bvh", clip.with_tracks((doubtful, BodyTrack("ben", *_rest_of(track)))), "anna", SHELF)
    assert len(notes) == 2 and "ben" not in " ".join(notes)
    with pytest.raises(MotionFileError, match="no body called 'eve'"):
        write_bvh(tmp_path / "a.bvh", clip, "eve", SHELF)
    with pytest.raises(MotionFileError, match="cannot be written"):
        write_bvh(tmp_path / "no folder" / "a.bvh", clip, "anna", SHELF)


def _rest_of(track: BodyTrack) -> tuple:
    return track.family, track.model, track.betas, track.rotations, track.translation, track.confidence


def test_a_body_that_is_not_installed_lends_no_lengths(tmp_path: Path) -> None:
    clip = clip_of("open_human")
    track = clip.bodies[0]
    other = BodyTrack("anna", "smpl", "smpl_neutral", *_rest_of(track)[2:])
    notes = write_bvh(tmp_path / "a.bvh", clip.with_tracks((other,)), "anna", SHELF)
    assert any("smpl_neutral is not installed" in note for note in notes)
    found = read(tmp_path / "a.bvh", SHELF, ReadOptions()).clip.bodies[0]
    assert angle_between(found.rotations[:, 1:], track.rotations[:, 1:]).max() < 1e-8


def test_several_roots_are_several_people(tmp_path: Path) -> None:
    clip = clip_of("open_human", frames=2)
    write_bvh(tmp_path / "a.bvh", clip, "anna", SHELF)
    hierarchy, motion = (tmp_path / "a.bvh").read_text().split("MOTION\n")
    tree = hierarchy.removeprefix("HIERARCHY\n")
    head, rows = motion.split("\n")[:2], motion.split("\n")[2:4]
    (tmp_path / "two.bvh").write_text("HIERARCHY\n" + tree + tree + "MOTION\n" + "\n".join([*head, *(f"{row} {row}" for row in rows)]))
    found = read(tmp_path / "two.bvh", SHELF, ReadOptions())
    assert [track.track_id for track in found.clip.bodies] == ["person_1", "person_2"]
    one = read(tmp_path / "two.bvh", SHELF, ReadOptions(people=("person_2",))).clip
    assert [track.track_id for track in one.bodies] == ["person_2"]
