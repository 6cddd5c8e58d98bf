"""Convolution over time only, computed as a 2D convolution over (time, position).

The temporal layers have kernels of 3 x 1 x 1. The same sums over a picture whose rows are frames and whose columns are positions run on
the library's 2D kernels, which are the better tuned ones; some releases of cuDNN and PyTorch run 3D kernels in half precision many times
slower or without cuDNN at all (pytorch issues 166643, 174051).
"""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from backend.engines.svd.unet.replaced import Replacements


def flatten_temporal(network: nn.Module, replacements: Replacements) -> int:
    """Every such layer of the network, until ``Replacements.restore``. Returns their number."""
    layers = [module for module in network.modules() if isinstance(module, nn.Conv3d) and is_temporal(module)]
    for layer in layers:
        replacements.forward(layer, _flat(layer))
    return len(layers)


def is_temporal(layer: nn.Conv3d) -> bool:
    """Kernel k x 1 x 1 with zeros around, nothing strided, dilated or grouped."""
    plain = layer.stride == (1, 1, 1) and layer.dilation == (1, 1, 1) and layer.groups == 1 and layer.padding_mode == "zeros"
    return plain and layer.kernel_size[1:] == (1, 1) and not isinstance(layer.padding, str) and tuple(layer.padding[1:]) == (0, 0)


def _flat(layer: nn.Conv3d) -> Any:
    def forward(hidden_states: Float[Tensor, "batch channels frames h w"]) -> Float[Tensor, "batch out frames h w"]:
        batch, channels, frames, height, width = hidden_states.shape
        rows = hidden_states.reshape(batch, channels, frames, height * width)
        result = functional.conv2d(rows, layer.weight.squeeze(-1), layer.bias, padding=(int(layer.padding[0]), 0))
        return result.reshape(batch, -1, result.shape[2], height, width)

    return forward
