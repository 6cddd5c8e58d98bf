"""What is asked of the backend and what comes back: one frozen dataclass each, whole, with nothing beside it.

Pictures are ``uint8`` sRGB, channel order red green blue, row 0 at the top. Label images follow ``masks.labels``.
Confidence maps are ``uint8``, 255 meaning 1.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..motion.clip import Clip, Pins
from ..motion.subjects import Prompt
from ..video_model.following import PUBLISHED_DEPTHS
from ..video_model.presets import DEFAULT_PRESET

Picture = NDArray[np.uint8]  # (H, W, 3)
Video = NDArray[np.uint8]  # (F, H, W, 3)
Maps = NDArray[np.uint8]  # (F, H, W)

REFINERS = ("prior", "optimisation")
AUTO = -1.0  # the strength of motion that the given motion itself suggests


@dataclass(frozen=True, eq=False)
class CoarseRequest:
    """S1: a rough video from one picture. target: a clip of one frame, the pose wanted in the last frame, or nothing.

    model: for engine "svd", see ``video_model.names``. preset: a name of ``video_model.presets``.
    """

    kind: ClassVar[str] = "coarse"
    picture: Picture
    prompt: str = ""
    engine: str = "reproject"
    frames: int = 24
    fps: float = 12.0
    strength: float = 0.7
    seed: int = 42
    target: Clip | None = None
    model: str = ""
    preset: str = DEFAULT_PRESET


@dataclass(frozen=True, eq=False)
class DecodeRequest:
    """S1 replaced by the user's own footage. file: the bytes of a video or picture file, ``(N,)``; the backend opens no path.

    start: first frame. frames: how many to take. stride: every n-th. max_side: longer pictures are scaled down to it.
    fewer: a shorter video gives what it has, instead of being refused.
    """

    kind: ClassVar[str] = "decode"
    file: NDArray[np.uint8]
    start: int = 0
    frames: int = 24
    stride: int = 1
    max_side: int = 1280
    fewer: bool = False


@dataclass(frozen=True, eq=False)
class LiftRequest:
    """S2: what moves in a video as tracks. focal: pixels where the user knows it, 0 where not.

    prompts: subjects that the user showed. people: find people without being shown them, at most ``most_people``.
    providers: choices as "kind=name", see ``backend.lifting.providers``; a kind that is not named is chosen for the machine.
    only, known: lift the track of this name again and leave the camera, the floor and the other tracks of the known clip as they are.
    """

    kind: ClassVar[str] = "lift"
    frames: Video
    fps: float = 12.0
    focal: float = 0.0
    prompts: tuple[Prompt, ...] = ()
    people: bool = True
    most_people: int = 8
    providers: tuple[str, ...] = ()
    only: str = ""
    known: Clip | None = None


@dataclass(frozen=True, eq=False)
class RefineRequest:
    """S2: the lifted and hand-edited motion made plausible; what is pinned comes back as it went in.

    strength: the share of the way from the given to the refined motion. method: one of ``REFINERS``. For the prior: prompt says what
    is done; motion: how strong the motion is, in [0, 1], or ``AUTO``; polish: solve for contacts and limits afterwards;
    hold_first, hold_last: the first and the last frame come back as they went in. fps: of the result, 0 for the clip's own.
    """

    kind: ClassVar[str] = "refine"
    clip: Clip
    pins: tuple[Pins, ...] = ()
    strength: float = 1.0
    method: str = REFINERS[0]
    prompt: str = ""
    motion: float = AUTO
    polish: bool = True
    hold_first: bool = False
    hold_last: bool = False
    fps: float = 0.0


@dataclass(frozen=True, eq=False)
class MasksRequest:
    """Part masks of a clip by the backend's rasteriser (Blender's own pass needs no backend)."""

    kind: ClassVar[str] = "masks"
    clip: Clip


@dataclass(frozen=True, eq=False)
class FineRequest:
    """S3: the final video. source: the clip as lifted, whose frame 0 lies over the picture. motion: the clip wanted.

    For engine "svd": model, preset as in ``CoarseRequest``; mode: one of ``video_model.following.MODES``; sigma_weak, sigma_strong:
    the noise levels at which dual-clock denoising begins outside and ends holding inside the bodies' masks.
    """

    kind: ClassVar[str] = "fine"
    picture: Picture
    source: Clip
    motion: Clip
    labels: Maps
    confidence: Maps
    prompt: str = ""
    engine: str = "reproject"
    strength: float = 0.7
    seed: int = 42
    model: str = ""
    preset: str = DEFAULT_PRESET
    mode: str = "auto"
    sigma_weak: float = PUBLISHED_DEPTHS.weak
    sigma_strong: float = PUBLISHED_DEPTHS.strong


@dataclass(frozen=True, eq=False)
class ModelRequest:
    """Downloads a video model from the hub. model: OWNER/NAME. accept_licence: whether the user was shown its licence and accepted it."""

    kind: ClassVar[str] = "model"
    model: str
    accept_licence: bool = False


Request = CoarseRequest | DecodeRequest | LiftRequest | RefineRequest | MasksRequest | FineRequest | ModelRequest


@dataclass(frozen=True, eq=False)
class VideoResult:
    """Of ``coarse``, ``decode`` and ``fine``. report: figures by name, for people and for provenance."""

    frames: Video
    fps: float
    report: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class LiftResult:
    """clip: the lifted motion. raw: the same fit without its temporal term. people: ``(F, H, W)`` 255 on every person.

    landmarks: ``(F, 33, 3)`` MediaPipe's pixels x, y and visibility in [0, 1] of the first person; zeros where there is none.
    visible: ``(F, H, W)`` k where the clip's k-th track, counted from 1, is what one sees, 0 elsewhere.
    shots: ``(S,)`` the frames at which a shot begins, the first of them 0. report: figures of the whole, and of each track as
    "name/figure". notes: sentences about what could not be done well, one a line.
    """

    clip: Clip
    raw: Clip
    people: Maps
    landmarks: NDArray[np.float32]
    report: dict[str, float] = field(default_factory=dict)
    visible: Maps = field(default_factory=lambda: np.zeros((0, 0, 0), dtype=np.uint8))
    shots: NDArray[np.int32] = field(default_factory=lambda: np.zeros(1, dtype=np.int32))
    notes: str = ""


@dataclass(frozen=True, eq=False)
class RefineResult:
    """changes: ``(2, 3, F)`` before and after: feet's sliding in mm a frame, sinking in mm, jitter in 10 m/s^3; nothing where not known.

    notes: sentences about what could not be done well, one a line.
    """

    clip: Clip
    report: dict[str, float] = field(default_factory=dict)
    changes: NDArray[np.float32] = field(default_factory=lambda: np.zeros((2, 3, 0), dtype=np.float32))
    notes: str = ""


@dataclass(frozen=True, eq=False)
class MasksResult:
    labels: Maps
    confidence: Maps


@dataclass(frozen=True, eq=False)
class ModelResult:
    """folder: where the model lies now, whole and checked."""

    folder: str
    report: dict[str, float] = field(default_factory=dict)


Result = VideoResult | LiftResult | RefineResult | MasksResult | ModelResult

RESULT_OF_KIND: dict[str, type[Result]] = {
    CoarseRequest.kind: VideoResult,
    DecodeRequest.kind: VideoResult,
    LiftRequest.kind: LiftResult,
    RefineRequest.kind: RefineResult,
    MasksRequest.kind: MasksResult,
    FineRequest.kind: VideoResult,
    ModelRequest.kind: ModelResult,
}
REQUEST_OF_KIND: dict[str, type[Request]] = {
    request.kind: request for request in (CoarseRequest, DecodeRequest, LiftRequest, RefineRequest, MasksRequest, FineRequest, ModelRequest)
}
