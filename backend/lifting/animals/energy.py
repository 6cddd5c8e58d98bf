"""How well poses of an animal agree with what is seen of it, and with how animals are made: the energy that the fit descends."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from backend.lifting.animals.coarse_body import CoarseBody, PosedAnimal
from backend.lifting.animals.joint_ranges import JointRanges
from backend.lifting.animals.outlines import Crops, ModelOutlines, model_outlines
from backend.lifting.axis_angle import matrices
from revision_blender.motion.subjects import ANIMAL_PARTS

KEYPOINT_SPREAD, KEYPOINT_REACH = 0.02, 0.6  # of the animal's size in the picture
OUTLINE_SPREAD, OUTLINE_REACH = 0.015, 0.08
ALONG = 0.15  # of a gap along the outline, against one across it
TURNED = 0.12  # of the size: what an outline that runs the other way counts as distance
OUTSIDE_SPREAD, OUTSIDE_REACH = 0.02, 0.10
PITCH_SPREAD, ROLL_SPREAD = 0.5, 0.15  # radians from upright
ENDS = 0.1  # what an outline of the mask still counts where the model puts a part that masks often miss: legs cut off end in the air
TAIL = 0.5  # the same of tail and ears
NEAR, DEEP = 0.04, 0.15  # of the size in the picture, of the trunk's length
BETA_SPREAD = 0.8  # standard deviations from the shape that the label names
EARS_OVER_THROAT = 0.1  # of the trunk's length, at least
HIP_OVER_PAW = 0.15
_HIPS, _FEET = [7, 11, 17, 21], [10, 14, 20, 24]
_EARS, _THROAT = [ANIMAL_PARTS.index("left_ear"), ANIMAL_PARTS.index("right_ear")], ANIMAL_PARTS.index("throat")
_ON_THE_TRUNK = [row for row, part in enumerate(ANIMAL_PARTS) if not part.endswith("paw")]


@dataclass(frozen=True)
class Weights:
    """Of the terms of the energy, beside keypoints."""

    outline: float = 50.0
    outside: float = 40.0
    well: float = 0.9
    walls: float = 1.0
    upright: float = 1.0
    shape: float = 1.0


@dataclass(frozen=True, eq=False)
class View:
    """focal: pixels. center ``(2,)`` pixels. up ``(N, 3)``: the vertical in camera coordinates."""

    focal: float
    center: Tensor
    up: Tensor

    def tilted(self, angle: float) -> "View":
        """The same view, the camera looking further down by an angle in radians."""
        cosine, sine = float(np.cos(angle)), float(np.sin(angle))
        turn = torch.tensor([[1.0, 0.0, 0.0], [0.0, cosine, -sine], [0.0, sine, cosine]])
        return replace(self, up=self.up @ turn.T)

    def project(self, points: Float[Tensor, "N K 3"]) -> Float[Tensor, "N K 2"]:
        return points[..., :2] / points[..., 2:].clamp(min=0.05) * self.focal + self.center


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is seen, a row for each pose. keypoints ``(N, K, 2)`` pixels of the picture, clicked ``(N, K)`` their weights, 0 for none.

    thin: how far it counts, against the rest of the body, that lower legs lie beside the masks: masks miss such parts first.
    """

    crops: Crops
    keypoints: Tensor
    clicked: Tensor
    view: View
    thin: float = 0.5

    def tilted(self, angle: float) -> "Evidence":
        return replace(self, view=self.view.tilted(angle))

    def rows(self, index: NDArray[np.integer]) -> "Evidence":
        picked = torch.from_numpy(np.asarray(index, np.int64))
        view = replace(self.view, up=self.view.up[picked])
        return Evidence(self.crops.rows(index), self.keypoints[picked], self.clicked[picked], view, self.thin)


@dataclass(frozen=True, eq=False)
class Unknowns:
    """betas ``(N or 1, B)``. turn ``(N, 3)`` axis-angle before R_camera_root ``(N, 3, 3)``. pose ``(N, 35, 3)`` axis-angle, row 0 unused.

    place ``(N, 3)``: of joint 0 in the camera, as x / z, y / z in units of the animal's size, and the logarithm of z.
    """

    betas: Tensor
    turn: Tensor
    R_camera_root: Tensor
    pose: Tensor
    place: Tensor

    def free(self) -> "Unknowns":
        """A copy that gradients reach."""
        names = ("betas", "turn", "pose", "place")
        return replace(self, **{name: getattr(self, name).detach().clone().requires_grad_() for name in names})

    def fixed(self) -> "Unknowns":
        """A copy without gradients, the turn taken into the root's rotation."""
        with torch.no_grad():
            root = matrices(self.turn) @ self.R_camera_root
        copies = {name: getattr(self, name).detach().clone() for name in ("betas", "pose", "place")}
        return Unknowns(turn=torch.zeros_like(self.turn), R_camera_root=root, **copies)

    def rows(self, index: NDArray[np.integer]) -> "Unknowns":
        picked = torch.from_numpy(np.asarray(index, np.int64))
        betas = self.betas if len(self.betas) == 1 else self.betas[picked]
        return Unknowns(betas, self.turn[picked], self.R_camera_root[picked], self.pose[picked], self.place[picked])

    def rotations(self) -> Float[Tensor, "N 35 3 3"]:
        return torch.cat([(matrices(self.turn) @ self.R_camera_root)[:, None], matrices(self.pose[:, 1:])], dim=1)


class AnimalEnergy:
    """The energy of poses against evidence, row by row; ``seek`` finds anew which points of the outlines belong together."""

    def __init__(self, body: CoarseBody, evidence: Evidence, preferred: Float[Tensor, "n B"], weights: Weights) -> None:
        self.body, self.evidence, self.preferred, self.weights = body, evidence, preferred, weights
        self.ranges = JointRanges()
        crops = evidence.crops
        self.size = crops.size[:, None]
        self.unit = (crops.size / (evidence.view.focal * crops.scale))[:, None]  # of ``place``, as a share of the depth
        self.outlines: ModelOutlines | None = None
        self.trust = torch.from_numpy(np.select([body.lower_legs, body.tail_or_ears], [evidence.thin, TAIL], 1.0).astype(np.float32))

    def posed(self, unknowns: Unknowns) -> PosedAnimal:
        """In camera coordinates."""
        return self.body.pose(unknowns.betas, unknowns.rotations(), self.roots(unknowns.place))

    def roots(self, place: Float[Tensor, "N 3"]) -> Float[Tensor, "N 3"]:
        z = place[:, 2:].exp()
        return torch.cat([place[:, :2] * self.unit * z, z], dim=1)

    def place_of(self, roots: Float[Tensor, "N 3"]) -> Float[Tensor, "N 3"]:
        z = roots[:, 2:].clamp(min=0.05)
        return torch.cat([roots[:, :2] / z / self.unit, z.log()], dim=1)

    def in_crop(self, points: Float[Tensor, "N K 3"]) -> Float[Tensor, "N K 2"]:
        return self.evidence.crops.to_crop(self.evidence.view.project(points))

    def seek(self, posed: PosedAnimal) -> None:
        """Draws the poses and pairs the points of their outlines with those of the masks, both ways."""
        crops, view = self.evidence.crops, self.evidence.view
        with torch.no_grad():
            vertices = posed.vertices.detach()
            self.outlines = model_outlines(vertices.numpy(), self.body.faces, view.focal, view.center.numpy(), crops)
            self.own_weight = self.outlines.weight * self.trust[self.outlines.corners[..., 0]]
            own = self._features(self.outlines.places(self.in_crop(vertices)), self.outlines.normals)
            seen = self._features(crops.points, crops.normals)
            apart = torch.cdist(own, seen, compute_mode="donot_use_mm_for_euclid_dist")
            self.to_seen = (apart + 1e3 * (1.0 - crops.weight[:, None])).argmin(dim=2)
            self.to_own = (apart + 1e3 * (1.0 - self.outlines.weight[..., None])).argmin(dim=1)
            ends = torch.gather(self.trust[self.outlines.corners[..., 0]], 1, self.to_own)
            self.seen_weight = crops.weight * (ENDS + (1.0 - ENDS) * ends)

    def _features(self, points: Tensor, normals: Tensor) -> Tensor:
        return torch.cat([points / self.size[..., None], TURNED * normals], dim=-1)

    def terms(self, unknowns: Unknowns, posed: PosedAnimal) -> Float[Tensor, " N"]:
        """The energy of every row but for what joins rows."""
        weights, seen = self.weights, self.evidence.crops.seen
        flat = self.in_crop(posed.vertices)
        energy = self._keypoints(posed) + seen * (weights.outline * self._outline(flat) + weights.outside * self._outside(flat))
        energy = energy + weights.well * self.ranges.well(unknowns.pose) + weights.walls * self.ranges.walls(unknowns.pose)
        shape = ((unknowns.betas - self.preferred) / BETA_SPREAD).square().sum(-1)
        return (
            energy
            + weights.upright * (self._upright(unknowns) + self._head_up(posed) + self._paws_down(unknowns, posed))
            + weights.shape * shape
        )

    def hidden(self, posed: PosedAnimal) -> Float[Tensor, " N"]:
        """How many of the clicked parts but paws lie well behind other parts of the body: one does not click on what one does not see."""
        with torch.no_grad():
            flat, parts = self.in_crop(posed.vertices), self.in_crop(posed.keypoints)
            near = torch.cdist(parts, flat) < NEAR * self.size[..., None]
            front = torch.where(near, posed.vertices[:, None, :, 2], torch.inf).amin(-1)
            behind = posed.keypoints[..., 2] - front > DEEP * self.body.length
            return (behind * self.evidence.clicked)[:, _ON_THE_TRUNK].sum(-1)

    def _keypoints(self, posed: PosedAnimal) -> Tensor:
        gap = (self.in_crop(posed.keypoints) - self.evidence.crops.to_crop(self.evidence.keypoints)) / self.size[..., None]
        return (self.evidence.clicked * _robust(gap.square().sum(-1), KEYPOINT_SPREAD, KEYPOINT_REACH)).sum(-1)

    def _outline(self, flat: Tensor) -> Tensor:
        assert self.outlines is not None
        crops = self.evidence.crops
        own = self.outlines.places(flat)
        there = _picked(crops.points, self.to_seen)
        forth = self._gap(own - there, _picked(crops.normals, self.to_seen))
        back = self._gap(_picked(own, self.to_own) - crops.points, crops.normals)
        return _averaged(forth, self.own_weight) + _averaged(back, self.seen_weight)

    def _gap(self, apart: Tensor, normals: Tensor) -> Tensor:
        across = (apart * normals).sum(-1).square()
        square = (across + ALONG * apart.square().sum(-1)) / self.size.square()
        return _robust(square, OUTLINE_SPREAD, OUTLINE_REACH)

    def _outside(self, flat: Tensor) -> Tensor:
        outside = self.evidence.crops.distance(flat) / self.size
        return (self.trust * _robust(outside.square(), OUTSIDE_SPREAD, OUTSIDE_REACH)).mean(-1)

    def _upright(self, unknowns: Unknowns) -> Tensor:
        lean = torch.einsum("nab,na->nb", matrices(unknowns.turn) @ unknowns.R_camera_root, self.evidence.view.up)
        upside = (-lean[:, 2]).clamp(min=0.0)  # on its back both leans are small again
        return (lean[:, 0] / PITCH_SPREAD).square() + (lean[:, 1] / ROLL_SPREAD).square() + 20.0 * upside

    def _paws_down(self, unknowns: Unknowns, posed: PosedAnimal) -> Tensor:
        """Paws are under the shoulders and hips that they hang on, as the trunk sees it: a leg is no tail."""
        up = (matrices(unknowns.turn) @ unknowns.R_camera_root)[:, :, 2]
        under = ((posed.joints[:, _HIPS] - posed.joints[:, _FEET]) * up[:, None]).sum(-1) / self.body.length
        return ((HIP_OVER_PAW - under).clamp(min=0.0) / 0.1).square().sum(-1)

    def _head_up(self, posed: PosedAnimal) -> Tensor:
        """Ears are above the throat."""
        over = posed.keypoints[:, _EARS].mean(1) - posed.keypoints[:, _THROAT]
        height = (over * self.evidence.view.up).sum(-1) / self.body.length
        return 2.0 * ((EARS_OVER_THROAT - height).clamp(min=0.0) / 0.1).square()


def _picked(points: Float[Tensor, "N K 2"], index: Tensor) -> Tensor:
    return torch.gather(points, 1, index[..., None].expand(-1, -1, 2))


def _averaged(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum(-1) / weight.shape[-1]


def _robust(square: Tensor, spread: float, reach: float) -> Tensor:
    """Geman-McClure: like ``square / spread^2`` near zero, level beyond ``reach``."""
    return square / (square + reach**2) * (reach / spread) ** 2
