"""The one description of motion that every part speaks: a clip of tracks seen by a camera over a ground plane."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .errors import ClipError

Array = NDArray[np.floating]

N_OBJECT_POINTS = 21  # 16 contour vertices, 4 box corners, the box centre (paper, section 3.2)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ClipError(message)


@dataclass(frozen=True, eq=False)
class GroundPlane:
    """The floor in world coordinates: ``normal`` ``(3,)`` unit vector pointing up, ``point`` ``(3,)`` on the plane, metres."""

    normal: Array
    point: Array

    def __post_init__(self) -> None:
        _require(self.normal.shape == (3,) and self.point.shape == (3,), "the ground plane needs a normal and a point of 3 numbers")
        length = float(np.linalg.norm(self.normal))
        _require(abs(length - 1.0) < 1e-4, f"the ground's normal has length {length:.4f}; it must be 1")

    def height(self, points_world: Array) -> Array:
        """Signed height in metres of ``(..., 3)`` points over the plane."""
        return (points_world - self.point) @ self.normal


@dataclass(frozen=True, eq=False)
class BodyTrack:
    """One person or animal over the ``F`` frames of its clip.

    track_id: stable name. family: one of ``skeletons.FAMILIES``. model: name of the body model ("open_human" is bundled), never a path.
    betas: ``(B,)`` shape components. rotations: ``(F, J, 3, 3)``, entry j maps joint j's frame to its parent's
    (R_parent_joint); entry 0 maps the body's to the world's. translation: ``(F, 3)`` metres, added after posing as in SMPL
    (the root turns about the rest pose's joint 0). confidence: ``(F, J)`` in [0, 1], how far each rotation can be trusted.
    """

    track_id: str
    family: str
    model: str
    betas: Array
    rotations: Array
    translation: Array
    confidence: Array
    expression: Array | None = None

    def __post_init__(self) -> None:
        frames, joints = self.rotations.shape[:2]
        _require(self.rotations.shape == (frames, joints, 3, 3), f"rotations have shape {self.rotations.shape}; (F, J, 3, 3) is needed")
        _require(self.translation.shape == (frames, 3), f"translation has shape {self.translation.shape}; {(frames, 3)} is needed")
        _require(self.confidence.shape == (frames, joints), f"confidence has shape {self.confidence.shape}; {(frames, joints)} is needed")
        _require(self.betas.ndim == 1, f"betas have shape {self.betas.shape}; one row of numbers is needed")
        if self.expression is not None:
            _require(
                self.expression.ndim == 2 and len(self.expression) == frames,
                f"expression has shape {self.expression.shape}; {(frames, 'any')} is needed",
            )

    @property
    def n_frames(self) -> int:
        return len(self.rotations)

    @property
    def there(self) -> NDArray[np.bool_]:
        """``(F,)``: on which frames it is. Outside its shot a track only holds its nearest pose, with all confidence at 0."""
        return (self.confidence > 0.0).any(axis=1)


@dataclass(frozen=True, eq=False)
class ObjectTrack:
    """One thing that is neither person nor animal, as the paper's 2.5D points.

    label: what it is, in words. size: ``(3,)`` box extents, metres. points: ``(F, 21, 3)`` world metres: 16 contour
    vertices, 4 box corners, centre. confidence: ``(F,)`` in [0, 1].
    """

    track_id: str
    label: str
    size: Array
    points: Array
    confidence: Array

    def __post_init__(self) -> None:
        frames = len(self.points)
        _require(
            self.points.shape == (frames, N_OBJECT_POINTS, 3),
            f"object points have shape {self.points.shape}; (F, {N_OBJECT_POINTS}, 3) is needed",
        )
        _require(self.size.shape == (3,) and self.confidence.shape == (frames,), "an object needs 3 extents and one confidence a frame")

    @property
    def n_frames(self) -> int:
        return len(self.points)

    @property
    def there(self) -> NDArray[np.bool_]:
        """``(F,)``: on which frames it is, as a body's."""
        return self.confidence > 0.0


Track = BodyTrack | ObjectTrack


@dataclass(frozen=True, eq=False)
class Clip:
    """Tracks, camera and ground over ``F`` frames at ``fps`` frames a second; frame 0 is at time 0.

    World coordinates are metres. A lifted clip's world is the first frame's camera frame (OpenCV axes).
    """

    fps: float
    camera: Camera
    ground: GroundPlane
    tracks: tuple[Track, ...] = field(default=())

    def __post_init__(self) -> None:
        _require(np.isfinite(self.fps) and self.fps > 0.0, f"the clip's rate is {self.fps} frames a second; it must be positive")
        for track in self.tracks:
            _require(
                track.n_frames == self.n_frames, f"track {track.track_id!r} has {track.n_frames} frames, its camera {self.camera.n_frames}"
            )

    @property
    def n_frames(self) -> int:
        return self.camera.n_frames

    @property
    def bodies(self) -> tuple[BodyTrack, ...]:
        return tuple(track for track in self.tracks if isinstance(track, BodyTrack))

    @property
    def times(self) -> Array:
        """``(F,)`` seconds."""
        return np.arange(self.n_frames) / self.fps

    def with_tracks(self, tracks: tuple[Track, ...]) -> "Clip":
        return replace(self, tracks=tracks)


@dataclass(frozen=True, eq=False)
class Pins:
    """What the animator fixed on one body track; a refiner returns these exactly.

    joints: ``(F, J)`` bool, the joint's rotation at that frame. translation: ``(F,)`` bool, the root's place.
    places: ``(F, J, 3)`` where in the clip's world a hand or foot must be, metres; NaN where it need not be anywhere.
    """

    track_id: str
    joints: NDArray[np.bool_]
    translation: NDArray[np.bool_]
    places: Array | None = None
