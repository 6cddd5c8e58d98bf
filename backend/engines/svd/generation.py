"""One clip from the video model: conditioning, sampling and decoding put together, measured, and shown while it is made."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from backend.engines.svd.conditioning import Conditioning, encode_frames, encode_picture, initial_noise
from backend.engines.svd.cost.calibration import RunClock
from backend.engines.svd.cost.clock import Clock
from backend.engines.svd.cost.device_memory import measured_peak
from backend.engines.svd.cost.offload import Turns, feed_forward_pieces
from backend.engines.svd.cost.planning import Memory, Planned, planned, remember
from backend.engines.svd.decoding import as_bytes, decoded
from backend.engines.svd.model import VideoModel
from backend.engines.svd.picture import cells_off_canvas
from backend.engines.svd.preview import LatentColours, fitted_colours, preview
from backend.engines.svd.sampling.dual_clock import Signal, dual_clock
from backend.engines.svd.sampling.guidance import Guidance, ModelCall, Place
from backend.engines.svd.sampling.multistep import step_of
from backend.engines.svd.sampling.sampler import AfterStep, OnStep, StepState, denoise, start_latents
from backend.engines.svd.sampling.schedule import sigmas_for
from backend.engines.svd.sampling.windows import windowed, windows_for
from backend.engines.svd.unet.execution import prepared
from backend.progress import Progress
from revision_blender.video_model.canvas import Canvas
from revision_blender.video_model.following import Depths
from revision_blender.video_model.memory_plan import MemoryPlan
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
    """frames: the whole canvas. steps, windows: what was computed. seconds: by name, see ``generated``. peak: bytes, 0 where unknown."""

    frames: UInt8[np.ndarray, "frames height width 3"]
    steps: int
    windows: int
    seconds: dict[str, float]
    plan: Planned
    peak: int


@dataclass(frozen=True, eq=False)
class Start:
    """Where sampling begins, and what holds it."""

    sigmas: Float[Tensor, " steps+1"]
    latents: Float[Tensor, "1 frames 4 h w"]
    after_step: AfterStep | None


def generated(model: VideoModel, wanted: Wanted, memory: Memory, progress: Progress, *, compiled: bool = False) -> Made:
    """The clip, within the memory there is. Raises Cancelled between two steps, EngineError for values that are no numbers, and
    out-of-memory errors as they are.

    seconds: "unet" and "vae" (with the picture's encoders), "around" what is neither, "warm_up" of the first calls, "total".
    """
    depths = wanted.led.depths if wanted.led is not None else None
    plan = planned(model, wanted.preset, wanted.frames, (wanted.canvas.width, wanted.canvas.height), depths, memory)
    with torch.no_grad(), measured_peak(model.device) as peak:
        run = _Run(model, wanted, plan.plan, progress)
        frames = run.made(compiled)
    remember(plan, model, run.clock.measured, peak.bytes)
    return Made(frames, run.steps, run.windows, run.seconds, plan, peak.bytes)


class _Run:
    """One clip on its way. clock: for later predictions. watch: for the report."""

    def __init__(self, model: VideoModel, wanted: Wanted, plan: MemoryPlan, progress: Progress) -> None:
        self.model, self.wanted, self.plan, self.progress = model, wanted, plan, progress
        self.clock, self.watch = RunClock(), Clock(model.device)
        self.turns = Turns(model, plan)
        self.steps, self.windows = 0, 0
        self.seconds: dict[str, float] = {}

    def made(self, compiled: bool) -> UInt8[np.ndarray, "frames height width 3"]:
        self.progress(0.0, "Looking at the picture")
        generator = torch.Generator("cpu").manual_seed(self.wanted.seed % 2**63)  # the CPU's: the same noise on every device
        self.turns.take("image_encoder", "vae")
        with self.watch.share("vae"):
            conditioning = _conditioning(self.model, self.wanted, generator)
        start = _start(self.model, self.wanted, generator, self.watch)
        self.turns.take("unet")
        latents, warm_up = self._sampled(conditioning, start, compiled)
        self.turns.take("vae")
        frames = self._decoded(latents)
        watch = self.watch
        self.seconds = {"unet": watch.of("unet"), "vae": watch.of("vae"), "warm_up": warm_up, "total": watch.total}
        self.seconds["around"] = self.seconds["total"] - self.seconds["unet"] - self.seconds["vae"]
        return frames

    def _sampled(self, conditioning: Conditioning, start: Start, compiled: bool) -> tuple[Float[Tensor, "1 frames 4 h w"], float]:
        """Latents, and the seconds of warming up."""
        model, preset = self.model, self.wanted.preset
        windows = windows_for(self.wanted.frames, model.frames, model.facts.window_stride or None)
        self.steps, self.windows = len(start.sigmas) - 1, len(windows)
        tell = _teller(model, self.wanted, conditioning, self.progress.part(*SAMPLING))

        def stepped(state: StepState) -> None:
            self.clock.step(full=preset.is_full(state.index, state.steps))
            tell(state)

        with (
            feed_forward_pieces(model.unet, self.plan.chunk_feed_forward),
            prepared(model.unet, preset, compiled=compiled, steps=self.steps) as call,
        ):
            velocity = windowed(
                _timed(call, self.watch), conditioning, windows, Guidance(*model.facts.guidance), split=self.plan.split_guidance
            )
            self.clock.steps_begin()
            latents = denoise(velocity, start.latents, start.sigmas, step=step_of(preset), after_step=start.after_step, on_step=stepped)
            return latents, call.warm_up_seconds

    def _decoded(self, latents: Float[Tensor, "1 frames 4 h w"]) -> UInt8[np.ndarray, "frames height width 3"]:
        progress, plan = self.progress.part(*DECODING), self.plan
        progress(0.0, "Decoding")

        def told(done: int, of: int) -> None:
            progress(done / of, f"Decoded {done} of {of} frames")

        with self.watch.share("vae"), self.clock.decoding():
            frames = decoded(self.model.vae, latents, plan.decode_chunk, plan.decode_overlap, told)
        return as_bytes(frames)


def _timed(call: ModelCall, watch: Clock) -> ModelCall:
    def timed(sample: Tensor, timestep: Tensor, embedding: Tensor, time_ids: Tensor, place: Place) -> Tensor:
        with watch.share("unet"):
            return call(sample, timestep, embedding, time_ids, place)

    return timed


def _conditioning(model: VideoModel, wanted: Wanted, generator: torch.Generator) -> Conditioning:
    noise_aug = model.facts.noise_augmentation
    embedding, picture = encode_picture(model, wanted.picture, noise_aug, generator)
    motion = None if wanted.motion is None else wanted.motion[None].to(model.device, model.dtype)
    fps = min(max(wanted.fps, FPS[0]), FPS[1])
    return Conditioning(embedding, picture, motion, fps, wanted.bucket, noise_aug)


def _start(model: VideoModel, wanted: Wanted, generator: torch.Generator, watch: Clock) -> Start:
    height, width = wanted.canvas.height // model.factor, wanted.canvas.width // model.factor
    noise = initial_noise(generator, wanted.frames, height, width, model.device, model.dtype)
    sigmas = sigmas_for(wanted.preset, model.noise_range)
    if wanted.led is None:
        return Start(sigmas, start_latents(noise, sigmas), None)
    with watch.share("vae"):
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
