"""The judges' laws: geometry exact both ways, weights that come back, training that learns."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from backend.engines.svd.patch_codec import PatchCodec
from backend.errors import EngineError, InputError
from backend.evaluation.agreement import figure_iou
from backend.evaluation.lifter import Lifted, Lifter, in_camera, lifted, load_lifter, placed
from backend.evaluation.lifter_training import about_root, lifter_loss, save_lifter, train_lifter, truth_of
from backend.evaluation.segmenter import N_LABELS, Segmenter, load_segmenter, segmented
from backend.evaluation.segmenter_training import Lesson, codec_softening, save_segmenter, train_segmenter
from backend.raster.part_masks import part_masks
from revision_blender.motion.bodies.body_model import identity_of, joints_of, open_human
from revision_blender.motion.camera import static_camera
from tests.evaluation.evaluation_samples import people, some_clips


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def quiet(_words: str) -> None:
    pass


@settings(deadline=None)
@given(st.floats(-2.0, 2.0), st.floats(-2.0, 2.0), st.floats(0.5, 20.0), st.floats(30.0, 300.0))
def test_places_go_to_the_camera_and_back(x: float, y: float, z: float, focal: float) -> None:
    camera = static_camera(64, 48, focal, 1)
    joint = np.array([[x, y, z]])
    assert np.allclose(in_camera(placed(joint, camera), camera), joint, atol=1e-9)


class Knowing(torch.nn.Module):
    """Answers with the truth."""

    def __init__(self, answer: Lifted) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, labels: torch.Tensor) -> Lifted:
        return self.answer


@pytest.mark.parametrize("index", range(3))
def test_true_answers_become_the_true_motion(index: int) -> None:
    shown = people()[index]
    truth = truth_of((shown,), None)
    clip = lifted(Knowing(Lifted(truth.rotations, truth.place, truth.betas)), shown.labels, shown.clip.camera, shown.clip.fps)
    mine, true = clip.bodies[0], shown.person
    joints, wanted = (joints_of(identity_of(open_human(), body.betas), body.rotations, body.translation) for body in (mine, true))
    assert np.abs(joints - wanted).max() < 2e-3
    assert figure_iou(part_masks(clip), shown.labels) > 0.98
    assert clip.camera.n_frames == 8 and clip.fps == shown.clip.fps


def test_joints_about_the_root_are_the_bodys_own() -> None:
    body = people()[0].person
    model = open_human()
    mine = about_root(torch.from_numpy(body.rotations)[None].float(), model)[0].numpy()
    joints = joints_of(identity_of(model, np.zeros(0)), body.rotations, body.translation)
    assert np.abs(mine - (joints - joints[:, :1])).max() < 1e-4


def test_a_lifters_rotations_are_rotations_whatever_it_sees() -> None:
    torch.manual_seed(0)
    net = Lifter()
    torch.nn.init.normal_(net.pose.weight, std=0.5)
    labels = torch.randint(0, N_LABELS, (2, 3, 64, 64), dtype=torch.uint8)
    rotations = net(labels).rotations
    assert rotations.shape == (2, 3, 24, 3, 3)
    assert torch.allclose(rotations @ rotations.mT, torch.eye(3).expand_as(rotations), atol=1e-4)
    assert torch.allclose(torch.linalg.det(rotations), torch.ones(2, 3, 24), atol=1e-4)


def test_the_loss_is_zero_at_the_truth_and_nowhere_near() -> None:
    truth = truth_of(people()[:2], None)
    index = torch.arange(2)
    right = Lifted(truth.rotations, truth.place, truth.betas)
    assert float(lifter_loss(right, truth, index, open_human())) < 1e-6
    assert float(lifter_loss(right, truth, index.flip(0), open_human())) > 0.1


def test_clips_of_no_person_teach_no_lifter() -> None:
    others = tuple(one for one in some_clips() if one.person is None)
    with pytest.raises(InputError, match="one person alone"):
        truth_of(others, None)


def test_weights_come_back_and_damage_is_said(tmp_path: Path) -> None:
    torch.manual_seed(0)
    segmenter, lifter = Segmenter().half().float().eval(), Lifter().half().float().eval()
    save_segmenter(segmenter, tmp_path)
    save_lifter(lifter, tmp_path)
    shown = some_clips()[0]
    assert np.array_equal(
        segmented(load_segmenter(tmp_path), shown.frames, shown.frames[0]), segmented(segmenter, shown.frames, shown.frames[0])
    )
    labels = torch.from_numpy(shown.labels)[None]
    assert torch.equal(load_lifter(tmp_path)(labels).place, lifter(labels).place)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 3_000_000
    with pytest.raises(EngineError, match="is missing"):
        load_segmenter(tmp_path / "nowhere")
    (tmp_path / "segmenter.safetensors").write_bytes((tmp_path / "segmenter.safetensors").read_bytes()[:5000])
    with pytest.raises(EngineError, match="train it again"):
        load_segmenter(tmp_path)
    (tmp_path / "segmenter.safetensors").write_bytes((tmp_path / "lifter.safetensors").read_bytes())
    with pytest.raises(EngineError, match="does not fit"):
        load_segmenter(tmp_path)


def test_a_codec_of_pickles_is_not_opened(tmp_path: Path) -> None:
    PatchCodec().save_pretrained(tmp_path / "vae")
    codec_softening((), tmp_path / "vae")
    weights = load_file(tmp_path / "vae" / "diffusion_pytorch_model.safetensors")
    (tmp_path / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    torch.save(weights, tmp_path / "vae" / "diffusion_pytorch_model.bin")
    with pytest.raises(OSError, match="safetensors"):
        codec_softening((), tmp_path / "vae")


def test_a_frame_is_segmented_the_same_whatever_stands_beside_it() -> None:
    torch.manual_seed(0)
    net, shown = Segmenter().eval(), some_clips()[0]
    together = segmented(net, shown.frames, shown.frames[0])
    alone = np.concatenate([segmented(net, frame[None], shown.frames[0]) for frame in shown.frames])
    assert (together == alone).mean() > 0.999


@pytest.mark.slow
def test_the_segmenter_learns_a_few_clips() -> None:
    shown = some_clips()[:2]
    said: list[str] = []
    net = train_segmenter(shown, Lesson(minutes=1.0, steps=220, seed=1), codec_softening(shown, None), said.append)
    found = [figure_iou(segmented(net, one.frames, one.frames[0]), one.labels) for one in shown]
    assert min(found) > 0.5, found
    assert len(said) >= 10


@pytest.mark.slow
def test_the_lifter_learns_a_few_clips() -> None:
    truth = truth_of(people()[:4], None)
    index, model = torch.arange(4), open_human()
    before = train_lifter(truth, Lesson(steps=1), quiet)
    after = train_lifter(truth, Lesson(minutes=1.0, steps=60, seed=1), quiet)
    labels = torch.from_numpy(truth.labels[:, 0])
    with torch.inference_mode():
        losses = [float(lifter_loss(net(labels), truth, index, model)) for net in (before, after)]
    assert losses[1] < 0.7 * losses[0], losses
