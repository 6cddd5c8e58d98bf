"""One clip from the video model: conditioning, sampling and decoding put together, measured, and shown while it is made."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from backend.engines.svd.clock import Clock
from backend.engines.svd.conditioning import Conditioning, encode_frames, encode_picture, initial_noise
from backend.engines.svd.decoding import as_bytes, decoded
from backend.engines.svd.dual_clock import Signal, dual_clock
from backend.engines.svd.execution import prepared
from backend.engines.svd.guidance import Guidance, ModelCall, Place
from backend.engines.svd.model import VideoModel
from backend.engines.svd.multistep import step_of
from backend.engines.svd.picture import Canvas, cells_off_canvas
from backend.engines.svd.preview import LatentColours, fitted_colours, preview
from backend.engines.svd.sampler import AfterStep, OnStep, StepState, denoise, start_latents
from backend.engines.svd.schedule import sigmas_for
from backend.engines.svd.windows import windowed, windows_for
from backend.progress import Progress
from revision_blender.video_model.following import Depths
from revision_blender.video_model.presets import Preset

SAMPLING, DECODING = (0.05, 0.9), (0.9, 1.0)  # shares of the bar
FPS = (1.0, 60.0)  # of the micro-conditioning; beyond, nothing was trained


@dataclass(frozen=True, eq=False)
class Led:
    """Dual-clock denoising's signal. frames: the clip that shows the motion, on the canvas. region: ``(F, h, w)`` cells of the bodies."""

    frames: UInt8[np.ndarray, "frames height width 3"]
    region: Bool[Tensor, "frames h w"]
    depths: Depths


@dataclass(frozen=True, eq=False)
class Wanted:
    """What one clip is made from. picture: on its canvas. motion: the two channels, None for weights that know none. led: or nothing."""

    picture: UInt8[np.ndarray, "height width 3"]
    canvas: Canvas
    frames: int
    fps: float
    bucket: int
    seed: int
    preset: Preset
    motion: Float[Tensor, "frames 2 h w"] | None = None
    led: Led | None = None


@dataclass(frozen=True, eq=False)
class Made:
    """frames: the whole canvas. steps, windows: what was computed. seconds: by name, see ``generated``."""

    frames: UInt8[np.ndarray, "frames height width 3"]
    steps: int
    windows: int
    seconds: dict[str, float]


@dataclass(frozen=True, eq=False)
class Start:
    """Where sampling begins, and what holds it."""

    sigmas: Float[Tensor, " steps+1"]
    latents: Float[Tensor, "1 frames 4 h w"]
    after_step: AfterStep | None


def generated(model: VideoModel, wanted: Wanted, progress: Progress, *, compiled: bool = False) -> Made:
    """The clip. Raises Cancelled between two steps, EngineError for values that are no numbers, and out-of-memory errors as they are.

    seconds: "unet" and "vae" (with the picture's encoders), "around" what is neither, "warm_up" of the first calls, "total".
    """
    clock = Clock(model.device)
    with torch.no_grad(), _measured_unet(model, wanted.preset, clock, compiled) as call:
        progress(0.0, "Looking at the picture")
        generator = torch.Generator("cpu").manual_seed(wanted.seed % 2**63)  # the CPU's: the same noise on every device
        with clock.share("vae"):
            conditioning = _conditioning(model, wanted, generator)
        start = _start(model, wanted, generator, clock)
        windows = windows_for(wanted.frames, model.frames, model.facts.window_stride or None)
        velocity = windowed(call, conditioning, windows, Guidance(*model.facts.guidance))
        teller = _teller(model, wanted, conditioning, progress.part(*SAMPLING))
        latents = denoise(velocity, start.latents, start.sigmas, step=step_of(wanted.preset), after_step=start.after_step, on_step=teller)
        frames = _decoded(model, latents, clock, progress.part(*DECODING))
        warm_up = call.warm_up_seconds
    total = clock.total
    around = total - clock.of("unet") - clock.of("vae")
    seconds = {"unet": clock.of("unet"), "vae": clock.of("vae"), "around": around, "warm_up": warm_up, "total": total}
    return Made(frames, len(start.sigmas) - 1, len(windows), seconds)


class _MeasuredCall:
    """The prepared U-Net with its time taken."""

    def __init__(self, call: ModelCall, clock: Clock) -> None:
        self._call, self._clock = call, clock

    @property
    def warm_up_seconds(self) -> float:
        return float(getattr(self._call, "warm_up_seconds", 0.0))

    def __call__(self, sample: Tensor, timestep: Tensor, embedding: Tensor, time_ids: Tensor, place: Place) -> Tensor:
        with self._clock.share("unet"):
            return self._call(sample, timestep, embedding, time_ids, place)


@contextmanager
def _measured_unet(model: VideoModel, preset: Preset, clock: Clock, compiled: bool) -> Iterator[_MeasuredCall]:
    with prepared(model.unet, preset, compiled=compiled) as call:
        yield _MeasuredCall(call, clock)


def _conditioning(model: VideoModel, wanted: Wanted, generator: torch.Generator) -> Conditioning:
    noise_aug = model.facts.noise_augmentation
    embedding, picture = encode_picture(model, wanted.picture, noise_aug, generator)
    motion = None if wanted.motion is None else wanted.motion[None].to(model.device, model.dtype)
    fps = min(max(wanted.fps, FPS[0]), FPS[1])
    return Conditioning(embedding, picture, motion, fps, wanted.bucket, noise_aug)


def _start(model: VideoModel, wanted: Wanted, generator: torch.Generator, clock: Clock) -> Start:
    height, width = wanted.canvas.height // model.factor, wanted.canvas.width // model.factor
    noise = initial_noise(generator, wanted.frames, height, width, model.device, model.dtype)
    sigmas = sigmas_for(wanted.preset, model.noise_range)
    if wanted.led is None:
        return Start(sigmas, start_latents(noise, sigmas), None)
    with clock.share("vae"):
        latents = encode_frames(model, wanted.led.frames)
    signal = Signal(latents, wanted.led.region.to(model.device), noise)
    clocked = dual_clock(signal, sigmas, wanted.led.depths, model.dtype)
    return Start(clocked.sigmas, clocked.latents, clocked.after_step)


def _teller(model: VideoModel, wanted: Wanted, conditioning: Conditioning, progress: Progress) -> OnStep:
    """Tells after every step how far the work is and what it looks like; a cancelled job is left from in here."""
    colours: LatentColours | None = None

    def seen(state: StepState) -> UInt8[np.ndarray, "frames h w 3"]:
        nonlocal colours
        scale = float(model.vae.config.scaling_factor)
        colours = colours or fitted_colours(conditioning.picture_latents * scale, wanted.picture)
        return cells_off_canvas(preview(state.denoised, colours), wanted.canvas, model.factor)

    def told(state: StepState) -> None:
        progress((state.index + 1) / state.steps, f"Step {state.index + 1} of {state.steps}")
        progress.preview(lambda: seen(state))

    return told


def _decoded(
    model: VideoModel, latents: Float[Tensor, "1 frames 4 h w"], clock: Clock, progress: Progress
) -> UInt8[np.ndarray, "frames height width 3"]:
    progress(0.0, "Decoding")
    chunk = min(latents.shape[1], 8)
    with clock.share("vae"):
        frames = decoded(model.vae, latents, chunk, 0, lambda done, of: progress(done / of, f"Decoded {done} of {of} frames"))
    return as_bytes(frames)
