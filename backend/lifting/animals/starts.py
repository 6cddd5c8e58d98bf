"""Where a fit may start: which way the animal could face, about how far away, and what kind of animal it could be."""

from collections.abc import Collection

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from backend.lifting.animals.coarse_body import CoarseBody
from backend.lifting.animals.energy import AnimalEnergy, Unknowns

Array = NDArray[np.floating]

HEADINGS = 12
REARING = 0.8  # radians

# What people call animals, and the named shape that is nearest.
KINDS: dict[str, tuple[str, ...]] = {
    "dog": ("puppy", "hund", "wolf", "fox", "retriever", "labrador", "shepherd", "collie", "poodle", "terrier", "spaniel"),
    "cat": ("kitten", "katze", "lion", "tiger", "leopard", "cheetah", "lynx", "panther"),
    "horse": ("pony", "foal", "pferd", "zebra", "donkey", "mule", "deer", "stag", "giraffe", "camel"),
    "cow": ("calf", "bull", "ox", "kuh", "buffalo", "bison", "sheep", "goat", "pig", "hippo", "rhino", "elephant", "bear"),
}


def kind_named(words: str, presets: Collection[str]) -> str | None:
    """The preset that a label or a track's name speaks of; None where it speaks of none."""
    for plain in plain_words(words):
        for name in presets:
            if plain in (name, name + "s", *KINDS.get(name, ())):
                return name
    return None


def plain_words(words: str) -> list[str]:
    """In small letters, without the numbers that tell tracks apart."""
    return [word.rstrip("0123456789") for word in words.lower().replace("_", " ").replace("-", " ").split()]


def R_camera_root(up: Array, heading: float, pitch: float) -> Array:
    """``(3, 3)``: a body that stands along ``up`` (camera coordinates), heading 0 to the picture's right, pi / 2 away from the camera.

    pitch: radians the front end is higher.
    """
    right = np.array([1.0, 0.0, 0.0]) - up[0] * up
    right = right / max(float(np.linalg.norm(right)), 1e-6)
    level = np.cos(heading) * right + np.sin(heading) * np.cross(up, right)
    ahead = np.cos(pitch) * level + np.sin(pitch) * up
    left = np.cross(up, level)
    return np.stack([ahead, left, np.cross(ahead, left)], axis=1)


def starting_rotations(up: Array) -> Float[NDArray[np.float32], "S 3 3"]:
    """Every heading upright, and four of them rearing up."""
    ways = [(2.0 * np.pi * k / HEADINGS, 0.0) for k in range(HEADINGS)]
    ways += [(heading, REARING) for heading in (0.4, np.pi - 0.4, np.pi + 0.4, -0.4)]
    return np.stack([R_camera_root(up, *way) for way in ways]).astype(np.float32)


def started(energy: AnimalEnergy, betas: Tensor, rotations: NDArray[np.float32]) -> Unknowns:
    """Animals in the middle of what their joints can do, turned as given, as large in the picture as what is seen."""
    count = len(rotations)
    root = torch.from_numpy(rotations)
    pose = energy.ranges.middle[None].repeat(count, 1, 1)
    first = Unknowns(betas, torch.zeros(count, 3), root, pose, torch.zeros(count, 3))
    return placed(energy, first)


def placed(energy: AnimalEnergy, unknowns: Unknowns, keep_depth: bool = False) -> Unknowns:
    """The same poses, moved so that each fills the box about what is seen of its row.

    keep_depth: they stay as far away as ``place`` says, only their middle comes into the box's.
    """
    with torch.no_grad():
        points = energy.body.pose(unknowns.betas, unknowns.rotations(), torch.zeros(len(unknowns.turn), 3)).vertices
        low, high = points[..., :2].amin(1), points[..., :2].amax(1)
        crops, view = energy.evidence.crops, energy.evidence.view
        side_low, side_high = _box(crops.masks)
        pixels = (side_high - side_low) / crops.scale[:, None]
        middle = (side_high + side_low) / 2.0 / crops.scale[:, None] + crops.origin
        z = view.focal * ((high - low).prod(-1) / pixels.prod(-1).clamp(min=1.0)).sqrt()
        depth = points[..., 2].mean(1)  # the box is that of the body, not of its root
        z = unknowns.place[:, 2].exp() + depth if keep_depth else z
        ray = (middle - view.center) / view.focal
        roots = torch.cat([ray * z[:, None] - (low + high) / 2.0, (z - depth)[:, None]], dim=1)
        return Unknowns(unknowns.betas, unknowns.turn, unknowns.R_camera_root, unknowns.pose, energy.place_of(roots))


def _box(masks: Tensor) -> tuple[Tensor, Tensor]:
    """Left top and right bottom ``(N, 2)`` of boolean masks, crop pixels; the crop's middle for empty ones."""
    side = masks.shape[-1]
    edges: list[tuple[Tensor, Tensor]] = []
    for axis in (1, 2):
        line = masks.any(dim=axis).float()
        some = line.any(dim=1)
        first, last = line.argmax(dim=1), side - line.flip(1).argmax(dim=1)
        edges.append((torch.where(some, first, side // 4).float(), torch.where(some, last, 3 * side // 4).float()))
    return torch.stack([edges[0][0], edges[1][0]], dim=1), torch.stack([edges[0][1], edges[1][1]], dim=1)


def same_shape(body: CoarseBody, presets: dict[str, Array], name: str | None) -> Float[Tensor, "1 B"]:
    """The named preset's betas, or the mean of all presets; zeros for a body without presets."""
    if not presets:
        return torch.zeros(1, body.n_betas)
    chosen = presets[name] if name is not None else np.mean(list(presets.values()), axis=0)
    return torch.from_numpy(np.asarray(chosen, np.float32))[None]
