"""Deep features of the U-Net computed at some steps and reused at those between (DeepCache, Ma et al., arXiv 2312.00858).

From one step to the next the deep half of the network hardly changes. On a reused step only the shallow branch runs: the first
``depth - 1`` layers going down, and the last ``depth`` layers going up; what those get from below is taken from the last full step.
The U-Net's own forward stays as it is: the modules around the branch answer without computing.

No preset does so: in few second-order steps the deep features change too much from one to the next, and best leaves nothing out. A preset
with ``reuse_every`` above 1 does.
"""

from collections.abc import Hashable
from typing import Any

from torch import Tensor, nn

from backend.engines.svd.unet.replaced import Replacements


class FeatureReuse:
    """Short-circuits the deep half of a UNetSpatioTemporalConditionModel on chosen steps, until ``Replacements.restore``.

    depth: layers of the shallow branch, 1 to the number of layers in the last block going up. Before every call of the U-Net, ``begin``
    says whether it is computed in full. Each slot (a window, a half of guidance, a shape) keeps its own features.
    """

    def __init__(self, unet: Any, replacements: Replacements, depth: int = 1) -> None:
        layers = len(unet.up_blocks[-1].resnets)
        self.depth = min(max(depth, 1), layers)
        self._features: dict[Hashable, Tensor] = {}
        self._slot: Hashable = None
        self._shallow = False
        self._replacements = replacements
        for module in _left_out_down(unet, self.depth):
            self._pass_on(module)
        for block in unet.down_blocks[1:]:
            self._pass_on_with_skips(block)
        before = _before_branch(unet, layers - self.depth)
        for module in before:
            self._hand_out(module, keep=module is before[-1])

    def begin(self, full: bool, slot: Hashable) -> bool:
        """Sets how the next call of the U-Net runs; says whether in full, which it always does while there is nothing to reuse."""
        self._slot = slot
        self._shallow = not full and slot in self._features
        return not self._shallow

    def forget(self, slot: Hashable) -> None:
        """Lets its features go: another clip begins."""
        self._features.pop(slot, None)

    def forget_all(self) -> None:
        self._features.clear()

    def _pass_on(self, module: nn.Module) -> None:
        """On shallow steps the module hands out what it got."""

        def answer(hidden_states: Tensor, *args: Any, **names: Any) -> Any:
            return _as_asked(hidden_states, names) if self._shallow else compute(hidden_states, *args, **names)

        compute = self._replacements.forward(module, answer)

    def _pass_on_with_skips(self, block: Any) -> None:
        """A block going down also hands out one skip connection a layer; on shallow steps nobody reads them."""
        skips = len(block.resnets) + len(block.downsamplers or ())

        def answer(hidden_states: Tensor, *args: Any, **names: Any) -> Any:
            return (hidden_states, (hidden_states,) * skips) if self._shallow else compute(hidden_states, *args, **names)

        compute = self._replacements.forward(block, answer)

    def _hand_out(self, module: nn.Module, keep: bool) -> None:
        """On shallow steps the module hands out the kept features; on full ones what it computes is kept, if it is the last below the branch."""

        def answer(hidden_states: Tensor, *args: Any, **names: Any) -> Any:
            if self._shallow:
                return _as_asked(self._features[self._slot], names)
            output = compute(hidden_states, *args, **names)
            if keep:
                self._features[self._slot] = output[0] if isinstance(output, tuple) else output
            return output

        compute = self._replacements.forward(module, answer)


def _left_out_down(unet: Any, depth: int) -> list[nn.Module]:
    """What the shallow branch leaves out of the first block going down."""
    first = unet.down_blocks[0]
    attentions = list(getattr(first, "attentions", ()))
    return [*list(first.resnets)[depth - 1 :], *attentions[depth - 1 :], *(first.downsamplers or ())]


def _before_branch(unet: Any, below: int) -> list[nn.Module]:
    """What runs from the middle to the branch, in order. below: layers of the last block going up that are not in the branch."""
    last = unet.up_blocks[-1]
    attentions = list(getattr(last, "attentions", ()))
    layers: list[nn.Module] = []
    for index in range(below):
        layers += [last.resnets[index], *attentions[index : index + 1]]
    return [unet.mid_block, *unet.up_blocks[:-1], *layers]


def _as_asked(hidden_states: Tensor, names: dict[str, Any]) -> Any:
    """Attention layers are asked for a tuple."""
    return hidden_states if names.get("return_dict", True) else (hidden_states,)
