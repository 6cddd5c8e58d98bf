"""Masks of several people: each cut out by itself; where people meet, their common area is shared out between them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8
from numpy.typing import NDArray

from backend.lifting.people.contested import MOST_LEARNED, PARTS, Contender, colour_bins, counted, likelihoods, owners, parts_of
from backend.lifting.people.crops import laid_back
from backend.lifting.people.finding import Person
from backend.lifting.people.segmentation import WORKERS, box_about, pixels_per_metre, sharpened
from backend.progress import Progress

Box = tuple[int, int, int, int]

CALM = 5  # frames over which nearness is levelled
SHARED_HEIGHT = 384  # the area that people share is shared out at no more than this size in pixels
LEAST_PART = 0.002  # of the box: smaller islands of a shared area are noise


def people_masks(
    frames: UInt8[NDArray[np.uint8], "F H W 3"], people: list[Person], progress: Progress
) -> UInt8[NDArray[np.uint8], "P F H W"]:
    """255 on the visible pixels of each person, at most one a pixel. Who is not seen may still have pixels beside who hides them."""
    masks = np.zeros((len(people), *frames.shape[:3]), np.uint8)
    scene = _Scene(frames, people, masks)
    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in progress.part(0.0, 0.6).each(pool.map(scene.cut, range(len(frames))), len(frames), "Cutting people out"):
            pass
        meetings = [frame for frame in range(len(frames)) if scene.meeting(frame)]
        if meetings:
            scene.learn()
        for _ in progress.part(0.6, 1.0).each(pool.map(scene.share, meetings), len(meetings), "Telling people apart"):
            pass
    return masks


@dataclass(eq=False)
class _Scene:
    frames: UInt8[NDArray[np.uint8], "F H W 3"]
    people: list[Person]
    masks: UInt8[NDArray[np.uint8], "P F H W"]
    looks: list[Float32[NDArray[np.float32], "G N"]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.near = nearness(self.people)

    def box(self, person: int, frame: int) -> Box:
        height, width = self.frames.shape[1:3]
        return box_about(self.people[person].landmarks, frame, width, height)

    def cut(self, frame: int) -> None:
        """Every person of a frame by itself; who overlaps whom comes later."""
        for place, person in enumerate(self.people):
            left, top, right, bottom = box = self.box(place, frame)
            if frame in person.looks and bottom - top >= 8 and right - left >= 8:
                sharp = sharpened(self.frames[frame], _soft(person, frame, box), person.landmarks, frame, box)
                self.masks[place, frame, top:bottom, left:right] = np.where(sharp > 0.5, 255, 0)

    def present(self, frame: int) -> list[int]:
        """Who is seen, or was before and will be again."""
        return [place for place, person in enumerate(self.people) if min(person.looks) <= frame <= max(person.looks)]

    def meeting(self, frame: int) -> list[list[int]]:
        """Groups of people whose boxes touch."""
        groups: list[list[int]] = []
        for place in self.present(frame):
            touching = [group for group in groups if any(_touch(self.box(place, frame), self.box(other, frame)) for other in group)]
            groups = [group for group in groups if not any(group is other for other in touching)] + [
                [place, *chain.from_iterable(touching)]
            ]
        return [sorted(group) for group in groups if len(group) > 1]

    def learn(self) -> None:
        """What the parts of every person look like, from frames where the person is alone, or else from what is nobody else's."""
        crowded = [{place for group in self.meeting(frame) for place in group} for frame in range(len(self.frames))]
        for place, person in enumerate(self.people):
            free = [frame for frame in person.looks if place not in crowded[frame]] or list(person.looks)
            chosen = {free[int(i)] for i in np.linspace(0, len(free) - 1, min(MOST_LEARNED, len(free)))}
            self.looks.append(likelihoods(sum((self._counts(place, frame) for frame in chosen), np.zeros((len(PARTS), 1), np.float32))))

    def _counts(self, place: int, frame: int) -> Float32[NDArray[np.float32], "G N"]:
        picture, (left, top, right, bottom), scale = self._cutout(frame, self.box(place, frame))
        others = [mask for other, mask in enumerate(self.masks[:, frame]) if other != place]
        own = self.masks[place, frame, top:bottom, left:right] > 0
        for other in others:
            own = own & (other[top:bottom, left:right] == 0)
        small = cv2.resize(own.astype(np.uint8), picture.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0
        marks = self.people[place].landmarks
        part, _ = parts_of(
            (marks.pixels[frame] - [left, top]) * scale, pixels_per_metre(marks, frame) * scale, (small.shape[0], small.shape[1])
        )
        return counted(colour_bins(picture), part, small)

    def _cutout(self, frame: int, box: Box) -> tuple[UInt8[NDArray[np.uint8], "h w 3"], Box, float]:
        left, top, right, bottom = box
        right, bottom = max(right, left + 1), max(bottom, top + 1)
        scale = min(1.0, SHARED_HEIGHT / max(right - left, bottom - top))
        size = (max(round((right - left) * scale), 8), max(round((bottom - top) * scale), 8))
        picture = cv2.resize(self.frames[frame][top:bottom, left:right], size, interpolation=cv2.INTER_AREA)
        return np.asarray(picture, np.uint8), (left, top, right, bottom), scale

    def share(self, frame: int) -> None:
        """The common area of each group goes to its members, pixel by pixel."""
        for group in self.meeting(frame):
            boxes = np.array([self.box(place, frame) for place in group])
            whole = (*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist())
            picture, (left, top, right, bottom), scale = self._cutout(frame, whole)
            contenders = [self._contender(place, frame, (left, top), scale) for place in group]
            owner = cv2.resize(owners(picture, contenders).astype(np.uint8), (right - left, bottom - top), interpolation=cv2.INTER_NEAREST)
            area = self.masks[group, frame, top:bottom, left:right].max(axis=0)
            for index, place in enumerate(group):
                own = np.where((owner == index) & (area > 0), 255, 0).astype(np.uint8)
                self.masks[place, frame, top:bottom, left:right] = _without_islands(own)

    def _contender(self, place: int, frame: int, corner: tuple[int, int], scale: float) -> Contender:
        marks = self.people[place].landmarks
        pixels = (marks.pixels[frame] - np.array(corner)) * scale
        return Contender(pixels, pixels_per_metre(marks, frame) * scale, float(self.near[place, frame]), self.looks[place])


def nearness(people: list[Person]) -> Float[NDArray[np.float64], "P F"]:
    """How near each person is to the camera, to compare within a frame: the logarithm of the scale, levelled over time."""
    rows = []
    for person in people:
        marks = person.landmarks
        unit = np.array([max(pixels_per_metre(marks, frame), 1e-3) for frame in range(marks.n_frames)])

        rows.append(_levelled(np.log(unit)))
    return np.stack(rows) if rows else np.zeros((0, 0))


def _levelled(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """The median over neighbouring frames."""
    half = CALM // 2
    padded = np.pad(np.asarray(values, np.float64), half, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, CALM), axis=-1)


def _soft(person: Person, frame: int, box: Box) -> NDArray[np.float32]:
    looks = [laid_back(look.soft, look.crop, box).astype(np.float32) / 255.0 for look in person.looks[frame]]
    return cv2.GaussianBlur(np.mean(looks, axis=0).astype(np.float32), (0, 0), 1.0).astype(np.float32, copy=False)


def _touch(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _without_islands(mask: UInt8[NDArray[np.uint8], "h w"]) -> UInt8[NDArray[np.uint8], "h w"]:
    count, islands, statistics, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    small = [label for label in range(1, count) if statistics[label, cv2.CC_STAT_AREA] < LEAST_PART * mask.size]
    return np.where(np.isin(islands, small), 0, mask).astype(np.uint8) if small else mask
