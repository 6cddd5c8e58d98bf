"""AMASS in all its spellings comes in as it is, goes out, and comes back the same."""

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revision_blender.motion.axes import T_blender_world
from revision_blender.motion.bodies.body_model import identity_of, joints_of, open_human
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import BodyTrack, Clip
from revision_blender.motion.errors import MotionFileError
from revision_blender.motion.files.amass_out import write_amass
from revision_blender.motion.files.framing import floor, framing_camera, only_frames
from revision_blender.motion.files.motion_file import ReadOptions
from revision_blender.motion.files.reading import describe, read_motion
from revision_blender.motion.rotation import angle_between, matrix_from_axis_angle
from revision_blender.motion.skeletons import skeleton_of
from tests.motion.files_samples import NO_BODIES, camera_way, npz, smplh_members, some_poses, stageii_members, walk, z_up

relaxed = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
FAMILIES = {"smpl": 24, "smplh": 52, "smplx": 55, "smal": 35}


def read(path: Path, **options):
    found = read_motion(path, NO_BODIES, ReadOptions(**options))
    agrees_with_summary(path, found)
    return found


def agrees_with_summary(path: Path, found) -> None:
    said = describe(path)
    body = found.clip.bodies[0]
    assert said.format == found.format and said.n_frames == found.clip.n_frames and said.camera_given == found.camera_given
    assert said.fps in (None, found.clip.fps) and said.family == body.family
    assert [person.track_id for person in said.people] == [track.track_id for track in found.clip.bodies]


def test_the_first_release(tmp_path):
    members = smplh_members()
    found = read(npz(tmp_path / "a.npz", members))
    body = found.clip.bodies[0]
    assert (body.family, body.model, found.clip.fps) == ("smplh", "smplh_male", 120.0)
    assert np.array_equal(body.rotations, matrix_from_axis_angle(members["poses"].reshape(6, 52, 3)))
    assert np.array_equal(body.translation, members["trans"]) and np.array_equal(body.betas, members["betas"])
    assert np.array_equal(found.clip.ground.normal, [0.0, 0.0, 1.0]) and not found.clip.ground.point.any()
    assert np.allclose(T_blender_world(found.clip), np.eye(4)), "AMASS stands in Blender's world as it is"
    assert not found.camera_given and any("dmpls" in note for note in found.notes)


def test_stage_ii_with_and_without_its_poses_in_one(tmp_path):
    whole = read(npz(tmp_path / "a.npz", stageii_members())).clip
    parts = read(npz(tmp_path / "b.npz", stageii_members(poses=None))).clip
    assert whole.bodies[0].model == "smplx_female" and whole.fps == 60.0
    assert np.array_equal(whole.bodies[0].rotations, parts.bodies[0].rotations)
    hands_only = read(npz(tmp_path / "c.npz", stageii_members(poses=None, pose_jaw=None, pose_eye=None))).clip
    assert hands_only.bodies[0].family == "smplh"
    assert np.array_equal(hands_only.bodies[0].rotations[:, 22:], whole.bodies[0].rotations[:, 25:])


def test_the_add_ons_file(tmp_path):
    F = 5
    poses = some_poses(F, 55).reshape(F, -1).astype(np.float32)
    members = {
        "trans": np.zeros((F, 3), np.float32), "gender": np.array("neutral"), "betas": np.zeros((F, 300), np.float32),
        "poses": poses, "mocap_frame_rate": np.array(30), "expressions": np.ones((F, 10), np.float16),
    }  # fmt: skip
    found = read(npz(tmp_path / "a.npz", members))
    body = found.clip.bodies[0]
    assert body.model == "smplx_neutral" and body.expression.shape == (F, 10) and body.betas.shape == (300,)
    assert np.array_equal(found.clip.ground.normal, [0.0, 1.0, 0.0]) and any("y is taken as up" in note for note in found.notes)
    assert np.array_equal(read(tmp_path / "a.npz", up="z").clip.ground.normal, [0.0, 0.0, 1.0])


@pytest.mark.parametrize("name", ["mocap_framerate", "mocap_frame_rate", "fps"])
@pytest.mark.parametrize("value", [np.array(59.99), np.array([59.99]), np.array(59.99, np.float32), np.array("59.99")])
def test_every_spelling_of_the_rate(tmp_path, name, value):
    members = {**smplh_members(mocap_framerate=None), name: value}
    assert read(npz(tmp_path / "a.npz", members)).clip.fps == pytest.approx(59.99, abs=1e-5)


def test_a_file_without_a_rate_says_so(tmp_path):
    path = npz(tmp_path / "a.npz", smplh_members(mocap_framerate=None))
    assert read(path).clip.fps == 30.0 and any("frame rate" in note for note in read(path).notes)
    assert read(path, fps=25.0).clip.fps == 25.0
    assert read(npz(tmp_path / "b.npz", smplh_members()), fps=25.0).clip.fps == 120.0, "what the file says counts"
    assert read(npz(tmp_path / "c.npz", smplh_members(mocap_framerate=np.array(None, dtype=object)))).clip.fps == 30.0


@pytest.mark.parametrize(
    ("gender", "model"),
    [
        (np.array("female"), "smplh_female"),
        (np.array(b"female"), "smplh_female"),
        (np.array(["Male"]), "smplh_male"),
        (np.array("other"), "smplh_neutral"),
        (np.array({"a": 1}, dtype=object), "smplh_neutral"),
        (None, "smplh_neutral"),
    ],
)
def test_gender_in_every_type(tmp_path, gender, model):
    assert read(npz(tmp_path / "a.npz", smplh_members(gender=gender))).clip.bodies[0].model == model


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_type_and_order_of_numbers(tmp_path, kind, order):
    members = smplh_members()
    stored = {**members, "poses": np.array(members["poses"], kind, order=order), "trans": np.array(members["trans"], kind, order=order)}
    body = read(npz(tmp_path / "a.npz", stored)).clip.bodies[0]
    assert np.array_equal(body.translation, stored["trans"].astype(np.float64))
    assert np.array_equal(body.rotations, matrix_from_axis_angle(stored["poses"].astype(np.float64).reshape(6, 52, 3)))


def test_a_shape_that_changes_is_averaged(tmp_path):
    rows = np.linspace(0.0, 1.0, 6)[:, None] * np.ones(10)
    found = read(npz(tmp_path / "a.npz", smplh_members(betas=rows)))
    assert np.allclose(found.clip.bodies[0].betas, 0.5) and any("shape changes" in note for note in found.notes)
    still = read(npz(tmp_path / "b.npz", smplh_members(betas=np.ones((6, 10)))))
    assert np.allclose(still.clip.bodies[0].betas, 1.0) and not any("shape changes" in note for note in still.notes)


@pytest.mark.parametrize(
    ("columns", "family", "joints"), [(66, "smplh", 52), (72, "smpl", 24), (156, "smplh", 52), (165, "smplx", 55), (105, "smal", 35)]
)
def test_the_family_follows_from_the_poses(tmp_path, columns, family, joints):
    members = smplh_members(poses=np.full((6, columns), 0.01))
    body = read(npz(tmp_path / "a.npz", members)).clip.bodies[0]
    assert body.family == family and body.rotations.shape == (6, joints, 3, 3)
    assert np.array_equal(body.rotations[:, 22:], np.tile(np.eye(3), (6, 30, 1, 1))) == (columns == 66)


def test_poses_may_have_a_dimension_for_joints(tmp_path):
    members = smplh_members()
    flat = read(npz(tmp_path / "a.npz", members)).clip.bodies[0]
    deep = read(npz(tmp_path / "b.npz", {**members, "poses": members["poses"].reshape(6, 52, 3)})).clip.bodies[0]
    assert np.array_equal(flat.rotations, deep.rotations)


REFUSED = {
    "no frames": ({"poses": np.zeros((0, 156)), "trans": np.zeros((0, 3))}, "no frames"),
    "no places": ({"trans": None}, "poses and trans are needed"),
    "no poses": ({"poses": None}, "no poses"),
    "other places": ({"trans": np.zeros((5, 3))}, r"trans has shape \(5, 3\)"),
    "flat places": ({"trans": np.zeros(18)}, "trans has shape"),
    "another skeleton": ({"poses": np.zeros((6, 99))}, "99 numbers a frame"),
    "parts of other lengths": (
        {"poses": None, "root_orient": np.zeros((6, 3)), "pose_body": np.zeros((12, 63))},
        r"pose_body has shape \(12, 63\)",
    ),
    "NaN": ({"poses": np.full((6, 156), np.nan)}, "not finite"),
    "infinite places": ({"trans": np.full((6, 3), np.inf)}, "not finite"),
    "absurd places": ({"trans": np.full((6, 3), 1e30)}, "above 100000"),
    "NaN betas": ({"betas": np.full(16, np.nan)}, "not finite"),
    "deep betas": ({"betas": np.zeros((2, 2, 2))}, "betas has shape"),
    "endless betas": ({"betas": np.zeros((1, 2000))}, "at most 1024"),
    "a flood of betas": ({"betas": np.zeros(5_000_000, np.uint8)}, "betas has shape"),
    "a flood of expressions": ({"expressions": np.zeros((6, 2000), np.uint8), "poses": np.zeros((6, 165))}, "expressions has shape"),
    "poses of objects": ({"poses": np.array([None] * 6, dtype=object)}, "poses has shape"),
    "poses of text": ({"poses": np.zeros((6, 156)).astype(str)}, "poses has shape"),
    "places of objects": ({"trans": np.full((6, 3), None, dtype=object)}, "trans has shape"),
    "a rate of nothing": ({"mocap_framerate": np.array(0.0)}, "rate mocap_framerate"),
    "a rate that is none": ({"mocap_framerate": np.array(np.nan)}, "rate mocap_framerate"),
    "a rate in words": ({"mocap_framerate": np.array("fast")}, "rate mocap_framerate"),
    "an empty rate": ({"mocap_framerate": np.zeros(0)}, "rate mocap_framerate"),
    "a million frames": ({"poses": np.zeros((1_000_000, 156), np.uint8), "trans": np.zeros((1_000_000, 3), np.uint8)}, "1000000 frames"),
    "a body model": ({"poses": None, "v_template": np.zeros((4, 3))}, "body model, not a motion"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_read_is_refused_with_a_sentence(tmp_path, what):
    changes, words = REFUSED[what]
    np.savez_compressed(tmp_path / "a.npz", **smplh_members(**changes))
    with pytest.raises(MotionFileError, match=words) as refused:
        read_motion(tmp_path / "a.npz", NO_BODIES)
    assert len(str(refused.value)) < 300 and str(refused.value).startswith("a.npz")


def declared(path: Path, shape: tuple[int, ...]) -> Path:
    """A small file whose poses say that they have this shape, and do not have the numbers."""
    npz(path, smplh_members(1))
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    members["poses.npy"] = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + bytes(1000)
    with zipfile.ZipFile(path, "w") as new:
        for name, content in members.items():
            new.writestr(name, content)
    return path


@pytest.mark.parametrize("shape", [(10**9, 156), (10**11, 156), (1, 10**11), (10**9, 52, 3), (2, 156)])
def test_frames_that_are_declared_and_not_there(tmp_path, shape):
    path = declared(tmp_path / "a.npz", shape)
    for look in (describe, lambda path: read_motion(path, NO_BODIES)):
        with pytest.raises(MotionFileError, match=r"frames of 52 joints|numbers a frame|trans has shape"):
            look(path)


def test_nobody_else_is_in_the_file(tmp_path):
    path = npz(tmp_path / "a.npz", smplh_members())
    with pytest.raises(MotionFileError, match="nobody called 'person 2'; choose from: person 1"):
        read(path, people=("person 2",))


def test_five_thousand_frames(tmp_path):
    found = read(npz(tmp_path / "a.npz", smplh_members(5000)))
    assert found.clip.n_frames == 5000 and np.isfinite(found.clip.bodies[0].rotations).all()


# --- out ---------------------------------------------------------------------------------------------------------------------


def clip_of(family: str, up: str = "z", n_frames: int = 5, camera: Camera | None = None, model: str | None = None) -> Clip:
    joints = FAMILIES[family]
    poses = some_poses(n_frames, joints, seed=3)
    places = walk(n_frames) if up == "z" else walk(n_frames)[:, [0, 2, 1]]
    track = BodyTrack(
        "anna", family, model or f"{family}_female", np.linspace(-1.0, 1.0, 10),
        matrix_from_axis_angle(z_up(poses) if up == "z" else poses), places, np.ones((n_frames, joints)),
        np.full((n_frames, 10), 0.5) if family == "smplx" else None,
    )  # fmt: skip
    return Clip(29.97, camera or framing_camera(up, places, n_frames), floor(up), (track,))


@pytest.mark.parametrize("family", FAMILIES)
def test_out_and_in_again(tmp_path, family):
    clip = clip_of(family)
    notes = write_amass(tmp_path / "a.npz", clip, "anna", NO_BODIES)
    back = read(tmp_path / "a.npz").clip
    before, after = clip.bodies[0], back.bodies[0]
    assert angle_between(before.rotations, after.rotations).max() < 1e-6 and np.array_equal(before.translation, after.translation)
    assert (after.family, after.model, back.fps) == (before.family, before.model, clip.fps)
    assert np.array_equal(after.betas, before.betas)
    assert (after.expression is None) == (before.expression is None)
    assert notes == ()


@relaxed
@given(st.sampled_from(sorted(FAMILIES)), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_any_rotation_goes_out_and_in_again(tmp_path, family, n_frames, seed):
    clip = clip_of(family, n_frames=n_frames)
    turns = matrix_from_axis_angle(np.random.default_rng(seed).uniform(-4.0, 4.0, (n_frames, FAMILIES[family], 3)))
    clip = clip.with_tracks((replace(clip.bodies[0], rotations=turns),))
    write_amass(tmp_path / "a.npz", clip, "anna", NO_BODIES)
    back = read_motion(tmp_path / "a.npz", NO_BODIES, ReadOptions(up="z")).clip.bodies[0]
    assert angle_between(turns, back.rotations).max() < 1e-6


@pytest.mark.parametrize("lifted", [False, True])
def test_another_world_is_turned_upright_about_the_root(tmp_path, lifted):
    """A body in a y-up or lifted world and the body read back have the same joints in Blender's world."""
    clip = clip_of("smpl", "y", camera=Camera(64, 48, 60.0, np.array([32.0, 24.0]), camera_way(5)) if lifted else None, model="open_human")
    notes = write_amass(tmp_path / "a.npz", clip, "anna", NO_BODIES)
    back = read(tmp_path / "a.npz").clip
    person = identity_of(open_human(), clip.bodies[0].betas)

    def joints(some: Clip) -> np.ndarray:
        T = T_blender_world(some)
        track = some.bodies[0]
        return joints_of(person, track.rotations, track.translation) @ T[:3, :3].T + T[:3, 3]

    assert np.abs(joints(clip) - joints(back)).max() < 1e-9
    assert any("camera" in note for note in notes) == lifted


def test_other_programs_find_what_they_look_for(tmp_path):
    write_amass(tmp_path / "a.npz", clip_of("smplx"), "anna", NO_BODIES)
    write_amass(tmp_path / "b.npz", clip_of("smpl"), "anna", NO_BODIES)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as found:
        assert str(found["gender"]) == "female" and float(found["mocap_frame_rate"]) == float(found["mocap_framerate"]) == 29.97
        assert found["poses"].shape == (5, 165) and found["betas"].ndim == 1 and str(found["surface_model_type"]) == "smplx"
        parts = [found[name] for name in ("root_orient", "pose_body", "pose_jaw", "pose_eye", "pose_hand")]
        assert np.array_equal(np.concatenate(parts, axis=1), found["poses"])
    with np.load(tmp_path / "b.npz", allow_pickle=False) as found:
        assert found["poses"].shape == (5, 156)


def test_what_cannot_be_written_is_said(tmp_path):
    clip = clip_of("smplh")
    with pytest.raises(MotionFileError, match="no body called 'bob'; choose from: anna"):
        write_amass(tmp_path / "a.npz", clip, "bob", NO_BODIES)
    with pytest.raises(MotionFileError, match="cannot be written"):
        write_amass(tmp_path / "nowhere" / "a.npz", clip, "anna", NO_BODIES)
    unsure = replace(clip.bodies[0], confidence=np.zeros((5, 52)))
    assert any("confidence" in note for note in write_amass(tmp_path / "a.npz", clip.with_tracks((unsure,)), "anna", NO_BODIES))


# --- framing -------------------------------------------------------------------------------------------------------------------


@relaxed
@given(st.sampled_from(["y", "z"]), st.integers(1, 5), st.integers(0, 2**32 - 1), st.sampled_from([None, (64, 480), (1920, 1080)]))
def test_a_framing_camera_sees_everything_and_is_square_to_the_world(up, n_frames, seed, size):
    places = np.random.default_rng(seed).normal(0.0, 5.0, (n_frames, 4, 3))
    camera = framing_camera(up, places, n_frames, size)
    pixels, depth = camera.project(places)
    assert (depth > 0.0).all() and (pixels > 0.0).all() and (pixels < [camera.width, camera.height]).all()
    assert np.abs(camera.T_world_camera[0] - np.eye(4)).max() > 0.5 and only_frames(camera)
    clip = Clip(30.0, camera, floor(up))
    turn = T_blender_world(clip)[:3, :3]
    assert np.array_equal(np.abs(turn), np.round(np.abs(turn))) and np.linalg.det(turn) == pytest.approx(1.0)
    assert not T_blender_world(clip)[:3, 3].any(), "the world keeps its origin"


def test_every_family_has_as_many_joints_as_said():
    assert {family: skeleton_of(family).n_joints for family in FAMILIES} == FAMILIES
