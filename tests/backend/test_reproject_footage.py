"""The engine's bars on real footage, and its measures. The footage lies beside the project; without it the bars are skipped."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.engines.quality import MAX_PSNR, flicker, measure, overlap, psnr
from backend.engines.reproject.cutout import agreement, cut_out, grown_from
from backend.progress import silent
from backend.raster.part_masks import part_masks
from backend.stages import coarse, decode, fine, lift
from revision_blender.masks.confidence import confidence_maps
from revision_blender.wire.requests import CoarseRequest, DecodeRequest, FineRequest, LiftRequest, VideoResult

SHARED = Path(os.environ.get("REVISION_SHARED_DATA", Path(__file__).parents[2] / "../shared/data"))


def footage(name: str, frames: int) -> VideoResult:
    file = SHARED / "videos" / name
    if not file.is_file():
        pytest.skip(f"{name} is not beside the project; set REVISION_SHARED_DATA to its folder")
    return decode.run(DecodeRequest(np.fromfile(file, np.uint8), frames=frames, stride=2, max_side=640), silent())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "still"), [("ball_juggler.mp4", True), ("tennis.mp4", False)])
def test_the_bars_on_footage(name: str, still: bool) -> None:
    video = footage(name, 8)
    clip = lift.run(LiftRequest(video.frames, video.fps), silent()).clip
    labels = part_masks(clip)
    result = fine.run(FineRequest(video.frames[0], clip, clip, labels, confidence_maps(labels, clip)), silent())
    quality = measure(result.frames, video.frames[0], labels, result.report["uncovered"], still)
    assert quality.first_frame_psnr >= 38.0
    assert quality.uncovered == 0.0
    assert quality.detected >= 0.9
    assert quality.mask_iou >= 0.7
    assert quality.flicker is None or quality.flicker < 0.02


@pytest.mark.slow
def test_s1_starts_with_the_picture_and_ends_in_the_target_pose() -> None:
    video = footage("ball_juggler.mp4", 1)
    picture = video.frames[0]
    target = lift.lift_picture(picture, silent()).clip
    target.bodies[0].translation[0, 0] += 0.4
    result = coarse.run(CoarseRequest(picture, frames=4, fps=10.0, target=target), silent())
    assert result.frames.shape == (4, *picture.shape) and result.fps == 10.0
    assert psnr(result.frames[0], picture) >= 38.0
    change = [float(np.abs(frame.astype(int) - picture).mean()) for frame in result.frames]
    assert change == sorted(change) and change[-1] > 1.0


def test_measures_of_equal_and_different_videos() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    assert psnr(picture, picture) == MAX_PSNR
    assert psnr(np.full_like(picture, 10), np.full_like(picture, 20)) == pytest.approx(28.13, abs=0.01)
    frames, people = np.stack([picture] * 3), np.zeros((3, 40, 60), np.uint8)
    assert flicker(frames, people) == 0.0
    people[:, 15:25, 25:35] = 1
    frames[1, 18:22, 28:32] ^= 255  # the person may change
    assert flicker(frames, people, margin=2) == 0.0
    frames[1, 0, 0] ^= 255
    assert flicker(frames, people, margin=2) > 0.0
    found = np.array([True, False, True])
    assert overlap(people, people, found) == 1.0
    assert overlap(people, np.zeros_like(people), found) == 0.0
    assert overlap(people, people, np.zeros(3, bool)) == 0.0


def test_where_no_detector_helps_the_mask_grows_from_the_mesh() -> None:
    rng = np.random.default_rng(1)
    truth = np.zeros((120, 100), np.uint8)
    cv2.ellipse(truth, (50, 60), (22, 45), 0, 0, 360, 1, -1)
    person = truth > 0
    colours = np.where(person[..., None], [200, 60, 40], [60, 120, 90]) + rng.integers(-12, 12, (120, 100, 3))
    picture = np.clip(colours, 0, 255).astype(np.uint8)
    mesh = cv2.erode(truth, np.ones((5, 5), np.uint8)) > 0
    assert agreement(grown_from(picture, mesh), person) > 0.95 > agreement(mesh, person) - 0.05
    assert not grown_from(picture, np.zeros_like(mesh)).any()
    cutout = cut_out(picture, person)
    assert (cutout.hole & person).sum() == person.sum() and cutout.hole.sum() > person.sum()
    assert np.abs(cutout.colours[cutout.hole] - [200, 60, 40]).max() < 40.0  # no green wall in the person's colours
