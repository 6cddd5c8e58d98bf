"""The people of a clip, found and followed, each with landmarks on every frame."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float32
from numpy.typing import NDArray

from backend.lifting.people.following import extended, mirrored
from backend.lifting.people.landmarks import Landmarks
from backend.lifting.people.linking import Chain, chains_of
from backend.lifting.people.poses import Pose
from backend.lifting.people.screening import LEAST_FRAMES, is_real, passes_of, usual_extent, worth_following
from backend.lifting.people.shown_people import Shown, named, shown_people
from backend.lifting.people.sightings import BYSTANDER, lookers, poses_of
from backend.lifting.people.two_passes import Combined, filled
from backend.progress import Progress
from revision_blender.motion.subjects import Prompt

MOST_PEOPLE = 8
CLOSE = 0.3  # of the box that somebody else's covers


@dataclass(frozen=True, eq=False)
class Person:
    """One person over ``F`` frames of the picture.

    name: "person_1" ... or as the user shows one. landmarks: in the picture's pixels; its ``person`` is empty ``(F, 0, 0)``, the soft
    masks lie in ``looks`` as crops. boxes: ``(F, 4)`` left, top, right, bottom in pixels, held over frames that do not show the
    person. seen: ``(F,)``. score: [0, 1]. apart: ``(F, 33)`` how far the two passes lie apart, of the height.
    looks: by frame, one or two poses with their crops.
    """

    name: str
    landmarks: Landmarks
    boxes: Float32[NDArray[np.float32], "F 4"]
    seen: Bool[NDArray[np.bool_], " F"]
    score: float
    apart: Float32[NDArray[np.float32], "F 33"]
    looks: dict[int, tuple[Pose, ...]] = field(repr=False)

    @property
    def n_frames(self) -> int:
        return len(self.boxes)


def find_people(
    frames: NDArray[np.uint8], prompts: Iterable[Prompt], progress: Progress, most: int = MOST_PEOPLE, fps: float = 12.0
) -> list[Person]:
    """Up to ``most`` people in ``(F, H, W, 3)`` uint8 sRGB frames, the most prominent first; those that the user shows are always kept.

    Bystanders less than a quarter as large as the largest person are left out unless the user shows them.

    Empty where nobody is seen. No tracker of MediaPipe's is used: each frame is looked at by itself, twice (see ``landmarks``).
    """
    prompts = tuple(prompts)
    with lookers() as looking:
        poses = poses_of(frames, looking, progress.part(0.0, 0.4))
        shown = shown_people(frames, poses, prompts, looking)
        chains = named(chains_of(poses, fps), shown)
        chains = _prominent(chains, frames.shape[1:3], shown, 2 * most)
        chains = worth_following(frames, chains, shown, prompts, looking, progress.part(0.4, 0.45))
        chains = extended(frames, chains, looking, progress.part(0.45, 0.6))
        second = mirrored(frames, chains, looking, progress.part(0.6, 1.0))
    chains, second = _without_stories(chains, second, shown)
    passes = [passes_of(chain, other, len(frames)) for chain, other in zip(chains, second, strict=True)]
    real = [place for place, chain in enumerate(chains) if shown.name_of(chain) or is_real(chain, passes[place], prompts)]
    if not real:  # better somebody on a few frames than nobody: whether that is enough is for others to say
        real = [place for place, chain in enumerate(chains) if is_real(chain, passes[place], prompts, least=1)][:1]
    tallest = max((usual_extent(chains[place]) for place in real), default=0.0)
    real = [place for place in real if shown.name_of(chains[place]) or usual_extent(chains[place]) > BYSTANDER * tallest]
    names = _names([shown.name_of(chains[place]) for place in real])
    people = [_person(name, chains[place], second[place], passes[place]) for name, place in zip(names, real, strict=True)]
    return people[:most]


def _without_stories(
    chains: list[Chain], second: list[dict[int, Pose | None]], shown: Shown
) -> tuple[list[Chain], list[dict[int, Pose | None]]]:
    """Without the poses, on frames where people are close, that only one of the looks sees: of who is hidden a reader tells stories."""
    kept: list[Chain] = []
    for chain, again in zip(chains, second, strict=True):
        others = [other for other in chains if other is not chain]
        kept.append({f: pose for f, pose in chain.items() if again[f] is not None or not _is_close(pose, f, others) or shown.holds(pose)})
    both = [(chain, again) for chain, again in zip(kept, second, strict=True) if chain]
    return [chain for chain, _ in both], [{frame: again[frame] for frame in chain} for chain, again in both]


def _is_close(pose: Pose, frame: int, others: list[Chain]) -> bool:
    area = float(np.prod(pose.box[2:] - pose.box[:2]))
    for other in others:
        if frame in other:
            box = other[frame].box
            shared = np.clip(np.minimum(box[2:], pose.box[2:]) - np.maximum(box[:2], pose.box[:2]), 0.0, None).prod()
            if shared > CLOSE * area:
                return True
    return False


def _prominent(chains: list[Chain], size: tuple[int, ...], shown: Shown, most: int) -> list[Chain]:
    """The largest and longest first, those that the user shows before all; those too short to be anybody go."""
    frames = max((max(chain) + 1 for chain in chains), default=1)
    weight = {id(chain): sum(pose.extent * pose.score for pose in chain.values()) / (frames * max(size)) for chain in chains}
    kept = [chain for chain in chains if len(chain) > 1 or frames < LEAST_FRAMES or shown.name_of(chain)]
    return sorted(kept or chains, key=lambda chain: (not shown.name_of(chain), -weight[id(chain)]))[:most]


def _names(given: list[str]) -> list[str]:
    """Names as given; the others are called "person_1" and so on, by numbers that are free."""
    free = (name for number in range(1, 10_000) if (name := f"person_{number}") not in given)
    return [name or next(free) for name in given]


def _person(name: str, chain: Chain, second: dict[int, Pose | None], both: Combined) -> Person:
    points = filled(both.points, both.found)
    landmarks = Landmarks(
        pixels=np.ascontiguousarray(points[..., :2]),
        visibility=np.clip(points[..., 2], 0.0, 1.0),
        world=np.ascontiguousarray(points[..., 3:]),
        person=np.zeros((len(points), 0, 0), np.float32),
        found=both.found,
    )
    looks = {frame: tuple(look for look in (chain[frame], second.get(frame)) if look is not None) for frame in chain}
    score = float(np.clip(np.mean([pose.score for pose in chain.values()]), 0.0, 1.0))
    return Person(name, landmarks, _boxes(landmarks.pixels), both.found, score, both.apart, looks)


def _boxes(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = pixels.min(axis=1), pixels.max(axis=1)
    margin = 0.06 * (high - low).max(axis=1, keepdims=True)
    return np.concatenate([low - margin, high + margin], axis=1).astype(np.float32)
