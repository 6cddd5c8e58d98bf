"""Rendered clips: labels where the pixels are, one first frame for several motions, held-out things never trained on."""

import json

import numpy as np
import pytest

from backend.errors import InputError
from backend.raster.part_masks import part_masks
from backend.training.renders.motions import bank, motions_of
from backend.training.renders.scenes import Format, RenderedClip, scene
from backend.training.renders.writing import Wanted, write_dataset
from backend.training.video.dataset import ClipFolder
from revision_blender.masks.labels import FIRST_ANIMAL, FIRST_HUMAN, FIRST_OBJECT
from revision_blender.motion.clip_file import load_clip

FORM = Format(clips=3)


def _of_kind(kind: str) -> tuple[RenderedClip, ...]:
    for seed in range(40):
        rng_first = scene(seed, "train", Format(clips=1))
        if rng_first[0].kind == kind:
            return scene(seed, "train", FORM)
    raise AssertionError(f"no scene of kind {kind} among forty")


@pytest.fixture(scope="module", params=("human", "animal", "box"))
def clips(request: pytest.FixtureRequest) -> tuple[RenderedClip, ...]:
    return _of_kind(request.param)


def test_a_scene_comes_again_bit_for_bit(clips: tuple[RenderedClip, ...]) -> None:
    again = scene(int(clips[0].name[1:7]), "train", FORM)
    for one, other in zip(clips, again, strict=True):
        assert np.array_equal(one.frames, other.frames) and np.array_equal(one.labels, other.labels)


def test_all_clips_of_a_scene_share_their_first_frame(clips: tuple[RenderedClip, ...]) -> None:
    for other in clips[1:]:
        assert np.array_equal(clips[0].frames[0], other.frames[0])
        assert np.array_equal(clips[0].labels[0], other.labels[0])


def test_labels_are_those_of_the_clip_and_of_its_kind(clips: tuple[RenderedClip, ...]) -> None:
    for clip in clips:
        assert np.array_equal(clip.labels, part_masks(clip.clip))
        present = np.unique(clip.labels[clip.labels > 0])
        low, high = {"human": (FIRST_HUMAN, FIRST_ANIMAL), "animal": (FIRST_ANIMAL, FIRST_OBJECT), "box": (FIRST_OBJECT, FIRST_OBJECT + 8)}[
            clip.kind
        ]
        assert len(present) > 0 and present.min() >= low and present.max() < high


def test_pixels_change_where_the_labels_do_and_hardly_elsewhere(clips: tuple[RenderedClip, ...]) -> None:
    """The background stands still (but for the shadow, which dims and is soft); what moves is under a label before or after."""
    for clip in clips:
        first, last = clip.frames[0].astype(int), clip.frames[-1].astype(int)
        change = np.abs(last - first).max(axis=-1)
        touched = _grown((clip.labels[0] > 0) | (clip.labels[-1] > 0))
        assert change[touched].mean() > 10.0 * max(change[~touched].mean(), 0.2)


def _grown(mask: np.ndarray) -> np.ndarray:
    grown = mask.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            grown |= np.roll(mask, step, axis)
    return grown


def test_motions_part_in_the_second_half(clips: tuple[RenderedClip, ...]) -> None:
    """Neither standing still nor another clip's path explains a clip: that is what makes following a mask measurable."""
    assert np.mean([_iou(clip.labels[0], image) for clip in clips for image in clip.labels[FORM.frames // 2 :]]) < 0.25
    left, right = (clips[index].labels[FORM.frames // 2 :] for index in (0, 1))
    assert np.mean([_iou(a, b) for a, b in zip(left, right, strict=True)]) < 0.1


def _iou(one: np.ndarray, other: np.ndarray) -> float:
    a, b = one > 0, other > 0
    return float((a & b).sum() / max((a | b).sum(), 1))


def test_nothing_is_shared_between_the_splits() -> None:
    for kind in ("human", "animal"):
        train, held_out = motions_of("train", kind), motions_of("held_out", kind)
        assert train and held_out
        assert not {motion.group for motion in train} & {motion.group for motion in held_out}
        assert len(train) + len(held_out) == sum(motion.kind == kind for motion in bank())
    one, other = scene(3, "train", Format(clips=1))[0], scene(3, "held_out", Format(clips=1))[0]
    assert one.name != other.name and not np.array_equal(one.frames, other.frames)


def test_the_bank_holds_rotations_on_a_floor() -> None:
    for motion in bank():
        rotations = motion.rotations.reshape(-1, 3, 3)
        assert np.allclose(rotations @ rotations.swapaxes(-1, -2), np.eye(3), atol=1e-6)
        assert motion.seconds >= 1.0
        turned, moved = motion.window(0.1, 8, 8.0)
        assert turned.shape == (8, *motion.rotations.shape[1:]) and moved.shape == (8, 3)


@pytest.mark.parametrize("size", [48, 96])
def test_other_sizes_show_the_same_scene(size: int) -> None:
    small, large = scene(1, "train", Format(size=size, clips=1))[0], scene(1, "train", Format(clips=1))[0]
    assert small.frames.shape == (8, size, size, 3)
    shares = [(clip.labels > 0).mean() for clip in (small, large)]
    assert shares[0] == pytest.approx(shares[1], rel=0.15)


def test_a_dataset_is_read_back_as_it_was_rendered(tmp_path) -> None:
    folder = tmp_path / "data"
    assert write_dataset(Wanted(folder, clips=4, seed=7, format=Format(clips=2))) == 4
    facts = json.loads((folder / "dataset.json").read_text())
    assert facts == {"version": 1, "fps": 8.0, "size": [64, 64], "frames": 8}
    rendered = [clip for seed in (7, 8) for clip in scene(seed, "train", Format(clips=2))]
    packed = ClipFolder(folder)
    assert list(packed.names) == [clip.name for clip in rendered]
    for name in ("frames.npy", "labels.npy", "names.json"):
        (folder / "packed" / name).unlink()
    unpacked = ClipFolder(folder)
    rng = np.random.default_rng(0)
    for index, clip in enumerate(rendered):
        for read in (packed.clip(index, rng), unpacked.clip(index, rng)):
            assert np.array_equal(read.frames, clip.frames) and np.array_equal(read.labels, clip.labels)
        again = load_clip(folder / "clips" / clip.name / "clip.npz")
        assert np.array_equal(part_masks(again), clip.labels)


def test_a_folder_with_something_in_it_is_refused(tmp_path) -> None:
    (tmp_path / "old").write_text("")
    with pytest.raises(InputError, match="not empty"):
        write_dataset(Wanted(tmp_path, clips=1))
    with pytest.raises(InputError, match="positive"):
        Wanted(tmp_path, clips=0)
