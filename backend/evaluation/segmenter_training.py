"""Trains the part segmenter on rendered clips, made as soft as the video model's codec makes them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional

from backend.evaluation.clips import Shown
from backend.evaluation.segmenter import CELL, WEIGHTS, Segmenter, as_tensor
from revision_blender.motion.whole_file import whole_file

Soften = Callable[[Float[Tensor, "n 3 h w"]], Float[Tensor, "n 3 h w"]]

BATCH = 16
RATE = 2e-3
CODEC_CLIPS, FIGURE_WEIGHT = 100, 5.0  # where a codec is fitted: to how many clips, and how much more the figure counts
BACKGROUND_WEIGHT = 0.5  # most pixels are background; parts are what is asked for


@dataclass(frozen=True)
class Lesson:
    """How long a judge is trained. minutes: of computing on one core. steps: at most. seed: of everything drawn."""

    minutes: float = 6.0
    steps: int = 4000
    seed: int = 0


def codec_softening(shown: Sequence[Shown], folder: Path | None) -> Soften:
    """The round trip through the patch codec in ``folder`` (a model's ``vae``), or through one fitted to these clips."""
    from backend.engines.svd.patch_codec import PatchCodec, Samples, fitted

    if folder is not None:
        codec = PatchCodec.from_pretrained(folder, use_safetensors=True, local_files_only=True).eval().requires_grad_(False)
    else:
        some = shown[:: max(1, len(shown) // CODEC_CLIPS)]
        pictures = as_tensor(np.concatenate([one.frames[::3] for one in some])) * 2.0 - 1.0
        figure = torch.from_numpy(np.concatenate([one.labels[::3] for one in some]) > 0)[:, None]
        codec = fitted(Samples(pictures, 1.0 + FIGURE_WEIGHT * functional.max_pool2d(figure.float(), 5, 1, 2)))

    def soften(pictures: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            latents = codec.encode(pictures * 2.0 - 1.0).latent_dist.mode()
            return (codec.decode(latents, num_frames=len(latents)).sample * 0.5 + 0.5).clamp(0.0, 1.0)

    return soften


def train_segmenter(shown: tuple[Shown, ...], lesson: Lesson, soften: Soften, say: Callable[[str], None]) -> Segmenter:
    """Cross-entropy on single frames drawn at random; the learning rate falls to 0 along a cosine of steps or minutes.

    soften: the codec's round trip, applied to half of the frames: generated frames come out of the same decoder.
    """
    torch.manual_seed(lesson.seed)
    draw = np.random.default_rng(lesson.seed)
    net = Segmenter()
    with torch.no_grad():
        cast(Tensor, net.out.bias)[: CELL * CELL] = 3.0  # background to begin with, as most pixels are
    weight = torch.ones(net.out.out_channels // 4)
    weight[0] = BACKGROUND_WEIGHT
    frames, labels = np.stack([one.frames for one in shown]), np.stack([one.labels for one in shown])

    def loss_of(_step: int) -> Tensor:
        picture, first, wanted = _batch(frames, labels, draw, soften)
        return functional.cross_entropy(net(picture, first), wanted, weight)

    descend(net, loss_of, lesson, say)
    return net.eval()


def descend(net: nn.Module, loss_of: Callable[[int], Tensor], lesson: Lesson, say: Callable[[str], None]) -> None:
    """AdamW under bfloat16 autocast until steps or minutes are used up; says the mean loss about twenty times."""
    optimiser = torch.optim.AdamW(net.parameters(), RATE, weight_decay=1e-4, foreach=True)
    began, losses = time.process_time(), []
    for step in range(lesson.steps):
        done = max(step / lesson.steps, (time.process_time() - began) / (60.0 * lesson.minutes))
        if done >= 1.0:
            break
        for group in optimiser.param_groups:
            group["lr"] = RATE * 0.5 * (1.0 + np.cos(np.pi * done)) * min(1.0, (step + 1) / 50)
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(step)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        losses.append(float(loss.detach()))
        if step % max(lesson.steps // 20, 1) == 0:
            say(f"step {step}: loss {np.mean(losses[-50:]):.4f}, {time.process_time() - began:.0f} s")


def save_weights(net: nn.Module, file: Path) -> None:
    """Half precision, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as stream:
        stream.write(save({name: value.detach().half().contiguous() for name, value in net.state_dict().items()}))


def save_segmenter(net: Segmenter, folder: Path) -> None:
    save_weights(net, folder / WEIGHTS)


def _batch(
    frames: NDArray[np.uint8], labels: NDArray[np.uint8], draw: np.random.Generator, soften: Soften
) -> tuple[Float[Tensor, "n 3 h w"], Float[Tensor, "n 3 h w"], Int[Tensor, "n h w"]]:
    clip, frame = draw.integers(len(frames), size=BATCH), draw.integers(frames.shape[1], size=BATCH)
    picture, first = as_tensor(frames[clip, frame]), as_tensor(frames[clip, 0])
    wanted = torch.from_numpy(labels[clip, frame].astype(np.int64))
    half = BATCH // 2
    return _weathered(torch.cat([soften(picture[:half]), picture[half:]]), draw), first, wanted


def _weathered(picture: Float[Tensor, "n 3 h w"], draw: np.random.Generator) -> Float[Tensor, "n 3 h w"]:
    """Some blur, some noise, a little more or less light: what a small video model's frames have."""
    blurred = functional.avg_pool2d(functional.pad(picture, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    share = torch.from_numpy(draw.uniform(0.0, 0.8, (len(picture), 1, 1, 1)).astype(np.float32))
    noise = torch.from_numpy(draw.normal(0.0, 1.0, picture.shape).astype(np.float32)) * float(draw.uniform(0.0, 0.05))
    light = torch.from_numpy(draw.uniform(0.9, 1.1, (len(picture), 1, 1, 1)).astype(np.float32))
    return ((picture + share * (blurred - picture)) * light + noise).clamp(0.0, 1.0)
