"""S2's last step: part masks and confidence maps of a clip, by the backend's rasteriser."""

from backend.errors import InputError
from backend.progress import Progress
from backend.raster.part_masks import drawn_tracks
from backend.stages.limits import check_size
from revision_blender.masks.confidence import confidence_maps
from revision_blender.wire.requests import MasksRequest, MasksResult


def run(request: MasksRequest, progress: Progress) -> MasksResult:
    """Labels and confidence of every frame of the clip. Raises InputError for a clip without tracks or of an absurd size."""
    camera = request.clip.camera
    check_size(camera.width, camera.height, "The clip's camera")
    if not request.clip.tracks:
        raise InputError("The clip has no body and no object, so there is nothing to draw; lift a video first.")
    drawn = drawn_tracks(request.clip, progress.part(0.0, 0.9))
    progress(0.9, "Drawing confidence maps")
    return MasksResult(drawn.labels, confidence_maps(drawn.labels, request.clip, tracks=drawn.tracks))
