"""Moves the puppet: from its place in the first frame to the pose of every wanted frame."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.bodies.installed import identity_of_track
from backend.engines.reproject.texture import Skin, mirror_vertices
from revision_blender.motion.bodies.body_model import Identity, joints_of, vertices_of, world_rotations
from revision_blender.motion.clip import BodyTrack, Clip
from revision_blender.motion.rotation import slerp

Array = NDArray[np.floating]

EASE_SECONDS = 0.5


@dataclass(frozen=True, eq=False)
class Actor:
    """One body: how the first frame shows it and how it is to move.

    identity: its shape as lifted. start: the track as lifted, of which frame 0 counts. motion: the track wanted.
    """

    identity: Identity
    start: BodyTrack
    motion: BodyTrack

    @property
    def start_vertices(self) -> Array:
        """``(V, 3)`` world metres in frame 0 as lifted."""
        return vertices_of(self.identity, self.start.rotations[:1], self.start.translation[:1])[0]

    @property
    def motion_vertices(self) -> Array:
        """``(F, V, 3)`` world metres."""
        return vertices_of(self.identity, self.motion.rotations, self.motion.translation)

    @property
    def joints_there(self) -> NDArray[np.bool_]:
        """``(F, J)``: whether the body is on the frame, the same for all its joints."""
        return np.repeat(self.motion.there[:, None], self.motion.rotations.shape[1], axis=1)

    @property
    def joint_motion(self) -> Array:
        """``(F, J, 4, 4)``: from the world as lifted in frame 0 to the world of each frame, for what hangs on each joint."""
        start = _joint_frames(self.identity, self.start)[:1]
        wanted = _joint_frames(self.identity, self.motion)
        return wanted @ np.linalg.inv(start)


def actors_of(source: Clip, motion: Clip) -> tuple[Actor, ...]:
    """The bodies of the wanted motion with their places in the first frame, by track id; the motion starts in the picture.

    Who is not in the first frame, but comes in a later shot, has no pixels there and is left out.
    """
    starts = {track.track_id: track for track in source.bodies}
    wanted = [track for track in motion.bodies if starts[track.track_id].there[0]] or motion.bodies
    return tuple(
        Actor(identity_of_track(starts[track.track_id]), starts[track.track_id], eased(starts[track.track_id], track, motion.fps))
        for track in wanted
    )


def eased(start: BodyTrack, motion: BodyTrack, fps: float) -> BodyTrack:
    """The wanted motion, led out of the first frame's pose as lifted within ``EASE_SECONDS``.

    A video made from a picture begins with that picture: what was edited or refined in frame 0 itself is reached soon after.
    """
    t = np.clip(np.arange(motion.n_frames) / (EASE_SECONDS * fps), 0.0, 1.0)
    left = 1.0 - t * t * (3.0 - 2.0 * t)
    back = np.swapaxes(motion.rotations[0], -1, -2) @ start.rotations[0]
    identity = np.broadcast_to(np.eye(3), back.shape)
    rotations = motion.rotations @ slerp(identity[None], back[None], np.broadcast_to(left[:, None], motion.rotations.shape[:2]))
    translation = motion.translation + left[:, None] * (start.translation[0] - motion.translation[0])
    return replace(motion, betas=start.betas, rotations=rotations, translation=translation)


def skin_of(actors: tuple[Actor, ...]) -> Skin:
    """The surfaces of all bodies as one; each body has its own columns of blend weights."""
    models = [actor.identity.model for actor in actors]
    first_vertex = np.cumsum([0] + [model.n_vertices for model in models])
    first_joint = np.cumsum([0] + [model.n_joints for model in models])
    weights = np.zeros((first_vertex[-1], first_joint[-1]), np.float32)
    for index, model in enumerate(models):
        weights[first_vertex[index] : first_vertex[index + 1], first_joint[index] : first_joint[index + 1]] = model.weights
    return Skin(
        faces=np.concatenate([model.faces + start for model, start in zip(models, first_vertex, strict=False)]).astype(np.int32),
        weights=weights,
        mirror=np.concatenate([mirror_vertices(model.v_template) + start for model, start in zip(models, first_vertex, strict=False)]),
        rest=np.concatenate([model.v_template + np.array([10.0 * index, 0.0, 0.0]) for index, model in enumerate(models)]),
        parts=np.concatenate([model.part_labels for model in models]),
    )


def skinned(points_world: Array, weights: Array, joint_motion: Array) -> Array:
    """``(V, 3)`` points hung on joints, in one frame: weights ``(V, J)``, joint_motion ``(J, 4, 4)``; ``(V, 3)`` world."""
    blended = (weights @ joint_motion[:, :3].reshape(len(joint_motion), 12)).reshape(-1, 3, 4)
    return np.einsum("vab,vb->va", blended[..., :3], points_world) + blended[..., 3]


def turned(vectors_world: Array, weights: Array, joint_motion: Array) -> Array:
    """``(V, 3)`` offsets turned with the joints that they hang on."""
    blended = (weights @ joint_motion[:, :3, :3].reshape(len(joint_motion), 9)).reshape(-1, 3, 3)
    return np.einsum("vab,vb->va", blended, vectors_world)


def _joint_frames(identity: Identity, track: BodyTrack) -> Array:
    """``(F, J, 4, 4)`` T_world_joint."""
    frames = np.zeros((*track.rotations.shape[:2], 4, 4))
    frames[..., :3, :3] = world_rotations(identity.model.parents, np.asarray(track.rotations, np.float64))
    frames[..., :3, 3] = joints_of(identity, track.rotations, track.translation)
    frames[..., 3, 3] = 1.0
    return frames
