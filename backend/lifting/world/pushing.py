"""Subjects moved along their lines of sight, so that the picture stays and the depth changes."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from backend.bodies.installed import identity_of_track
from backend.lifting.world.lifted import LiftedTrack
from backend.lifting.world.scale import scaled
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import BodyTrack, ObjectTrack, Track

Array = NDArray[np.floating]

LEAST = 1e-4  # smaller shifts are none


def pushed(lifted: LiftedTrack, shift: Float[NDArray[np.floating], " F"], camera: Camera) -> LiftedTrack:
    """The subject ``exp(shift)`` times as far from the camera on each frame. What all frames share makes it larger, too."""
    if float(np.abs(shift).max(initial=0.0)) < LEAST:
        return lifted
    return replace(lifted, track=_pushed(lifted.track, shift, camera), raw=_pushed(lifted.raw, shift, camera))


def _pushed(track: Track, shift: Array, camera: Camera) -> Track:
    center = camera.T_world_camera[:, :3, 3]
    if isinstance(track, ObjectTrack):
        factor = np.exp(shift)
        points = center[:, None] + factor[:, None, None] * (track.points - center[:, None])
        return replace(track, points=points, size=track.size * float(np.exp(np.median(shift))))
    common = float(np.median(shift))
    grown = scaled(track, float(np.exp(common)), camera)
    assert isinstance(grown, BodyTrack)
    root = identity_of_track(grown).joints_rest[0]
    place = center + np.exp(shift - common)[:, None] * (root + grown.translation - center)
    return replace(grown, translation=place - root)
