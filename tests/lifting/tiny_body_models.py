"""Small random checkpoints in the layout of the released ones: HMR2.0, HaMeR and AniMer.

Names and shapes are written down here from the public code, not taken from the modules under test. As the released files do, these
carry the settings they were trained with as objects of a class (``yacs.config.CfgNode``) that is not installed here.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
import yaml
from torch import Tensor

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Kind:
    """One network. place: of the checkpoint below ``models/<name>``. settings: beside the checkpoint's folder."""

    name: str
    place: str
    settings: str
    head: str
    section: str
    mean_pose: str
    joints: int
    shape: int
    backbone_type: str
    class_token: bool
    token: int  # width of what goes into the decoder


HMR2 = Kind("hmr2", "logs/train/multiruns/hmr2/0/checkpoints/epoch=35-step=1000000.ckpt", "model_config.yaml", "smpl_head", "SMPL_HEAD",
            "init_body_pose", 24, 10, "vit", False, 157)  # fmt: skip
HAMER = Kind("hamer", "_DATA/hamer_ckpts/checkpoints/hamer.ckpt", "model_config.yaml", "mano_head", "MANO_HEAD",
             "init_hand_pose", 16, 10, "vit", False, 1)  # fmt: skip
ANIMER = Kind("animer", "AniMer/checkpoints/checkpoint.ckpt", ".hydra/config.yaml", "smal_head", "SMAL_HEAD",
              "init_pose", 35, 41, "vith", True, 1)  # fmt: skip
KINDS = (HMR2, HAMER, ANIMER)


@dataclass(frozen=True)
class Sizes:
    """width, depth: of the image transformer. inner: the decoder's heads together; its width, its depth and its hidden layers."""

    width: int
    depth: int
    decoder: int
    layers: int
    inner: int
    hidden: int


TINY = Sizes(32, 2, 24, 2, 16, 20)
RELEASED = Sizes(1280, 32, 1024, 6, 512, 1024)


def shapes_of(kind: Kind, sizes: Sizes) -> Shapes:
    """Every weight of the network by its name in the released checkpoint."""
    return {f"backbone.{name}": shape for name, shape in _backbone(kind, sizes).items()} | {
        f"{kind.head}.{name}": shape for name, shape in _head(kind, sizes).items()
    }


def _backbone(kind: Kind, sizes: Sizes) -> Shapes:
    width = sizes.width
    found: Shapes = {"patch_embed.proj.weight": (width, 3, 16, 16), "patch_embed.proj.bias": (width,), "pos_embed": (1, 193, width)}
    found |= {"last_norm.weight": (width,), "last_norm.bias": (width,)} | ({"cls_token": (1, 1, width)} if kind.class_token else {})
    for number in range(sizes.depth):
        for name, (out, into) in {"attn.qkv": (3, 1), "attn.proj": (1, 1), "mlp.fc1": (4, 1), "mlp.fc2": (1, 4)}.items():
            found |= {f"blocks.{number}.{name}.weight": (out * width, into * width), f"blocks.{number}.{name}.bias": (out * width,)}
        for name in ("norm1", "norm2"):
            found |= {f"blocks.{number}.{name}.weight": (width,), f"blocks.{number}.{name}.bias": (width,)}
    return found


def _head(kind: Kind, sizes: Sizes) -> Shapes:
    wide, pose = sizes.decoder, 6 * kind.joints
    found: Shapes = {kind.mean_pose: (1, pose), "init_betas": (1, kind.shape), "init_cam": (1, 3)}
    found |= {"transformer.to_token_embedding.weight": (wide, kind.token), "transformer.to_token_embedding.bias": (wide,)}
    found |= {"transformer.pos_embedding": (1, 1, wide)}
    for name, count in {"decpose": pose, "decshape": kind.shape, "deccam": 3}.items():
        found |= {f"{name}.weight": (count, wide), f"{name}.bias": (count,)}
    for number in range(sizes.layers):
        layer = f"transformer.transformer.layers.{number}"
        for step in range(3):
            found |= {f"{layer}.{step}.norm.weight": (wide,), f"{layer}.{step}.norm.bias": (wide,)}
        found |= {f"{layer}.0.fn.to_qkv.weight": (3 * sizes.inner, wide), f"{layer}.1.fn.to_q.weight": (sizes.inner, wide)}
        found |= {f"{layer}.1.fn.to_kv.weight": (2 * sizes.inner, sizes.width)}
        for step in (0, 1):
            found |= {f"{layer}.{step}.fn.to_out.0.weight": (wide, sizes.inner), f"{layer}.{step}.fn.to_out.0.bias": (wide,)}
        found |= {f"{layer}.2.fn.net.0.weight": (sizes.hidden, wide), f"{layer}.2.fn.net.0.bias": (sizes.hidden,)}
        found |= {f"{layer}.2.fn.net.3.weight": (wide, sizes.hidden), f"{layer}.2.fn.net.3.bias": (wide,)}
    return found


def tiny_state(kind: Kind, seed: int = 0) -> dict[str, Tensor]:
    """Random weights that answer to the picture, about a mean body in front of the camera; and what is there for training only."""
    numbers = torch.Generator().manual_seed(seed)
    state = {name: 0.3 * torch.randn(shape, generator=numbers) for name, shape in shapes_of(kind, TINY).items()}
    state[f"{kind.head}.{kind.mean_pose}"] = torch.tensor([1.0, 0, 0, 0, 1, 0]).repeat(kind.joints)[None]
    state[f"{kind.head}.init_cam"] = torch.tensor([[0.9, 0.0, 0.0]])
    state |= {f"{kind.head}.{name}.weight": 0.1 * state[f"{kind.head}.{name}.weight"] for name in ("decpose", "decshape", "deccam")}
    return state | {"initialized": torch.tensor(data=True), "discriminator.D_conv1.weight": torch.zeros(32, 9, 1, 1)}


def tiny_settings(kind: Kind) -> dict[str, object]:
    decoder = {"depth": 2, "heads": 4, "mlp_dim": 20, "dim_head": 4, "dropout": 0.0, "norm": "layer", "context_dim": 32}
    head = {"TYPE": "transformer_decoder", "IN_CHANNELS": 2048, "IEF_ITERS": 1, "TRANSFORMER_DECODER": decoder}
    model = {"IMAGE_SIZE": 256, "BACKBONE": {"TYPE": kind.backbone_type}, kind.section: head}
    return {"MODEL": model, "EXTRA": {"FOCAL_LENGTH": 5000}}


@contextmanager
def foreign_class(name: str = "CfgNode") -> Iterator[type[dict]]:
    """A class that files can name while the block runs, and that nobody can import afterwards."""
    made = type(name, (dict,), {"__module__": "yacs.config"})
    modules = {"yacs": ModuleType("yacs"), "yacs.config": ModuleType("yacs.config")}
    setattr(modules["yacs.config"], name, made)
    sys.modules.update(modules)
    try:
        yield made
    finally:
        for module in modules:
            del sys.modules[module]


def write_tiny(kind: Kind, home: Path, state: dict[str, Tensor] | None = None) -> Path:
    """A checkpoint and its settings below ``home``; returns the checkpoint's path."""
    checkpoint = home / "models" / kind.name / kind.place
    checkpoint.parent.mkdir(parents=True)
    settings = checkpoint.parent.parent / kind.settings
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(yaml.safe_dump(tiny_settings(kind)), encoding="utf-8")
    with foreign_class() as node:
        cfg = node({"MODEL": node({"IMAGE_SIZE": 256})})
        cfg.__dict__["__immutable__"] = True
        around = {"epoch": 35, "global_step": 1_000_000, "pytorch-lightning_version": "1.8.1", "hyper_parameters": {"cfg": cfg}}
        torch.save({**around, "state_dict": state if state is not None else tiny_state(kind)}, checkpoint)
    return checkpoint
