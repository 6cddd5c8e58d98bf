"""The whole path is differentiable, as end-to-end training needs: from pixels back to the weights and to the motion that went in."""

from dataclasses import replace

import numpy as np
import torch

from backend.bodies.torch_body import TorchBody
from backend.prior.network.windows import predicted
from backend.prior.pins import pinned_places, pinned_rotations
from backend.prior.state.motions import Observed
from backend.prior.state.observe import observed
from backend.prior.state.take import Damaged, undamaged
from backend.prior.state.world import offsets_of, to_take
from revision_blender.motion.bodies.body_model import open_human
from tests.backend.refine_motions import kick, noisy
from tests.prior.net_samples import small_prior, told

FRAMES = 90  # two windows
FOCAL = 1100.0


def _damaged() -> Damaged:
    clip = noisy(kick(FRAMES, 30.0))
    model = open_human()
    take, _ = to_take(clip, clip.bodies[0], offsets_of(model.joint_template, "human"))
    pinned = np.zeros((FRAMES, 22), dtype=bool)
    pinned[[0, 40, 41, 80]] = True
    return replace(undamaged(take), pinned=pinned, root_pinned=pinned[:, 0])


def _pixels(rotations: torch.Tensor, root: torch.Tensor) -> torch.Tensor:
    """Joints of the bundled body through a pinhole camera that stands 1.1 m high, 4 m before the origin, in pixels from its centre."""
    body = TorchBody(open_human())
    hands = torch.eye(3).expand(len(rotations), 2, 3, 3)
    joints = body.joints(torch.zeros(10), torch.cat([rotations, hands], 1), root - body.joint_template[0])
    seen = joints - joints.new_tensor([0.0, 1.1, -4.0])
    return FOCAL * seen[..., :2] / seen[..., 2:].clamp_min(0.5)


def _loss(prior: torch.nn.Module, given: Observed, damaged: Damaged, target: torch.Tensor) -> torch.Tensor:
    answer = predicted(prior, given, told(strength=0.5)).motions  # type: ignore[arg-type]
    rotations = pinned_rotations(answer.rotations[0], given.motions.rotations[0], damaged.pinned, 30.0)
    root = pinned_places(answer.root[0], given.motions.root[0], damaged.root_pinned, 30.0)
    return (_pixels(rotations, root) - target).square().mean()


def test_reprojection_reaches_the_weights_and_the_input() -> None:
    damaged, prior = _damaged(), small_prior(spoken=0.02)
    given = observed([damaged])
    rotations = given.motions.rotations.clone().requires_grad_()
    root = given.motions.root.clone().requires_grad_()
    given = replace(given, motions=replace(given.motions, rotations=rotations, root=root))
    target = _pixels(rotations.detach()[0], root.detach()[0]) + 15.0 * torch.randn(
        FRAMES, 24, 2, generator=torch.Generator().manual_seed(0)
    )
    _loss(prior, given, damaged, target).backward()
    for values in (rotations.grad, root.grad):
        assert values is not None and bool(torch.isfinite(values).all())
        assert bool((values.flatten(2).abs().sum(-1) > 0.0).all()), "a frame of the input is not reached"
    for name, weight in prior.named_parameters():
        if weight.grad is None:
            assert any(word in name for word in ("animal", "object", "auto", "words")), f"{name} is not reached"
            continue
        assert bool(torch.isfinite(weight.grad).all()), name
    reached = [name for name, weight in prior.named_parameters() if weight.grad is not None and bool((weight.grad != 0.0).any())]
    for part in ("inputs.human", "condition.strength", "blocks.0.time", "blocks.1.own", "outputs.human"):
        assert any(name.startswith(part) for name in reached), part


def test_the_gradient_is_the_slope() -> None:
    """Along one random direction of the last map's weights, against a central difference."""
    damaged, prior = _damaged(), small_prior(spoken=0.02)
    given = observed([damaged])
    target = _pixels(given.motions.rotations[0], given.motions.root[0]) + 15.0
    weight = prior.outputs["human"].weight
    assert isinstance(weight, torch.nn.Parameter)
    _loss(prior, given, damaged, target).backward()
    direction = torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
    assert weight.grad is not None
    slope = float((weight.grad * direction).sum())
    values = []
    with torch.no_grad():
        kept = weight.clone()
        for step in (1e-3, -1e-3):
            weight.copy_(kept + step * direction)
            values.append(float(_loss(prior, given, damaged, target)))
    assert abs((values[0] - values[1]) / 2e-3 - slope) < 0.05 * abs(slope) + 1e-2
