"""Who is where on each frame: the detector on the whole picture, on what found people leave over, and on tiles for small people."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from backend.lifting.people.crops import laid_back
from backend.lifting.people.pose_models import PoseDetector, PoseReader, Sighting, pose_detector, pose_reader
from backend.lifting.people.poses import Pose, apart, painted_out, read_pose
from backend.progress import Progress

WORKERS = 2  # frames at a time: the models let go of Python while they look
TILE_SHARES = (0.62, 0.36)  # of the picture's smaller side
TILE_STEP = 0.66  # of a tile: neighbours overlap by the rest
KEY_FRAMES = 4  # frames of a clip that are searched thoroughly
FINE_FRAMES = 2  # of these, the frames that are searched by small tiles as well
SMALLEST_SEEN = 0.2  # of a tile's side: smaller people the detector does not see in it
BYSTANDER = 0.25  # of the largest person's extent: smaller people are not looked for
DOUBLE = 0.12  # of the extent: two poses nearer than this are one person
OVERLAP = 0.6  # of boxes: a painted-out person's remains look like a person
LEAST_EXTENT = 32.0  # pixels: smaller people cannot be read


@dataclass(frozen=True)
class Eyes:
    """A detector and a reader for one thread."""

    detector: PoseDetector
    reader: PoseReader


class Lookers:
    """Pairs of models that threads borrow."""

    def __init__(self, eyes: Iterable[Eyes]) -> None:
        self._free: SimpleQueue[Eyes] = SimpleQueue()
        for pair in eyes:
            self._free.put(pair)

    @contextmanager
    def borrow(self) -> Iterator[Eyes]:
        eyes = self._free.get()
        try:
            yield eyes
        finally:
            self._free.put(eyes)


@contextmanager
def lookers(count: int = WORKERS) -> Iterator[Lookers]:
    with ExitStack() as stack:
        yield Lookers([Eyes(stack.enter_context(pose_detector()), stack.enter_context(pose_reader())) for _ in range(count)])


def poses_of(frames: NDArray[np.uint8], looking: Lookers, progress: Progress) -> list[list[Pose]]:
    """Everybody that the detector sees, by frame: key frames are searched thoroughly, the others at a glance."""
    keys = _spread(len(frames), KEY_FRAMES)
    fine = keys[1 :: KEY_FRAMES // FINE_FRAMES] or keys

    def look(index: int) -> list[Pose]:
        with looking.borrow() as eyes:
            if index not in keys:
                return _glanced(frames[index], eyes, ())
            return _searched(frames[index], eyes, TILE_SHARES if index in fine else TILE_SHARES[:1])

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(progress.each(pool.map(look, range(len(frames))), len(frames), "Finding people"))


def _spread(length: int, count: int) -> list[int]:
    """Up to ``count`` frames of ``length``, in the middles of as many equal parts."""
    count = min(count, length)
    return np.unique(((np.arange(count) + 0.5) * length / count).astype(int)).tolist()


def _glanced(frame: NDArray[np.uint8], eyes: Eyes, known: tuple[Pose, ...]) -> list[Pose]:
    """Who the detector sees on the whole picture, besides those known."""
    return _read_all(frame, eyes, eyes.detector.look(without(frame, known)), known)


def _searched(frame: NDArray[np.uint8], eyes: Eyes, shares: tuple[float, ...]) -> list[Pose]:
    height, width = frame.shape[:2]
    poses = _glanced(frame, eyes, ())
    while new := _glanced(frame, eyes, tuple(poses)) if poses else []:
        poses += new
    seen_in = max(width, height)
    for share in shares:
        if BYSTANDER * max((pose.extent for pose in poses), default=0.0) > SMALLEST_SEEN * seen_in:
            break
        rest = without(frame, tuple(poses))
        for left, top, side in tiles(width, height, share):
            seen = eyes.detector.look(rest[top : top + side, left : left + side])
            poses += _read_all(frame, eyes, [_shifted(sighting, left, top) for sighting in seen], tuple(poses))
            seen_in = side
    return poses


def _shifted(sighting: Sighting, left: int, top: int) -> Sighting:
    return replace(sighting, crop=replace(sighting.crop, x=sighting.crop.x + left, y=sighting.crop.y + top))


def _read_all(frame: NDArray[np.uint8], eyes: Eyes, sightings: list[Sighting], known: tuple[Pose, ...]) -> list[Pose]:
    poses: list[Pose] = []
    for sighting in sightings:
        pose = read_pose(eyes.reader, frame, sighting.crop, known)
        if pose is None or pose.extent < LEAST_EXTENT:
            continue
        remains = any(overlap(pose.box, other.box) > OVERLAP for other in known)
        if not remains and not any(is_double(pose, other) for other in (*known, *poses)):
            poses.append(replace(pose, score=pose.score * sighting.score))
    return poses


def is_double(a: Pose, b: Pose) -> bool:
    return apart(a.points, b.points) < DOUBLE * max(a.extent, b.extent)


def overlap(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Intersection over union of two boxes: left, top, right, bottom."""
    both = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0.0, None).prod()
    either = (a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - both
    return float(both / max(either, 1e-9))


def without(frame: NDArray[np.uint8], people: tuple[Pose, ...]) -> NDArray[np.uint8]:
    """The frame with people painted out."""
    if not people:
        return frame
    height, width = frame.shape[:2]
    hidden = np.zeros((height, width), bool)
    for pose in people:
        hidden |= laid_back(pose.soft, pose.crop, (0, 0, width, height)) > 100
    return painted_out(frame, hidden)


def tiles(width: int, height: int, share: float) -> list[tuple[int, int, int]]:
    """left, top, side of squares that cover the picture and overlap."""
    side = round(share * min(width, height))
    if side < 96:
        return []
    return [(left, top, side) for top in _starts(height, side) for left in _starts(width, side)]


def _starts(length: int, side: int) -> list[int]:
    count = int(np.ceil((length - side) / (TILE_STEP * side))) + 1
    return np.unique(np.linspace(0, length - side, count).round().astype(int)).tolist()
