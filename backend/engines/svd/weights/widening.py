"""The motion condition's door into the U-Net: ``conv_in`` takes ten channels instead of eight (paper, section 3.3).

Channels 0 to 3 are the noisy latents, 4 to 7 the picture's latents, 8 the part mask, 9 its confidence.
"""

from typing import Any

import torch
from torch import nn

from backend.errors import EngineError
from revision_blender.video_model.facts import CONDITIONED_CHANNELS, MOTION_CHANNELS, STOCK_CHANNELS


def is_conditioned(unet: Any) -> bool:
    """Whether the U-Net takes the two motion channels."""
    return int(unet.config.in_channels) == CONDITIONED_CHANNELS


def widened(unet: Any) -> Any:
    """Widens the U-Net in place (a copy would cost gigabytes) and returns it; the old weights stay bit for bit, the new ones are 0.

    So the widened net is the old one for every mask, until it is trained. One that is widened already is left as it is.
    Raises EngineError for any other number of channels.
    """
    if is_conditioned(unet):
        return unet
    old: nn.Conv2d = unet.conv_in
    if old.in_channels != STOCK_CHANNELS or int(unet.config.in_channels) != STOCK_CHANNELS:
        raise EngineError(
            f"The model's U-Net takes {old.in_channels} channels; {STOCK_CHANNELS} (stock) or {CONDITIONED_CHANNELS} (motion-conditioned) "
            "are needed. Choose another model."
        )
    unet.conv_in = _wide(old)
    unet.register_to_config(in_channels=CONDITIONED_CHANNELS)
    return unet


def _wide(old: nn.Conv2d) -> nn.Conv2d:
    # built on the meta device: no random numbers are drawn, so a seed set before means the same after
    wide = nn.Conv2d(CONDITIONED_CHANNELS, old.out_channels, old.kernel_size, padding=old.padding, device="meta", dtype=old.weight.dtype)  # pyright: ignore[reportArgumentType]
    extra = old.weight.new_zeros(old.out_channels, MOTION_CHANNELS, *old.kernel_size)
    wide.weight = nn.Parameter(torch.cat([old.weight.detach(), extra], dim=1), requires_grad=old.weight.requires_grad)
    wide.bias = old.bias
    wide.train(old.training)
    return wide
