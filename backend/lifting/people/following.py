"""Frames of a person that the detector missed, read where the person must be; and every frame read a second time, mirrored."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from backend.lifting.people.crops import Crop, between
from backend.lifting.people.linking import Chain
from backend.lifting.people.poses import Pose, alike, apart, read_pose
from backend.lifting.people.sightings import WORKERS, Lookers, is_double, overlap
from backend.progress import Progress

JUMP = 0.30  # of the extent a frame: what is found further from where it must be is someone else
LIKE = 0.45  # least likeness of the clothes


def extended(frames: NDArray[np.uint8], chains: list[Chain], looking: Lookers, progress: Progress) -> list[Chain]:
    """The chains with the frames between and beside their own filled where the person is really seen."""
    chains = [dict(chain) for chain in chains]
    order = [*range(len(frames)), *reversed(range(len(frames)))]
    with looking.borrow() as eyes:
        for place, frame in enumerate(order):
            progress(place / len(order), "Following people")
            direction = 1 if place < len(frames) else -1
            for index, chain in enumerate(chains):
                if frame in chain or frame - direction not in chain:
                    continue
                others = tuple(other[frame] for other in chains if other is not chain and frame in other)
                crop = _expected(chain, frame, direction)
                near = tuple(other for other in others if _touches(other, crop))
                pose = read_pose(eyes.reader, frames[frame], crop, near)
                if pose is not None and _is_same(chain[frame - direction], pose) and not _is_taken(pose, others):
                    chains[index][frame] = pose
    return chains


def _expected(chain: Chain, frame: int, direction: int) -> Crop:
    """Where the person is looked for: between the known frames, or one step on."""
    near = frame - direction
    beyond = [f for f in chain if (f - frame) * direction > 0]
    if beyond:
        far = min(beyond, key=lambda f: abs(f - frame))
        return between(chain[near].next_crop, chain[far].next_crop, abs(frame - near) / abs(far - near))
    before = near - direction
    return between(chain[before].next_crop, chain[near].next_crop, 1.6) if before in chain else chain[near].next_crop


def _touches(other: Pose, crop: Crop) -> bool:
    half = 0.5 * crop.side
    return overlap(other.box, np.array([crop.x - half, crop.y - half, crop.x + half, crop.y + half])) > 0.0


def _is_same(known: Pose, pose: Pose) -> bool:
    extent = max(known.extent, pose.extent)
    near = apart(known.points, pose.points) < JUMP * extent and min(known.extent, pose.extent) > 0.5 * extent
    return near and alike(known.clothes, pose.clothes) > LIKE


def _is_taken(pose: Pose, others: tuple[Pose, ...]) -> bool:
    return any(is_double(pose, other) for other in others)


def mirrored(
    frames: NDArray[np.uint8], chains: list[Chain], looking: Lookers, progress: Progress, among: list[Chain] | None = None
) -> list[dict[int, Pose | None]]:
    """What the mirrored picture says of every pose of the chains, other people painted out. among: everybody, where the chains are a part."""
    everybody = chains if among is None else among
    jobs = [(index, frame) for frame in range(len(frames)) for index, chain in enumerate(chains) if frame in chain]

    def look(job: tuple[int, int]) -> Pose | None:
        index, frame = job
        own = chains[index][frame]
        crop = own.next_crop
        others = tuple(chain[frame] for chain in everybody if frame in chain and chain[frame] is not own)
        with looking.borrow() as eyes:
            near = tuple(other for other in others if _touches(other, crop))
            return read_pose(eyes.reader, frames[frame], crop, near, own, mirrored=True)

    second: list[dict[int, Pose | None]] = [{} for _ in chains]
    with ThreadPoolExecutor(WORKERS) as pool:
        for (index, frame), pose in zip(jobs, progress.each(pool.map(look, jobs), len(jobs), "Looking again"), strict=True):
            second[index][frame] = pose
    return second
