"""The triangles of a clip's tracks: posed bodies, and objects as their contour."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.bodies.installed import identity_of_track
from revision_blender.masks.confidence import object_label
from revision_blender.masks.face_labels import face_labels
from revision_blender.motion.bodies.body_model import vertices_of
from revision_blender.motion.clip import BodyTrack, Clip, ObjectTrack

Array = NDArray[np.floating]

N_CONTOUR = 16  # of an object's 21 points, the first sixteen go round it


@dataclass(frozen=True, eq=False)
class Surface:
    """vertices_world: ``(F, V, 3)`` metres. faces: ``(T, 3)``. labels: ``(T,)`` part label of each face."""

    vertices_world: Array
    faces: NDArray[np.int32]
    labels: NDArray[np.uint8]


def body_surface(track: BodyTrack) -> Surface:
    """The posed mesh of a body."""
    identity = identity_of_track(track)
    vertices = vertices_of(identity, track.rotations, track.translation, expression=track.expression)
    return Surface(vertices, identity.model.faces, face_labels(identity.model.faces, identity.model.part_labels))


def object_surface(track: ObjectTrack, label: int) -> Surface:
    """An object's contour as a fan around the middle of its contour."""
    contour = track.points[:, :N_CONTOUR]
    vertices = np.concatenate([contour, contour.mean(axis=1, keepdims=True)], axis=1)
    around = np.arange(N_CONTOUR, dtype=np.int32)
    faces = np.stack([np.full(N_CONTOUR, N_CONTOUR, np.int32), around, np.roll(around, -1)], axis=1)
    return Surface(vertices, faces, np.full(N_CONTOUR, label, np.uint8))


def surfaces_of(clip: Clip) -> tuple[Surface, ...]:
    """One surface a track, in the clip's order."""
    surfaces, objects = [], 0
    for track in clip.tracks:
        if isinstance(track, ObjectTrack):
            surfaces.append(object_surface(track, object_label(objects)))
            objects += 1
        else:
            surfaces.append(body_surface(track))
    return tuple(surfaces)


def joined(surfaces: tuple[Surface, ...], n_frames: int) -> Surface:
    """All surfaces as one, for one depth-correct picture; without any, a surface without faces."""
    if not surfaces:
        return Surface(np.zeros((n_frames, 0, 3)), np.zeros((0, 3), np.int32), np.zeros(0, np.uint8))
    offsets = np.cumsum([0] + [surface.vertices_world.shape[1] for surface in surfaces[:-1]])
    faces = np.concatenate([surface.faces + offset for surface, offset in zip(surfaces, offsets, strict=True)])
    vertices = np.concatenate([surface.vertices_world for surface in surfaces], axis=1)
    return Surface(vertices, faces.astype(np.int32), np.concatenate([surface.labels for surface in surfaces]))
