"""The interfaces of everything that a lift can take from another model: one protocol a kind of work.

Shared conventions. Frames: ``(F, H, W, 3)`` uint8 sRGB. Pixels: from the picture's top left corner, of the frames handed in,
whatever the model works on inside. Boxes: left, top, right, bottom. Cameras: ``motion.camera.Camera`` of the same frames (OpenCV
axes); bodies are given in its world. A provider loads nothing before it is asked to work, imports torch, transformers and the like
inside its methods, downloads nothing, and keeps its weights until ``forget``. A file that is missing, cut off or of another model
is an ``EngineError`` of one sentence; ``Cancelled`` passes through.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, get_args, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy.typing import NDArray

from backend.lifting.subject import Detection, Followed
from backend.progress import Progress
from revision_blender.motion.camera import Camera
from revision_blender.motion.subjects import Prompt
from revision_blender.video_model.hub_cache import snapshot_folder
from revision_blender.wire.paths import home_folder, models_folder

Frames = UInt8[NDArray[np.uint8], "F H W 3"]
Masks = UInt8[NDArray[np.uint8], "F H W"]
# Of P people (or other subjects): where each is on each frame, and whether it is seen there; and the same of their hands, left before right.
Boxes = Float[NDArray[np.float32], "P F 4"]
Seen = Bool[NDArray[np.bool_], "P F"]
HandBoxes = Float[NDArray[np.float32], "P F 2 4"]
HandsSeen = Bool[NDArray[np.bool_], "P F 2"]

Kind = Literal["detection", "tracking", "segmentation", "depth", "people", "keypoints", "hands", "animals", "camera"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Ability:
    """Whether a provider can work on this machine, for ``doctor`` and the panel.

    missing: what keeps it from running, one sentence with the next step, empty when it can. where: page that its weights come from,
    empty for what is bundled. licence: of code and weights, in words. size: megabytes of weights, 0 where nothing need be added.
    automatic: taken without being named once it can run; False for what is too slow on this machine or asks for a decision.
    """

    kind: Kind
    name: str
    can_run: bool
    missing: str
    where: str
    licence: str
    size: float
    automatic: bool = True


@runtime_checkable
class Provider(Protocol):
    """What all kinds share. Made with the home folder: ``Provider(home)``; see ``registry``."""

    kind: Kind
    name: str

    def ability(self) -> Ability:
        """Cheap: looks for packages and files, imports and loads nothing large."""
        ...

    def forget(self) -> None:
        """Lets go of the weights."""
        ...


class Detector(Provider, Protocol):
    """Kind "detection"."""

    def detect(self, frames: Frames, words: tuple[str, ...], progress: Progress) -> list[list[Detection]]:
        """What is seen on each frame. words: what to look for ("person", "dog", "ball"); a model with a fixed list of classes gives
        those of its own that match. Sorted by falling score, doubles dropped.
        """
        ...


class Tracker(Provider, Protocol):
    """Kind "tracking": one subject through the frames from what the user (or a detector) showed of it."""

    def follow(self, frames: Frames, prompts: tuple[Prompt, ...], taken: Masks | None, progress: Progress) -> Followed:
        """prompts: of ONE subject, on one or more frames. taken: 255 on pixels that belong to others, or nothing."""
        ...


class Segmenter(Provider, Protocol):
    """Kind "segmentation": sharp masks of what lies in boxes, frame by frame."""

    def segment(self, frames: Frames, boxes: Boxes, seen: Seen, progress: Progress) -> UInt8[NDArray[np.uint8], "P F H W"]:
        """255 on the subject of each box; empty where it is not seen."""
        ...


@dataclass(frozen=True, eq=False)
class Depths:
    """values: ``(F, H, W)`` float32. metric: metres along the viewing axis, larger is farther; else relative inverse depth, larger is
    nearer, right up to an unknown positive scale and a shift of each clip.
    """

    values: Float[NDArray[np.float32], "F H W"]
    metric: bool


class DepthEstimator(Provider, Protocol):
    """Kind "depth"."""

    def depths(self, frames: Frames, progress: Progress) -> Depths: ...


@dataclass(frozen=True, eq=False)
class Keypoints:
    """names: of the K points, as the model's data set calls them ("left_ankle"). pixels: x, y. score: in [0, 1]."""

    names: tuple[str, ...]
    pixels: Float[NDArray[np.float32], "P F K 2"]
    score: Float[NDArray[np.float32], "P F K"]


class KeypointFinder(Provider, Protocol):
    """Kind "keypoints": of people in boxes."""

    def keypoints(self, frames: Frames, boxes: Boxes, seen: Seen, progress: Progress) -> Keypoints:
        """Score 0 where a person is not seen."""
        ...


@dataclass(frozen=True, eq=False)
class LiftedBody:
    """A person or an animal as a ``BodyTrack`` holds it, in the camera's world, metres.

    rotations: entry 0 R_world_body, else R_parent_joint. translation: as in ``BodyTrack``. model: a name of the body shelf.
    """

    family: str
    model: str
    betas: Float[NDArray[np.floating], " B"]
    rotations: Float[NDArray[np.floating], "F J 3 3"]
    translation: Float[NDArray[np.floating], "F 3"]
    confidence: Float[NDArray[np.floating], "F J"]


class PeopleLifter(Provider, Protocol):
    """Kind "people"."""

    def lift_people(self, frames: Frames, boxes: Boxes, seen: Seen, camera: Camera, progress: Progress) -> list[LiftedBody]:
        """One body a row of boxes; frames that do not show it hold the nearest pose with confidence 0."""
        ...


@dataclass(frozen=True, eq=False)
class Hands:
    """Of P people, left hand first. points: MediaPipe's and HaMeR's 21 (wrist, then thumb to little finger, four each) in pixels.

    score: in [0, 1], 0 where the hand is not seen. rotations: entry 0 R_camera_wrist of that frame's camera, entries 1 to 15
    R_parent_joint in MANO's order (index, middle, little, ring, thumb; three each), as the hand of that side bends, not mirrored;
    nothing where the model gives points only. world: ``(P, F, 2, 21, 3)`` metres about the wrist, camera axes, or nothing.
    """

    points: Float[NDArray[np.float32], "P F 2 21 2"]
    score: Float[NDArray[np.float32], "P F 2"]
    rotations: Float[NDArray[np.floating], "P F 2 16 3 3"] | None = None
    world: Float[NDArray[np.floating], "P F 2 21 3"] | None = None


class HandLifter(Provider, Protocol):
    """Kind "hands"."""

    def hands(self, frames: Frames, boxes: HandBoxes, seen: HandsSeen, camera: Camera, progress: Progress) -> Hands:
        """boxes: about each person's left and right hand."""
        ...


class AnimalLifter(Provider, Protocol):
    """Kind "animals"."""

    def lift_animal(self, frames: Frames, followed: Followed, camera: Camera, fps: float, progress: Progress) -> LiftedBody: ...


class CameraFollower(Provider, Protocol):
    """Kind "camera"."""

    def follow_camera(self, frames: Frames, moving: Masks, camera: Camera, progress: Progress) -> Camera:
        """The camera with its poses found, first frame the world. moving: 255 on what moves by itself."""
        ...


def weights_folder(name: str, repository: str = "", home: Path | None = None) -> Path | None:
    """Where a provider's weights lie: ``<home>/models/<name>/`` if it is there, else the hub's own cache of ``repository`` (OWNER/NAME),
    else nothing.
    """
    folder = models_folder(home if home is not None else home_folder()) / name
    if folder.is_dir():
        return folder
    return snapshot_folder(repository) if repository else None
