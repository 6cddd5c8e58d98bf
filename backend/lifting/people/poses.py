"""One person's pose on one frame: landmarks, the soft mask that comes with them, and what the clothes look like."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8
from numpy.typing import NDArray

from backend.lifting.people.crops import CROP_SIDE, Crop, cut
from backend.lifting.people.landmark_names import index_of
from backend.lifting.people.pose_models import PoseReader, Reading

Array = NDArray[np.floating]

BODY = tuple(index_of(f"{side}_{name}") for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle") for side in ("left", "right"))
TRUNK = tuple(index_of(name) for name in ("left_shoulder", "right_shoulder", "right_hip", "left_hip"))
CHROMA_BINS, LIGHT_BINS = 8, 4
SURE_OWN, SURE_OTHER = 77, 128  # of 255 in the soft masks: a pixel is painted out where it is another's and hardly one's own


@dataclass(frozen=True, eq=False)
class Pose:
    """points: ``(33, 6)`` as in ``Reading``. crop: of soft. score: [0, 1]. clothes: ``(2, N)`` colours of trunk and legs, each sums to 1."""

    points: Float32[NDArray[np.float32], "33 6"]
    crop: Crop
    next_crop: Crop
    soft: UInt8[NDArray[np.uint8], "256 256"]
    score: float
    clothes: Float32[NDArray[np.float32], "2 N"]

    @property
    def pixels(self) -> Float32[NDArray[np.float32], "33 2"]:
        return self.points[:, :2]

    @property
    def extent(self) -> float:
        """The larger side of the box about the landmarks, pixels."""
        return max(float(np.ptp(self.pixels, axis=0).max()), 1.0)

    @property
    def box(self) -> Float[NDArray[np.float64], "4"]:
        """left, top, right, bottom about the landmarks, with room for the crown and the toes."""
        low, high = self.pixels.min(axis=0).astype(float), self.pixels.max(axis=0).astype(float)
        margin = 0.06 * self.extent
        return np.concatenate([low - margin, high + margin])


def read_pose(
    reader: PoseReader, frame: NDArray[np.uint8], crop: Crop, others: tuple[Pose, ...] = (), own: Pose | None = None, mirrored: bool = False
) -> Pose | None:
    """The pose in a crop of a frame, the pixels of ``others`` painted out. own: the same person as far as it is known already."""
    pixels = cut(frame, crop)
    for other in others:
        pixels = _painted(pixels, crop, other, own)
    reading = reader.read(pixels, crop, mirrored)
    return None if reading is None else _pose_of(reading, frame, crop)


def _pose_of(reading: Reading, frame: NDArray[np.uint8], crop: Crop) -> Pose:
    score = float(reading.points[list(BODY), 2].mean())
    return Pose(reading.points, crop, reading.next_crop, reading.soft, score, clothes_of(frame, reading.points))


def apart(a: Array, b: Array) -> float:
    """Mean distance of the trunk's and limbs' landmarks ``(33, 2)`` in pixels."""
    return float(np.linalg.norm(a[list(BODY), :2] - b[list(BODY), :2], axis=1).mean())


def soft_in(pose: Pose, crop: Crop) -> UInt8[NDArray[np.uint8], "256 256"]:
    """A pose's soft mask in another crop."""
    step = _homogeneous(pose.crop.matrix())
    here = _homogeneous(crop.matrix())
    return np.asarray(cv2.warpAffine(pose.soft, (np.linalg.inv(here) @ step)[:2], (CROP_SIDE, CROP_SIDE)), np.uint8)


def _homogeneous(matrix: Array) -> Array:
    return np.vstack([matrix, [0.0, 0.0, 1.0]])


def _painted(pixels: NDArray[np.uint8], crop: Crop, other: Pose, own: Pose | None) -> NDArray[np.uint8]:
    hidden = soft_in(other, crop) > SURE_OTHER
    if own is not None:
        hidden &= soft_in(own, crop) < SURE_OWN
    return painted_out(pixels, hidden) if hidden.any() else pixels


def painted_out(pixels: NDArray[np.uint8], hidden: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Pixels ``(H, W, 3)`` with those hidden replaced by a blur of what is about them."""
    height, width = hidden.shape
    size = (max(width // 8, 4), max(height // 8, 4))
    grown = cv2.dilate(hidden.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    shown = (~grown).astype(np.float32)
    light = cv2.resize(shown, size, interpolation=cv2.INTER_AREA)
    colour = cv2.resize(pixels.astype(np.float32) * shown[..., None], size, interpolation=cv2.INTER_AREA)
    total, weight = np.zeros_like(colour), np.zeros_like(light)
    for reach in (1.0, 4.0, 16.0):  # near colours first: each reach counts a hundredth of the nearer one
        share = 100.0 ** -np.log2(reach)
        total += share * cv2.GaussianBlur(colour, (0, 0), reach)
        weight += share * cv2.GaussianBlur(light, (0, 0), reach)
    fill = cv2.resize(total / np.maximum(weight, 1e-12)[..., None], (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(grown[..., None], np.clip(fill, 0, 255).astype(np.uint8), pixels)


def clothes_of(frame: NDArray[np.uint8], points: Array) -> Float32[NDArray[np.float32], "2 N"]:
    """Colour histograms of the trunk and of the legs, each of sum 1."""
    place = {name: points[index_of(name), :2] for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip")}
    across, down = np.meshgrid(np.linspace(0.15, 0.85, 8), np.linspace(0.1, 0.9, 10))
    top = place["left_shoulder"] + across[..., None] * (place["right_shoulder"] - place["left_shoulder"])
    bottom = place["left_hip"] + across[..., None] * (place["right_hip"] - place["left_hip"])
    trunk = (top + down[..., None] * (bottom - top)).reshape(-1, 2)
    return np.stack([_histogram(frame, trunk), _histogram(frame, _along_legs(points))]).astype(np.float32)


def _along_legs(points: Array) -> Array:
    share = np.linspace(0.1, 0.95, 16)[:, None]
    legs = []
    for side in ("left", "right"):
        hip, knee, ankle = (points[index_of(f"{side}_{name}"), :2] for name in ("hip", "knee", "ankle"))
        legs += [hip + share * (knee - hip), knee + share * (ankle - knee)]
    return np.concatenate(legs)


def _histogram(frame: NDArray[np.uint8], places: Array) -> Array:
    height, width = frame.shape[:2]
    inside = ((places >= 0) & (places < [width, height])).all(axis=1)
    bins = CHROMA_BINS * CHROMA_BINS * LIGHT_BINS
    if not inside.any():
        return np.full(bins, 1.0 / bins)
    columns, rows = places[inside].astype(int).T
    lab = cv2.cvtColor(np.ascontiguousarray(frame[rows, columns][None]), cv2.COLOR_RGB2LAB)[0].astype(np.float32)
    light = np.clip(lab[:, 0] / 256.0, 0.0, 0.999) * LIGHT_BINS
    chroma = np.clip((lab[:, 1:] - 128.0) / 90.0 + 0.5, 0.0, 0.999) * CHROMA_BINS
    cell = (light.astype(int) * CHROMA_BINS + chroma[:, 0].astype(int)) * CHROMA_BINS + chroma[:, 1].astype(int)
    counts = np.bincount(cell, minlength=bins).reshape(LIGHT_BINS, CHROMA_BINS, CHROMA_BINS).astype(np.float32)
    smooth = np.stack([cv2.GaussianBlur(layer, (0, 0), 0.7, borderType=cv2.BORDER_REPLICATE) for layer in counts]).ravel()
    return smooth / max(float(smooth.sum()), 1e-9)


def alike(a: Array, b: Array) -> float:
    """How alike the clothes of two poses are, in [0, 1]: Bhattacharyya's coefficient, the mean of trunk and legs."""
    return float(np.sqrt(a * b).sum(axis=-1).mean())


def with_points(pose: Pose, points: NDArray[np.float32]) -> Pose:
    return replace(pose, points=points)
