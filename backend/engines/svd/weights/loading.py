"""Loads a video model's folder: each part by its known class, from safetensors, checked before anything is read."""

import warnings
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_temporal_decoder import AutoencoderKLTemporalDecoder
from diffusers.models.unets.unet_spatio_temporal_condition import UNetSpatioTemporalConditionModel
from safetensors import SafetensorError
from transformers import CLIPImageProcessorPil, CLIPVisionModelWithProjection
from transformers.utils.logging import disable_progress_bar

from backend.engines.svd.model import VideoModel
from backend.engines.svd.sampling.schedule import noise_range_of
from backend.engines.svd.weights.facts import facts_of
from backend.errors import EngineError
from revision_blender.video_model.errors import ModelFileError
from revision_blender.video_model.facts import CONDITIONED_CHANNELS, STOCK_CHANNELS
from revision_blender.video_model.files import FEATURE_EXTRACTOR, IMAGE_ENCODER, SCHEDULER, UNET, VAE, Part, class_of, examined
from revision_blender.video_model.parsing import fields_of


def load_model(folder: Path, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> VideoModel:
    """The model in ``folder`` (diffusers layout), in evaluation mode, without gradients.

    On CUDA the fp16 variant is read where there is one; elsewhere the full one. Raises EngineError, one sentence, for a folder that is
    no such model, a part that is missing or cut off, weights that do not fit, and too little memory.
    """
    device = torch.device(device)
    try:
        content = examined(folder)
        variant = chosen_variant(content.variants, dtype)
        facts = facts_of(folder)
        noise_range = noise_range_of(fields_of(folder / SCHEDULER.folder / SCHEDULER.config).values)
        processor = CLIPImageProcessorPil.from_pretrained(folder / FEATURE_EXTRACTOR.folder, local_files_only=True)
    except ModelFileError as error:
        raise EngineError(str(error)) from error
    load = _Loader(folder, variant, device, dtype)
    model = VideoModel(
        unet=load(UNET, UNetSpatioTemporalConditionModel),
        vae=load(VAE, _autoencoder_class(folder)),
        image_encoder=load(IMAGE_ENCODER, CLIPVisionModelWithProjection),
        feature_extractor=processor, noise_range=noise_range, facts=facts, folder=folder, device=device, dtype=dtype,
    )  # fmt: skip
    _check_channels(model)
    return model


def chosen_variant(variants: tuple[str, ...], dtype: torch.dtype) -> str:
    """Half weights for half precision where they are there, full ones for full; what there is otherwise."""
    wanted = "" if dtype == torch.float32 else "fp16"
    return wanted if wanted in variants else variants[0]


class _Loader:
    def __init__(self, folder: Path, variant: str, device: torch.device, dtype: torch.dtype) -> None:
        self.folder, self.variant, self.device, self.dtype = folder, variant, device, dtype

    def __call__(self, part: Part, kind: Any) -> Any:
        where = self.folder / part.folder
        try:
            disable_progress_bar()  # it would write into the worker's log
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what they warn of, unused or missing weights, is an error here
                module, found = kind.from_pretrained(
                    where,
                    local_files_only=True,
                    use_safetensors=True,
                    dtype=self.dtype,
                    variant=self.variant or None,
                    output_loading_info=True,
                )
            _check_keys(where, found)
            return module.to(self.device).eval().requires_grad_(False)
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise EngineError(f"There is not enough memory on {self.device} for the model in {self.folder}. {FREE_MEMORY}") from error
        except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, SafetensorError) as error:
            raise EngineError(f"{where} cannot be loaded ({first_line(error)}). Download the model again.") from error


FREE_MEMORY = "Close what else uses it, or choose the engine reproject."


def _check_keys(where: Path, found: Any) -> None:
    missing = list(found.get("missing_keys") or ())
    wrong = list(found.get("mismatched_keys") or ()) + list(found.get("error_msgs") or ())
    if missing or wrong:
        first = missing[0] if missing else wrong[0]
        raise EngineError(
            f"The weights in {where} do not fit its configuration ({len(missing)} missing, {len(wrong)} of another shape; first: {first!s:.80}). "
            "Download the model again."
        )


def _autoencoder_class(folder: Path) -> Any:
    if class_of(folder, VAE) == "PatchCodec":
        from backend.engines.svd.patch_codec import PatchCodec

        return PatchCodec
    return AutoencoderKLTemporalDecoder


def _check_channels(model: VideoModel) -> None:
    channels = model.unet.config["in_channels"]
    if channels not in {STOCK_CHANNELS, CONDITIONED_CHANNELS}:
        raise EngineError(
            f"The U-Net in {model.folder} takes {channels} channels; {STOCK_CHANNELS} (Stable Video Diffusion) or {CONDITIONED_CHANNELS} "
            "(with part masks) are needed. Choose another model."
        )


def first_line(error: BaseException) -> str:
    """For people: the first line of an error that came from elsewhere."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
