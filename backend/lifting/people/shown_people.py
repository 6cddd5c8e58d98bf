"""People that the user shows by a box or a click: found among those seen, or read where they are shown."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from backend.lifting.people.crops import crop_of_box, laid_back
from backend.lifting.people.linking import Chain
from backend.lifting.people.pose_models import Sighting
from backend.lifting.people.poses import Pose, read_pose
from backend.lifting.people.sightings import Eyes, Lookers, is_double, overlap
from revision_blender.motion.subjects import OFF, Prompt

MATCH = 0.4  # overlap of a drawn box with the box about the landmarks
CLICK_SIDES = (0.25, 0.5, 0.9)  # of the picture's larger side: squares about a click in which a person is looked for


@dataclass(frozen=True, eq=False)
class Shown:
    """anchors: by name, the poses by frame that the user showed."""

    anchors: dict[str, dict[int, Pose]] = field(default_factory=dict)

    def name_of(self, chain: Chain) -> str:
        """The name that the user gave to somebody in the chain, or nothing."""
        for name, poses in self.anchors.items():
            if any(chain.get(frame) is pose for frame, pose in poses.items()):
                return name
        return ""

    def holds(self, pose: Pose) -> bool:
        """The user showed this very pose."""
        return any(pose is anchor for poses in self.anchors.values() for anchor in poses.values())


def shown_people(frames: NDArray[np.uint8], poses: list[list[Pose]], prompts: tuple[Prompt, ...], looking: Lookers) -> Shown:
    """Whom the user shows; who was not seen there before is added to ``poses``. Who cannot be read where shown is left out."""
    anchors: dict[str, dict[int, Pose]] = {}
    for prompt in prompts:
        if prompt.kind != "person" or prompt.frame >= len(frames):
            continue
        with looking.borrow() as eyes:
            pose = _matching(poses[prompt.frame], prompt, frames.shape[1:3]) or _read(frames[prompt.frame], prompt, eyes)
        if pose is None:
            continue
        here = poses[prompt.frame]
        if not any(pose is other for other in here):
            here[:] = [other for other in here if not is_double(pose, other)] + [pose]
        anchors.setdefault(prompt.name, {})[prompt.frame] = pose
    return Shown(anchors)


def _matching(poses: list[Pose], prompt: Prompt, size: tuple[int, ...]) -> Pose | None:
    fits = [_fit(pose, prompt, size) for pose in poses]
    best = int(np.argmax(fits)) if fits else 0
    return poses[best] if fits and fits[best] > MATCH else None


def _fit(pose: Pose, prompt: Prompt, size: tuple[int, ...]) -> float:
    if prompt.box is not None:
        low, high = np.zeros(2), np.array(size[::-1], float)
        inside = np.concatenate([np.clip(pose.box[:2], low, high), np.clip(pose.box[2:], low, high)])
        return overlap(inside, np.array(prompt.box))
    soft = laid_back(pose.soft, pose.crop, (0, 0, size[1], size[0]))
    on = [soft[_inside(click.y, size[0]), _inside(click.x, size[1])] > 100 for click in prompt.clicks if click.part != OFF]
    off = [soft[_inside(click.y, size[0]), _inside(click.x, size[1])] > 100 for click in prompt.clicks if click.part == OFF]
    return float(np.mean(on)) - float(np.mean(off) if off else 0.0) if on else 0.0


def _inside(value: float, length: int) -> int:
    return int(np.clip(value, 0, length - 1))


def _read(frame: NDArray[np.uint8], prompt: Prompt, eyes: Eyes) -> Pose | None:
    """The person in the box, or about the clicks, by the detector where it sees one there, else by the box itself."""
    tried = [_best_read(frame, sightings, prompt, eyes) for sightings in _candidates(frame, prompt, eyes)]
    return max((pose for pose in tried if pose is not None), key=lambda pose: pose.score, default=None)


def _best_read(frame: NDArray[np.uint8], sighting: Sighting, prompt: Prompt, eyes: Eyes) -> Pose | None:
    pose = read_pose(eyes.reader, frame, sighting.crop)
    if pose is None or (again := read_pose(eyes.reader, frame, pose.next_crop)) is None:
        return None
    fits = _fit(again, prompt, frame.shape[:2]) > (0.15 if prompt.box is not None else 0.4)
    return replace(again, score=again.score * sighting.score) if fits else None


def _candidates(frame: NDArray[np.uint8], prompt: Prompt, eyes: Eyes) -> list[Sighting]:
    height, width = frame.shape[:2]
    if prompt.box is not None:
        crop = crop_of_box(np.array(prompt.box))
        sides, middle = [crop.side, 1.6 * crop.side], crop.center
        own = [Sighting(crop, 0.9), Sighting(replace(crop, side=1.3 * crop.side), 0.85)]
    else:
        on = [(click.x, click.y) for click in prompt.clicks if click.part != OFF]
        if not on:
            return []
        sides, middle, own = [share * max(width, height) for share in CLICK_SIDES], np.mean(on, axis=0), []
    return own + [sighting for side in sides for sighting in _about(frame, middle, side, eyes)]


def _about(frame: NDArray[np.uint8], middle: NDArray[np.floating], side: float, eyes: Eyes) -> list[Sighting]:
    left, top = (max(round(float(value) - 0.5 * side), 0) for value in middle)
    right, bottom = (round(float(value) + 0.5 * side) for value in middle)
    part = frame[top:bottom, left:right]
    if min(part.shape[:2]) < 32:
        return []
    return [
        replace(sighting, crop=replace(sighting.crop, x=sighting.crop.x + left, y=sighting.crop.y + top))
        for sighting in eyes.detector.look(part)
    ]


def named(chains: list[Chain], shown: Shown) -> list[Chain]:
    """Chains such that poses shown by one name are in one of them, and those shown by different names are not."""
    for name, anchors in shown.anchors.items():
        own = [chain for chain in chains if any(chain.get(frame) is pose for frame, pose in anchors.items())]
        if not own:
            continue
        rest = [chain for chain in chains if not any(chain is other for other in own)]
        foreign = {frame: pose for other, poses in shown.anchors.items() if other != name for frame, pose in poses.items()}
        chains = rest + _sorted_out(own, anchors, foreign)
    return chains


def _sorted_out(own: list[Chain], anchors: dict[int, Pose], foreign: dict[int, Pose]) -> list[Chain]:
    """Every frame goes to the chain of the nearest anchor; what lies nearer to a foreign one goes with that."""
    mine: Chain = {}
    left_over: list[Chain] = []
    for chain in own:
        held = [frame for frame in anchors if chain.get(frame) is anchors[frame]]
        strange = [frame for frame in foreign if chain.get(frame) is foreign[frame]]
        rest: Chain = {}
        for frame, pose in chain.items():
            near = min(abs(frame - anchor) for anchor in held)
            nearest_any = min(abs(frame - anchor) for anchor in anchors)
            if strange and min(abs(frame - other) for other in strange) < near:
                rest[frame] = pose
            elif frame not in mine or near == nearest_any:
                mine[frame] = pose
        left_over += [rest] if rest else []
    return [mine, *left_over]
