"""Which of the U-Net's weights learn: the first convolution and the temporal layers (arXiv 2504.21855), adapters on them, or all."""

from collections.abc import Iterator
from typing import cast

from diffusers.models.unets.unet_spatio_temporal_condition import UNetSpatioTemporalConditionModel
from peft import LoraConfig as PeftConfig
from peft import inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from backend.errors import InputError
from backend.training.video.attention import is_idle
from backend.training.video.config import LoraConfig, Trained

TEMPORAL = ("temporal_transformer_blocks", "temporal_res_block", "time_mixer", "time_pos_embed")
_ADAPTED = ("to_q", "to_k", "to_v", "to_out.0")
_FIRST = "conv_in"


def prepare(unet: UNetSpatioTemporalConditionModel, trained: Trained, lora: LoraConfig) -> dict[str, nn.Parameter]:
    """Lets the chosen weights learn and nothing else, of them those that have an influence; returns them by name. With ``lora`` adapters are put into the U-Net first."""
    if trained == "lora":
        _adapt(unet, lora)
    for name, weight in unet.named_parameters():
        weight.requires_grad_(_learns(name, trained) and not is_idle(name))
    chosen = {name: weight for name, weight in unet.named_parameters() if weight.requires_grad}
    if not chosen:
        raise InputError("no weight of this U-Net would learn; choose trained = 'all'.")
    return chosen


def _learns(name: str, trained: Trained) -> bool:
    if trained == "all" or name.startswith(f"{_FIRST}."):
        return True
    return "lora_" in name if trained == "lora" else any(part in name for part in TEMPORAL)


def _adapt(unet: UNetSpatioTemporalConditionModel, lora: LoraConfig) -> None:
    targets = [
        name for name, module in unet.named_modules() if isinstance(module, nn.Linear) and "temporal_transformer_blocks" in name and name.endswith(_ADAPTED) and not is_idle(f"{name}.")
    ]  # fmt: skip
    inject_adapter_in_model(PeftConfig(r=lora.rank, lora_alpha=lora.alpha, target_modules=targets, bias="none"), unet)


def plain_weights(unet: nn.Module) -> dict[str, Tensor]:
    """The U-Net's weights under their own names, adapters added into what they adapt; the U-Net itself stays as it is."""
    merged = dict(_adapters(unet))
    weights: dict[str, Tensor] = {}
    for name, value in unet.state_dict().items():
        if "lora_" in name:
            continue
        owner, _, leaf = name.rpartition(".")
        layer = merged.get(owner.removesuffix(".base_layer"))
        if layer is not None and leaf == "weight":
            value = value + _added(layer)  # noqa: PLW2901
        weights[name.replace(".base_layer.", ".")] = value.detach()
    return weights


def _added(layer: LoraLayer) -> Tensor:
    """What the adapter adds to a linear layer's weight: scale times B A."""
    (name,) = layer.lora_A
    up, down = cast(nn.Linear, layer.lora_B[name]), cast(nn.Linear, layer.lora_A[name])
    return layer.scaling[name] * (up.weight @ down.weight)


def _adapters(unet: nn.Module) -> Iterator[tuple[str, LoraLayer]]:
    for name, module in unet.named_modules():
        if isinstance(module, LoraLayer):
            yield name, module
