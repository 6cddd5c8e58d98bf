"""4D-Humans and WHAM: people land where the file's own projection has them, in every frame in which they were seen."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revision_blender.motion.bodies.body_model import joints_of
from revision_blender.motion.errors import MotionFileError
from revision_blender.motion.files.lifted import held
from revision_blender.motion.files.motion_file import ReadOptions
from revision_blender.motion.files.reading import describe, read_motion
from revision_blender.motion.rotation import angle_between, matrix_from_axis_angle
from tests.motion.files_samples import (
    NO_BODIES,
    PhalpVideo,
    camera_way,
    facing,
    joblib_file,
    phalp_camera,
    some_poses,
    walk,
    wham_person,
)
from tests.motion.motion_samples import mean_body

relaxed = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
ROOT = np.array([-0.00179506, -0.22333382, 0.02821918])  # where a body that is not installed has its root


def read(path: Path, **options):
    found = read_motion(path, NO_BODIES, ReadOptions(**options))
    said = describe(path)
    assert said.format == found.format and said.n_frames == found.clip.n_frames and said.camera_given == found.camera_given
    assert said.fps is None and {said.family} == {track.family for track in found.clip.bodies}
    for person in said.people:
        track = next((track for track in found.clip.bodies if track.track_id == person.track_id), None)
        assert (track is None) == (options.get("people") is not None and person.track_id not in options["people"])
        if track is not None:
            seen = (track.confidence > 0.0).any(axis=1)
            assert (person.n_frames, person.first_frame) == (seen.sum(), seen.argmax())
    return found


def pixels_of(found, track) -> np.ndarray:
    """``(F, 24, 2)`` of the mean open human in place of SMPL."""
    return found.clip.camera.project(joints_of(mean_body(), track.rotations, track.translation))[0]


def one_person(width: int, height: int, pixel: tuple[float, float], distance: float, n_frames: int = 3) -> PhalpVideo:
    video = PhalpVideo(n_frames, width, height)
    for number, rotations in enumerate(facing(n_frames)):
        video.add(number, 7, rotations, phalp_camera(np.array(pixel), distance, width, height))
    return video


@relaxed
@given(st.integers(2, 2500), st.integers(2, 2500), st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(20.0, 300.0))
def test_joints_land_on_the_pixels_that_4d_humans_says(tmp_path, width, height, x, y, distance):
    video = one_person(width, height, (x * width, y * height), distance, n_frames=1)
    found = read(joblib_file(tmp_path / "a.pkl", video.content()))
    side = max(width, height)
    normalised = video.frames[0]["2d_joints"][0].reshape(24, 2).astype(np.float64)
    wanted = normalised * side - np.array([(side - width) // 2, (side - height) // 2])
    assert np.abs(pixels_of(found, found.clip.bodies[0])[0] - wanted).max() < 2e-3 * max(1.0, side / 256)
    assert (found.clip.camera.width, found.clip.camera.height) == (width, height)
    origin = found.clip.camera.project(found.clip.bodies[0].translation[:, None])[0][0, 0]
    assert np.abs(origin - [x * width, y * height]).max() < 2e-3 * max(1.0, side / 256)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("aligned", [False, True])
def test_every_way_of_joblib(tmp_path, compressed, aligned):
    found = read(joblib_file(tmp_path / "a.pkl", one_person(640, 360, (300, 200), 60.0).content(), compressed, aligned))
    assert found.format == "4D-Humans" and found.clip.bodies[0].model == "smpl_neutral"


def test_ghosts_gaps_and_frames_filled_in_afterwards(tmp_path):
    """Person 2's first frame stands behind person 9's; in frame 2 person 2 is a ghost, in frame 3 not even that."""
    video = PhalpVideo(5)
    poses = {2: facing(5, 1), 9: facing(5, 2)}
    place = {tid: phalp_camera(np.array([100.0 * tid % 640, 180.0]), 60.0 + tid, 640, 360) for tid in poses}

    def add(number: int, tid: int, **more) -> None:
        video.add(number, tid, poses[tid][number], place[tid], **more)

    add(0, 9)
    add(1, 9, conf=0.5)
    add(1, 2)
    video.add(2, 2, poses[2][1], place[2], ghost=1)
    add(2, 9)
    add(3, 9)
    add(4, 2)
    video.add(4, 9, poses[9][3], place[9], ghost=1)
    content = dict(reversed(video.content().items()))  # frames are put in the order of their time
    found = read(joblib_file(tmp_path / "a.pkl", content))
    assert [track.track_id for track in found.clip.bodies] == ["person 2", "person 9"]
    two, nine = found.clip.bodies
    assert np.allclose(two.confidence[:, 0], [0.0, 0.9, 0.0, 0.0, 0.9]) and np.allclose(nine.confidence[:, 0], [0.9, 0.5, 0.9, 0.9, 0.0])
    assert angle_between(two.rotations, poses[2][[1, 1, 1, 1, 4]]).max() < 1e-6
    assert angle_between(nine.rotations, poses[9][[0, 1, 2, 3, 3]]).max() < 1e-6
    assert any("person 2 is not seen in 3 of 5 frames" in note for note in found.notes)
    only = read(tmp_path / "a.pkl", people=("person 9",), fps=25.0)
    assert [track.track_id for track in only.clip.bodies] == ["person 9"] and only.clip.fps == 25.0 and only.clip.n_frames == 5


def test_shapes_are_averaged_by_how_sure_the_detections_are(tmp_path):
    video = PhalpVideo(2)
    for number, (conf, size) in enumerate(((1.0, 0.0), (0.5, 3.0))):
        video.add(number, 1, facing(2)[number], np.array([0.0, 0.0, 60.0]), conf=conf, betas=np.full(10, size))
    found = read(joblib_file(tmp_path / "a.pkl", video.content()))
    assert np.allclose(found.clip.bodies[0].betas, 1.0) and any("shape changes" in note for note in found.notes)


def test_the_floor_is_under_the_feet(tmp_path):
    found = read(joblib_file(tmp_path / "a.pkl", one_person(640, 360, (300, 200), 60.0).content()))
    ground, track = found.clip.ground, found.clip.bodies[0]
    joints = joints_of(mean_body(), track.rotations, track.translation)
    assert ground.normal[1] < -0.9
    assert abs(np.median(ground.height(joints[:, [7, 8, 10, 11]]).min(axis=1)) - 0.02) < 1e-6


def test_a_picture_without_a_size(tmp_path):
    video = one_person(640, 360, (300, 200), 60.0)
    for frame in video.frames:
        del frame["size"]
    path = joblib_file(tmp_path / "a.pkl", video.content())
    assert any("how large the picture is" in note for note in read(path).notes)
    assert read(path, size=(640, 360)).clip.camera.width == 640


def broken_video(change) -> dict:
    video = one_person(640, 360, (300, 200), 60.0)
    change(video.frames[1])
    return video.content()


class Bomb:
    def __reduce__(self):
        return (print, ("executed",))


REFUSED = {
    "nobody": (PhalpVideo(3).content(), "nobody is seen in any"),
    "lists that do not go together": (broken_video(lambda frame: frame["tid"].append(3)), "do not go together"),
    "a missing list": (broken_video(lambda frame: frame.pop("camera")), "do not go together"),
    "a track in words": (broken_video(lambda frame: frame.update(tid=["a"])), "a number is needed"),
    "no body": (broken_video(lambda frame: frame.update(smpl=[None])), "no SMPL body"),
    "another skeleton": (broken_video(lambda frame: frame["smpl"][0].update(body_pose=np.zeros((21, 3, 3)))), "body_pose of person 7"),
    "no rotations": (broken_video(lambda frame: frame["smpl"][0].update(body_pose=np.ones((23, 3, 3)))), "no rotations"),
    "mirrors": (broken_video(lambda frame: frame["smpl"][0].update(global_orient=-np.eye(3)[None])), "no rotations"),
    "NaN": (broken_video(lambda frame: frame.update(camera=[np.full(3, np.nan)])), "not finite"),
    "other betas": (broken_video(lambda frame: frame["smpl"][0].update(betas=np.zeros(11))), "several lengths"),
    "code": ({"tid": Bomb(), "frame_path": "a", "shot": 0}, "print"),
    "not a dictionary": ([{"tid": [], "shot": 1, "frame_path": "x"}], "no dictionary of frames"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_wrong_with_a_video_is_said(tmp_path, what, capfd):
    content, words = REFUSED[what]
    with pytest.raises(MotionFileError, match=words):
        read_motion(joblib_file(tmp_path / "a.pkl", content), NO_BODIES)
    assert "executed" not in capfd.readouterr().out


# --- WHAM --------------------------------------------------------------------------------------------------------------------------


def wham_video() -> tuple[dict, np.ndarray, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Two people before a moving camera: the file, the camera's true way, and each one's true rotations and places."""
    n_frames = 8
    poses = camera_way(n_frames)
    axis_angle = some_poses(n_frames, 24, 4)
    places = {3: walk(n_frames)[:, [0, 2, 1]] * [0.5, 1.0, 0.2], 1: walk(n_frames)[:, [0, 2, 1]] * [-0.5, 1.0, 0.3]}
    frames = {3: np.arange(n_frames), 1: np.array([2, 3, 5])}
    people, truth = {}, {}
    for number, at in frames.items():
        people[number] = wham_person(at, poses[at], axis_angle[at], places[number][at], ROOT)
        truth[f"person {number}"] = (matrix_from_axis_angle(axis_angle), places[number])
    people[1]["pose_world"] = people[1]["pose_world"] + np.float32(0.1)  # its world is another one
    people[1]["trans_world"] = people[1]["trans_world"] + np.float32(7.0)
    return people, poses, truth


def test_wham_gives_the_camera_and_everybody_in_one_world(tmp_path):
    people, poses, truth = wham_video()
    found = read(joblib_file(tmp_path / "wham_output.pkl", people, compressed=False))
    assert found.format == "WHAM" and [track.track_id for track in found.clip.bodies] == ["person 1", "person 3"]
    assert np.abs(found.clip.camera.T_world_camera - poses).max() < 1e-5
    for track in found.clip.bodies:
        rotations, places = truth[track.track_id]
        seen = track.confidence[:, 0] > 0.0
        assert angle_between(track.rotations[seen], rotations[seen]).max() < 1e-5
        assert np.abs(track.translation[seen] - places[seen]).max() < 1e-5
    one = found.clip.bodies[0]
    assert np.allclose(one.confidence[:, 0], [0, 0, 1, 1, 0, 1, 0, 0])
    assert np.array_equal(one.rotations[4], one.rotations[3]), "held where not seen"
    assert np.array_equal(found.clip.ground.normal, [0.0, 1.0, 0.0])
    assert any("world is that of person 3" in note for note in found.notes)


def test_wham_alone_is_in_the_same_place(tmp_path):
    people, _, _ = wham_video()
    path = joblib_file(tmp_path / "wham_output.pkl", people)
    both, alone = read(path), read(path, people=("person 1",), size=(640, 480))
    assert np.array_equal(both.clip.bodies[0].translation, alone.clip.bodies[0].translation)
    assert (alone.clip.camera.width, alone.clip.camera.focal) == (640, 800.0)


WHAM_REFUSED = {
    "another dictionary": (lambda people: {"a": 1}, "no result of 4D-Humans, PHALP or WHAM"),
    "nobody": (lambda people: {}, "no result of"),
    "a body model": (lambda people: {"v_template": np.zeros((2, 3))}, "body model, not a motion"),
    "a list": (lambda people: [1, 2], "a list, which is no motion"),
    "frames in disorder": (lambda people: people[1].update(frame_ids=np.array([3, 2, 5])), "not ascending"),
    "negative frames": (lambda people: people[1].update(frame_ids=np.array([-1, 2, 5])), "not ascending"),
    "half frames": (lambda people: people[1].update(frame_ids=np.array([0.5, 2, 5])), "not ascending"),
    "10^9 frames": (lambda people: people[1].update(frame_ids=np.array([1, 2, 10**9])), "above 100000"),
    "no frames": (lambda people: people[1].update(frame_ids=np.zeros(0, np.int64)), "no frames"),
    "fewer poses": (lambda people: people[1].update(pose=np.zeros((2, 72))), r"pose of person 1 has shape \(2, 72\)"),
    "NaN": (lambda people: people[1].update(trans_world=np.full((3, 3), np.nan)), "not finite"),
    "objects": (lambda people: people[1].update(pose=np.array([None, 1], dtype=object)), "not an array of numbers"),
    "code": (lambda people: people[1].update(pose=Bomb()), "print"),
}


@pytest.mark.parametrize("what", WHAM_REFUSED)
def test_what_is_wrong_with_a_wham_file_is_said(tmp_path, what, capfd):
    change, words = WHAM_REFUSED[what]
    people, _, _ = wham_video()
    changed = change(people)
    path = joblib_file(tmp_path / "a.pkl", people if changed is None else changed)
    with pytest.raises(MotionFileError, match=words):
        read_motion(path, NO_BODIES)
    assert "executed" not in capfd.readouterr().out


# --- both --------------------------------------------------------------------------------------------------------------------------


@relaxed
@given(st.lists(st.integers(0, 30), min_size=1, unique=True), st.integers(31, 40))
def test_what_is_held_is_the_last_that_was_seen(frames, n_frames):
    numbered = np.array(sorted(frames))
    shown, fresh = held(numbered, n_frames)
    assert fresh.sum() == len(frames)
    for number in range(n_frames):
        before = numbered[numbered <= number]
        assert numbered[shown[number]] == (before[-1] if len(before) else numbered[0])


@relaxed
@given(st.data())
def test_damaged_pickles_are_refused_or_read(tmp_path, data):
    content = bytearray(pickle.dumps(one_person(640, 360, (300, 200), 60.0).content(), protocol=4))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "a.pkl").write_bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        read_motion(tmp_path / "a.pkl", NO_BODIES)
    except MotionFileError as reason:
        assert len(str(reason)) < 500
