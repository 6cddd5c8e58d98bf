"""What makes the U-Net faster computes the same, or leaves out exactly what it says."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.engines.svd.sampling.guidance import Place
from backend.engines.svd.sampling.multistep import Multistep, step_of, walked
from backend.engines.svd.sampling.sampler import Step, denoise, euler_step
from backend.engines.svd.sampling.schedule import karras_sigmas
from backend.engines.svd.unet.compiled import WarmUp, compile_layers
from backend.engines.svd.unet.cross_attention import SingleTokenAttention
from backend.engines.svd.unet.execution import prepared
from backend.engines.svd.unet.feature_reuse import FeatureReuse
from backend.engines.svd.unet.replaced import Replacements
from backend.engines.svd.unet.temporal_convolution import flatten_temporal
from backend.errors import EngineError
from revision_blender.video_model.presets import Preset

FRAMES = 3
EXACT = Preset("exact", 4, "karras", 1, "")
REUSING = Preset("reusing", 4, "karras", 2, "")


def small_unet(layers: int = 1, levels: int = 3) -> Any:
    """Random, with every kind of block that SVD has."""
    from diffusers import UNetSpatioTemporalConditionModel

    torch.manual_seed(0)
    torch.set_num_threads(1)
    return UNetSpatioTemporalConditionModel(
        in_channels=10, out_channels=4, block_out_channels=(32, 64, 64)[:levels], layers_per_block=layers, num_frames=FRAMES,
        down_block_types=(*("CrossAttnDownBlockSpatioTemporal",) * (levels - 1), "DownBlockSpatioTemporal"),
        up_block_types=("UpBlockSpatioTemporal", *("CrossAttnUpBlockSpatioTemporal",) * (levels - 1)),
        cross_attention_dim=16, num_attention_heads=(2, 4, 4)[:levels], addition_time_embed_dim=8, projection_class_embeddings_input_dim=24,
    ).eval()  # fmt: skip


@cache
def shared_unet() -> Any:
    return small_unet()


@pytest.fixture(scope="module")
def unet() -> Any:
    return shared_unet()


def inputs(seed: int = 0, batch: int = 2, height: int = 8, width: int = 12) -> tuple[torch.Tensor, ...]:
    """Sample, timestep, embedding (the empty half's is 0) and time ids."""
    generator = torch.Generator().manual_seed(seed)
    embedding = torch.randn(batch, 1, 16, generator=generator)
    if batch == 2:
        embedding[0] = 0.0
    sample = torch.randn(batch, FRAMES, 10, height, width, generator=generator)
    return sample, torch.tensor(0.7), embedding, torch.tensor([[6.0, 127.0, 0.02]]).repeat(batch, 1)


@torch.no_grad()
def stock(unet: Any, sample: torch.Tensor, timestep: torch.Tensor, embedding: torch.Tensor, time_ids: torch.Tensor) -> torch.Tensor:
    return unet(sample, timestep, encoder_hidden_states=embedding, added_time_ids=time_ids, return_dict=False)[0]


def untouched(unet: Any) -> bool:
    names = {type(module.processor).__name__ for module in unet.modules() if hasattr(module, "processor")}
    return names == {"AttnProcessor2_0"} and not any("forward" in vars(module) for module in unet.modules())


@settings(max_examples=6, deadline=None)  # at fewer than a few cells a random network's group norms amplify rounding without bound
@given(batch=st.sampled_from([1, 2]), height=st.integers(7, 12), width=st.integers(7, 12), seed=st.integers(0, 99))
def test_single_token_cross_attention_is_what_it_replaces(batch: int, height: int, width: int, seed: int) -> None:
    unet, values = shared_unet(), inputs(seed, batch, height, width)
    expected = stock(unet, *values)
    with torch.no_grad(), Replacements() as replacements:
        SingleTokenAttention(unet, replacements).answer(values[2], "both")
        assert torch.allclose(stock(unet, *values), expected, rtol=1e-4, atol=1e-4)
        flip_queries(unet)
        assert torch.allclose(stock(unet, *values), expected, rtol=1e-4, atol=1e-4), "queries are not computed at all"
        flip_queries(unet)
    assert untouched(unet) and torch.equal(stock(unet, *values), expected)


def flip_queries(unet: Any) -> None:
    for name, weight in unet.named_parameters():
        if name.endswith("attn2.to_q.weight"):
            weight.data.neg_()


def test_each_half_of_guidance_has_its_own_context(unet: Any) -> None:
    sample, timestep, embedding, time_ids = inputs()
    both = stock(unet, sample, timestep, embedding, time_ids)
    assert not torch.allclose(both, stock(unet, sample, timestep, embedding.flip(0), time_ids), atol=1e-3), "the context must matter here"
    with torch.no_grad(), prepared(unet, EXACT) as call:
        for index in range(2):  # the second time from what was kept
            empty = call(sample[:1], timestep, embedding[:1], time_ids[:1], Place(index, "empty"))
            full = call(sample[1:], timestep, embedding[1:], time_ids[1:], Place(index, "given"))
            assert torch.allclose(torch.cat([empty, full]), both, rtol=1e-4, atol=1e-5)
            assert torch.allclose(call(sample, timestep, embedding, time_ids, Place(index)), both, rtol=1e-4, atol=1e-5)


def test_another_clip_has_another_context(unet: Any) -> None:
    first, second = inputs(1), inputs(2)
    with torch.no_grad(), prepared(unet, EXACT) as call:
        for values in (first, second, first):
            assert torch.allclose(call(*values, Place(0)), stock_outside(values), rtol=1e-4, atol=1e-5)


def stock_outside(values: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """The same weights in a network of its own."""
    return stock(small_unet(), *values)


def test_two_tokens_are_refused(unet: Any) -> None:
    sample, timestep, embedding, time_ids = inputs()
    with prepared(unet, EXACT) as call, pytest.raises(EngineError, match="one token"):
        call(sample, timestep, embedding.repeat(1, 2, 1), time_ids, Place(0))
    assert untouched(unet)


@pytest.mark.parametrize(("layers", "levels", "depth"), [(1, 3, 1), (1, 3, 2), (2, 3, 1), (2, 3, 2), (2, 3, 3), (2, 2, 1), (1, 2, 2)])
def test_reuse_on_the_same_input_is_exact_and_leaves_the_deep_half_out(layers: int, levels: int, depth: int) -> None:
    unet = small_unet(layers, levels)
    values = inputs(height=6, width=10)  # 10 is no multiple of 4: the network's own resizing has to work too
    expected = stock(unet, *values)
    with Replacements() as replacements:
        reuse = FeatureReuse(unet, replacements, depth)
        called = calls_of_resnets(unet, replacements)
        assert not_shallow(reuse, "a") and torch.equal(stock(unet, *values), expected)
        full = len(called)
        called.clear()
        assert not reuse.begin(full=False, slot="a")
        assert torch.equal(stock(unet, *values), expected), "the same input gives the same deep features"
        assert len(called) == 2 * depth - 1 < full
        moved = (values[0] + 0.1, *values[1:])
        assert not torch.equal(stock(unet, *moved), expected), "the shallow branch must see the new input"
    assert untouched(unet) and torch.equal(stock(unet, *values), expected)


def calls_of_resnets(unet: Any, replacements: Replacements) -> list[str]:
    called: list[str] = []
    for name, module in unet.named_modules():
        if type(module).__name__ == "ResnetBlock2D":

            def counted(*args: Any, before: Any = module.forward, name: str = name, **names: Any) -> Any:
                called.append(name)
                return before(*args, **names)

            replacements.forward(module, counted)
    return called


def not_shallow(reuse: FeatureReuse, slot: str) -> bool:
    return reuse.begin(full=False, slot=slot)  # nothing is kept yet: in full whatever is asked for


def test_slots_keep_their_own_features(unet: Any) -> None:
    one, other = inputs(1), inputs(2)
    with torch.no_grad(), prepared(unet, REUSING) as call:
        expected = [call(*values, Place(0, "both", window)) for window, values in enumerate((one, other))]
        for window, values in enumerate((one, other)):
            assert torch.equal(call(*values, Place(1, "both", window)), expected[window])
        crossed = call(*one, Place(1, "both", 1))
        assert not torch.allclose(crossed, expected[0], atol=1e-4), "what is kept for one window must not serve another"


def test_reuse_computes_in_full_at_every_nth_step(unet: Any) -> None:
    every = Preset("", 6, "karras", 3, "")
    with torch.no_grad(), prepared(unet, every) as call:
        for index in range(6):
            values = (inputs(index)[0], *inputs()[1:])
            same = torch.allclose(call(*values, Place(index)), stock_outside(values), rtol=1e-4, atol=1e-5)
            assert same == (index % 3 == 0)


def test_a_new_clip_begins_in_full(unet: Any) -> None:
    small, large = inputs(1, height=4, width=4), inputs(2)
    with torch.no_grad(), prepared(unet, REUSING) as call:
        for values in (small, large, small):
            assert torch.allclose(call(*values, Place(0)), stock_outside(values), rtol=1e-4, atol=1e-5)
            call(*values, Place(1))


def test_temporal_convolution_is_the_3d_one(unet: Any) -> None:
    values = inputs()
    expected = stock(unet, *values)
    with Replacements() as replacements:
        assert flatten_temporal(unet, replacements) == sum(isinstance(module, torch.nn.Conv3d) for module in unet.modules()) > 0
        assert torch.allclose(stock(unet, *values), expected, rtol=1e-4, atol=1e-5)
    other = torch.nn.Conv3d(4, 4, 3, padding=1)
    with Replacements() as replacements:
        assert flatten_temporal(other, replacements) == 0, "kernels over space are left alone"


def test_the_network_is_left_as_found_even_after_an_error(unet: Any) -> None:
    before = {name: value.clone() for name, value in unet.state_dict().items()}
    values = inputs()
    with pytest.raises(RuntimeError), prepared(unet, REUSING) as call:
        call(values[0][:, :, :3], *values[1:], Place(0))
    assert untouched(unet)
    assert all(torch.equal(value, before[name]) for name, value in unet.state_dict().items())


def test_a_foreign_replacement_underneath_survives(unet: Any) -> None:
    """As offloading makes them: an instance's own forward."""
    seen: list[int] = []
    module, before = unet.mid_block, unet.mid_block.forward

    def hook(*args: Any, **names: Any) -> Any:
        seen.append(1)
        return before(*args, **names)

    module.forward = hook
    try:
        with torch.no_grad(), prepared(unet, REUSING) as call:
            call(*inputs(), Place(0))
        assert seen and module.forward is hook
    finally:
        del module.forward


def test_compiled_layers_compute_the_same_and_are_compiled_once() -> None:
    from torch._dynamo.utils import counters

    unet, values = small_unet(levels=2), inputs()
    expected = stock(unet, *values)
    counters.clear()
    graphs = []
    for _ in range(2):
        with Replacements() as replacements:
            assert compile_layers(unet.mid_block, replacements, backend="eager") == 3
            reuse = FeatureReuse(unet, replacements)
            for full in (True, False):
                reuse.begin(full, "a")
                assert torch.allclose(stock(unet, *values), expected, rtol=1e-5, atol=1e-6)
        graphs.append(counters["stats"]["unique_graphs"])
    assert graphs[0] > 0 and graphs[1] == graphs[0], "the second clip must find what the first compiled"
    assert not counters["graph_break"] and untouched(unet)


def test_warm_up_counts_first_calls_only() -> None:
    warm_up, done = WarmUp(torch.device("cpu")), []
    for kind in ("full", "shallow", "full", "shallow"):
        assert np.isfinite(warm_up(kind, lambda kind=kind: done.append(kind) or 1.0))
        if kind == "shallow" and len(done) == 2:
            first = warm_up.seconds
    assert len(done) == 4 and warm_up.seconds == first > 0.0


@settings(max_examples=10, deadline=None)
@given(spread=st.floats(0.3, 2.0), mean=st.floats(-2.0, 2.0))
def test_multistep_is_of_second_order(spread: float, mean: float) -> None:
    """Twice the steps, a quarter of the error; Euler's halves."""
    coarse, fine = (gaussian_error(spread, mean, steps, Multistep()) for steps in (16, 32))
    euler = gaussian_error(spread, mean, 32, euler_step)
    assert fine < 0.35 * coarse and fine < 0.35 * euler


def gaussian_error(spread: float, mean: float, steps: int, step: Step) -> float:
    """Of Gaussian data the probability flow is known: x(sigma) - mean grows with sqrt(spread^2 + sigma^2)."""
    sigmas = karras_sigmas(steps, 0.01, 80.0)
    noise = torch.linspace(-2.0, 2.0, 32).reshape(1, 2, 4, 2, 2)

    def velocity(latents: torch.Tensor, sigma: torch.Tensor, _index: int) -> torch.Tensor:
        ideal = mean + (latents - mean) * spread**2 / (spread**2 + sigma**2)
        return (latents / (sigma**2 + 1) - ideal) / (sigma / (sigma**2 + 1) ** 0.5)

    end = denoise(velocity, mean + noise * float(spread**2 + sigmas[0] ** 2) ** 0.5, sigmas, step=step)
    return float((end - (mean + noise * spread)).abs().max())


def test_what_was_changed_between_steps_stays(unet: Any) -> None:
    """Dual-clock denoising puts the bodies back after every step: the corrector must not undo it."""
    sigmas = torch.tensor([10.0, 5.0, 3.0, 2.0])
    latents, first, second = torch.randn(3, 1, 2, 4, 3, 3).unbind(0)
    step, other = Multistep(), Multistep()
    free, _ = step(latents, first, sigmas[0], sigmas[1])
    other(latents, first, sigmas[0], sigmas[1])
    held = free.clone()
    held[..., :2] = 7.0
    after, denoised = other(held, second, sigmas[1], sigmas[2])
    slope = denoised - euler_step(latents, first, sigmas[0], sigmas[1])[1]
    ahead = torch.log(sigmas[1] / sigmas[2])
    expected = held * torch.exp(-ahead) + (1 - torch.exp(-ahead)) * denoised
    expected += (ahead - 1 + torch.exp(-ahead)) * slope / torch.log(sigmas[0] / sigmas[1])
    assert torch.allclose(after[..., :2], expected[..., :2], atol=1e-5)
    assert not torch.allclose(after[..., 2:], expected[..., 2:], atol=1e-3), "elsewhere the step begins where the corrector leads"


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_a_polynomial_is_walked_exactly(degree: int) -> None:
    """d(x exp(lambda)) = exp(lambda) D dlambda, integrated finely."""
    place, goal, known = 0.4, 1.9, [0.4, -0.3, 1.2][: degree + 1]
    value = lambda at: 1.5 + (0.8 * at if degree else 0.0) - (0.6 * at * at if degree > 1 else 0.0)  # noqa: E731
    grid = np.linspace(place, goal, 20001)
    drawn = np.exp(grid - goal) * np.array([value(at) for at in grid])
    answer = np.exp(-(goal - place)) * 2.0 + float(((drawn[1:] + drawn[:-1]) / 2 * np.diff(grid)).sum())
    walk = walked(torch.full((1, 1, 4, 1, 1), 2.0), place, goal, [(at, torch.full((1, 1, 4, 1, 1), value(at))) for at in known])
    assert torch.allclose(walk, torch.full_like(walk, float(answer)), atol=1e-4)


def test_light_steps_keep_what_guidance_adds(unet: Any) -> None:
    light = replace(EXACT, steps=3, light=1)
    one, other = inputs(1), inputs(2)
    with torch.no_grad(), prepared(unet, light) as call:
        for values in (one, other, one):  # a second clip must not see anything of the first
            full = stock_outside(values)
            assert torch.allclose(call(*values, Place(0)), full, rtol=1e-4, atol=1e-4)
            moved = (values[0] + 0.05, *values[1:])
            expected = stock_outside(moved)[1:]
            answer = call(*moved, Place(2))
            assert torch.allclose(answer[1:], expected, rtol=1e-4, atol=1e-4), "the given half is computed"
            assert torch.allclose(answer[1:] - answer[:1], full[1:] - full[:1], rtol=1e-3, atol=1e-4), "the difference is kept"
            assert torch.allclose(call(*moved, Place(1)), stock_outside(moved), rtol=1e-4, atol=1e-4)


def test_light_steps_are_the_last_of_any_schedule() -> None:
    light = replace(EXACT, steps=8, light=3)
    assert [light.is_full(index, 8) for index in range(8)] == [True] * 5 + [False] * 3
    assert [light.is_full(index, 2) for index in range(2)] == [True, False], "the first step has nothing to keep from"
    assert light.full_steps(10) == 7 and EXACT.full_steps(4) == 4 and REUSING.full_steps(4) == 2


def test_multistep_begins_and_ends_as_euler_does() -> None:
    sample, output = torch.randn(2, 1, 2, 4, 3, 3).unbind(0)
    sigmas = torch.tensor([10.0, 3.0, 0.0])
    step = Multistep()
    first = euler_step(sample, output, sigmas[0], sigmas[1])
    assert all(torch.equal(a, b) for a, b in zip(step(sample, output, sigmas[0], sigmas[1]), first, strict=True))
    last = euler_step(first[0], output, sigmas[1], sigmas[2])
    assert all(torch.equal(a, b) for a, b in zip(step(first[0], output, sigmas[1], sigmas[2]), last, strict=True))


def test_presets_step_as_they_say() -> None:
    assert step_of(EXACT) is euler_step
    fast = replace(EXACT, solver="multistep")
    assert isinstance(step_of(fast), Multistep) and step_of(fast) is not step_of(fast), "a clip must not begin with another one's memory"
