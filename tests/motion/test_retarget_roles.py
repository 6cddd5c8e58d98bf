"""Who is who in a skeleton: by name and by shape alike; its unit and the axis that points up."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revision_blender.motion.errors import MotionFileError
from revision_blender.motion.files.bvh import parse_bvh
from revision_blender.motion.files.bvh_in import captures_of
from revision_blender.motion.retargeting.by_name import roles_by_name, words_of
from revision_blender.motion.retargeting.by_shape import roles_by_shape
from revision_blender.motion.retargeting.capture import Capture
from revision_blender.motion.retargeting.match import UNITS, is_animal, roles_of, unit_of, up_of
from revision_blender.motion.retargeting.retarget import retarget
from revision_blender.motion.skeletons import SMPLX
from tests.motion.captures import CLIPS, NAMINGS, body, cmu, from_body, named_skeleton, turned


@pytest.mark.parametrize("naming", NAMINGS)
def test_joints_are_known_by_name(naming: str) -> None:
    capture, wanted = named_skeleton(naming)
    found = roles_by_name(capture)
    assert found is not None
    assert {"hips": capture.names[found.hips]} | {role: capture.names[joint] for role, joint in found.limbs.items()} == wanted
    assert [capture.names[joint] for joint in found.spine] == dict(f.split("=") for f in NAMINGS[naming].split())["spine"].split(",")


@pytest.mark.parametrize("naming", NAMINGS)
def test_the_same_joints_are_found_by_shape_alone(naming: str) -> None:
    capture, wanted = named_skeleton(naming)
    nameless = replace(capture, names=tuple(f"thing{number * 37 % 101}" for number in range(len(capture.names))))
    assert roles_by_name(nameless) is None
    found = roles_of(nameless)
    assert {role: capture.names[joint] for role, joint in found.limbs.items()} == {k: v for k, v in wanted.items() if k != "hips"}
    assert capture.names[found.hips] == wanted["hips"]
    assert not found.by_name


@pytest.mark.parametrize("clip", CLIPS)
def test_random_words_for_names_give_the_same_assignment(clip: str) -> None:
    capture = cmu(clip)
    words = [
        f"{a}{b}"
        for a in ("velvet", "ozone", "kiwi", "quartz", "bongo", "fjord")
        for b in ("maze", "plum", "quill", "x9", "dune", "opal", "zinc", "yak")
    ]
    order = np.random.default_rng(7).permutation(len(words))[: len(capture.names)]
    nameless = replace(capture, names=tuple(words[number] for number in order))
    assert roles_by_name(nameless) is None
    known, guessed = roles_of(capture), roles_of(nameless)
    assert known.by_name and not guessed.by_name
    assert replace(guessed, by_name=True, fingers={}) == replace(known, fingers={})


def test_words_of_names() -> None:
    assert words_of("mixamorig:LeftUpLeg") == ["left", "up", "leg"]
    assert words_of("lfemur") == ["l", "femur"]
    assert words_of("Bip01 L UpperArm") == ["bip", "01", "l", "upper", "arm"]
    assert words_of("") == []


def test_no_body_is_refused() -> None:
    text = "HIERARCHY ROOT Hips { OFFSET 0 0 0 CHANNELS 3 Xposition Yposition Zposition } MOTION Frames: 1 Frame Time: 0.1 0 0 0"
    with pytest.raises(MotionFileError, match="no two arms and two legs"):
        captures_of(parse_bvh(text))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_tree_is_a_body_or_refused(data: st.DataObject) -> None:
    joints = data.draw(st.integers(1, 24))
    parents = np.array([-1] + [data.draw(st.integers(0, joint - 1)) for joint in range(1, joints)])
    length = st.sampled_from([0.0, 1e-9, 0.1, 0.5, 1.0])
    offsets = np.array([[data.draw(length) * sign for sign in (1.0, -1.0, 1.0)] for _ in range(joints)])
    rest = np.zeros((joints, 3))
    for joint in range(1, joints):
        rest[joint] = rest[parents[joint]] + offsets[joint] * data.draw(st.sampled_from([-1.0, 1.0]))
    capture = Capture(tuple(map(str, range(joints))), parents, rest, np.tile(np.eye(3), (2, joints, 1, 1)), np.tile(rest, (2, 1, 1)), 30.0)
    try:
        roles = roles_of(capture)
        moved = retarget(capture, roles, body())
    except MotionFileError as refusal:
        assert str(refusal)
        return
    assert np.isfinite(moved.rotations).all() and np.isfinite(moved.translation).all()


def test_shapes_find_no_body_in_a_hand() -> None:
    capture, _, _ = from_body("open_human_x")
    wrist = SMPLX.index("left_wrist")
    joints = [wrist, *[joint for joint in range(55) if wrist in capture.path(int(capture.parents[joint]) if joint else 0)]]
    index = {joint: at for at, joint in enumerate(joints)}
    parents = np.array([-1] + [index[int(capture.parents[joint])] for joint in joints[1:]])
    part = Capture(
        tuple(f"j{at}" for at in range(len(joints))),
        parents,
        capture.rest[joints],
        capture.rotations[:, joints],
        capture.places[:, joints],
        30.0,
    )
    assert roles_by_shape(part) is None


@pytest.mark.parametrize("unit", UNITS)
def test_the_unit_is_told_by_the_legs(unit: str) -> None:
    capture, _ = named_skeleton("Mixamo")
    capture = capture.in_unit(1.0 / UNITS[unit])
    assert unit_of(capture, roles_of(capture)) == unit


def test_the_axis_that_points_up_is_found() -> None:
    capture, _ = named_skeleton("Mixamo")
    R = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    assert up_of(capture, roles_of(capture)) == "y"
    assert up_of(turned(capture, R), roles_of(capture)) == "z"
    assert not is_animal(capture, roles_of(capture))
