"""A run of the trainer: what learns, that resuming changes nothing, that the result loads by its folder."""

import json
import os
import signal
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from backend.__main__ import main
from backend.engines.svd.weights.loading import load_model
from backend.errors import InputError
from backend.training.renders.small_model import SmallModel, write_start
from backend.training.video.attention import is_idle, quicken
from backend.training.video.config import LoraConfig, TrainConfig, parsed
from backend.training.video.ema import Ema
from backend.training.video.trained_part import plain_weights, prepare
from backend.training.video.trainer import learning_rate, train
from tests.backend.svd_samples import tiny_folder, tiny_unet
from tests.training.four_motions import write_four, write_random


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dataset and a model of two narrow levels."""
    torch.set_num_threads(1)
    where = tmp_path_factory.mktemp("training")
    write_four(where / "data")
    write_start(where / "data", where / "base", SmallModel(widths=(32, 32), heads=(1, 2), pictures=24))
    return where


def config(place: Path, out: Path, **values: Any) -> TrainConfig:
    run = {"steps": 4, "batch": 2, "save_every": 100, "log_every": 1} | values.pop("run", {})
    return parsed({"base": str(place / "base"), "data": str(place / "data"), "out": str(out), "trained": "all", "run": run} | values)


def quiet(_words: str) -> None: ...


def unet_weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "model" / "unet" / "diffusion_pytorch_model.safetensors")


def test_an_interrupted_run_ends_where_an_uninterrupted_one_does_bit_for_bit(place: Path, tmp_path: Path) -> None:
    shared = {"optimizer": {"learning_rate": 1e-3, "decay": "cosine", "warmup": 2}}
    whole = config(place, tmp_path / "whole", **shared, run={"save_every": 3, "accumulate": 2, "batch": 1})
    train(whole, say=quiet)

    def interrupt(words: str) -> None:
        if words.startswith("step 2"):
            os.kill(os.getpid(), signal.SIGTERM)

    broken = replace(whole, out=str(tmp_path / "broken"))
    assert train(broken, say=interrupt).steps == 2
    said: list[str] = []
    assert train(broken, say=said.append).steps == 4
    assert "from step 2 to 4" in said[0] or "from step 2 to 4" in said[1]
    left, right = unet_weights(tmp_path / "whole"), unet_weights(tmp_path / "broken")
    assert left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)
    before = load_file(place / "base" / "unet" / "diffusion_pytorch_model.safetensors")
    assert not torch.equal(before["conv_in.weight"], left["conv_in.weight"])


def test_the_command_trains_exports_and_says_how(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.toml"
    file.write_text(
        f'base = "{place / "base"}"\ndata = "{place / "data"}"\nout = "run"\nseed = 5\nname = "four ways"\ntrained = "all"\n[noise]\nmean = 0.1\nstd = 1.4\n'
        'sigma_max = 30.0\n[run]\nsteps = 2\nprobe_every = 2\nsample_every = 2\nsample_steps = 2\nbatch = 8\nhalf = true\nlatest = "latest"\n'
        'precision = "bf16"\n'
    )
    assert main(["train", "video", "--config", str(file)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("sigma") == 16 and json.loads(printed.splitlines()[-1])["steps"] == 2
    model = load_model(tmp_path / "latest")
    assert model.conditioned and model.noise_range.sigma_max == 30.0
    assert model.facts.name == "four ways" and model.facts.noise == (0.1, 1.4) and model.facts.size == (48, 48) and model.facts.frames == 8
    told = json.loads((tmp_path / "latest" / "revision.json").read_text())["training"]
    assert told["seed"] == 5 and told["steps"] == 2 and told["config"]["run"]["batch"] == 8 and "commit" in told
    assert str(tmp_path) not in json.dumps(told) and str(place) not in json.dumps(told)
    assert {weight.dtype for weight in unet_weights(tmp_path / "run").values()} == {torch.float16}
    assert len((tmp_path / "run" / "log.jsonl").read_text().splitlines()) == 2  # two probes, the interval of losses is longer
    assert list((tmp_path / "run" / "tensorboard").glob("events.*"))


def test_checkpoints_of_another_run_and_damaged_ones_are_refused(place: Path, tmp_path: Path) -> None:
    few = config(place, tmp_path / "run", run={"steps": 1})
    train(few, say=quiet)
    said: list[str] = []
    train(replace(few, seed=3), say=said.append)
    assert "another configuration than before: seed changed" in said[0]
    with pytest.raises(InputError, match="trains other weights"):
        train(replace(few, trained="temporal"), say=quiet)
    weights = tmp_path / "run" / "checkpoints" / "step_0000001" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(InputError, match="cannot be read"):
        train(few, say=quiet)
    assert train(few, afresh=True, say=quiet).steps == 1
    assert len(list((tmp_path / "run" / "checkpoints").iterdir())) == 1


@pytest.mark.parametrize("trained", ["temporal", "lora"])
def test_stock_weights_are_widened_and_only_what_shall_learn_learns(trained: str, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    write_random(tmp_path / "data")
    base = tiny_folder(tmp_path / "base", 8)
    train(config(tmp_path, tmp_path / "run", trained=trained, optimizer={"learning_rate": 1e-2}, run={"steps": 2, "batch": 1}), say=quiet)
    before, after = load_file(base / "unet" / "diffusion_pytorch_model.safetensors"), unet_weights(tmp_path / "run")
    assert before.keys() == after.keys()
    changed = {name for name in before if name != "conv_in.weight" and not torch.equal(before[name], after[name])}
    assert changed and all("temporal" in name or name in ("conv_in.bias",) or "time_" in name for name in changed)
    assert not any(is_idle(name) for name in changed)
    assert after["conv_in.weight"].shape[1] == 10 and after["conv_in.weight"][:, 8:].abs().max() > 0.0
    if trained == "lora":
        assert all("transformer_blocks" in name and ".to_" in name for name in changed - {"conv_in.bias"})
    assert load_model(tmp_path / "run" / "model").conditioned


def some_input(unet: Any) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    sample, embedding = torch.randn(2, 4, 10, 8, 8, generator=generator), torch.randn(2, 1, 32, generator=generator)
    return unet(sample, torch.tensor([0.3, -1.0]), embedding, added_time_ids=torch.ones(2, 3), return_dict=False)[0]


@pytest.mark.parametrize("on_cpu", [True, False])
def test_quick_attention_is_the_same_function_with_the_same_gradients(on_cpu: bool) -> None:
    stock, quick = tiny_unet(10), tiny_unet(10)
    quicken(quick, on_cpu=on_cpu)
    left, right = some_input(stock), some_input(quick)
    assert torch.allclose(left, right, atol=1e-5) and float(left.detach().std()) > 0.01
    left.square().mean().backward()
    right.square().mean().backward()
    quick_weights = dict(quick.named_parameters())
    idle = 0
    for name, weight in stock.named_parameters():
        if is_idle(name):
            idle += 1
            assert quick_weights[name].grad is None and float(weight.grad.abs().max()) < 1e-8
        else:
            assert torch.allclose(weight.grad, quick_weights[name].grad, rtol=1e-3, atol=1e-7), name
    assert idle > 0


def test_merged_adapters_are_the_function_that_was_trained() -> None:
    unet = tiny_unet(10)
    weights = prepare(unet, "lora", LoraConfig(rank=4, alpha=8))
    plain = some_input(unet).detach()
    with torch.no_grad():
        for name, weight in weights.items():
            if "lora_B" in name:
                weight.normal_(std=0.3)
    adapted = some_input(unet).detach()
    fresh = tiny_unet(10, seed=4)
    fresh.load_state_dict(plain_weights(unet))
    assert not torch.allclose(plain, adapted, atol=1e-3)
    assert torch.allclose(some_input(fresh).detach(), adapted, atol=1e-5)


def test_the_running_mean_is_lent_and_given_back() -> None:
    weight = torch.nn.Parameter(torch.zeros(3))
    ema = Ema({"w": weight}, 0.9)
    for step in range(500):
        with torch.no_grad():
            weight.fill_(1.0 if step >= 5 else -7.0)
        ema.update({"w": weight}, step)
    with torch.no_grad():
        weight.fill_(2.5)
    with pytest.raises(RuntimeError, match="inside"), ema.lent({"w": weight}):
        assert torch.allclose(weight, torch.ones(3))
        raise RuntimeError("inside")
    assert torch.equal(weight.detach(), torch.full((3,), 2.5))


def test_learning_rates_rise_and_fall() -> None:
    optimizer = parsed({"base": "", "data": "", "out": "", "optimizer": {"learning_rate": 2.0, "warmup": 4, "decay": "cosine"}}).optimizer
    rates = [learning_rate(optimizer, step, 100) for step in range(101)]
    assert rates[0] < rates[1] < rates[2] < rates[3] <= 2.0
    assert all(left > right for left, right in pairwise(rates[3:]))
    assert rates[100] == pytest.approx(0.02)
    assert learning_rate(replace(optimizer, decay="none"), 50, 100) == 2.0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"trained": "some"}, "trained is 'some'; choose one of temporal, lora, all"),
        ({"sead": 1}, "names sead, which means nothing"),
        ({"run": {"step": 1}}, "names run.step"),
        ({"run": {"steps": 1.5}}, "run.steps is 1.5; a value of type int"),
        ({"run": {"half": 1}}, "run.half is 1"),
        ({"seed": True}, "seed is True"),
        ({"mix": {"full": 0.5}}, "mix sums to 1.1"),
        ({"run": 5}, "run is 5; a table"),
        ({"optimizer": {"ema": 1.0}}, "ema or warmup"),
    ],
)
def test_a_configuration_that_means_nothing_is_refused_by_name(values: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words.replace(".", r"\.")):
        parsed({"base": "a", "data": "b", "out": "c"} | values)
    with pytest.raises(InputError, match="lacks out"):
        parsed({"base": "a", "data": "b"})
