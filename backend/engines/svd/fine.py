"""S3 with the video model: the final video that follows the refined motion, by part masks or by dual-clock denoising."""

from typing import Literal

from backend.engines.reproject.animate import animate
from backend.engines.svd.coarse import empty_motion
from backend.engines.svd.conditioning import motion_channels
from backend.engines.svd.generation import Led, Wanted
from backend.engines.svd.model import VideoModel
from backend.engines.svd.picture import detail_for, maps_on_canvas, on_canvas, video_on_canvas
from backend.engines.svd.sampling.dual_clock import latent_region
from backend.errors import InputError
from backend.progress import Progress
from revision_blender.video_model.canvas import Canvas, canvas_for
from revision_blender.video_model.following import MODES, Depths
from revision_blender.video_model.presets import Preset
from revision_blender.wire.requests import FineRequest

Way = Literal["conditioned", "dual-clock"]


def fine_wanted(model: VideoModel, request: FineRequest, preset: Preset, progress: Progress) -> Wanted:
    """What S3 asks of the model, for as many frames as the motion has. Raises InputError for a mode that these weights do not have, and for
    depths out of order.
    """
    way, depths = chosen_way(model, request.mode), chosen_depths(request)
    facts, motion = model.facts, request.motion
    height, width = request.picture.shape[:2]
    canvas = canvas_for(width, height, facts.size[0] * facts.size[1], model.multiple)
    if way == "conditioned":
        detail = detail_for(request.labels, canvas)
        labels, confidence = (maps_on_canvas(maps, canvas, detail) for maps in (request.labels, request.confidence))
        channels, led = motion_channels(labels, confidence, model.factor * detail), None
    else:
        channels, led = empty_motion(model, canvas, motion.n_frames), _led(model, request, depths, canvas, progress)
    return Wanted(
        on_canvas(request.picture, canvas), canvas, motion.n_frames, motion.fps, facts.bucket(request.strength), request.seed, preset,
        channels, led,
    )  # fmt: skip


def chosen_way(model: VideoModel, mode: str) -> Way:
    """auto: conditioned where the weights were trained for it, else dual-clock. Raises InputError."""
    if mode not in MODES:
        raise InputError(f"There is no way of following {mode!r:.40}; choose one of: {', '.join(MODES)}.")
    if mode == "conditioned" and not model.conditioned:
        raise InputError(
            f"The model in {model.folder} was not trained to follow part masks; choose dual-clock (or auto), which works with any weights."
        )
    return "conditioned" if mode != "dual-clock" and model.conditioned else "dual-clock"


def chosen_depths(request: FineRequest) -> Depths:
    """Raises InputError unless they are in order."""
    weak, strong = request.sigma_weak, request.sigma_strong
    if not weak >= strong >= 0.0:
        raise InputError(
            f"Denoising begins at sigma {weak:g} and holds the bodies down to {strong:g}; the first must not lie below the second, "
            "and neither below 0."
        )
    return Depths(weak, strong)


def _led(model: VideoModel, request: FineRequest, depths: Depths, canvas: Canvas, progress: Progress) -> Led:
    """The signal is what ``reproject`` shows; the region is where the part masks are."""
    shown = animate(request.picture, request.source, request.motion, request.seed, progress)
    bodies = maps_on_canvas(request.labels, canvas, 1) > 0
    size = (canvas.height // model.factor, canvas.width // model.factor)
    return Led(video_on_canvas(shown.frames, canvas), latent_region(bodies, size), depths)
