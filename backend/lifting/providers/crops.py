"""Square crops about boxes as HMR2.0, HaMeR and AniMer were trained on them, and the way back from their cameras to ours.

A box is widened about its middle, the longer side of the result is the crop's side, and the crop is seen at 256 pixels; of these the
networks look at the middle 192 columns. Their camera (s, x, y) is a weak perspective one of that crop: with a side of b pixels and
our focal length f, the body's origin is 2 f / (b s) metres away and x, y metres beside the ray through the crop's middle.
Facts: the public code of 4D-Humans, HaMeR and AniMer (MIT).
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from backend.lifting.rays import ray_turns
from revision_blender.motion.camera import Camera

SIDE = 256
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colours, in [0, 1]
_SHARP = 1.1  # pixels of the picture a crop's pixel, halved, up to which nothing is blurred first
MIRROR = np.diag([-1.0, 1.0, 1.0])

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Crops:
    """N crops. center: ``(N, 2)`` pixels of the picture. side: ``(N,)`` pixels. mirrored: ``(N,)`` seen in a mirror (left hands)."""

    center: Float[NDArray[np.float64], "N 2"]
    side: Float[NDArray[np.float64], " N"]
    mirrored: Bool[NDArray[np.bool_], " N"]


def crops_of(boxes: Float[NDArray[np.floating], "N 4"], shape: tuple[int, int] | None, widen: float = 1.0, mirrored: bool = False) -> Crops:
    """boxes: left, top, right, bottom. shape: width and height whose ratio a box is filled up to first, or nothing."""
    boxes = np.asarray(boxes, dtype=np.float64)
    size = np.maximum(widen * (boxes[:, 2:] - boxes[:, :2]), 1.0)
    if shape is not None:
        size = np.maximum(size, size[:, ::-1] * np.array([shape[0] / shape[1], shape[1] / shape[0]]))
    return Crops(0.5 * (boxes[:, :2] + boxes[:, 2:]), size.max(axis=1), np.full(len(boxes), mirrored))


def crop_picture(frame: UInt8[NDArray[np.uint8], "H W 3"], crops: Crops, index: int) -> Float[NDArray[np.float32], "256 256 3"]:
    """One crop in [0, 255], black beyond the picture, softened first where it gets smaller by more than a factor of 2.2."""
    picture = frame[:, ::-1] if crops.mirrored[index] else frame
    x, y = crops.center[index]
    if crops.mirrored[index]:
        x = frame.shape[1] - x - 1.0
    side = float(crops.side[index])
    scale = SIDE / side
    picture, left, top = _surroundings(picture, x, y, side)
    to_crop = np.array([[scale, 0.0, SIDE / 2 - scale * (x - left)], [0.0, scale, SIDE / 2 - scale * (y - top)]])
    soft = _softened(picture.astype(np.float32), side / SIDE / 2.0)
    return np.asarray(cv2.warpAffine(soft, to_crop, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.float32)


def _surroundings(picture: NDArray[np.uint8], x: float, y: float, side: float) -> tuple[NDArray[np.uint8], int, int]:
    """The part of the picture that a crop and its softening can see, and where it begins."""
    height, width = picture.shape[:2]
    reach = 0.5 * side + 2.0 + 4.0 * max(side / SIDE / 2.0 - 1.0, 0.0)
    left, top = (int(np.clip(np.floor(place - reach), 0, limit - 1)) for place, limit in ((x, width), (y, height)))
    right, bottom = (int(np.clip(np.ceil(place + reach), 1, limit)) for place, limit in ((x, width), (y, height)))
    return np.ascontiguousarray(picture[top : max(bottom, top + 1), left : max(right, left + 1)]), left, top


def _softened(picture: NDArray[np.float32], ratio: float) -> NDArray[np.float32]:
    if ratio <= _SHARP:
        return picture
    sigma = 0.5 * (ratio - 1.0)
    reach = 2 * int(4.0 * sigma + 0.5) + 1
    return np.asarray(cv2.GaussianBlur(picture, (reach, reach), sigma, borderType=cv2.BORDER_REPLICATE), np.float32)


def normalised(picture: Float[NDArray[np.float32], "256 256 3"]) -> Float[Tensor, "3 256 192"]:
    """A crop as the networks take it: the middle 192 columns, ImageNet's mean taken off, over its deviation."""
    mean, deviation = (np.array(values, dtype=np.float32) for values in (MEAN, DEVIATION))
    middle = picture[:, 32:-32] / np.float32(255.0)
    return torch.from_numpy(np.ascontiguousarray(((middle - mean) / deviation).transpose(2, 0, 1)))


def places_of(cameras: Float[NDArray[np.floating], "N 3"], crops: Crops, camera: Camera) -> Float[NDArray[np.float64], "N 3"]:
    """Where the bodies' origins are: crop cameras (scale, x, y) to metres in camera coordinates of our one lens.

    The depth is that at which the body is as large in our picture as it is in the crop.
    """
    cameras = np.asarray(cameras, dtype=np.float64)
    spread = crops.side * np.maximum(cameras[:, 0], 1e-3)  # a scale of 0 or below is no camera: far away rather than behind
    sideways = np.where(crops.mirrored, -cameras[:, 1], cameras[:, 1])
    beside = 2.0 * (crops.center - camera.center) / spread[:, None]
    return np.stack([sideways + beside[:, 0], cameras[:, 2] + beside[:, 1], 2.0 * camera.focal / spread], axis=1)


def rays_of(crops: Crops, camera: Camera) -> Float[NDArray[np.float64], "N 3 3"]:
    """R_camera_ray through each crop's middle: a network sees a body as if it were in the middle of the picture."""
    return ray_turns(crops.center, camera)


def unmirrored(rotations: Float[NDArray[np.floating], "*N 3 3"]) -> Float[NDArray[np.floating], "*N 3 3"]:
    """Rotations of what was seen in a mirror (x turned around) as they are in front of it."""
    return MIRROR @ rotations @ MIRROR
