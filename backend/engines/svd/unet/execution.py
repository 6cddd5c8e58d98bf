"""How the U-Net is run: what a preset leaves out, and what is the same mathematics done faster.

The same mathematics: cross-attention to the single token answered once, temporal convolutions as 2D ones, channels last (on CUDA), and
scaled-dot-product attention, which diffusers uses of itself. Left out by a preset: the deep half on reused steps, the empty half of
guidance on light ones (where little noise is left, what guidance adds hardly changes any more).
"""

from dataclasses import replace
from types import TracebackType
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from backend.engines.svd.sampling.guidance import Place
from backend.engines.svd.unet.compiled import WarmUp, compile_layers
from backend.engines.svd.unet.cross_attention import SingleTokenAttention
from backend.engines.svd.unet.feature_reuse import FeatureReuse
from backend.engines.svd.unet.replaced import Replacements
from backend.engines.svd.unet.temporal_convolution import flatten_temporal
from revision_blender.video_model.presets import Preset


class Prepared:
    """A ``ModelCall`` of the sampler. Used as a context: the network is left as it was found."""

    def __init__(self, unet: Any, preset: Preset, *, compiled: bool = False, steps: int | None = None) -> None:
        device = next(unet.parameters()).device
        self.preset, self.steps = preset, steps or preset.steps
        self._unet = unet
        self._kept: dict[int, Tensor] = {}  # by window: what the picture's half of guidance answers beyond the empty half
        self._warm_up = WarmUp(device)
        self._replacements = Replacements()
        if compiled:
            compile_layers(unet, self._replacements)
        if device.type == "cuda":
            channels_last(unet)
            flatten_temporal(unet, self._replacements)
        self._context = SingleTokenAttention(unet, self._replacements)
        self._reuse = FeatureReuse(unet, self._replacements, preset.reuse_depth) if preset.reuse_every > 1 else None

    @property
    def warm_up_seconds(self) -> float:
        """Of the first full and the first reused step: with their share of compiling, where asked for."""
        return self._warm_up.seconds

    def __call__(
        self,
        sample: Float[Tensor, "batch frames channels h w"],
        timestep: Float[Tensor, ""],
        embedding: Float[Tensor, "batch 1 c"],
        time_ids: Float[Tensor, "batch 3"],
        place: Place,
    ) -> Float[Tensor, "batch frames 4 h w"]:
        if place.index == 0:
            self._begin(place)
        if place.half != "both":
            return self._answer(sample, timestep, embedding, time_ids, place)
        if self.preset.is_light(place.index, self.steps) and place.window in self._kept:
            shown, token, ids = (values.chunk(2)[1] for values in (sample, embedding, time_ids))
            answer = self._answer(shown, timestep, token, ids, replace(place, half="given"))
            return torch.cat([answer - self._kept[place.window], answer])
        answer = self._answer(sample, timestep, embedding, time_ids, place)
        if self.preset.light:
            empty, shown = answer.chunk(2)
            self._kept[place.window] = shown - empty
        return answer

    def _begin(self, place: Place) -> None:
        """A clip: nothing of the one before counts. Light steps ask for the given half alone."""
        for half in {place.half, "given"} if place.half == "both" else {place.half}:
            self._context.forget((half, place.window))
            if self._reuse is not None:
                self._reuse.forget((half, place.window))

    def _answer(self, sample: Tensor, timestep: Tensor, embedding: Tensor, time_ids: Tensor, place: Place) -> Tensor:
        slot = (place.half, place.window)
        self._context.answer(embedding, slot)
        deep = place.index % self.preset.reuse_every == 0
        full = self._reuse is None or self._reuse.begin(deep, slot)
        return self._warm_up((full, sample.shape), lambda: self._run(sample, timestep, embedding, time_ids))

    def _run(self, sample: Tensor, timestep: Tensor, embedding: Tensor, time_ids: Tensor) -> Tensor:
        return self._unet(sample, timestep, encoder_hidden_states=embedding, added_time_ids=time_ids, return_dict=False)[0]

    def __enter__(self) -> "Prepared":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Puts the network back and lets kept features go."""
        self._replacements.restore()
        self._kept.clear()
        if self._reuse is not None:
            self._reuse.forget_all()


def prepared(unet: Any, preset: Preset, *, compiled: bool = False, steps: int | None = None) -> Prepared:
    """The U-Net as the preset wants it run, on the device and in the precision it is in.

    compiled: see ``compiled``; asked for, never by itself. steps: of the schedule, where depths were inserted or its beginning is left out.
    """
    return Prepared(unet.eval(), preset, compiled=compiled, steps=steps)


def channels_last(network: nn.Module) -> None:
    """2D weights in the layout that tensor cores read. Values stay; 3D weights cannot have it."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data = module.weight.data.to(memory_format=torch.channels_last)
