"""Ten short scenes whose truth is known: people, quadrupeds, boxes and a ball, half of them before a moving camera.

Deterministic; drawn once a process. Pictures are plain, but detectors made for photographs find the people in them.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from backend.errors import InputError
from backend.evaluation.lifting.backdrop import Eye
from backend.evaluation.lifting.colours import Clothes, Coat, Paint
from backend.evaluation.lifting.drawing import alone, drawn
from backend.evaluation.lifting.figures import AnimalPart, BallPart, BoxPart, Figure, PersonPart
from backend.evaluation.lifting.shown import prompts_of
from backend.evaluation.lifting.truth_clip import clip_of
from revision_blender.motion.clip import Clip
from revision_blender.motion.rotation import matrix_from_axis_angle
from revision_blender.motion.subjects import Prompt

Array = NDArray[np.floating]
WIDTH, HEIGHT, FPS, FRAMES = 640, 480, 12.0, 24


@dataclass(frozen=True)
class Shot:
    """A camera over the floor, at x = 0, looking along -z and down by the pitch. height, distance: metres. focal: pixels.

    pan, tilt: degrees that it turns over the clip, the middle of the turn straight ahead. travel: metres to the right over the clip.
    """

    height: float
    distance: float
    pitch: float
    focal: float = 800.0
    pan: float = 0.0
    tilt: float = 0.0
    travel: float = 0.0

    @property
    def moves(self) -> bool:
        return bool(self.pan or self.tilt or self.travel)

    def eyes(self, frames: int) -> tuple[Eye, ...]:
        part = np.linspace(-0.5, 0.5, frames)
        part = part * (1.5 - 2.0 * part**2)  # sets off and stops softly
        return tuple(self._eye(float(share)) for share in part)

    def _eye(self, share: float) -> Eye:
        level = np.diag([1.0, -1.0, -1.0])
        pitched = matrix_from_axis_angle(np.array([-np.radians(self.pitch + share * self.tilt), 0.0, 0.0])) @ level
        R = matrix_from_axis_angle(np.array([0.0, -np.radians(share * self.pan), 0.0])) @ pitched
        return Eye(np.array([share * self.travel, self.height, self.distance]), R, self.focal, WIDTH, HEIGHT)


Part = PersonPart | AnimalPart | BoxPart | BallPart


@dataclass(frozen=True)
class Scene:
    name: str
    shot: Shot
    parts: tuple[Part, ...]


@dataclass(frozen=True, eq=False)
class TruthScene:
    """frames: ``(F, H, W, 3)`` uint8 sRGB. clip: what a perfect lifter returns, its world the first frame's camera axes.

    visible, alone: ``(T, F, H, W)`` the pixels of each track of the clip, as seen, and as they were if nothing stood before it.
    prompts: what a user would show of the things that are not people.
    """

    name: str
    frames: NDArray[np.uint8]
    clip: Clip
    visible: NDArray[np.bool_]
    alone: NDArray[np.bool_]
    prompts: tuple[Prompt, ...]


RED, BLUE, GREEN, ORANGE = (
    Clothes((0.75, 0.16, 0.12)),
    Clothes((0.10, 0.30, 0.65)),
    Clothes((0.10, 0.48, 0.28)),
    Clothes((0.90, 0.55, 0.08)),
)
WHITE = Clothes((0.82, 0.80, 0.74), trousers=(0.30, 0.20, 0.14), hair=(0.30, 0.18, 0.10))
VIOLET = Clothes((0.45, 0.20, 0.55), trousers=(0.12, 0.12, 0.13), skin=(0.48, 0.32, 0.24))
BROWN, BLACK, SANDY = (
    Coat((0.46, 0.25, 0.12), (0.90, 0.87, 0.80)),
    Coat((0.16, 0.15, 0.16), (0.80, 0.60, 0.36)),
    Coat((0.85, 0.72, 0.50), (0.95, 0.93, 0.88)),
)
CARTON, CRATE, LEATHER = (
    Paint((0.80, 0.42, 0.10), (0.95, 0.90, 0.80)),
    Paint((0.10, 0.45, 0.70), (0.90, 0.85, 0.20)),
    Paint((0.93, 0.93, 0.90), (0.12, 0.12, 0.14)),
)

SCENES = (
    Scene("walk", Shot(1.35, 4.6, 5.0), (PersonPart("person_1", "walk", 0.6, 70.0, (0.0, 0.0), (0.4, -0.6), RED),)),
    Scene("crossing", Shot(1.5, 5.2, 6.0, 820.0), (
        PersonPart("person_1", "walk", 0.6, 80.0, (0.1, 0.5), (0.4, -0.6), ORANGE),
        PersonPart("person_2", "stroll", 1.2, -82.0, (-0.1, -0.5), (-0.8, 0.5), BLUE, take=1),
    )),
    Scene("three_pan", Shot(1.5, 5.4, 5.0, 800.0, pan=9.0), (
        PersonPart("person_1", "wave", 0.9, 15.0, (-1.25, 0.2), (-0.5, 0.5, 0.6), GREEN),
        PersonPart("person_2", "turn", 0.5, -20.0, (1.2, 0.3), (0.3, -1.0, 0.4), VIOLET),
        PersonPart("person_3", "walk", 1.6, 78.0, (0.0, -0.8), (0.8, 0.2), RED, take=1),
    )),
    Scene("four_tilt", Shot(1.7, 6.0, 8.0, 820.0, pan=4.0, tilt=5.0), (
        PersonPart("person_1", "direct", 0.5, 10.0, (-1.75, -0.2), (0.6, 0.2), WHITE),
        PersonPart("person_2", "walk", 0.4, 84.0, (-0.1, 0.5), (-0.6, -0.4), BLUE),
        PersonPart("person_3", "walk", 1.0, -80.0, (0.1, -0.6), (0.9, 0.6), ORANGE, take=1),
        PersonPart("person_4", "throw", 0.1, -25.0, (1.75, 0.0), (0.0, 1.0, -0.8), GREEN),
    )),
    Scene("dog_walks", Shot(0.95, 3.6, 8.0), (AnimalPart("dog", "walk", 3, 12.0, (0.0, 0.0), (("dog", 1.0),), BROWN),)),
    Scene("dog_trots", Shot(0.8, 3.9, 5.0, 780.0, pan=-16.0), (AnimalPart("dog", "trot", 5, 165.0, (0.0, 0.0), (("greyhound", 0.5), ("dog", 0.4)), SANDY),)),
    Scene("dog_and_owner", Shot(1.35, 4.9, 7.0, 800.0, pan=5.0, travel=0.12), (
        PersonPart("person_1", "beckon", 0.3, -25.0, (0.75, -0.5), (-0.4, 0.7), WHITE),
        AnimalPart("dog", "walk", 11, -20.0, (-0.15, 0.5), (("hound", 0.5), ("dog", 0.5)), BLACK),
    )),
    Scene("box_slides", Shot(1.4, 4.6, 7.0), (
        PersonPart("person_1", "wave", 0.6, 20.0, (-0.3, -0.3), (0.2, 0.3), VIOLET),
        BoxPart("box", (0.5, 0.42, 0.4), (1.2, 0.55), (-0.9, 0.35), CARTON, heading=25.0),
    )),
    Scene("box_behind", Shot(1.5, 5.4, 7.0, 800.0), (
        PersonPart("person_1", "kick", 0.55, -40.0, (-0.5, 0.3), (0.8, 0.8), ORANGE),
        PersonPart("person_2", "signal", 0.4, -10.0, (1.1, -0.2), (-0.6, 0.2), GREEN),
        BallPart("ball", 0.12, (-0.1, 0.9), (1.9, 0.3), LEATHER, hops=2.0, height=0.35),
        BoxPart("box", (0.6, 0.55, 0.5), (-1.3, -1.2), (0.4, -1.1), CRATE, heading=10.0, turn=0.0),
    )),
    Scene("everything", Shot(1.5, 5.6, 7.0, 790.0, pan=-6.0, tilt=3.0, travel=0.1), (
        PersonPart("person_1", "walk", 0.8, 75.0, (0.1, -0.7), (0.3, 0.8), RED, take=1),
        PersonPart("person_2", "wave", 0.4, -15.0, (1.5, -0.1), (-0.7, 0.2), BLUE),
        AnimalPart("dog", "walk", 21, 172.0, (-0.4, 0.6), (("dog", 0.7), ("hound", 0.3)), BROWN),
        BoxPart("box", (0.45, 0.5, 0.45), (-1.45, -0.2), (-1.05, 0.0), CRATE, heading=35.0),
    )),
)  # fmt: skip

NAMES = tuple(scene.name for scene in SCENES)


@cache
def truth_scene(name: str) -> TruthScene:
    """One scene, drawn; ``InputError`` for a name that none of them has."""
    found = [scene for scene in SCENES if scene.name == name]
    if not found:
        raise InputError(f"there is no truth scene {name[:40]!r}; there are {', '.join(NAMES)}.")
    return drawn_scene(found[0])


def drawn_scene(scene: Scene, frames: int = FRAMES) -> TruthScene:
    """A scene's pictures and truth, of as many frames."""
    eyes = scene.shot.eyes(frames)
    figures: tuple[Figure, ...] = tuple(part.figure(frames, FPS) for part in scene.parts)
    pictures, owners = drawn(figures, eyes)
    visible = np.stack([owners == number for number in range(1, len(figures) + 1)])
    clip = clip_of(figures, eyes, FPS)
    whole = np.stack([alone(figure, eyes) for figure in figures])
    return TruthScene(scene.name, pictures, clip, visible, whole, prompts_of(figures, eyes, visible))
