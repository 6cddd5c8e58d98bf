"""S1 with the video model: a rough video at a quarter of the pixels and half the frames (paper, section 4), aimed at a target pose or free."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from backend.engines.reproject.animate import animate
from backend.engines.reproject.rehearse import rehearsal
from backend.engines.svd.conditioning import motion_channels, no_motion
from backend.engines.svd.generation import Led, Wanted
from backend.engines.svd.model import VideoModel
from backend.engines.svd.picture import detail_for, maps_on_canvas, on_canvas, video_on_canvas
from backend.engines.svd.sampling.dual_clock import latent_region
from backend.errors import InputError
from backend.progress import Progress
from backend.raster.part_masks import part_masks
from revision_blender.masks.confidence import TARGET_POSE, confidence_maps
from revision_blender.motion.clip import Clip
from revision_blender.video_model.canvas import Canvas, canvas_for
from revision_blender.video_model.economy import coarse_frames, coarse_pixels, coarse_steps
from revision_blender.video_model.follow_slider import HALF_FOLLOW, NoiseSpan, depths_of
from revision_blender.video_model.presets import Preset
from revision_blender.wire.requests import CoarseRequest


def coarse_wanted(model: VideoModel, request: CoarseRequest, preset: Preset, progress: Progress) -> Wanted:
    """What S1 asks of the model. A target pose is a mask of confidence 0.5 in the last frame for weights that follow masks, and for stock
    weights dual-clock denoising on ``reproject``'s way to that pose. Without one: nothing but the picture.

    Raises InputError for a target seen by another camera, and where nobody in the picture can be led to it.
    """
    facts = model.facts
    frames, fps = coarse_frames(facts, request.frames, request.fps)
    height, width = request.picture.shape[:2]
    canvas = canvas_for(width, height, coarse_pixels(facts), model.multiple)
    wanted = Wanted(
        on_canvas(request.picture, canvas), canvas, frames, fps, facts.bucket(request.strength), request.seed,
        replace(preset, steps=coarse_steps(facts, preset)), motion=empty_motion(model, canvas, frames),
    )  # fmt: skip
    if request.target is None or not request.target.tracks:
        return wanted
    check_same_view(request.target, width, height)
    if model.conditioned:
        return replace(wanted, motion=aimed(request.target, canvas, frames, model.factor))
    return replace(wanted, led=_led_to_target(model, replace(request, frames=frames, fps=fps), canvas, progress))


def empty_motion(model: VideoModel, canvas: Canvas, frames: int) -> Float[Tensor, "frames 2 h w"] | None:
    """The condition that says nothing; None for weights that know no such condition."""
    return no_motion(frames, canvas.height // model.factor, canvas.width // model.factor) if model.conditioned else None


def aimed(target: Clip, canvas: Canvas, frames: int, factor: int) -> Float[Tensor, "frames 2 h w"]:
    """Nothing but the target pose's part mask in the last frame, with confidence 0.5 (paper, section 3.3). Raises MaskError."""
    labels = part_masks(target)
    detail = detail_for(labels, canvas)
    confidence = confidence_maps(labels, target, TARGET_POSE)
    last = motion_channels(maps_on_canvas(labels, canvas, detail), maps_on_canvas(confidence, canvas, detail), factor * detail)
    return torch.cat([torch.zeros(frames - 1, *last.shape[1:]), last])


def check_same_view(clip: Clip, width: int, height: int) -> None:
    """Raises InputError unless the clip's camera has the picture's shape."""
    camera = clip.camera
    if abs(camera.width * height - camera.height * width) > max(width, height) * 2:
        raise InputError(
            f"The target pose is seen by a camera of {camera.width} x {camera.height} pixels, the picture has {width} x {height}: "
            "another aspect ratio. Set the render size to the picture's."
        )


def _led_to_target(model: VideoModel, request: CoarseRequest, canvas: Canvas, progress: Progress) -> Led:
    scene = rehearsal(request, progress.part(0.0, 0.5))
    shown = animate(request.picture, scene.source, scene.motion, request.seed, progress.part(0.5, 1.0), scene.person)
    bodies = maps_on_canvas(part_masks(scene.motion), canvas, 1) > 0
    size = (canvas.height // model.factor, canvas.width // model.factor)
    depths = depths_of(HALF_FOLLOW, NoiseSpan(model.noise_range.sigma_min, model.noise_range.sigma_max))
    return Led(video_on_canvas(np.asarray(shown.frames), canvas), latent_region(bodies, size), depths)
