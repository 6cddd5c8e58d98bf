"""The door to all motion files: the right reader by content, our own clips, and bodies that are installed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from revision_blender.motion.axes import T_blender_world
from revision_blender.motion.bodies.body_file import save_body_model
from revision_blender.motion.bodies.body_model import identity_of, joints_of, open_human
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.clip import BodyTrack, Clip, ObjectTrack
from revision_blender.motion.clip_file import save_clip
from revision_blender.motion.errors import MotionFileError
from revision_blender.motion.files import reading
from revision_blender.motion.files.amass_out import write_amass
from revision_blender.motion.files.framing import floor, framing_camera
from revision_blender.motion.files.motion_file import MAX_ROTATIONS, ReadOptions, check_size
from revision_blender.motion.files.reading import describe, read_motion, reader_of
from revision_blender.motion.library import motions
from revision_blender.motion.retargeting.contacts import find_contacts, foot_points
from revision_blender.motion.rotation import angle_between, matrix_from_axis_angle
from tests.motion.files_samples import (
    NO_BODIES,
    PhalpVideo,
    facing,
    joblib_file,
    npz,
    seen_by,
    smplh_members,
    some_poses,
    walk,
    wham_person,
)
from tests.motion.files_samples import camera_way as way_of_a_camera


def own_clip(n_frames: int = 4) -> Clip:
    """Two bodies and a box in a y-up world with a framing camera."""
    places = walk(n_frames)[:, [0, 2, 1]]
    rotations = matrix_from_axis_angle(some_poses(n_frames, 24))
    confidence = np.ones((n_frames, 24))
    late = np.repeat(np.array([[0.0], [0.0], [1.0], [0.5]]), 24, axis=1)
    tracks = (
        BodyTrack("anna", "smpl", "open_human", np.zeros(10), rotations, places, confidence),
        BodyTrack("bob", "smpl", "smpl_male", np.zeros(10), rotations, places + 1.0, late),
        ObjectTrack("ball", "ball", np.ones(3), np.zeros((n_frames, 21, 3)), np.ones(n_frames)),
    )
    return Clip(25.0, framing_camera("y", places, n_frames), floor("y"), tracks)


def test_our_own_clips_come_in_as_they_are(tmp_path):
    save_clip(tmp_path / "a.npz", own_clip())
    found = read_motion(tmp_path / "a.npz", NO_BODIES)
    assert found.format == "ReVision clip" and [track.track_id for track in found.clip.tracks] == ["anna", "bob", "ball"]
    assert np.array_equal(found.clip.bodies[1].rotations, own_clip().bodies[1].rotations)
    said = describe(tmp_path / "a.npz")
    assert (said.fps, said.n_frames, said.family, said.camera_given) == (25.0, 4, "smpl", False) and not found.camera_given
    assert [(person.track_id, person.n_frames, person.first_frame) for person in said.people] == [("anna", 4, 0), ("bob", 2, 2)]


def test_people_of_a_clip_are_chosen_and_things_stay(tmp_path):
    save_clip(tmp_path / "a.npz", own_clip())
    found = read_motion(tmp_path / "a.npz", NO_BODIES, ReadOptions(people=("bob",)))
    assert [track.track_id for track in found.clip.tracks] == ["bob", "ball"]
    with pytest.raises(MotionFileError, match="nobody called 'carl'; choose from: anna, bob"):
        read_motion(tmp_path / "a.npz", NO_BODIES, ReadOptions(people=("carl",)))
    with pytest.raises(MotionFileError, match=r"nobody of a\.npz is chosen"):
        read_motion(tmp_path / "a.npz", NO_BODIES, ReadOptions(people=()))


def test_a_real_camera_is_told_from_one_that_frames(tmp_path):
    clip = own_clip()
    moved = replace(clip, camera=replace(clip.camera, T_world_camera=way_of_a_camera(4)))
    save_clip(tmp_path / "a.npz", moved)
    assert describe(tmp_path / "a.npz").camera_given and read_motion(tmp_path / "a.npz", NO_BODIES).camera_given


def test_a_damaged_clip_is_refused_with_a_sentence(tmp_path):
    save_clip(tmp_path / "a.npz", own_clip())
    content = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "b.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(MotionFileError, match=r"b\.npz is not a whole motion file"):
        read_motion(tmp_path / "b.npz", NO_BODIES)
    np.savez(tmp_path / "c.npz", **{"clip.json": np.zeros(3)})
    with pytest.raises(MotionFileError, match="no clip"):
        read_motion(tmp_path / "c.npz", NO_BODIES)


def test_content_counts_more_than_the_name(tmp_path):
    save_clip(tmp_path / "a.npz", own_clip())
    npz(tmp_path / "b.npz", smplh_members())
    for name, wanted in (("a", "ReVision clip"), ("b", "AMASS")):
        content = (tmp_path / f"{name}.npz").read_bytes()
        for ending in (".NPZ", ".dat", ".zip", ""):
            (tmp_path / f"{name}{ending}").write_bytes(content)
            assert wanted == reader_of(tmp_path / f"{name}{ending}").FORMAT
    assert len({reader.FORMAT for reader in reading.READERS}) == len(reading.READERS)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no motion file that is known"),
        (b"hello", "no motion file that is known"),
        (bytes(5000), "no motion file that is known"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "no motion file that is known"),
    ],
)
def test_what_is_no_motion_is_refused(tmp_path, content, words):
    (tmp_path / "a.bin").write_bytes(content)
    for look in (describe, lambda path: read_motion(path, NO_BODIES)):
        with pytest.raises(MotionFileError, match=words):
            look(tmp_path / "a.bin")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MotionFileError, match=r"there is no file at .*gone\.npz"):
        describe(tmp_path / "gone.npz")


def test_progress_begins_and_ends(tmp_path):
    told = []
    read_motion(npz(tmp_path / "a.npz", smplh_members()), NO_BODIES, progress=lambda part, words: told.append((part, words)))
    assert told[0][0] < told[-1][0] == 1.0 and all("a.npz" in words for _, words in told)


def test_nothing_is_made_of_a_motion_that_would_not_fit(tmp_path):
    check_size(tmp_path, MAX_ROTATIONS // 52, 52)
    for n_frames in (0, -1, MAX_ROTATIONS // 52 + 1, 10**12):
        with pytest.raises(MotionFileError):
            check_size(tmp_path, n_frames, 52)


@pytest.mark.parametrize("fps", [0.0, -1.0, 1e9, float("nan")])
def test_impossible_rates_are_refused(fps):
    with pytest.raises(MotionFileError, match="frames a second"):
        ReadOptions(fps=fps)


# --- bodies that are installed ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path) -> BodyShelf:
    """A shelf with a body of another size under the name of the neutral SMPL."""
    model = open_human()
    other = replace(
        model, name="smpl_neutral", v_template=model.v_template * np.float32(1.2) + np.float32(0.1), shapedirs=model.shapedirs[:, :, :4]
    )
    folder = tmp_path / "bodies"
    folder.mkdir()
    save_body_model(folder / "smpl_neutral.npz", other, {})
    return BodyShelf(folder)


def test_as_many_shape_components_as_the_body_takes(tmp_path, installed):
    members = smplh_members(poses=np.zeros((6, 72)), gender=np.array("neutral"), betas=np.arange(1.0, 11.0))
    found = read_motion(npz(tmp_path / "a.npz", members), installed)
    assert found.clip.bodies[0].model == "smpl_neutral" and np.array_equal(found.clip.bodies[0].betas, [1.0, 2.0, 3.0, 4.0])
    assert any("last 6 of the file are left out" in note for note in found.notes)
    quiet = read_motion(npz(tmp_path / "b.npz", {**members, "betas": np.r_[1.0, np.zeros(9)]}), installed)
    assert len(quiet.clip.bodies[0].betas) == 4 and not any("left out" in note and "shape" in note for note in quiet.notes)
    assert len(read_motion(tmp_path / "a.npz", NO_BODIES).clip.bodies[0].betas) == 10, "without the body all are kept"


def test_the_root_of_the_installed_body_turns_the_world(tmp_path, installed):
    betas = np.array([1.0, -2.0, 0.5, 0.0])
    clip = own_clip()
    track = replace(clip.bodies[0], model="smpl_neutral", betas=betas)
    clip = clip.with_tracks((track,))
    assert write_amass(tmp_path / "a.npz", clip, "anna", installed) == ()
    back = read_motion(tmp_path / "a.npz", installed).clip
    person = identity_of(installed.load("smpl_neutral"), betas)

    def joints(some: Clip) -> np.ndarray:
        T, body = T_blender_world(some), some.bodies[0]
        return joints_of(person, body.rotations, body.translation) @ T[:3, :3].T + T[:3, 3]

    assert np.abs(joints(clip) - joints(back)).max() < 1e-9


def test_the_root_of_the_installed_body_finds_the_camera(tmp_path, installed):
    model = installed.load("smpl_neutral")
    rest = model.joint_template[0]
    poses, axis_angle, places = way_of_a_camera(4), some_poses(4, 24), walk(4)[:, [0, 2, 1]]
    path = joblib_file(tmp_path / "a.pkl", {0: wham_person(np.arange(4), poses, axis_angle, places, rest)})
    found = read_motion(path, installed)
    assert np.abs(found.clip.camera.T_world_camera - poses).max() < 1e-5
    root, place = seen_by(found.clip.camera.T_world_camera, found.clip.bodies[0].rotations, found.clip.bodies[0].translation, rest)
    assert np.abs(place - seen_by(poses, matrix_from_axis_angle(axis_angle), places, rest)[1]).max() < 1e-5
    assert angle_between(root, seen_by(poses, matrix_from_axis_angle(axis_angle), places, rest)[0]).max() < 1e-5


def test_no_reader_opens_a_path_that_stands_in_a_file(tmp_path, monkeypatch):
    """4D-Humans' files are full of paths; only the file itself may be opened."""
    video = PhalpVideo(1)
    video.add(0, 1, facing(1)[0], np.array([0.0, 0.0, 60.0]))
    path, opened = joblib_file(tmp_path / "a.pkl", video.content()), []
    whole = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *more, **named: opened.append(self) or whole(self, *more, **named))
    read_motion(path, NO_BODIES)
    assert opened and set(opened) == {path}


# --- clean contacts ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["open_human", "smpl_neutral"])
def test_feet_of_a_walk_that_slides_are_held(tmp_path, model):
    """A recorded walk that drifts sideways by 6 cm a second, once on the bundled body and once on one that is not installed."""
    motion = next(motion for motion in motions() if "walk" in motion.words)
    drift = np.arange(motion.n_frames)[:, None] / motion.fps * np.array([0.06, 0.0, 0.0])
    sliding = BodyTrack("anna", "smpl", model, np.zeros(10), motion.rotations, motion.translation + drift, np.ones((motion.n_frames, 24)))
    clip = Clip(motion.fps, framing_camera("y", sliding.translation, motion.n_frames), floor("y"), (sliding,))
    save_clip(tmp_path / "a.npz", clip)
    before = read_motion(tmp_path / "a.npz", NO_BODIES).clip.bodies[0]
    found = read_motion(tmp_path / "a.npz", NO_BODIES, ReadOptions(clean_contacts=True))
    after = found.clip.bodies[0]
    assert any("were held" in note for note in found.notes) and after.model == model
    body = identity_of(open_human(), np.zeros(10))
    contacts = find_contacts(foot_points(before, body), clip.ground, clip.fps)
    assert contacts.share > 0.2

    def slide(track: BodyTrack) -> float:
        points = foot_points(track, body)
        steps = np.linalg.norm(np.diff(points, axis=0), axis=-1)
        return float(steps[contacts.touching[1:] & contacts.touching[:-1]].mean())

    assert slide(after) < 0.5 * slide(before)
    change = joints_of(body, after.rotations, after.translation) - joints_of(body, before.rotations, before.translation)
    assert 0.0 < np.linalg.norm(change, axis=-1).mean() < 0.03


def test_4d_humans_has_no_contacts_to_clean(tmp_path):
    video = PhalpVideo(1)
    video.add(0, 1, facing(1)[0], np.array([0.0, 0.0, 60.0]))
    path = joblib_file(tmp_path / "a.pkl", video.content())
    plain, asked = (read_motion(path, NO_BODIES, ReadOptions(clean_contacts=clean)) for clean in (False, True))
    assert np.array_equal(plain.clip.bodies[0].rotations, asked.clip.bodies[0].rotations)
    assert any("not cleaned" in note for note in asked.notes)


def test_a_folder_of_motion_files_is_not_one_file(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "walk.bvh").write_text("HIERARCHY")
    with pytest.raises(MotionFileError, match=r"train/\*\.bvh"):
        describe(tmp_path / "train")
