"""A model's folder as its files look from outside: real layout, real headers, no weights worth reading."""

import json
import struct
from pathlib import Path

CLASSES = {
    "unet": "UNetSpatioTemporalConditionModel",
    "vae": "AutoencoderKLTemporalDecoder",
    "image_encoder": "CLIPVisionModelWithProjection",
    "feature_extractor": "CLIPImageProcessor",
    "scheduler": "EulerDiscreteScheduler",
}
CONFIGS = {"feature_extractor": "preprocessor_config.json", "scheduler": "scheduler_config.json"}
STEMS = {"unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model", "image_encoder": "model"}


def safetensors_bytes(numbers: int = 10, kind: str = "F32") -> bytes:
    """One tensor of zeros in the format. kind: F32 or F16."""
    size = numbers * (4 if kind == "F32" else 2)
    header = json.dumps({"weight": {"dtype": kind, "shape": [numbers], "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(size)


def write_model(folder: Path, *, variants: tuple[str, ...] = ("",), channels: int = 8) -> Path:
    """variants: "" and "fp16" weights to write."""
    folder.mkdir(parents=True, exist_ok=True)
    index = {"_class_name": "StableVideoDiffusionPipeline", **{part: ["a_library", name] for part, name in CLASSES.items()}}
    (folder / "model_index.json").write_text(json.dumps(index))
    for part in CLASSES:
        (folder / part).mkdir(exist_ok=True)
        values = {"num_frames": 14, "in_channels": channels} if part == "unet" else {"block_out_channels": [1, 2, 3, 4]}
        (folder / part / CONFIGS.get(part, "config.json")).write_text(json.dumps(values))
    for part, stem in STEMS.items():
        for variant in variants:
            dotted = f".{variant}" if variant else ""
            (folder / part / f"{stem}{dotted}.safetensors").write_bytes(safetensors_bytes(5 if variant else 10))
    return folder
