"""A body that stands in shows the same motion on the same floor, and going back loses nothing."""

import json

import numpy as np
import pytest

from revision_blender.motion.bodies.body_file import save_body_model
from revision_blender.motion.bodies.body_model import identity_of, joints_of, vertices_of
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.bodies.stand_in import STANDS_IN, StandIn, restored, stand_in
from revision_blender.motion.clip import BodyTrack, GroundPlane
from revision_blender.motion.errors import ClipError
from revision_blender.motion.rotation import matrix_from_axis_angle
from revision_blender.motion.skeletons import skeleton_of
from tests.motion.body_layouts import random_body

FLOOR = GroundPlane(np.array([0.0, 0.0, 1.0]), np.array([3.0, -1.0, 0.25]))
SHELF = BodyShelf(None)
FAMILIES = [family for family in STANDS_IN if SHELF.has(STANDS_IN[family])]


def track_of(family: str, frames: int = 5, seed: int = 0, expressions: int = 0) -> BodyTrack:
    rng = np.random.default_rng(seed)
    J = skeleton_of(family).n_joints
    return BodyTrack(
        track_id="she",
        family=family,
        model=f"{family}_female",
        betas=rng.normal(size=16),
        rotations=matrix_from_axis_angle(rng.normal(0, 0.4, (frames, J, 3))),
        translation=rng.normal(0, 2.0, (frames, 3)),
        confidence=rng.random((frames, J)),
        expression=rng.normal(size=(frames, expressions)) if expressions else None,
    )


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("ground", [FLOOR, None])
def test_going_back_loses_nothing(family, ground):
    track = track_of(family, expressions=10 if family == "smplx" else 0)
    shown, was = stand_in(track, SHELF, ground)
    assert was is not None
    assert shown.model == STANDS_IN[family]
    assert not shown.betas.any()
    found = restored(shown, StandIn.from_json(was.to_json()))
    for name in ("track_id", "family", "model"):
        assert getattr(found, name) == getattr(track, name)
    for name in ("betas", "rotations", "confidence"):
        assert np.array_equal(getattr(found, name), getattr(track, name)), name
    assert np.abs(found.translation - track.translation).max() < 1e-12
    if track.expression is not None:
        assert np.array_equal(found.expression, track.expression)


@pytest.mark.parametrize("family", FAMILIES)
def test_joints_turn_as_they_did(family):
    track = track_of(family)
    shown, _ = stand_in(track, SHELF, FLOOR)
    names, own = skeleton_of(shown.family).names, skeleton_of(family).names
    for joint, name in enumerate(names):
        wanted = track.rotations[:, own.index(name)] if name in own else np.eye(3)
        assert np.allclose(shown.rotations[:, joint], wanted), name


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "smal"])
def test_who_stood_on_the_floor_still_does(family):
    """An official mean body that stands upright has its root at its height; the one that stands in has its soles on the floor."""
    from revision_blender.motion.bodies.stand_in import _MEAN_BODIES

    mean = _MEAN_BODIES[family]
    track = track_of(family)
    upright = matrix_from_axis_angle(np.array([np.pi / 2, 0.0, 0.0]))  # y up to z up
    still = np.tile(np.eye(3), (1, skeleton_of(family).n_joints, 1, 1))
    still[0, 0] = upright
    place = FLOOR.point + np.array([2.0, 1.0, mean.height]) - np.array(mean.root)
    standing = BodyTrack("she", family, track.model, track.betas, still, place[None], np.ones(still.shape[:2]))
    shown, _ = stand_in(standing, SHELF, FLOOR)
    body = SHELF.load(shown.model)
    identity = identity_of(body, shown.betas)
    assert abs(FLOOR.height(vertices_of(identity, shown.rotations, shown.translation)).min()) < 1e-5
    root = joints_of(identity, shown.rotations, shown.translation)[0, 0]
    assert np.allclose(root[:2], FLOOR.point[:2] + np.array([2.0, 1.0]), atol=1e-9)


def test_edits_survive_the_way_back():
    _, was = stand_in(track_of("smpl"), SHELF, FLOOR)
    assert was is not None
    other, _ = stand_in(track_of("smpl", seed=1), SHELF, FLOOR)
    again, _ = stand_in(restored(other, was), SHELF, FLOOR)
    assert np.allclose(again.rotations, other.rotations)
    assert restored(track_of("smpl", frames=9), was).n_frames == 9


def test_installed_bodies_need_no_stand_in(tmp_path):
    save_body_model(tmp_path / "smpl_female.npz", random_body("smpl", vertices=30), {}, exact=True)
    track = track_of("smpl")
    assert stand_in(track, BodyShelf(tmp_path), FLOOR) == (track, None)


def test_a_body_of_another_family_under_that_name_does_not_count(tmp_path):
    save_body_model(tmp_path / "smpl_female.npz", random_body("smal", vertices=30), {}, exact=True)
    shown, was = stand_in(track_of("smpl"), BodyShelf(tmp_path), FLOOR)
    assert was is not None
    assert shown.model == "open_human"


def test_expressions_hold_where_the_motion_grew():
    track = track_of("smplx", frames=3, expressions=4) if "smplx" in FAMILIES else pytest.skip("there is no open_human_x yet")
    _, was = stand_in(track, SHELF, None)
    assert was is not None
    longer = restored(track_of("smplx", frames=6), was)
    assert np.array_equal(longer.expression[:3], track.expression)
    assert np.array_equal(longer.expression[3:], np.repeat(track.expression[-1:], 3, axis=0))


def test_damaged_notes_are_refused():
    _, was = stand_in(track_of("smplx", expressions=3), SHELF, FLOOR) if "smplx" in FAMILIES else stand_in(track_of("smpl"), SHELF, FLOOR)
    assert was is not None
    facts = json.loads(was.to_json())
    damaged = [{**facts, "scale": value} for value in (0, -1, "x", float("nan"), None)]
    damaged += [{**facts, "centre": value} for value in ([1, 2], [1, 2, "z"], None, [float("inf")] * 3)]
    damaged += [
        {**facts, "expression": value} for value in (1, {}, {"shape": [10**9, 10**9], "content": ""}, {"shape": [1, 1], "content": "00"})
    ]
    damaged += [{**facts, "betas": value} for value in (1, ["a"])]
    for text in ["", "[]", "{}", "[" * 9999, *map(json.dumps, damaged)]:
        with pytest.raises(ClipError, match="stands in"):
            StandIn.from_json(text)
