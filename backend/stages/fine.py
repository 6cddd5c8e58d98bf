"""S3: the final video from the picture and the motion wanted, by the engine that the request names."""

from backend.engines.registry import engine
from backend.errors import InputError
from backend.progress import Progress
from backend.stages.coarse import check_strength
from backend.stages.limits import check_length, check_picture
from revision_blender.masks.labels import PART_LABELS
from revision_blender.motion.clip import Clip
from revision_blender.wire.requests import FineRequest, VideoResult


def run(request: FineRequest, progress: Progress) -> VideoResult:
    """Raises InputError for a request whose parts do not fit together, and what the engine raises."""
    chosen = engine(request.engine)
    check_picture(request.picture)
    check_length(request.motion.n_frames, request.motion.fps)
    check_strength(request.strength)
    _check_clips(request)
    _check_maps(request)
    return chosen.fine(request, progress)


def _check_clips(request: FineRequest) -> None:
    if not request.source.bodies or not request.motion.bodies:
        raise InputError("The motion has no body; lift the coarse video first.")
    known = {track.track_id for track in request.source.bodies}
    for track in request.motion.bodies:
        if track.track_id not in known:
            raise InputError(f"Track {track.track_id!r} is not in the lifted clip ({', '.join(sorted(known))}); lift again.")
    for name, clip in (("lifted clip", request.source), ("motion", request.motion)):
        _check_aspect(name, clip, request.picture.shape[1], request.picture.shape[0])


def _check_aspect(name: str, clip: Clip, width: int, height: int) -> None:
    camera = clip.camera
    if abs(camera.width * height - camera.height * width) > max(width, height) * 2:
        raise InputError(f"The {name} is {camera.width} x {camera.height} pixels, the picture {width} x {height}: another aspect ratio.")


def _check_maps(request: FineRequest) -> None:
    frames, labels, confidence = request.motion.n_frames, request.labels, request.confidence
    if labels.ndim != 3 or len(labels) != frames or labels.shape != confidence.shape or not labels.size:
        raise InputError(
            f"The part masks have shape {labels.shape} and their confidence {confidence.shape}; they do not fit a motion of {frames} frames; "
            "render the part masks again."
        )
    height, width = request.picture.shape[:2]
    if abs(labels.shape[2] * height - labels.shape[1] * width) > max(width, height) * 2:
        raise InputError(
            f"The part masks have {labels.shape[2]} x {labels.shape[1]} pixels, the picture {width} x {height}: another aspect ratio. "
            "Render the part masks again."
        )
    if int(labels.max()) >= len(PART_LABELS):
        raise InputError(
            f"The part masks hold the label {int(labels.max())}, which is not in the table of {len(PART_LABELS)}; render them again."
        )
