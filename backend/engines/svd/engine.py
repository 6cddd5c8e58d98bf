"""Engine ``svd``: Stable Video Diffusion, stock or trained to follow part masks; S1 and S3. Torch is loaded with the first job."""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from backend.engines.base import Ability
from backend.errors import EngineError, InputError
from backend.progress import Progress
from revision_blender.motion.errors import RevisionError
from revision_blender.video_model.errors import ModelFileError
from revision_blender.video_model.files import UNET
from revision_blender.video_model.presets import PRESETS, Preset
from revision_blender.video_model.state import state_of
from revision_blender.wire import paths
from revision_blender.wire.requests import CoarseRequest, FineRequest, VideoResult

if TYPE_CHECKING:
    from backend.engines.svd.generation import Made, Wanted
    from backend.engines.svd.model import VideoModel

PACKAGES = ("torch", "diffusers", "transformers", "safetensors")
COMPILE_VARIABLE = "REVISION_COMPILE"  # set to 1: the U-Net's layers are compiled, which pays off from the second clip on
LOADED, PREPARED = 0.1, 0.25  # of the bar
Signature = tuple[str, int]
Request = TypeVar("Request", CoarseRequest, FineRequest)


class SvdEngine:
    """Keeps the last model between jobs, and stays usable after a job that failed."""

    name = "svd"

    def __init__(self) -> None:
        self._signature: Signature | None = None
        self._model: VideoModel | None = None

    def ability(self) -> Ability:
        missing = [name for name in PACKAGES if find_spec(name) is None]
        if missing:
            return Ability(self.name, coarse=False, fine=False, device="none", why_not=f"not installed: {', '.join(missing)}")
        return Ability(self.name, coarse=True, fine=True, device=_device(), why_not="")

    def coarse(self, request: CoarseRequest, progress: Progress) -> VideoResult:
        """S1. SVD reads no text: the prompt means nothing to it. Large models run at a quarter of the pixels and half the frames, so the
        result's rate is half the requested one (``video_model.economy``).

        Raises InputError, Cancelled, and EngineError for a model that is not there or whole, too little memory, values that are no numbers.
        """
        from backend.engines.svd.coarse import coarse_wanted

        return self._video(request, coarse_wanted, progress)

    def fine(self, request: FineRequest, progress: Progress) -> VideoResult:
        """S3, by part masks where the weights were trained for them, else by dual-clock denoising. Raises as ``coarse``."""
        from backend.engines.svd.fine import fine_wanted

        return self._video(request, fine_wanted, progress)

    def release(self) -> None:
        """Lets the model go; the next job loads it again."""
        self._model, self._signature = None, None
        gc.collect()
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _video(
        self, request: Request, wish: "Callable[[VideoModel, Request, Preset, Progress], Wanted]", progress: Progress
    ) -> VideoResult:
        """wish: what the request asks of the model, and whatever has to be made for that."""
        from backend.engines.reproject.engine import video_sized

        preset = _preset(request.preset)
        request = replace(request, picture=video_sized(request.picture))
        with self._guarded():
            model = self._loaded(request.model, progress.part(0.0, LOADED))
            wanted = wish(model, request, preset, progress.part(LOADED, PREPARED))
            return self._result(model, wanted, request.model, progress.part(PREPARED, 1.0))

    def _loaded(self, name: str, progress: Progress) -> "VideoModel":
        progress(0.0, "Looking for the video model")
        folder = found_folder(name)
        signature = _signature(folder)
        if self._model is None or self._signature != signature:
            import torch

            from backend.engines.svd.weights.loading import load_model

            self.release()  # two models at once would not fit
            progress(0.2, "Loading the video model")
            device = _device()
            self._model = load_model(folder, device, torch.float16 if device == "cuda" else torch.float32)
            self._signature = signature
        return self._model

    def _result(self, model: "VideoModel", wanted: "Wanted", name: str, progress: Progress) -> VideoResult:
        from backend.engines.svd.cost.planning import Memory
        from backend.engines.svd.generation import generated
        from backend.engines.svd.picture import off_canvas

        memory = Memory(paths.home_folder(), name)
        made = generated(model, wanted, memory, progress, compiled=os.environ.get(COMPILE_VARIABLE) == "1")
        return VideoResult(off_canvas(made.frames, wanted.canvas), wanted.fps, _report(model, wanted, made))

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Errors from below as sentences. After one that took memory the model is let go: what it left behind is not known."""
        try:
            yield
        except RevisionError as error:  # a sentence already
            raise InputError(str(error)) from error
        except ModelFileError as error:
            raise EngineError(str(error)) from error
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            sentence = _too_little_memory()
            error.__traceback__ = None  # it holds on to what lies in memory
            self.release()
            raise EngineError(sentence) from error


def found_folder(name: str) -> Path:
    """The folder of a model by its name. Raises EngineError that says what is the matter and the next step."""
    state = state_of(name)
    if not state.found or state.folder is None:
        raise EngineError(" ".join(part for part in (state.words, state.next_step) if part))
    return state.folder


def _preset(name: str) -> Preset:
    for preset in PRESETS:
        if preset.name == name:
            return preset
    raise InputError(f"There is no preset {name!r:.40}; choose one of: {', '.join(preset.name for preset in PRESETS)}.")


def _signature(folder: Path) -> Signature:
    """Changes when other weights come to lie in the folder."""
    folder = folder.resolve()
    return str(folder), max(file.stat().st_mtime_ns for file in (folder / UNET.folder).iterdir())


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _report(model: "VideoModel", wanted: "Wanted", made: "Made") -> dict[str, float]:
    plan, prediction = made.plan.plan, made.plan.prediction
    figures = {
        "seconds": made.seconds["total"], "seconds_predicted": prediction.seconds, "predicted_from_runs": prediction.basis == "measured",
        "seconds_unet": made.seconds["unet"], "seconds_vae": made.seconds["vae"], "seconds_around": made.seconds["around"],
        "seconds_warm_up": made.seconds["warm_up"], "memory_peak": made.peak, "memory_predicted": prediction.bytes,
        "offload": plan.offload, "decode_chunk": plan.decode_chunk, "steps": made.steps, "windows": made.windows,
        "width": wanted.canvas.width, "height": wanted.canvas.height, "frames": wanted.frames, "fps": wanted.fps, "bucket": wanted.bucket,
        "conditioned": model.conditioned and wanted.led is None, "dual_clock": wanted.led is not None,
    }  # fmt: skip
    return {name: float(figure) for name, figure in figures.items()}


def _out_of_memory(error: BaseException) -> bool:
    import torch

    words = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "not enough memory" in words or "can't allocate memory" in words


def _too_little_memory() -> str:
    return (
        f"There is not enough memory on {_device()} for this clip; ask for fewer frames or a smaller picture, choose the preset draft, "
        "or the engine reproject."
    )
