"""What a video model's folder must hold (the layout of diffusers), and whether it does. Reads configurations and headers, no weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import MissingModelFileError, ModelFileError
from .parsing import fields_of
from .safetensors_file import check_whole

INDEX_FILE = "model_index.json"
PIPELINE = "StableVideoDiffusionPipeline"


@dataclass(frozen=True)
class Part:
    """folder: inside the model's. config: its configuration. weights: stem of its weight files, empty where it has none.

    classes: what it may be. Names in a model's own files are compared with these and never imported.
    """

    folder: str
    config: str
    weights: str
    classes: tuple[str, ...]


UNET = Part("unet", "config.json", "diffusion_pytorch_model", ("UNetSpatioTemporalConditionModel",))
VAE = Part("vae", "config.json", "diffusion_pytorch_model", ("AutoencoderKLTemporalDecoder", "PatchCodec"))
IMAGE_ENCODER = Part("image_encoder", "config.json", "model", ("CLIPVisionModelWithProjection",))
FEATURE_EXTRACTOR = Part(
    "feature_extractor", "preprocessor_config.json", "",
    ("CLIPImageProcessor", "CLIPImageProcessorPil", "CLIPImageProcessorFast", "CLIPFeatureExtractor"),  # one class, four names over the years
)  # fmt: skip
SCHEDULER = Part("scheduler", "scheduler_config.json", "", ("EulerDiscreteScheduler",))
PARTS = (UNET, VAE, IMAGE_ENCODER, FEATURE_EXTRACTOR, SCHEDULER)


@dataclass(frozen=True)
class FolderContent:
    """variants: "" and "fp16", those in which every part with weights is whole, the half one first. bytes: of the smallest of them."""

    variants: tuple[str, ...]
    bytes: int


def examined(folder: Path) -> FolderContent:
    """Raises ModelFileError unless the folder is a whole image-to-video pipeline of Stable Video Diffusion's kind."""
    check_kind(folder)
    for part in PARTS:
        fields_of(folder / part.folder / part.config)
    sizes, errors = {}, []
    for variant in ("fp16", ""):
        try:
            sizes[variant] = sum(weights_bytes(folder, part, variant) for part in PARTS if part.weights)
        except ModelFileError as error:
            errors.append(error)
    if not sizes:
        raise _clearest(folder, errors)
    return FolderContent(tuple(sizes), min(sizes.values()))


def check_kind(folder: Path) -> None:
    """Raises ModelFileError unless ``model_index.json`` and the parts' configurations name the known classes."""
    if not folder.is_dir():
        raise ModelFileError(f"There is no folder {folder}. Choose the folder of a video model, or download one.")
    index = folder / INDEX_FILE
    if not index.is_file():
        raise ModelFileError(
            f"{folder} holds no {INDEX_FILE}. Choose the folder of a diffusers pipeline (with unet, vae, scheduler in it)."
        )
    fields = fields_of(index)
    kind = fields.values.get("_class_name", "pipeline of unknown kind")
    if kind != PIPELINE:
        raise ModelFileError(f"{folder} holds a {kind!s:.60}; {PIPELINE} is needed. Choose another folder.")
    for part in PARTS:
        entry = fields.values.get(part.folder)
        if not isinstance(entry, list) or len(entry) != 2 or entry[1] not in part.classes:
            found = entry[1] if isinstance(entry, list) and len(entry) == 2 else "nothing"
            raise ModelFileError(f"{folder}: the part {part.folder} is {found!s:.60}; {part.classes[0]} is needed. Choose another model.")


def class_of(folder: Path, part: Part) -> str:
    """The class that the model's index names for a part; one of ``part.classes`` after ``check_kind``."""
    entry = fields_of(folder / INDEX_FILE).values.get(part.folder)
    return str(entry[1]) if isinstance(entry, list) and len(entry) == 2 else ""


def weights_bytes(folder: Path, part: Part, variant: str) -> int:
    """Bytes of a part's weight files in a variant. Raises ModelFileError when one is missing or cut off."""
    return sum(check_whole(file) for file in weight_files(folder / part.folder, part.weights, variant))


def weight_files(folder: Path, stem: str, variant: str) -> Iterator[Path]:
    """The one safetensors file, or the shards that an index names. Raises ModelFileError for an index that points elsewhere."""
    dotted = f".{variant}" if variant else ""
    indices = [folder / f"{stem}.safetensors.index{dotted}.json", folder / f"{stem}{dotted}.safetensors.index.json"]
    index = next((file for file in indices if file.is_file()), None)
    if index is None or (folder / f"{stem}{dotted}.safetensors").is_file():
        yield folder / f"{stem}{dotted}.safetensors"
        return
    shards = fields_of(index).values.get("weight_map")
    names = sorted({str(name) for name in shards.values()}) if isinstance(shards, dict) else []
    if not names:
        raise ModelFileError(f"{index} names no files. Download the model again.")
    for name in names:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise ModelFileError(f"{index} names {name!r:.80}, which is no safetensors file beside it. Get the model from its own page.")
        yield folder / name


def _clearest(folder: Path, errors: list[ModelFileError]) -> ModelFileError:
    """A cut-off file says more than a missing one; where only pickled weights are, that is the reason."""
    for error in errors:
        if not isinstance(error, MissingModelFileError):
            return error
    for part in PARTS:
        if part.weights and any((folder / part.folder).glob("*.bin")) and not any((folder / part.folder).glob("*.safetensors")):
            return ModelFileError(
                f"{folder / part.folder} holds pickled weights (.bin), which are never opened. Save the model as safetensors."
            )
    return errors[-1]
