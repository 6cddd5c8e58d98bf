"""Who is somebody: ghosts of the detector, bystanders, and what the user calls an animal or a thing are told from people."""

import numpy as np
from numpy.typing import NDArray

from backend.lifting.people.following import mirrored
from backend.lifting.people.linking import Chain
from backend.lifting.people.poses import Pose
from backend.lifting.people.shown_people import Shown
from backend.lifting.people.sightings import BYSTANDER, Lookers
from backend.lifting.people.two_passes import Combined, combined
from backend.progress import Progress
from revision_blender.motion.subjects import Prompt

LEAST_SCORE = 0.35  # mean visibility of the trunk and the limbs, times the detector's own score
LEAST_SHARE, LEAST_FRAMES = 0.25, 3  # who is seen on fewer of the frames is a ghost
MOST_APART = 0.03  # of the height: the median distance of the passes on a ghost is larger
DOUBTED, CLEAR = 0.55, 0.65  # scores: what is hardly seen must agree so well, who is clearly seen may differ by twice as much
AGREED_SHARE = 0.5  # of the frames must show a person in both passes
SURE_SHARE = 0.5  # of the frames: whom the detector sees on so many is followed without further questions
TRIED = 3  # frames on which anybody else is looked at twice before


def worth_following(
    frames: NDArray[np.uint8], chains: list[Chain], shown: Shown, prompts: tuple[Prompt, ...], looking: Lookers, progress: Progress
) -> list[Chain]:
    """The chains without those that would be refused in the end, before every frame is read for them.

    The user's own stay. Refused are bystanders beside whom the detector sees on most frames, what is shown to be no person, and whom
    the passes disagree about on the frames that show them best.
    """
    sure = [chain for chain in chains if len(chain) >= SURE_SHARE * len(frames) and not is_shown_otherwise(chain, prompts)]
    least = BYSTANDER * max((usual_extent(chain) for chain in sure), default=0.0)
    tall = [chain for chain in chains if usual_extent(chain) > least and not is_shown_otherwise(chain, prompts)]
    asked = [chain for chain in tall if not any(chain is other for other in sure) and not shown.name_of(chain)]
    best = [{frame: chain[frame] for frame in sorted(chain, key=lambda frame: -chain[frame].score)[:TRIED]} for chain in asked]
    again = mirrored(frames, best, looking, progress, among=chains)
    ghosts = [chain for chain, first, second in zip(asked, best, again, strict=True) if _disagree(first, second)]
    gone = [*ghosts, *(chain for chain in chains if not any(chain is other for other in tall))]
    return [chain for chain in chains if shown.name_of(chain) or not any(chain is other for other in gone)]


def _disagree(first: Chain, second: dict[int, Pose | None]) -> bool:
    both = passes_of(first, second, max(first) + 1)
    apart = [float(np.median(both.apart[frame])) if both.twice[frame] else np.inf for frame in first]
    return float(np.median(apart)) >= _most_apart(first)


def _score(chain: Chain) -> float:
    return float(np.mean([pose.score for pose in chain.values()]))


def _most_apart(chain: Chain) -> float:
    return MOST_APART * (1.0 + float(np.clip((_score(chain) - DOUBTED) / (CLEAR - DOUBTED), 0.0, 1.0)))


def usual_extent(chain: Chain) -> float:
    """Pixels."""
    return float(np.median([pose.extent for pose in chain.values()]))


def passes_of(chain: Chain, second: dict[int, Pose | None], count: int) -> Combined:
    """Both looks at a person, made into one, on ``count`` frames."""
    looks = np.full((2, count, 33, 6), np.nan, np.float32)
    for frame, pose in chain.items():
        looks[0, frame] = pose.points
    for frame, pose in second.items():
        if pose is not None:
            looks[1, frame] = pose.points
    return combined(looks[0], looks[1])


def is_real(chain: Chain, both: Combined, prompts: tuple[Prompt, ...], least: int = LEAST_FRAMES) -> bool:
    """Somebody, and not a ghost. least: frames."""
    count = len(both.found)
    enough = len(chain) >= min(count, max(least, LEAST_SHARE * count if least > 1 else 1))
    agree = len(both.apart[both.twice]) >= AGREED_SHARE * len(chain) and float(np.median(both.apart[both.twice])) < _most_apart(chain)
    return enough and agree and _score(chain) > LEAST_SCORE and not is_shown_otherwise(chain, prompts)


def is_shown_otherwise(chain: Chain, prompts: tuple[Prompt, ...]) -> bool:
    """What the user calls an animal or an object is no person: its box holds the middle of the hips and most of the landmarks."""
    for prompt in prompts:
        if prompt.kind == "person" or prompt.box is None or prompt.frame not in chain:
            continue
        left, top, right, bottom = prompt.box
        pixels = chain[prompt.frame].pixels
        inside = (pixels[:, 0] > left) & (pixels[:, 0] < right) & (pixels[:, 1] > top) & (pixels[:, 1] < bottom)
        if inside.mean() > 0.7:
            return True
    return False
