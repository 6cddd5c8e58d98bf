"""How well a lifted clip explains its video: landmark error, and overlap of the drawn body with the segmentation."""

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from backend.lifting.people.landmark_anchors import anchors_of
from backend.lifting.people.landmarks import person_height
from backend.raster.rasteriser import rasterise
from revision_blender.motion.bodies.body_model import BodyModel, Identity, identity_of, joints_of, vertices_of, world_rotations
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import BodyTrack, Clip

Array = NDArray[np.floating]

VISIBLE = 0.5  # landmarks that MediaPipe trusts less are not measured
MEASURE_HEIGHT = 540  # silhouettes are compared at no more than this picture height


def landmark_points(model: BodyModel, track: BodyTrack) -> Float[NDArray[np.float64], "F 33 3"]:
    """Where MediaPipe's landmarks lie on a track's body: ``(F, 33, 3)`` world metres."""
    identity = identity_of(model, track.betas)
    anchors = anchors_of(model)
    rest = np.where(anchors.vertex[:, None] >= 0, identity.v_shaped[np.maximum(anchors.vertex, 0)], identity.joints_rest[anchors.joint])
    local = rest + anchors.offset - identity.joints_rest[anchors.joint]
    world = world_rotations(model.parents, track.rotations.astype(np.float64))
    joints = joints_of(identity, track.rotations, track.translation)
    return joints[:, anchors.joint] + np.einsum("fnab,nb->fna", world[:, anchors.joint], local)


def landmark_errors(model: BodyModel, clip: Clip, landmarks: NDArray[np.float32]) -> Float[NDArray[np.float64], " N"]:
    """Distances of the visible landmarks as fractions of the person's height in pixels, all frames in one row.

    landmarks: ``(F, 33, 3)`` x, y, visibility, as in ``LiftResult``.
    """
    projected, _ = clip.camera.project(landmark_points(model, clip.bodies[0]))
    apart = np.linalg.norm(projected - landmarks[..., :2], axis=-1)
    height = person_height(landmarks[..., :2])[:, None]
    return (apart / height)[visible(landmarks)]


def visible(landmarks: NDArray[np.float32]) -> Bool[NDArray[np.bool_], "F 33"]:
    return landmarks[..., 2] > VISIBLE


def silhouette_ious(model: BodyModel, clip: Clip, people: NDArray[np.uint8]) -> Float[NDArray[np.float64], " F"]:
    """Intersection over union of the drawn bodies of this model and the segmentation, one number a frame that has a segmentation.

    people: ``(F, H, W)`` 255 on every person, of the video and not of our own drawing.
    """
    step = max(1, round(people.shape[1] / MEASURE_HEIGHT))
    small = np.ascontiguousarray(people[:, step // 2 :: step, step // 2 :: step]) > 0
    bodies = [track for track in clip.bodies if track.model == model.name]
    silhouettes = [body_silhouettes(model, track, clip.camera, small.shape[2], small.shape[1], 1.0 / step) for track in bodies]
    drawn = np.logical_or.reduce(silhouettes)
    some = small.any(axis=(1, 2))
    both = (small & drawn).sum(axis=(1, 2))[some]
    either = (small | drawn).sum(axis=(1, 2))[some]
    return both / np.maximum(either, 1)


def body_silhouettes(model: BodyModel, track: BodyTrack, camera: Camera, width: int, height: int, scale: float) -> NDArray[np.bool_]:
    """``(F, height, width)`` true where the body is drawn, in a picture of ``scale`` times the camera's size."""
    identity: Identity = identity_of(model, track.betas)
    vertices = camera.to_camera(vertices_of(identity, track.rotations, track.translation))
    center = np.asarray(camera.center) * scale
    return np.stack([rasterise(frame, model.faces, camera.focal * scale, center, width, height).covered for frame in vertices])


def lift_report(model: BodyModel, clip: Clip, landmarks: NDArray[np.float32], people: NDArray[np.uint8]) -> dict[str, float]:
    """``landmark_error_median``, ``landmark_error_p95``, ``silhouette_iou_median``, ``silhouette_iou_min``; NaN where nothing can be measured."""
    errors = landmark_errors(model, clip, landmarks)
    ious = silhouette_ious(model, clip, people)
    nothing = float("nan")
    return {
        "landmark_error_median": float(np.median(errors)) if len(errors) else nothing,
        "landmark_error_p95": float(np.percentile(errors, 95)) if len(errors) else nothing,
        "silhouette_iou_median": float(np.median(ious)) if len(ious) else nothing,
        "silhouette_iou_min": float(ious.min()) if len(ious) else nothing,
    }
