"""Which leg is where while an animal moves: outlines alone mistake legs for each other when they pass.

A leg that bears stands still on the floor, so it swings back at the pace at which the body goes on; one that is lifted comes forward,
bent. Every leg is drawn in every such state on every frame, and the states that follow each other in this way and cover what the trunk
leaves of the mask are found by dynamic programming (Viterbi), the front pair and the back pair apart. What comes out is a start for the
fit, not its result.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray

from backend.lifting.animals.coarse_body import CoarseBody
from backend.lifting.animals.energy import AnimalEnergy, Evidence, Unknowns, Weights
from backend.lifting.animals.outlines import SIDE
from backend.raster.kernels import draw
from revision_blender.masks.labels import ANIMAL_PART_NAMES, FIRST_ANIMAL
from revision_blender.motion.subjects import ANIMAL_PARTS

F32 = NDArray[np.float32]
Array = NDArray[np.floating]

LEGS = ((7, 8, 9, 10), (11, 12, 13, 14), (17, 18, 19, 20), (21, 22, 23, 24))  # left front, right front, left back, right back
_ENDS = ((0, 1), (2, 3))
_LEG_NAMES = ("front_left", "front_right", "back_left", "back_right")
_PAWS = [ANIMAL_PARTS.index(f"{name}_paw") for name in _LEG_NAMES]
_AT_ONCE = 12  # frames: their legs in every state take 100 MB
_STEP = 0.085  # radians between two states
_ANGLES = _STEP * np.arange(-10, 11)  # of the line from hip to paw: below 0 the paw is ahead
_N = len(_ANGLES)  # states that bear; as many follow that are lifted
_LIFTED = {  # how joints of a lifted leg bend, radians about the axis to the left, from shoulder or hip down
    "front": (0.0, -0.8, 0.9, 0.5),
    "back": (0.0, 0.6, -0.5, 0.5),
}
_PACES = (0.8, 1.0, 1.25)  # that a bearing leg swings back, of what the body's own way tells
_PIXELS = 8.0  # differing pixels that count as one: neighbours err together
_CLICK = 0.04  # of the animal's size
_JITTER = 0.7  # states that a bearing leg may be off
_FORWARD, _FORWARD_SPREAD = 3.0, 0.25  # radians a second that a lifted leg comes ahead beyond the pace, and its freedom a frame
_BOTH_LIFTED = 1.0  # on every frame
_CHANGE = 0.7  # for setting a paw down or lifting it
_WRONG_PLACE = 25.0  # a radian: for lifting a paw that is ahead, or setting one down that is behind


def with_legs_told_apart(
    body: CoarseBody, evidence: Evidence, unknowns: Unknowns, ahead: Float[NDArray[np.float64], " F-1"], fps: float
) -> Unknowns:
    """The same animal, its legs where they are most likely, on every frame. ahead: metres that the body goes on from frame to frame."""
    energy = AnimalEnergy(body, evidence, unknowns.betas, Weights())
    states = [_states(energy, unknowns, leg) for leg in range(4)]
    rows = np.arange(len(unknowns.pose))
    parts = [_costs(body, evidence.rows(part), unknowns.rows(part), states) for part in np.split(rows, rows[_AT_ONCE::_AT_ONCE])]
    costs = [np.concatenate(pairs) for pairs in zip(*parts, strict=True)]
    pace = ahead / _leg_length(energy, unknowns)
    ways = [[_likeliest(pair, share * pace, fps) for pair in costs] for share in _PACES]
    best = min(ways, key=lambda pairs: sum(cost for cost, _ in pairs))
    pose = unknowns.pose.clone()
    for end, (_, path) in zip(_ENDS, best, strict=True):
        for place, leg in enumerate(end):
            pose[:, list(LEGS[leg])] = states[leg][torch.from_numpy(path[:, place])]
    return replace(unknowns, pose=pose)


def _costs(body: CoarseBody, evidence: Evidence, unknowns: Unknowns, states: list[torch.Tensor]) -> list[F32]:
    """``(F, S, S)`` of the front pair and of the back pair."""
    energy = AnimalEnergy(body, evidence, unknowns.betas, Weights())
    missing, beside = _left_by_trunk(energy, unknowns)
    drawn = _drawn_states(energy, unknowns, states)
    return [_pair_costs([drawn[leg] for leg in end], missing, beside) for end in _ENDS]


def _states(energy: AnimalEnergy, unknowns: Unknowns, leg: int) -> Float[torch.Tensor, "S 4 3"]:
    """Axis-angle of a leg's joints in every state, those that bear first."""
    bent = _LIFTED["front" if leg < 2 else "back"]
    middle = energy.ranges.middle[list(LEGS[leg])].clone()
    shapes = [middle, middle + torch.tensor([[0.0, angle, 0.0] for angle in bent])]
    straight = [_leaning(energy, unknowns, leg, shape) for shape in shapes]
    rows = []
    for shape, lean in zip(shapes, straight, strict=True):
        for angle in _ANGLES:
            row = shape.clone()
            row[0, 1] += float(angle) - lean
            rows.append(row)
    return torch.stack(rows)


def _leaning(energy: AnimalEnergy, unknowns: Unknowns, leg: int, shape: torch.Tensor) -> float:
    """Radians that the line from a leg's first joint to its last leans back, the body upright."""
    line = _line(energy, unknowns, leg, shape)
    return float(torch.atan2(-line[0], -line[2]))


def _leg_length(energy: AnimalEnergy, unknowns: Unknowns) -> float:
    """Metres from the first joint of a standing leg to its last, the mean of all four."""
    lines = [_line(energy, unknowns, leg, energy.ranges.middle[list(LEGS[leg])]) for leg in range(4)]
    return float(torch.stack(lines).norm(dim=-1).mean())


def _line(energy: AnimalEnergy, unknowns: Unknowns, leg: int, shape: torch.Tensor) -> Float[torch.Tensor, "3"]:
    """From a leg's first joint to its last, in the frame of the root. shape ``(4, 3)``: its joints' axis-angle."""
    pose = energy.ranges.middle[None].clone()
    pose[:, list(LEGS[leg])] = shape
    still = Unknowns(unknowns.betas[:1], torch.zeros(1, 3), torch.eye(3)[None], pose, torch.zeros(1, 3))
    joints = energy.body.pose(still.betas, still.rotations(), torch.zeros(1, 3)).joints[0]
    return joints[LEGS[leg][-1]] - joints[LEGS[leg][0]]


def _left_by_trunk(energy: AnimalEnergy, unknowns: Unknowns) -> tuple[F32, F32]:
    """``(F, P)`` each: pixels of the animal that its trunk does not cover, and pixels that show that nothing of it is there."""
    with torch.no_grad():
        vertices = energy.posed(unknowns).vertices.numpy()
    faces = energy.body.faces[~np.stack([_faces_of(energy.body, leg) for leg in range(4)]).any(axis=0)]
    trunk = np.stack(list(_drawn(vertices, faces, energy.evidence)))
    crops = energy.evidence.crops
    masks, known, seen = crops.masks.numpy(), crops.known.numpy(), crops.seen.numpy()[:, None]
    rows = len(masks)
    missing = (masks & ~trunk).reshape(rows, -1).astype(np.float32) * seen
    return missing, (known & ~masks & ~trunk).reshape(rows, -1).astype(np.float32) * seen * energy.evidence.thin


def _faces_of(body: CoarseBody, leg: int) -> NDArray[np.bool_]:
    own = [FIRST_ANIMAL + ANIMAL_PART_NAMES.index(f"{_LEG_NAMES[leg]}_{part}") for part in ("upper", "lower")]
    return np.isin(body.labels[body.faces], own).all(axis=1)


@dataclass(frozen=True, eq=False)
class _DrawnLeg:
    """pictures ``(F, S, P)`` 0 or 1: a leg in every state on every frame. clicks ``(F, S)``: how far its paw is from where it was clicked."""

    pictures: F32
    clicks: F32


def _drawn_states(energy: AnimalEnergy, unknowns: Unknowns, states: list[torch.Tensor]) -> list[_DrawnLeg]:
    """All four legs; they are posed together, for they do not move each other."""
    frames, count = len(unknowns.pose), len(states[0])
    faces = [energy.body.faces[_faces_of(energy.body, leg)] for leg in range(4)]
    legs = [_DrawnLeg(np.zeros((frames, count, SIDE * SIDE), np.float32), np.zeros((frames, count), np.float32)) for _ in range(4)]
    wanted, clicked = energy.evidence.crops.to_crop(energy.evidence.keypoints), energy.evidence.clicked
    for number in range(count):
        pose = unknowns.pose.clone()
        for leg in range(4):
            pose[:, list(LEGS[leg])] = states[leg][number]
        with torch.no_grad():
            posed = energy.posed(replace(unknowns, pose=pose))
            gap = (energy.in_crop(posed.keypoints) - wanted) / energy.size[..., None] / _CLICK
            far = (gap.square().sum(-1).clamp(max=60.0) * clicked).numpy()
        for leg, drawn in enumerate(legs):
            drawn.clicks[:, number] = far[:, _PAWS[leg]]
            for frame, picture in enumerate(_drawn(posed.vertices.numpy(), faces[leg], energy.evidence)):
                drawn.pictures[frame, number] = picture.reshape(-1)
    return legs


def _drawn(vertices_camera: F32, faces: NDArray[np.int32], evidence: Evidence) -> Iterator[NDArray[np.bool_]]:
    """Where each row's crop sees the faces."""
    used, corners = np.unique(faces, return_inverse=True)
    triangles = corners.reshape(-1, 3).astype(np.int32)
    scale = evidence.crops.scale.numpy()
    center = (evidence.view.center.numpy() - evidence.crops.origin.numpy()) * scale[:, None]
    for row, points in enumerate(vertices_camera):
        face, nearness = np.full((SIDE, SIDE), -1, np.int32), np.zeros((SIDE, SIDE), np.float32)
        focal = float(evidence.view.focal * scale[row])
        draw(points[used].astype(np.float64), triangles, focal, float(center[row, 0]), float(center[row, 1]), face, nearness)
        yield face >= 0


def _pair_costs(legs: list[_DrawnLeg], missing: F32, beside: F32) -> F32:
    """``(F, S, S)``: what states of the left and of the right leg cost: pixels beside the animal, less those of it that they explain."""
    first, second = legs
    outside = [(leg.pictures @ beside[..., None])[..., 0] for leg in legs]
    seen = first.pictures * missing[:, None]
    covered = [seen.sum(-1), (second.pictures @ missing[..., None])[..., 0]]
    both = seen @ second.pictures.swapaxes(1, 2)
    pixels = (outside[0] - covered[0])[:, :, None] + (outside[1] - covered[1])[:, None] + both
    lifted = np.arange(pixels.shape[1]) >= _N
    pixels[:, lifted[:, None] & lifted] += _BOTH_LIFTED * _PIXELS
    return pixels / np.float32(_PIXELS) + first.clicks[:, :, None] + second.clicks[:, None]


def _changes(pace: float, fps: float) -> Float[NDArray[np.float64], "S S"]:
    """What it costs a leg to come from a state (row) into another (column) within a frame, the body going on by ``pace`` radians."""
    came, goes = np.meshgrid(_ANGLES, _ANGLES, indexing="ij")
    swung = goes - came
    bears = ((swung - pace) / (_JITTER * _STEP)) ** 2
    comes = ((swung + abs(pace) + _FORWARD / fps) / (_FORWARD / fps + _FORWARD_SPREAD)) ** 2
    lifts = _CHANGE + _WRONG_PLACE * np.maximum(0.05 - came, 0.0) * (pace > 0.02) + np.minimum(bears, comes)
    lands = _CHANGE + _WRONG_PLACE * np.maximum(goes + 0.05, 0.0) * (pace > 0.02) + np.minimum(bears, comes)
    return np.block([[bears, lifts], [lands, comes]])


def _likeliest(costs: F32, pace: Float[NDArray[np.float64], " F-1"], fps: float) -> tuple[float, NDArray[np.int64]]:
    """The cheapest way through ``(F, S, S)``, its cost and the states ``(F, 2)`` of a pair of legs. pace: radians from frame to frame."""
    total, came = costs[0].astype(np.float64), []
    for now, swing in zip(costs[1:], pace, strict=True):
        change = _changes(float(swing), fps)
        left = total[:, None, :] + change[:, :, None]  # from, to, right
        by_left = left.argmin(axis=0)
        left = left.min(axis=0)
        right = left[:, :, None] + change[None]  # left, from, to
        by_right = right.argmin(axis=1)
        came.append((by_left, by_right))
        total = right.min(axis=1) + now
    least, state = float(total.min()), np.unravel_index(int(total.argmin()), total.shape)
    path = [state]
    for by_left, by_right in reversed(came):
        right = by_right[state]
        state = (by_left[state[0], right], right)
        path.append(state)
    return least, np.array(path[::-1], np.int64)
