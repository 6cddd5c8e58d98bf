"""Engine ``svd`` in its stock form: Stable Video Diffusion from the user's own diffusers folder, for S1.

Nothing is downloaded: the folder holds ``model_index.json`` and the parts as safetensors, as diffusers saves them.
"""

import json
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.engines.base import Ability
from backend.errors import EngineError, InputError
from backend.progress import Progress
from revision_blender.wire.requests import CoarseRequest, FineRequest, VideoResult

PIPELINE = "StableVideoDiffusionPipeline"
STEPS = 25
MULTIPLE = 64  # of every side: 8 of the autoencoder times 8 of the U-Net
MAX_PIXELS = 1024 * 576  # what the model was trained at; larger pictures are made at this size
MAX_FRAMES = 50
NOISE_AUGMENTATION = 0.02
BUCKETS = (30, 220)  # motion bucket at strength 0 and 1; 127 is the model's default, near strength 0.5

StepEnd = Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]


class SvdEngine:
    """Keeps the pipeline of the last folder between jobs."""

    name = "svd"

    def __init__(self, steps: int = STEPS) -> None:
        self.steps = steps
        self._folder = Path()
        self._pipeline: Any = None

    def ability(self) -> Ability:
        missing = [name for name in ("torch", "diffusers", "transformers") if find_spec(name) is None]
        if missing:
            return Ability(self.name, coarse=False, fine=False, device="none", why_not=f"not installed: {', '.join(missing)}")
        return Ability(self.name, coarse=True, fine=False, device=_device(), why_not="")

    def coarse(self, request: CoarseRequest, progress: Progress) -> VideoResult:
        """S1 from the picture alone; prompt and target pose mean nothing to the stock model.

        Raises EngineError for a folder that is no such pipeline and for too little memory.
        """
        if request.frames > MAX_FRAMES:
            raise InputError(
                f"{request.frames} frames are asked for; svd makes at most {MAX_FRAMES}. Choose fewer, or the engine reproject."
            )
        folder = checked_folder(request.model)
        progress(0.0, "Loading the video model")
        pipeline = self._loaded(folder)
        return _generated(pipeline, request, self.steps, progress.part(0.1, 1.0))

    def fine(self, request: FineRequest, progress: Progress) -> VideoResult:
        """Not in the stock form: it cannot follow part masks."""
        raise EngineError(
            "The engine svd cannot follow part masks yet: its S3 comes with a motion-conditioned model. "
            "Choose the engine reproject for Generate Fine."
        )

    def _loaded(self, folder: Path) -> Any:
        if self._pipeline is None or self._folder != folder:
            self._pipeline = None  # two pipelines at once would not fit
            self._pipeline, self._folder = _load(folder), folder
        return self._pipeline


def checked_folder(name: str) -> Path:
    """The folder as a path; raises EngineError unless it looks like a saved StableVideoDiffusionPipeline."""
    if not name:
        raise EngineError("The engine svd needs a model: set the folder of a Stable Video Diffusion pipeline in diffusers format.")
    folder = Path(name).expanduser()
    index = folder / "model_index.json"
    if not index.is_file():
        raise EngineError(
            f"{folder} holds no model_index.json; choose the folder of a diffusers pipeline (with unet, vae, scheduler in it)."
        )
    try:
        kind = json.loads(index.read_text(encoding="utf-8")).get("_class_name")
    except (OSError, ValueError, AttributeError) as error:
        raise EngineError(f"{index} cannot be read ({error}); download the model again.") from error
    if kind != PIPELINE:
        raise EngineError(f"{folder} holds a {kind or 'pipeline of unknown kind'}; {PIPELINE} is needed.")
    return folder


def size_for(width: int, height: int) -> tuple[int, int]:
    """The size to generate at: about the picture's shape and at most the trained area, both sides multiples of 64."""
    scale = min(1.0, (MAX_PIXELS / (width * height)) ** 0.5)
    sides = [max(MULTIPLE, round(side * scale / MULTIPLE) * MULTIPLE) for side in (width, height)]
    while sides[0] * sides[1] > MAX_PIXELS * 1.1 and max(sides) > MULTIPLE:
        sides[int(np.argmax(sides))] -= MULTIPLE
    return sides[0], sides[1]


def motion_bucket(strength: float) -> int:
    """Motion strength in [0, 1] as the model's bucket."""
    return round(BUCKETS[0] + (BUCKETS[1] - BUCKETS[0]) * strength)


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _load(folder: Path) -> Any:
    import torch
    from diffusers.pipelines.stable_video_diffusion.pipeline_stable_video_diffusion import StableVideoDiffusionPipeline

    device = _device()
    half = device == "cuda"
    variant = "fp16" if half and any(folder.glob("*/*.fp16.safetensors")) else None
    try:
        pipeline = StableVideoDiffusionPipeline.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float16 if half else torch.float32, variant=variant
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline.to(device)
    except torch.OutOfMemoryError as error:
        raise _too_little_memory(device) from error
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError) as error:
        raise EngineError(
            f"The model in {folder} cannot be loaded ({_first_line(error)}); download it again in diffusers format."
        ) from error


def _generated(pipeline: Any, request: CoarseRequest, steps: int, progress: Progress) -> VideoResult:
    import torch
    from PIL import Image

    began = time.perf_counter()
    width, height = size_for(request.picture.shape[1], request.picture.shape[0])
    picture = Image.fromarray(request.picture).resize((width, height), Image.Resampling.LANCZOS)
    generator = torch.Generator("cpu").manual_seed(request.seed % 2**63)  # the CPU's: the same noise on every device
    try:
        video = pipeline(
            picture, width=width, height=height, num_frames=request.frames, num_inference_steps=steps, fps=round(min(max(request.fps, 2.0), 60.0)),
            motion_bucket_id=motion_bucket(request.strength), noise_aug_strength=NOISE_AUGMENTATION, decode_chunk_size=min(8, request.frames),
            generator=generator, output_type="np", callback_on_step_end=_reporter(steps, progress),
        ).frames[0]  # fmt: skip
    except torch.OutOfMemoryError as error:
        raise _too_little_memory(str(pipeline.device)) from error
    except MemoryError as error:
        raise _too_little_memory("cpu") from error
    except ValueError as error:
        raise EngineError(f"The model in {request.model} cannot work on this picture: {_first_line(error)}") from error
    frames = _bytes(video, request.picture)
    return VideoResult(
        frames, request.fps, {"seconds": time.perf_counter() - began, "steps": float(steps), "width": width, "height": height}
    )


def _reporter(steps: int, progress: Progress) -> StepEnd:
    """Tells after every step how far the work is; a cancelled job is left from in here."""

    def ended(_pipeline: Any, step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        progress(0.9 * (step + 1) / steps, f"Step {step + 1} of {steps}")
        return tensors

    return ended


def _bytes(video: NDArray[np.floating], picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``(F, h, w, 3)`` in [0, 1] to bytes at the picture's own size."""
    import cv2

    height, width = picture.shape[:2]
    frames = np.round(np.clip(np.nan_to_num(np.asarray(video, np.float32)), 0.0, 1.0) * 255.0).astype(np.uint8)
    if frames.shape[1:3] == (height, width):
        return frames
    return np.stack([cv2.resize(frame, (width, height), interpolation=cv2.INTER_CUBIC) for frame in frames])


def _too_little_memory(device: str) -> EngineError:
    return EngineError(
        f"There is not enough memory on {device} for this clip; ask for fewer frames or a smaller picture, or choose the engine reproject."
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
