"""Laws of what an animal's fit is made of: the coarse body, keypoints, joint limits, outlines, and how legs follow each other."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.lifting.animals.clip_fit import _ahead
from backend.lifting.animals.coarse_body import CoarseBody, coarse_mesh
from backend.lifting.animals.energy import AnimalEnergy, Evidence, Unknowns, View, Weights
from backend.lifting.animals.joint_ranges import JointRanges
from backend.lifting.animals.keypoints import keypoints_of
from backend.lifting.animals.leg_swings import _ANGLES, _N, _STEP, _changes, _likeliest
from backend.lifting.animals.outlines import SIDE, crops_of, model_outlines, outline
from backend.lifting.animals.starts import R_camera_root, kind_named
from backend.lifting.axis_angle import matrices
from backend.lifting.subject import boxes_of
from backend.training.prior.gaits import animal
from revision_blender.motion.bodies.body_model import identity_of, vertices_of
from revision_blender.motion.bodies.body_size import proportions
from revision_blender.motion.rotation import axis_angle_from_matrix, matrix_from_axis_angle
from revision_blender.motion.skeletons import SMAL
from revision_blender.motion.subjects import ANIMAL_PARTS
from tests.lifting.animal_cases import drawn, quadruped, walking

MIRRORED = [SMAL.index(_other) for _other in (
    name.replace("left_", "#").replace("right_", "left_").replace("#", "right_") for name in SMAL.names
)]  # fmt: skip


@pytest.fixture(scope="module")
def body():
    return CoarseBody(quadruped())


def unknowns_of(clip) -> Unknowns:
    """The truth of a clip before a camera that is the world, as the fit writes it; place is filled in by its energy."""
    track = clip.bodies[0]
    pose = torch.from_numpy(axis_angle_from_matrix(track.rotations).astype(np.float32))
    frames = len(pose)
    return Unknowns(
        torch.tensor(proportions(quadruped(), track.betas), dtype=torch.float32)[None], torch.zeros(frames, 3), torch.tensor(track.rotations[:, 0], dtype=torch.float32),
        pose, torch.zeros(frames, 3),
    )  # fmt: skip


def evidence_of(clip, masks) -> Evidence:
    frames = clip.n_frames
    up = torch.tensor(clip.ground.normal, dtype=torch.float32).repeat(frames, 1)
    view = View(clip.camera.focal, torch.tensor(clip.camera.center, dtype=torch.float32), up)
    none = torch.zeros(frames, len(ANIMAL_PARTS), 2)
    return Evidence(crops_of(masks, boxes_of(masks)[0], None), none, none[..., 0], view)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**31))
def test_the_coarse_body_is_the_full_body_at_its_vertices(body, seed):
    rng = np.random.default_rng(seed)
    pose, betas = torch.from_numpy(rng.normal(0.0, 0.3, (2, 35, 3)).astype(np.float32)), rng.normal(0.0, 0.7, (1, 41)).astype(np.float32)
    rotations = matrices(pose)
    posed = body.pose(torch.from_numpy(betas), rotations, torch.zeros(2, 3))
    identity = identity_of(quadruped(), betas[0].astype(np.float64))
    full = vertices_of(identity, rotations.numpy().astype(np.float64), np.tile(-identity.joints_rest[0], (2, 1)), correctives=False)
    assert np.abs(full[:, coarse_mesh(quadruped())[0]] - posed.vertices.numpy()).max() < 1e-5
    assert np.abs(keypoints_of(quadruped()).of(full) - posed.keypoints.numpy()).max() < 5e-3  # a mean of skinned, and a skinned mean


def test_keypoints_are_where_one_would_click():
    at = dict(zip(ANIMAL_PARTS, keypoints_of(quadruped()).of(quadruped().v_template), strict=True))
    low, high = quadruped().v_template.min(axis=0), quadruped().v_template.max(axis=0)
    assert at["nose"][0] > high[0] - 0.02 and abs(at["nose"][1]) < 0.02
    for end in ("front", "back"):
        left, right = at[f"{end}_left_paw"], at[f"{end}_right_paw"]
        assert np.allclose(left * [1, -1, 1], right, atol=5e-3) and left[1] > 0.03 and left[2] < low[2] + 0.06
    assert at["front_left_paw"][0] > at["back_left_paw"][0] + 0.3
    assert at["tail_tip"][0] < at["tail_base"][0] < at["withers"][0] < at["throat"][0] < at["nose"][0]
    assert at["withers"][2] > at["tail_base"][2] and at["left_ear"][1] > 0 > at["right_ear"][1]
    assert at["left_ear"][2] > at["throat"][2]


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**31))
def test_what_the_left_side_can_the_right_side_can(seed):
    pose = torch.from_numpy(np.random.default_rng(seed).normal(0.0, 0.8, (1, 35, 3)).astype(np.float32))
    mirrored = pose[:, MIRRORED] * torch.tensor([-1.0, 1.0, -1.0])
    ranges = JointRanges()
    pose[:, 0] = mirrored[:, 0] = 0.0
    assert torch.allclose(ranges.well(pose), ranges.well(mirrored), rtol=1e-4)
    assert torch.allclose(ranges.walls(pose), ranges.walls(mirrored), rtol=1e-4)


@pytest.mark.parametrize("gait", ["walk", "trot", "canter"])
def test_legs_of_every_gait_lie_within_their_limits_and_wild_ones_do_not(gait):
    ranges = JointRanges()
    pose = torch.from_numpy(axis_angle_from_matrix(animal(gait, 3, False, 40).rotations.astype(np.float64)).astype(np.float32))
    legs = [joint for joint, name in enumerate(SMAL.names) if "leg" in name]
    beyond = ((pose > ranges.high) | (pose < ranges.low))[:, legs]
    assert beyond.float().mean() < 0.06
    wild = torch.from_numpy(np.random.default_rng(0).uniform(-3.0, 3.0, (40, 35, 3)).astype(np.float32))
    assert float(ranges.walls(wild).min()) > 10.0 * float(ranges.walls(pose).mean())


def test_an_outline_goes_round_a_mask_and_crops_keep_their_place():
    mask = np.zeros((1, 200, 300), np.uint8)
    mask[0, 60:140, 100:220] = 255
    crops = crops_of(mask, boxes_of(mask)[0], None)
    points, normals = crops.points[0].numpy(), crops.normals[0].numpy()
    back = points / float(crops.scale[0]) + crops.origin[0].numpy()
    at_side = np.minimum(np.abs(back - [100, 60]), np.abs(back - [220, 140])).min(axis=1)
    assert at_side.max() < 2.5 and np.allclose(back.mean(axis=0), [160, 100], atol=2.0)
    assert ((back - [160, 100]) * normals).sum(axis=1).min() > 0
    corners = torch.tensor([[[100.0, 60.0], [220.0, 140.0], [160.0, 160.0]]])
    far = crops.distance(crops.to_crop(corners))[0] / crops.scale[0]
    assert far[:2].max() < 3.0 and abs(float(far[2]) - 20.0) < 2.0
    assert float(crops.weight.min()) == 1.0


def test_where_something_stands_in_front_or_the_picture_ends_there_is_no_outline():
    mask, front = np.zeros((1, 200, 300), np.uint8), np.zeros((1, 200, 300), np.uint8)
    mask[0, 60:140, 0:220] = 255
    front[0, 60:140, 220:260] = 255
    crops = crops_of(mask, boxes_of(mask)[0], front)
    back = crops.points[0].numpy() / float(crops.scale[0]) + crops.origin[0].numpy()
    own = crops.weight[0].numpy() > 0
    middle = (back[:, 1] > 70) & (back[:, 1] < 130)
    assert middle.any() and not own[middle].any() and own[~middle].mean() > 0.7
    hidden = torch.tensor([[[240.0, 100.0], [110.0, 180.0]]])
    far = crops.distance(crops.to_crop(hidden))[0]
    assert far[0] == 0.0 and far[1] > 5.0


def test_an_empty_mask_has_no_outline():
    assert (outline(np.zeros((8, 8), bool)) == 0).all()
    crops = crops_of(np.zeros((1, 40, 40), np.uint8), np.array([[0, 0, 40, 40]], np.float32), None)
    assert float(crops.seen[0]) == 0.0 and float(crops.weight.sum()) == 0.0


def test_the_truth_covers_its_own_outline_and_costs_less_than_its_neighbours(body):
    clip = walking(3)
    evidence = evidence_of(clip, drawn(clip))
    truth = unknowns_of(clip)
    energy = AnimalEnergy(body, evidence, truth.betas, Weights())
    identity = identity_of(quadruped(), clip.bodies[0].betas)
    roots = torch.tensor(clip.bodies[0].translation + identity.joints_rest[0], dtype=torch.float32)
    truth = replace(truth, place=energy.place_of(roots))
    assert torch.allclose(energy.roots(truth.place), roots, atol=1e-5)
    posed = energy.posed(truth)
    energy.seek(posed)
    assert float(energy.outlines.overlap.min()) > 0.9
    least = energy.terms(truth, posed)
    for change in ({"place": truth.place + torch.tensor([0.08, 0.0, 0.0])}, {"turn": truth.turn + torch.tensor([0.0, 0.5, 0.0])}):
        other = replace(truth, **change)
        posed = energy.posed(other)
        energy.seek(posed)
        assert (energy.terms(other, posed) > least + 5.0).all()


def test_the_outline_of_a_model_moves_with_its_vertices(body):
    clip = walking(1)
    evidence = evidence_of(clip, drawn(clip))
    truth = unknowns_of(clip)
    energy = AnimalEnergy(body, evidence, truth.betas, Weights())
    identity = identity_of(quadruped(), clip.bodies[0].betas)
    truth = replace(truth, place=energy.place_of(torch.tensor(clip.bodies[0].translation + identity.joints_rest[0], dtype=torch.float32)))
    posed = energy.posed(truth)
    found = model_outlines(posed.vertices.numpy(), body.faces, evidence.view.focal, evidence.view.center.numpy(), evidence.crops)
    flat = energy.in_crop(posed.vertices)
    assert torch.allclose(found.places(flat + 3.0), found.places(flat) + 3.0, atol=1e-3)
    assert float(found.places(flat).min()) > 0 and float(found.places(flat).max()) < SIDE


def test_a_heading_is_a_rotation_that_stands_along_the_vertical():
    up = np.array([0.1, -0.9, -0.3])
    up /= np.linalg.norm(up)
    for heading in np.linspace(0.0, 6.0, 7):
        R = R_camera_root(up, heading, 0.0)
        assert np.allclose(R @ R.T, np.eye(3), atol=1e-12) and np.linalg.det(R) > 0
        assert np.allclose(R[:, 2], up)
    assert np.allclose(R_camera_root(np.array([0.0, -1.0, 0.0]), 0.0, 0.0)[:, 0], [1, 0, 0])  # to the picture's right
    assert np.allclose(R_camera_root(np.array([0.0, -1.0, 0.0]), np.pi / 2, 0.0)[:, 0], [0, 0, 1])  # away from the camera


def test_words_name_kinds():
    presets = {"dog": np.zeros(1), "cat": np.zeros(1), "horse": np.zeros(1)}
    assert kind_named("puppy", presets) == "dog" and kind_named("my_Dog_2", presets) == "dog"
    assert kind_named("horses", presets) == "horse" and kind_named("animal", presets) is None
    assert kind_named("Pony track", presets) == "horse"


def test_a_bearing_leg_goes_back_with_the_body_and_a_lifted_one_comes_ahead():
    change = _changes(2 * _STEP, 15.0)
    bearing = change[:_N, :_N]
    assert (bearing.argmin(axis=1)[:-2] == np.arange(2, _N)).all() and bearing.min() < 1e-9
    lifted = change[_N:, _N:]
    assert (_ANGLES[lifted.argmin(axis=1)] <= _ANGLES).all()


def test_legs_that_pass_each_other_are_told_apart():
    """Both legs look alike: a picture says only where the two are, not which is which."""
    pace, frames = 2 * _STEP, 14
    left = [(3 + 2 * k) for k in range(7)] + [_N + 14, _N + 10, _N + 6, _N + 3, 3, 5, 7]
    right = [_N + 14, _N + 10, _N + 6, _N + 3, *(3 + 2 * k for k in range(7)), _N + 14, _N + 10, _N + 6]
    costs = np.zeros((frames, 2 * _N, 2 * _N), np.float32)
    for frame in range(frames):
        seen = {left[frame] % _N, right[frame] % _N}
        for a in range(2 * _N):
            for b in range(2 * _N):
                costs[frame, a, b] = 4.0 * sum(min(abs(place - a % _N), abs(place - b % _N)) for place in seen)
    costs[0] += 3.0 * (np.abs(np.arange(2 * _N) - left[0])[:, None] > 0)  # clicked on the first frame
    _, path = _likeliest(costs, np.full(frames - 1, pace), 15.0)
    off = np.abs(path % _N - np.stack([left, right], axis=1) % _N)
    assert off.mean() < 1.0 and off.max() <= 4


def test_how_far_a_body_goes_on_does_not_depend_on_the_camera_turning(body):
    clip = walking(8)
    true, unknowns, evidence = clip.bodies[0], unknowns_of(clip), evidence_of(clip, drawn(clip))
    roots = true.translation + body.rest_joints(unknowns.betas)[0, 0].numpy()
    gone = float(np.linalg.norm(roots[-1] - roots[0]))
    energy = AnimalEnergy(body, evidence, unknowns.betas, Weights())
    turns = matrix_from_axis_angle(np.linspace([0.0, -0.2, 0.0], [0.0, 0.2, 0.0], 8))
    for R in (np.tile(np.eye(3), (8, 1, 1)), turns):
        poses = clip.camera.T_world_camera.copy()
        poses[:, :3, :3] = R
        seen = (np.swapaxes(R, 1, 2) @ true.rotations[:, 0], np.einsum("fba,fb->fa", R, roots))
        facing, place = (torch.from_numpy(each.astype(np.float32)) for each in seen)
        turned = replace(unknowns, R_camera_root=facing, place=energy.place_of(place))
        steps = _ahead(energy, turned, replace(clip.camera, T_world_camera=poses))
        assert steps.shape == (7,) and gone > 0.1
        assert abs(float(steps.sum()) - gone) < 0.1 * gone
