"""Who and what is seen in a shot: people found, things and animals that the user or a detector showed followed, each with its masks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from backend.errors import InputError
from backend.lifting.objects.following import follow
from backend.lifting.objects.second_look import second_look
from backend.lifting.people.finding import Person, find_people
from backend.lifting.people.people_masks import people_masks
from backend.lifting.providers.registry import bundled
from backend.lifting.subject import Detection, Followed
from backend.lifting.world.contested import ghosts, settled
from backend.lifting.world.keypoints import with_keypoints
from backend.lifting.world.wish import Wish
from backend.progress import Progress
from revision_blender.motion.subjects import Prompt, SubjectKind

LEAST_SCORE = 0.35  # of a detection that nobody asked for
TAKEN_SHARE = 0.5  # of a detection's box that a subject known already covers: it is that subject
AUTOMATIC_WORDS = ("person", "dog", "cat", "horse", "cow", "sheep", "ball", "bicycle", "car")


@dataclass(frozen=True, eq=False)
class Sightings:
    """people, masks ``(P, F, H, W)`` of what is visible of each. followed: animals and objects; no pixel belongs to two."""

    people: tuple[Person, ...]
    masks: UInt8[NDArray[np.uint8], "P F H W"]
    followed: tuple[Followed, ...]

    @property
    def moving(self) -> UInt8[NDArray[np.uint8], "F H W"]:
        """255 where anybody or anything is seen that may move by itself."""
        return np.maximum.reduce([self.masks.max(axis=0, initial=0), *(one.masks for one in self.followed)])

    def occluders(self) -> UInt8[NDArray[np.uint8], "F H W"]:
        """255 on what is no person."""
        return np.maximum.reduce([np.zeros(self.masks.shape[1:], np.uint8), *(one.masks for one in self.followed)])


def sightings_of(frames: NDArray[np.uint8], wish: Wish, progress: Progress) -> Sightings:
    """Everybody and everything in the frames of one shot ``(F, H, W, 3)``."""
    wish = _with_detections(frames, wish, progress.part(0.0, 0.1))
    followed = _followed(frames, wish, progress.part(0.1, 0.35))
    people = found_people(frames, wish, progress.part(0.35, 0.9))
    masks = masks_of_people(frames, people, wish, progress.part(0.9, 0.95))
    shown = {prompt.name for prompt in wish.of_kind("person")}
    real = [not ghost or person.name in shown for person, ghost in zip(people, ghosts(masks, followed), strict=True)]
    masks, followed = settled(frames, masks[real], followed)
    followed = _looked_at_again(frames, masks, followed, wish, progress.part(0.95, 1.0))
    return Sightings(tuple(person for person, is_real in zip(people, real, strict=True) if is_real), masks, tuple(followed))


def _looked_at_again(
    frames: NDArray[np.uint8], people: NDArray[np.uint8], followed: list[Followed], wish: Wish, progress: Progress
) -> list[Followed]:
    looked = list(followed)
    for place, one in enumerate(followed):
        rest = [other.masks for other in looked if other.name != one.name]
        others = np.maximum.reduce([people.max(axis=0, initial=0), *rest])
        looked[place] = looked_at_again(frames, one, others, wish, progress.part(place / len(followed), (place + 1) / len(followed)))
    return looked


def looked_at_again(frames: NDArray[np.uint8], one: Followed, others: NDArray[np.uint8], wish: Wish, progress: Progress) -> Followed:
    """An animal with masks that take in what the whole shot tells; things, and what a provider with weights followed, as they are.

    others: 255 on pixels of other subjects, which stay theirs.
    """
    if one.kind != "animal" or wish.choices.named("tracking") != bundled("tracking"):
        return one
    return second_look(frames, one, others, progress)


def found_people(frames: NDArray[np.uint8], wish: Wish, progress: Progress) -> list[Person]:
    """Those that are looked for and those that are shown."""
    shown = wish.of_kind("person")
    if not (wish.people or shown):
        return []
    found = find_people(frames, wish.prompts, progress.part(0.0, 0.9), wish.most_people, wish.fps)
    names = {prompt.name for prompt in shown}
    kept = [person for person in found if wish.people or person.name in names]
    for name in sorted(names - {person.name for person in kept}):
        wish.note(f"No body was found where {name} is shown; draw a closer box about the whole person, or show it on another frame.")
    return with_keypoints(frames, kept, wish, progress.part(0.9, 1.0))


def masks_of_people(frames: NDArray[np.uint8], people: list[Person], wish: Wish, progress: Progress) -> NDArray[np.uint8]:
    """``(P, F, H, W)`` 255 on what is visible of each; no pixel belongs to two."""
    if not people:
        return np.zeros((0, *frames.shape[:3]), np.uint8)
    boxes, seen = np.stack([person.boxes for person in people]), np.stack([person.seen for person in people])
    return wish.choices.attempt(
        "segmentation",
        lambda provider: completed(
            disjoint(provider.segment(frames, boxes, seen, progress)), frames, people, provider.name, wish, progress
        ),
        lambda: people_masks(frames, people, progress),
    )


def completed(
    masks: UInt8[NDArray[np.uint8], "P F H W"],
    frames: NDArray[np.uint8],
    people: list[Person],
    provider: str,
    wish: Wish,
    progress: Progress,
) -> UInt8[NDArray[np.uint8], "P F H W"]:
    """A provider's masks, with the bundled way's where it saw nothing of somebody who was found there, and a note that says so."""
    missed = np.stack([person.seen for person in people]) & ~masks.any(axis=(2, 3))
    if not missed.any():
        return masks
    own = people_masks(frames, people, progress)
    own[:, masks.max(axis=0) > 0] = 0
    filled = np.where(missed[:, :, None, None], own, masks)
    for person, many in zip(people, (missed & own.any(axis=(2, 3))).sum(axis=1), strict=True):
        if many:
            wish.note(
                f"The provider {provider} did not see {person.name} on {many} of {len(frames)} frames; {bundled('segmentation')} did it there."
            )
    return filled


def disjoint(masks: UInt8[NDArray[np.uint8], "P F H W"]) -> UInt8[NDArray[np.uint8], "P F H W"]:
    """Each pixel to one subject: to the smaller of those that claim it, which would be gone behind the larger."""
    order = np.argsort([float((mask > 0).sum()) for mask in masks])
    kept, taken = masks.copy(), np.zeros(masks.shape[1:], np.bool_)
    for place in order:
        kept[place][taken] = 0
        taken |= kept[place] > 0
    return kept


def _followed(frames: NDArray[np.uint8], wish: Wish, progress: Progress) -> list[Followed]:
    """The shown animals and objects, each without those before it; small ones first, which larger ones would swallow."""
    shown = wish.of_kind("animal", "object")
    names = sorted(dict.fromkeys(prompt.name for prompt in shown), key=lambda name: _shown_area(name, shown))
    found: list[Followed] = []
    taken: NDArray[np.uint8] | None = None
    for place, name in enumerate(names):
        prompts = tuple(prompt for prompt in shown if prompt.name == name)
        one = followed_one(frames, prompts, taken, wish, progress.part(place / len(names), (place + 1) / len(names)))
        if one is not None:
            found.append(one)
            taken = one.masks if taken is None else np.maximum(taken, one.masks)
    return found


def _shown_area(name: str, prompts: tuple[Prompt, ...]) -> float:
    boxes = [prompt.box for prompt in prompts if prompt.name == name and prompt.box is not None]
    return min(((right - left) * (bottom - top) for left, top, right, bottom in boxes), default=float("inf"))


def followed_one(
    frames: NDArray[np.uint8], prompts: tuple[Prompt, ...], taken: NDArray[np.uint8] | None, wish: Wish, progress: Progress
) -> Followed | None:
    """One animal or object; nothing, and a note, where it is not found even where it is shown."""
    name = prompts[0].name
    try:
        one = wish.choices.attempt(
            "tracking",
            lambda provider: provider.follow(frames, prompts, taken, progress),
            lambda: follow(frames, prompts, taken, progress),
        )
    except InputError as error:
        wish.note(str(error))
        return None
    if not one.seen.any():
        wish.note(f"{name} was not found where it is shown; draw its box closer, or click on it.")
        return None
    return one


def _with_detections(frames: NDArray[np.uint8], wish: Wish, progress: Progress) -> Wish:
    """The wish with what a detector sees and nobody showed; as it is where no detector with weights runs."""
    if not wish.people:
        return wish
    words = tuple(dict.fromkeys([*AUTOMATIC_WORDS, *(prompt.label for prompt in wish.prompts if prompt.label)]))
    seen = wish.choices.attempt("detection", lambda provider: provider.detect(frames, words, progress), list)
    return replace(wish, prompts=wish.prompts + detected_prompts(seen, wish.prompts))


def detected_prompts(seen: Sequence[Sequence[Detection]], known: tuple[Prompt, ...]) -> tuple[Prompt, ...]:
    """One prompt for each label and each thing of it that is surest on some frame and is not shown already. Labels seen twice on one
    frame are things apart; the frame with the most of them, then the surest, speaks.
    """
    labels = {detection.label for frame in seen for detection in frame if detection.kind != "person"}
    found: list[Prompt] = []
    for label in sorted(labels):
        frame = max(range(len(seen)), key=lambda index: _weight(seen[index], label))
        of_label = [one for one in seen[frame] if one.label == label and one.score >= LEAST_SCORE]
        for one in of_label:
            if not any(_same(one, prompt, frame) for prompt in (*known, *found)):
                found.append(_prompt(one, frame, {prompt.name for prompt in (*known, *found)}))
    return tuple(found)


def _weight(detections: Sequence[Detection], label: str) -> tuple[int, float]:
    scores = [one.score for one in detections if one.label == label and one.score >= LEAST_SCORE]
    return len(scores), max(scores, default=0.0)


def _same(one: Detection, prompt: Prompt, frame: int) -> bool:
    if prompt.label == one.label and prompt.frame != frame:
        return True  # where a thing of that name is shown on another frame, the user's word counts
    if prompt.box is None or prompt.frame != frame:
        return False
    a, b = one.box, np.asarray(prompt.box)
    both = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0.0).prod()
    return bool(both > TAKEN_SHARE * min((a[2:] - a[:2]).prod(), (b[2:] - b[:2]).prod()))


def _prompt(one: Detection, frame: int, taken: set[str]) -> Prompt:
    number = next(number for number in range(1, 10_000) if f"{one.label}_{number}" not in taken)
    kind: SubjectKind = one.kind
    left, top, right, bottom = (float(value) for value in one.box)
    return Prompt(f"{one.label}_{number}"[:63], kind, frame, (left, top, right, bottom), (), one.label[:63])
