"""What a lift hands on between its steps: subjects with their tracks, and the shot that holds them."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from numpy.typing import NDArray

from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import Clip, GroundPlane, Track


@dataclass(frozen=True, eq=False)
class LiftedTrack:
    """One subject of one shot. track, raw: with and without the fit's temporal term (the same where there is none).

    mask: 255 where the subject is what one sees. seen: it is visible on that frame. score: how surely it was followed, in [0, 1].
    landmarks: x, y, visibility of MediaPipe's 33, of a person that was found by them.
    """

    track: Track
    raw: Track
    mask: UInt8[NDArray[np.uint8], "F H W"]
    seen: Bool[NDArray[np.bool_], " F"]
    score: Float32[NDArray[np.float32], " F"]
    landmarks: Float32[NDArray[np.float32], "F 33 3"] | None = None

    @property
    def name(self) -> str:
        return self.track.track_id

    def renamed(self, name: str) -> "LiftedTrack":
        return replace(self, track=replace(self.track, track_id=name), raw=replace(self.raw, track_id=name))


@dataclass(frozen=True, eq=False)
class LiftedShot:
    """The frames between two cuts, in the world of the first one's camera. ground_confidence: in [0, 1], 0 for a floor that is guessed."""

    fps: float
    camera: Camera
    ground: GroundPlane
    ground_confidence: float
    tracks: tuple[LiftedTrack, ...]

    @property
    def clip(self) -> Clip:
        return Clip(self.fps, self.camera, self.ground, tuple(lifted.track for lifted in self.tracks))

    @property
    def raw(self) -> Clip:
        return Clip(self.fps, self.camera, self.ground, tuple(lifted.raw for lifted in self.tracks))

    def visible(self) -> UInt8[NDArray[np.uint8], "F H W"]:
        """k where the k-th track, counted from 1, is what one sees, 0 elsewhere; later tracks win where masks overlap."""
        index = np.zeros((self.camera.n_frames, self.camera.height, self.camera.width), np.uint8)
        for place, lifted in enumerate(self.tracks):
            index[lifted.mask > 0] = place + 1
        return index
