"""DeepMimic's humanoid and dog: read as the character files say, brought to a person and to an animal."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revision_blender.motion.bodies.body_model import joints_of, world_rotations
from revision_blender.motion.errors import MotionFileError
from revision_blender.motion.files.deepmimic import CHARACTERS, capture_of, matches, parse_deepmimic, read, summary
from revision_blender.motion.files.motion_file import ReadOptions
from revision_blender.motion.retargeting.contacts import foot_points
from revision_blender.motion.retargeting.match import is_animal, roles_of
from revision_blender.motion.retargeting.measures import directions, frames_beyond
from revision_blender.motion.retargeting.retarget import retarget
from revision_blender.motion.retargeting.turns import angles
from revision_blender.motion.skeletons import SMAL
from tests.motion.captures import SHELF, archived, archived_text, body

ARCHIVE = "deepmimic.tar.xz"
REST = (
    [0.0, 0.0, 0.9, 0.0]
    + [1.0, 0.0, 0.0, 0.0] * 3
    + [1.0, 0, 0, 0, 0.0, 1.0, 0, 0, 0]
    + [1.0, 0, 0, 0, 0.0]
    + [1.0, 0, 0, 0, 0.0, 1.0, 0, 0, 0]
    + [1.0, 0, 0, 0, 0.0]
)


def text(rows: list[list[float]], loop: str = "wrap") -> str:
    return json.dumps({"Loop": loop, "Frames": rows})


@pytest.mark.parametrize("character", CHARACTERS)
def test_the_skeletons_are_those_of_the_character_files(character: str) -> None:
    stored = json.loads(archived(ARCHIVE, f"character_{character}3d.txt"))["Skeleton"]["Joints"]
    kinds = {"none": "s", "spherical": "s", "revolute": "r", "fixed": "f"}
    names = [joint["Name"] for joint in stored]
    for ours, theirs in zip(CHARACTERS[character], stored, strict=True):
        assert ours[0] == theirs["Name"]
        assert ours[1] == ("" if theirs["Parent"] < 0 else names[theirs["Parent"]])
        assert ours[2] == kinds[theirs["Type"]]
        if theirs["Parent"] >= 0:  # a root's place is in the frames
            np.testing.assert_allclose(ours[3], [theirs[f"Attach{axis}"] for axis in "XYZ"], atol=1e-6)
        assert theirs["AttachThetaX"] == theirs["AttachThetaY"] == theirs["AttachThetaZ"] == 0


def test_a_bent_knee_and_elbow_go_the_right_way() -> None:
    row = list(REST)
    row[20], row[29] = -1.5, 1.5  # right knee, right elbow: their angles are about z, the character faces +x
    motion = parse_deepmimic(text([REST, row]))
    assert motion.character == "humanoid" and motion.loops
    capture = capture_of(motion, 25.0)
    assert capture.fps == 25.0  # the file's own times are 0
    ankle, wrist = capture.names.index("right_ankle"), capture.names.index("right_wrist")
    assert capture.places[1, ankle, 0] < capture.places[0, ankle, 0] - 0.3  # a knee brings the heel back
    assert capture.places[1, wrist, 0] > capture.places[0, wrist, 0] + 0.2  # an elbow brings the hand forward


@pytest.mark.parametrize("name", ["walk", "run", "backflip", "cartwheel", "crawl", "getup_facedown", "spinkick"])
def test_the_humanoid_on_a_person(name: str) -> None:
    motion = parse_deepmimic(archived_text(ARCHIVE, f"humanoid3d_{name}.txt"))
    capture = capture_of(motion)
    roles = roles_of(capture)
    assert not is_animal(capture, roles)
    moved = retarget(capture, roles, body())
    found = directions(capture, roles, moved, body())
    assert max(row.mean() for row in found.limbs.values()) < 2.0
    assert found.mean() < 3.0
    assert not frames_beyond("smpl", moved.rotations).any()


def test_a_person_walks_on_the_floor_facing_where_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "walk.txt"
    path.write_bytes(archived(ARCHIVE, "humanoid3d_walk.txt"))
    found = read(path, SHELF, ReadOptions())
    track = found.clip.bodies[0]
    assert found.clip.fps == pytest.approx(30.0) and summary(path).fps == pytest.approx(30.0)
    assert found.clip.n_frames == summary(path).n_frames == 39
    ahead = track.rotations[:, 0, :, 2].mean(axis=0)  # a person's front is +z
    path_taken = track.translation[-1] - track.translation[0]
    assert angles(ahead * [1, 0, 1], path_taken * [1, 0, 1]) < 0.2
    assert abs(found.clip.ground.height(foot_points(track, body())).min(axis=(1, 2))).max() < 0.12
    assert any("loops" in note for note in found.notes)


@pytest.mark.parametrize("name", ["trot", "canter", "pace", "spin"])
def test_the_dog_on_an_animal(name: str) -> None:
    animal = body("open_quadruped")
    capture = capture_of(parse_deepmimic(archived_text(ARCHIVE, f"dog3d_{name}.txt")))
    roles = roles_of(capture)
    assert is_animal(capture, roles)
    moved = retarget(capture, roles, animal)
    joints = joints_of(animal, moved.rotations, moved.translation)
    legs = {
        "front": (("shoulder", "leg1"), ("forearm", "leg2"), ("hand", "leg3"), ("finger", "foot")),
        "back": (("upper_leg", "leg1"), ("leg", "leg2"), ("foot", "leg3"), ("toe", "foot")),
    }
    for side in ("left", "right"):
        for end, chain in legs.items():
            for (a, ours_a), (b, ours_b) in pairwise(chain):
                theirs = capture.places[:, capture.names.index(f"{side}_{b}")] - capture.places[:, capture.names.index(f"{side}_{a}")]
                ours = joints[:, SMAL.index(f"{side}_{end}_{ours_b}")] - joints[:, SMAL.index(f"{side}_{end}_{ours_a}")]
                assert np.degrees(angles(ours, theirs)).max() < 1.0, (side, end, a)
    muzzle = animal.v_shaped[np.argmax(animal.v_shaped[:, 0])] - animal.joints_rest[SMAL.index("head")]
    muzzles = world_rotations(SMAL.parents, moved.rotations)[:, SMAL.index("head")] @ muzzle
    assert np.degrees(np.arcsin((muzzles @ [0.0, 1.0, 0.0]) / np.linalg.norm(muzzle))).mean() == pytest.approx(0.0, abs=35.0)  # looks ahead
    up = moved.rotations[:, 0, :, 2]  # an animal's back is +z in its own axes, the world's up is y
    assert (up @ [0.0, 1.0, 0.0]).mean() > 0.8
    assert moved.driven[SMAL.index("tail1")] and not moved.driven[SMAL.index("left_ear")]


def test_the_dog_gets_an_animals_body(tmp_path: Path) -> None:
    body("open_quadruped")
    path = tmp_path / "trot.txt"
    path.write_bytes(archived(ARCHIVE, "dog3d_trot.txt"))
    found = read(path, SHELF, ReadOptions())
    assert found.clip.bodies[0].family == "smal" and summary(path).people[0].track_id == "dog"
    feet = found.clip.ground.height(foot_points(found.clip.bodies[0], body("open_quadruped"))).min(axis=(1, 2))
    assert np.abs(np.median(feet)) < 0.05


def test_what_it_is_told_by_its_content(tmp_path: Path) -> None:
    assert matches(tmp_path / "a.txt", b'{\n"Loop": "wrap",\n"Frames":[[')
    assert not matches(tmp_path / "a.txt", b'{"Skeleton": {}}')
    assert not matches(tmp_path / "a.txt", b"HIERARCHY")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "not JSON"), ("{", "not JSON"), ("[]", "no 'Frames'"), ("{}", "no 'Frames'"), ('{"Frames": []}', "none in them"),
        ('{"Frames": 7}', "no 'Frames'"), ('{"Frames": [7]}', "rows of one length"), ('{"Frames": [[1, 2], [1]]}', "rows of one length"),
        ('{"Frames": [["a", "b"]]}', "not a number"), ('{"Frames": [[true, null]]}', "not a number"), ('{"Frames": [[1, 2, 3]]}', "3 numbers; known are 44"),
        (text([[float("nan"), *REST[1:]]]), "not finite"), (text([[1e300, *REST[1:]]]), "not finite"),
        (text([REST]).replace("0.9", "9" * 5000), "not finite"), (text([[*REST[:4], 0.0, 0.0, 0.0, 0.0, *REST[8:]]]), "no quaternion"),
        ("[" * 90_000, "8 deep"), ('{"Frames": ' + "[" * 90_000 + "]" * 90_000 + "}", "8 deep"), ('{"a":' * 50_000, "8 deep"),
        ("[" * 10_000_000, "more than 100000 lists"), ('{"Frames": [' + "[]," * 200_000 + "[]]}", "more than 100000 lists"),
    ],
)  # fmt: skip
def test_damage_is_refused_with_a_sentence(content: str, words: str) -> None:
    with pytest.raises(MotionFileError, match=words) as refused:
        parse_deepmimic(content)
    assert len(str(refused.value)) < 400


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=4), max_leaves=12)
)
def test_any_json_is_read_or_refused(frames: object) -> None:
    with pytest.raises(MotionFileError):
        parse_deepmimic(json.dumps({"Loop": "wrap", "Frames": frames}))
