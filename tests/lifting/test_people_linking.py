"""Identities: crossings, gaps, clothes, the order in which a detector names people; and two looks made into one."""

import numpy as np
import pytest

from backend.lifting.people import linking
from backend.lifting.people.linking import chains_of
from backend.lifting.people.poses import alike, clothes_of, painted_out
from backend.lifting.people.shown_people import Shown, named
from backend.lifting.people.two_passes import combined, filled
from tests.lifting.people_cases import BLUE, RED, painted_pose, standing_points


def _crossing(first, second, frames=12, gap=()):
    """Two who walk through each other's place; in the frames of the gap the second is hidden. The order by frame is arbitrary."""
    order = np.random.default_rng(0)
    poses = []
    for frame in range(frames):
        here = [painted_pose(200.0 + 30.0 * frame, 400.0, first)]
        if frame not in gap:
            here.append(painted_pose(530.0 - 30.0 * frame, 396.0, second, 0.9))
        poses.append([here[i] for i in order.permutation(len(here))])
    return poses


def _walks_one_way(chain):
    xs = [chain[frame].crop.x for frame in sorted(chain)]
    return len(set(np.sign(np.diff(xs)))) == 1


@pytest.mark.parametrize("second", [BLUE, RED], ids=["other clothes", "same clothes"])
@pytest.mark.parametrize("gap", [(), (5, 6), (4, 5, 6, 7)], ids=["seen throughout", "hidden for two frames", "hidden for four"])
def test_two_who_cross_keep_their_identities(second, gap):
    chains = chains_of(_crossing(RED, second, gap=gap), 12.0)
    assert [len(chain) for chain in chains] == [12, 12 - len(gap)]
    assert all(_walks_one_way(chain) for chain in chains)


def test_clothes_tell_who_came_back_elsewhere():
    poses = [[painted_pose(200.0, 400.0, RED), painted_pose(450.0, 400.0, BLUE)] for _ in range(5)]
    poses += [[] for _ in range(4)]
    poses += [[painted_pose(430.0, 400.0, RED), painted_pose(220.0, 400.0, BLUE)] for _ in range(5)]
    for chain in chains_of(poses, 12.0):
        looks = {tuple(pose.clothes.argmax(axis=1)) for pose in chain.values()}
        assert len(looks) == 1 and len(chain) == 10


def test_nobody_is_made_of_two_who_are_seen_together():
    poses = [[painted_pose(200.0, 400.0, RED), painted_pose(600.0, 400.0, RED)] for _ in range(6)]
    chains = chains_of(poses, 12.0)
    assert [len(chain) for chain in chains] == [6, 6]
    assert chains_of([[], [], []], 12.0) == []


def test_a_child_is_not_the_adult_who_stood_there():
    poses = [[painted_pose(400.0, 400.0, RED)] for _ in range(4)] + [[painted_pose(400.0, 400.0, RED, 0.3)] for _ in range(4)]
    assert len(chains_of(poses, 12.0)) == 2


def test_what_the_user_names_is_one_person_and_what_he_names_apart_is_two():
    poses = _crossing(RED, RED, gap=(4, 5, 6, 7))
    ours = [next(pose for pose in here if pose.crop.side > 200) for here in poses]  # the first walks right
    theirs = [next((pose for pose in here if pose.crop.side < 200), None) for here in poses]
    chains = chains_of(poses, 12.0)
    mixed = [{f: (ours if f < 6 else theirs)[f] for f in range(12) if (ours if f < 6 else theirs)[f] is not None}]
    mixed.append({f: (theirs if f < 6 else ours)[f] for f in range(12) if (theirs if f < 6 else ours)[f] is not None})
    for given in (chains, mixed):
        shown = Shown({"Ann": {0: ours[0], 11: ours[11]}, "Ben": {0: theirs[0], 11: theirs[11]}})
        sorted_out = named(given, shown)
        ann = next(chain for chain in sorted_out if shown.name_of(chain) == "Ann")
        ben = next(chain for chain in sorted_out if shown.name_of(chain) == "Ben")
        assert ann[0] is ours[0] and ann[11] is ours[11] and ann[3] is ours[3] and ann[9] is ours[9]
        assert ben[0] is theirs[0] and ben[11] is theirs[11]


def test_clothes_are_alike_where_their_colours_are():
    red, blue = painted_pose(300.0, 300.0, RED).clothes, painted_pose(500.0, 350.0, BLUE).clothes
    assert np.allclose(red.sum(axis=1), 1.0, atol=1e-5)
    assert alike(red, red) == pytest.approx(1.0, abs=1e-5) and alike(red, blue) < 0.1
    shaded = painted_pose(300.0, 300.0, (180, 36, 36)).clothes
    assert alike(red, shaded) > alike(red, blue)
    assert clothes_of(np.zeros((50, 50, 3), np.uint8), standing_points(-900.0, -900.0)).shape == red.shape  # beyond the picture


def test_what_is_painted_out_takes_the_colours_about_it():
    picture = np.full((120, 160, 3), (30, 90, 40), np.uint8)
    hidden = np.zeros((120, 160), bool)
    hidden[30:100, 60:100] = True
    picture[hidden] = (250, 10, 10)
    out = painted_out(picture, hidden)
    assert np.abs(out.astype(int) - (30, 90, 40)).max() <= 3
    assert np.array_equal(painted_out(picture, np.zeros_like(hidden)), picture)


def test_two_looks_average_where_they_agree_and_are_trusted_less_where_they_do_not():
    truth = np.stack([standing_points(300.0 + 4.0 * frame, 400.0) for frame in range(6)])
    near, wrong = truth.copy(), truth.copy()
    near[..., 0] += 2.0
    wrong[3, 15, :2] += 60.0  # one wrist of one look
    both = combined(near, wrong)
    assert np.allclose(both.points[:3, :, 0], truth[:3, :, 0] + 1.0, atol=1e-3)
    assert np.linalg.norm(both.points[3, 15, :2] - truth[3, 15, :2]) < 3.0
    assert both.points[3, 15, 2] == 0.5 and both.apart[3, 15] > 0.3 and both.apart[2].max() < 0.02
    blind = np.full_like(truth, np.nan)
    alone = combined(truth, blind)
    assert np.array_equal(alone.points, truth) and alone.found.all() and not alone.twice.any()
    assert not combined(blind, blind).found.any()


def test_frames_without_a_person_lie_between_those_with_one_and_count_nothing():
    points = np.stack([standing_points(100.0 * frame, 300.0) for frame in range(5)])
    found = np.array([True, False, False, False, True])
    points[1:4] = np.nan
    done = filled(points, found)
    assert np.allclose(done[2, 0, 0], 200.0) and (done[1:4, :, 2] == 0.0).all() and (done[[0, 4], :, 2] == 1.0).all()


def test_joins_that_will_not_be_made_do_not_hide_the_one_that_fits(monkeypatch):
    costs = {("a", "b"): 0.8, ("a", "c"): 0.9, ("d", "b"): 0.9}
    names = iter("abcd")
    chains = [{next(names): None} for _ in range(4)]
    monkeypatch.setattr(linking, "_join_cost", lambda one, other, _fps: costs.get((max(one), min(other)), linking.NEVER))
    joined = linking._joined(chains, 12.0)  # type: ignore[arg-type]
    assert {frozenset(chain) for chain in joined} == {frozenset("ab"), frozenset("c"), frozenset("d")}
