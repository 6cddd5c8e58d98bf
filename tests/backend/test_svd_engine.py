"""The whole engine on small random models in the real layout: S1 as the stock pipeline, S3 both ways, every failure a sentence."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.engines.svd import engine as engine_module
from backend.engines.svd import generation
from backend.engines.svd.coarse import aimed as aimed_channels
from backend.engines.svd.cost.planning import Memory
from backend.engines.svd.engine import SvdEngine
from backend.engines.svd.generation import Led, Wanted, generated
from backend.engines.svd.picture import maps_on_canvas
from backend.engines.svd.weights.facts import save_facts
from backend.engines.svd.weights.loading import load_model
from backend.errors import Cancelled, EngineError, InputError
from backend.progress import Progress, silent
from backend.raster.part_masks import part_masks
from backend.stages import coarse, fine
from revision_blender.masks.confidence import confidence_maps
from revision_blender.motion.clip import Clip
from revision_blender.video_model.canvas import canvas_for
from revision_blender.video_model.facts import ModelFacts
from revision_blender.video_model.following import Depths
from revision_blender.video_model.presets import PRESETS, preset_of
from revision_blender.wire.requests import CoarseRequest, FineRequest
from tests.backend.svd_samples import picture, tiny_folder, tiny_pipeline
from tests.backend.test_reproject import clip_of, picture_of

STEPS = preset_of("draft").steps


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("REVISION_HOME", str(folder))
    return folder


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("stock"))


@pytest.fixture(scope="module")
def conditioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("conditioned"), in_channels=10)


@pytest.fixture(scope="module")
def small(stock: Path, conditioned: Path) -> dict[str, Path]:
    """The same weights said to be made for small pictures, so that a whole person fits into a quick test."""
    folders = {}
    for name, folder in (("stock", stock), ("conditioned", conditioned)):
        folders[name] = folder.with_name(f"{folder.name}-small")
        shutil.copytree(folder, folders[name])
        save_facts(folders[name], ModelFacts(frames=5, size=(64, 48)), {"seed": 1})
    return folders


@pytest.fixture(scope="module")
def engine() -> SvdEngine:
    return SvdEngine()


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, Clip, Clip]:
    """A picture, the clip that lies over it, and where the person is wanted."""
    source, motion = clip_of(), clip_of(sideways=0.6)
    return picture_of(source), source, motion


def coarse_request(folder: Path, **changes) -> CoarseRequest:
    return replace(CoarseRequest(picture(32, 32), engine="svd", frames=8, fps=14.0, seed=5, preset="draft", model=str(folder)), **changes)


def fine_request(folder: Path, scene, **changes) -> FineRequest:
    shown, source, motion = scene
    labels = part_masks(motion)
    maps = {"labels": labels, "confidence": confidence_maps(labels, motion)}
    return replace(FineRequest(shown, source, motion, **maps, engine="svd", seed=5, preset="draft", model=str(folder)), **changes)


def test_s1_is_the_stock_pipelines_video(stock, engine):
    request = coarse_request(stock, picture=picture(), preset="best", strength=0.5)
    ours = engine.coarse(request, silent())
    pipeline = tiny_pipeline()
    from PIL import Image

    theirs = pipeline(
        Image.fromarray(request.picture), width=64, height=64, num_frames=4, num_inference_steps=32, fps=7, motion_bucket_id=125,
        noise_aug_strength=0.02, decode_chunk_size=4, generator=torch.Generator("cpu").manual_seed(5), output_type="np",
    ).frames[0]  # fmt: skip
    assert ours.frames.shape == (4, 64, 64, 3) and ours.fps == 7.0  # half the frames at half the rate, as long as asked for
    assert ours.report["bucket"] == 125 and ours.report["steps"] == 32
    worst = np.abs(ours.frames.astype(int) - np.round(theirs * 255).astype(int)).max()
    assert worst <= 1  # one token's attention answered once rounds otherwise


def test_a_seed_is_a_video_and_the_pictures_size_is_kept(stock, engine):
    request = coarse_request(stock, picture=picture(100, 70))
    first = engine.coarse(request, silent())
    assert first.frames.shape == (4, 70, 100, 3)
    assert (first.report["width"], first.report["height"]) == (112.0, 80.0)  # padded to whole cells of this U-Net
    assert np.array_equal(first.frames, engine.coarse(request, silent()).frames)
    assert not np.array_equal(first.frames, engine.coarse(replace(request, seed=6), silent()).frames)


def test_s1_of_a_large_picture_has_a_quarter_of_the_pixels(stock, engine, monkeypatch):
    asked = []
    monkeypatch.setattr("backend.engines.svd.generation.generated", lambda _model, wanted, *_a, **_k: asked.append(wanted) or _stop())
    for size, canvas in (((1920, 1080), (512, 288)), ((1024, 576), (512, 288)), ((576, 1024), (288, 512)), ((300, 200), (304, 208))):
        with pytest.raises(Cancelled):
            engine.coarse(coarse_request(stock, picture=picture(*size)), silent())
        assert (asked[-1].canvas.width, asked[-1].canvas.height) == canvas


def _stop():
    raise Cancelled


def test_conditioned_weights_follow_the_masks_and_only_where_there_are_some(small, engine, scene):
    request = fine_request(small["conditioned"], scene)
    done = fine.run(request, silent())
    assert done.frames.shape == (5, *scene[0].shape) and done.fps == 12.0
    assert done.report["conditioned"] == 1.0 and done.report["dual_clock"] == 0.0
    nothing = np.zeros_like(request.labels)
    empty = engine.fine(replace(request, labels=nothing, confidence=nothing), silent())
    unsure = engine.fine(replace(request, confidence=request.confidence // 4), silent())
    assert not np.array_equal(done.frames, empty.frames) and not np.array_equal(done.frames, unsure.frames)
    silent_parts = engine.fine(replace(request, confidence=nothing), silent())
    assert np.array_equal(silent_parts.frames, empty.frames)  # a mask that nobody trusts is no mask
    by_signal = engine.fine(replace(request, mode="dual-clock"), silent())
    assert by_signal.report["dual_clock"] == 1.0 and not np.array_equal(by_signal.frames, done.frames)


def test_stock_weights_are_led_to_a_target_pose(small, engine, scene):
    """By dual-clock denoising on what ``reproject`` shows on the way there; the person is found in the picture first."""
    from tests.backend.truth import TAKES, _pictures, truth_of

    motion = truth_of(TAKES[0])
    shown = _pictures(_frame_of(motion, 0), TAKES[0])[0]
    start = CoarseRequest(shown, engine="svd", frames=3, fps=8.0, seed=5, preset="draft", model=str(small["stock"]))
    target = _frame_of(motion, -1)
    done = engine.coarse(replace(start, target=target), silent())
    assert done.report["dual_clock"] == 1.0 and done.frames.shape == (3, *shown.shape)
    assert not np.array_equal(done.frames, engine.coarse(start, silent()).frames)


def test_the_steps_that_are_planned_are_those_that_run(small, home):
    model, memory = load_model(small["stock"]), Memory(home, "m")
    noise = Led(np.zeros((2, 32, 32, 3), np.uint8), torch.zeros(2, 4, 4, dtype=torch.bool), Depths(1.0, 0.5))
    canvas = canvas_for(32, 32, 64 * 48, 16)
    for preset in PRESETS[:2]:
        for depths in (None, Depths(74.5, 31.0), Depths(1e6, 0.0), Depths(700.0, 700.0), Depths(3.0, 3.0)):
            led = None if depths is None else replace(noise, depths=depths)
            wanted = Wanted(picture(32, 32), canvas, 2, 8.0, 127, 0, preset, led=led)
            made = generated(model, wanted, memory, silent())
            assert made.plan.setting.full + made.plan.setting.reused == made.steps


def test_s1_of_conditioned_weights_aims_at_a_target_pose(small, engine, scene):
    shown, _, motion = scene
    target = _frame_of(motion, -1)
    request = coarse_request(small["conditioned"], picture=shown, target=target)
    aimed, free = engine.coarse(request, silent()), engine.coarse(replace(request, target=None), silent())
    assert not np.array_equal(aimed.frames, free.frames) and aimed.report["dual_clock"] == 0.0
    assert len(aimed.frames) == 8 and aimed.fps == 14.0  # a small model has nothing to spare


def test_the_target_pose_is_a_mask_of_half_confidence_in_the_last_frame_alone(scene):
    canvas = canvas_for(256, 192, 256 * 192, 16)
    channels = aimed_channels(_frame_of(scene[2], -1), canvas, 4, 8)
    assert channels.shape == (4, 2, 24, 32) and not channels[:3].any()
    assert 0.49 < float(channels[3, 1].max()) <= 0.51  # where a part fills its cell
    there = channels[3, 1] > 0.25
    assert there.sum() > 20 and there[:, :12].sum() < there[:, 12:].sum()  # where the person ends, not where they begin


def _frame_of(motion: Clip, frame: int) -> Clip:
    body, at = motion.bodies[0], [frame]
    still = replace(body, rotations=body.rotations[at], translation=body.translation[at], confidence=body.confidence[at])
    camera = replace(motion.camera, T_world_camera=motion.camera.T_world_camera[at])
    return replace(motion, camera=camera, tracks=(still,))


def test_stock_weights_follow_by_dual_clock(small, engine, scene, monkeypatch):
    """Held to the end, the latents of the bodies' cells are the signal's own, bit for bit; beside them they are not."""
    signals, ends = [], []
    real_encode, real_decode = generation.encode_frames, generation.decoded
    monkeypatch.setattr(generation, "encode_frames", lambda *a: signals.append(real_encode(*a)) or signals[-1])
    monkeypatch.setattr(generation, "decoded", lambda vae, latents, *a, **k: ends.append(latents) or real_decode(vae, latents, *a, **k))
    request = fine_request(small["stock"], scene)
    done = fine.run(request, silent())
    assert done.report["dual_clock"] == 1.0 and done.frames.shape == (5, *scene[0].shape)
    engine.fine(replace(request, sigma_strong=0.0), silent())
    canvas = canvas_for(256, 192, 64 * 48, 16)
    cells = maps_on_canvas(request.labels, canvas, 1)[:, ::8, ::8] > 0  # the nearest pixel decides
    assert 0.02 < cells.mean() < 0.5
    same = (ends[-1][0] == signals[-1][0]).all(dim=1).numpy()
    assert np.array_equal(same, cells)
    assert not (ends[0][0] == signals[0][0]).all(dim=1).any()


def test_the_stock_call_comes_out_where_both_depths_lie_above_all_noise(small, engine, scene):
    """Nothing is held and sampling starts from pure noise: S3 is plain SVD on the picture."""
    shown, _, motion = scene
    loose = engine.fine(fine_request(small["stock"], scene, sigma_weak=1e6, sigma_strong=1e6), silent())
    same = engine.coarse(coarse_request(small["stock"], picture=shown, frames=motion.n_frames, fps=12.0, strength=0.7), silent())
    assert loose.report["bucket"] == same.report["bucket"] and np.array_equal(loose.frames, same.frames)


def test_clips_longer_than_the_models_are_made_in_windows(stock, engine):
    done = engine.coarse(coarse_request(stock, frames=14), silent())
    assert done.frames.shape[0] == 7 and done.report["windows"] == 3.0


def test_steps_are_told_and_shown_and_cancel_leaves_the_engine_usable(stock, engine):
    told, shown = [], []
    progress = Progress(lambda fraction, words: told.append((fraction, words)), show=shown.append, show_due=lambda: True)
    engine.coarse(coarse_request(stock, picture=picture(100, 70)), progress)
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions) and all(f"Step {n} of {STEPS}" in {words for _, words in told} for n in range(1, STEPS + 1))
    assert len(shown) == STEPS and shown[0].shape[0] == 4 and shown[0].dtype == np.uint8
    assert abs(shown[0].shape[2] / shown[0].shape[1] - 10 / 7) < 0.3

    seen: list[str] = []
    leaving = Progress(lambda _fraction, words: seen.append(words), lambda: f"Step 3 of {STEPS}" in seen)
    with pytest.raises(Cancelled):
        engine.coarse(coarse_request(stock), leaving)
    assert seen[-1] == f"Step 3 of {STEPS}"
    assert engine.coarse(coarse_request(stock), silent()).frames.shape == (4, 32, 32, 3)


def test_figures_of_a_run_add_up_and_the_next_run_is_predicted_from_them(stock, engine, home):
    report = engine.coarse(coarse_request(stock), silent()).report
    assert report["memory_peak"] > 0.0 and report["memory_predicted"] > 0.0 and report["predicted_from_runs"] == 0.0
    parts = report["seconds_unet"] + report["seconds_vae"] + report["seconds_around"]
    assert abs(parts - report["seconds"]) < 1e-6 and report["seconds_unet"] > report["seconds_around"] > 0.0
    assert (home / "video_model_calibration.json").is_file()
    again = engine.coarse(coarse_request(stock, frames=6), silent()).report
    assert again["predicted_from_runs"] == 1.0 and 0.2 < again["seconds_predicted"] / again["seconds"] < 5.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mode": "conditioned"}, "not trained to follow part masks"),
        ({"mode": "magic"}, "no way of following 'magic'"),
        ({"sigma_weak": 1.0, "sigma_strong": 2.0}, "must not lie below"),
        ({"preset": "fastest"}, "no preset 'fastest'"),
        ({"model": ""}, "No video model is chosen"),
        ({"model": "/nowhere/at/all"}, "There is no folder"),
        ({"model": "owner/name"}, "not downloaded yet"),
    ],
)
def test_what_cannot_be_done_is_said(small, engine, scene, changes, words):
    with pytest.raises((InputError, EngineError), match=words):
        engine.fine(fine_request(small["stock"], scene, **changes), silent())


def test_masks_of_another_shape_are_refused(stock, scene):
    request = fine_request(stock, scene)
    for labels in (request.labels[:-1], request.labels[:, :, :100], request.labels[0]):
        with pytest.raises(InputError, match="part masks"):
            fine.run(replace(request, labels=labels, confidence=np.ascontiguousarray(labels)), silent())
    wrong = np.where(request.labels > 0, np.uint8(200), np.uint8(0))
    with pytest.raises(InputError, match="label 200"):
        fine.run(replace(request, labels=wrong), silent())
    with pytest.raises(InputError, match="another aspect ratio"):
        coarse.run(coarse_request(stock, picture=picture(64, 64), target=_frame_of(scene[2], -1)), silent())


def test_values_that_are_no_numbers_end_the_job_and_not_the_engine(tmp_path, stock):
    folder = tiny_folder(tmp_path / "model")
    from safetensors.torch import load_file, save_file

    file = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    weights["conv_out.bias"] = torch.full_like(weights["conv_out.bias"], float("nan"))
    save_file(weights, file, metadata={"format": "pt"})
    engine = SvdEngine()
    with pytest.raises(EngineError, match=rf"no numbers at step 1 of {STEPS}.*another seed"):
        engine.coarse(coarse_request(folder), silent())
    assert engine.coarse(coarse_request(stock), silent()).frames.any()


@pytest.mark.parametrize(
    "error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("can't allocate memory: you tried")]
)
def test_too_little_memory_is_a_sentence_and_the_model_is_let_go(stock, monkeypatch, error):
    engine = SvdEngine()
    before = engine.coarse(coarse_request(stock), silent())

    def full(*_arguments, **_options):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("backend.engines.svd.generation.denoise", full)
        with pytest.raises(EngineError, match=r"not enough memory on cpu.*fewer frames"):
            engine.coarse(coarse_request(stock), silent())
    assert engine._model is None
    assert np.array_equal(engine.coarse(coarse_request(stock), silent()).frames, before.frames)


def test_other_failures_stay_what_they_are(stock, engine, monkeypatch):
    def broken(*_arguments, **_options):
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("backend.engines.svd.generation.denoise", broken)
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        engine.coarse(coarse_request(stock), silent())


def test_new_weights_in_the_same_folder_are_seen(tmp_path):
    folder, engine = tiny_folder(tmp_path / "model", seed=0), SvdEngine()
    first = engine.coarse(coarse_request(folder), silent())
    same = engine._model
    engine.coarse(coarse_request(folder), silent())
    assert engine._model is same
    tiny_folder(folder, seed=9)
    assert not np.array_equal(engine.coarse(coarse_request(folder), silent()).frames, first.frames)


def test_nothing_of_torch_is_loaded_to_know_what_the_engine_can_do():
    source = Path(engine_module.__file__).read_text()
    top = [line for line in source.splitlines() if line.startswith(("import torch", "from torch", "import diffusers"))]
    assert top == [] and SvdEngine().ability().fine


def test_a_folder_of_another_pipeline_is_named(tmp_path, engine):
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "FluxPipeline"}))
    with pytest.raises(EngineError, match="FluxPipeline"):
        engine.coarse(coarse_request(tmp_path), silent())
