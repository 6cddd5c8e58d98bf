"""Whole lifts of rendered scenes: what every result keeps to, one track again, cuts, and what there is nothing to lift in."""

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest

from backend.errors import InputError
from backend.evaluation.lifting.figures import BoxPart
from backend.evaluation.lifting.scenes import SCENES, TruthScene, drawn_scene
from backend.progress import Progress, silent
from backend.stages.lift import lift_picture, run
from revision_blender.motion.clip import BodyTrack, ObjectTrack
from revision_blender.motion.subjects import Click, Prompt
from revision_blender.wire.requests import LiftRequest, LiftResult

FRAMES = 5


@cache
def scene() -> TruthScene:
    """Somebody who waves, and a box that slides past."""
    found = next(one for one in SCENES if one.name == "box_slides")
    parts = tuple(replace(part, end=(0.9, 0.45)) if isinstance(part, BoxPart) else part for part in found.parts)
    return drawn_scene(replace(found, parts=parts), FRAMES)


def request(**changes: object) -> LiftRequest:
    return replace(LiftRequest(frames=scene().frames, fps=12.0, prompts=scene().prompts), **changes)


@cache
def whole() -> LiftResult:
    return run(request(), silent())


def _noise(frames: int, height: int = 96, width: int = 128) -> np.ndarray:
    return np.tile(np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8), (frames, 1, 1, 1))


def test_everything_lands_in_one_world():
    result, clip = whole(), whole().clip
    assert [track.track_id for track in clip.tracks] == ["person_1", "box"]
    assert isinstance(clip.tracks[0], BodyTrack) and isinstance(clip.tracks[1], ObjectTrack)
    assert np.array_equal(clip.camera.T_world_camera[0], np.eye(4))
    assert result.raw.camera is clip.camera and result.raw.ground is clip.ground
    assert result.visible.shape == scene().frames.shape[:3] and set(np.unique(result.visible)) == {0, 1, 2}
    for place, truth in enumerate(scene().visible):
        both, either = ((result.visible == place + 1) & truth).sum(), ((result.visible == place + 1) | truth).sum()
        assert both / either > 0.85
    truth = scene().clip
    for found, true in zip(clip.tracks, truth.tracks, strict=True):
        depths = [
            camera.to_camera(track.translation[:, None] if isinstance(track, BodyTrack) else track.points[:, -1:])[..., 2]
            for track, camera in ((found, clip.camera), (true, truth.camera))
        ]
        assert np.abs(depths[0] / depths[1] - 1.0).max() < 0.15
    assert np.degrees(np.arccos(clip.ground.normal @ truth.ground.normal)) < 6.0


def test_the_report_speaks_of_every_track():
    report = whole().report
    for name in ("person_1", "box"):
        assert report[f"{name}/frames_seen"] == FRAMES
        assert 0.3 < report[f"{name}/confidence"] <= 1.0
        assert report[f"{name}/silhouette_iou"] > 0.75
    assert report["person_1/landmark_error"] == report["landmark_error_median"] < 0.03
    assert report["depth_order"] == 1.0 and report["ground_confidence"] > 0.3 and report["shots"] == 1.0


def test_one_track_again_leaves_all_others_as_they_were():
    known = whole().clip
    for name in ("box", "person_1"):
        again = run(request(only=name, known=known), silent()).clip
        assert [track.track_id for track in again.tracks] == ["person_1", "box"]
        assert np.array_equal(again.camera.T_world_camera, known.camera.T_world_camera)
        assert np.array_equal(again.ground.normal, known.ground.normal) and np.array_equal(again.ground.point, known.ground.point)
        for old, new in zip(known.tracks, again.tracks, strict=True):
            same = all(np.array_equal(a, b) for a, b in zip(_arrays(old), _arrays(new), strict=True))
            assert same == (new.track_id != name) or new.track_id == name
            if new.track_id != name:
                assert same
            else:
                assert np.abs(_middle(old) - _middle(new)).max() < 0.6


def test_a_track_that_nobody_knew_is_added_and_one_that_is_nowhere_is_refused():
    known = whole().clip
    alone = replace(known, tracks=known.tracks[:1])
    again = run(request(only="box", known=alone), silent()).clip
    assert [track.track_id for track in again.tracks] == ["person_1", "box"]
    with pytest.raises(InputError, match="no track 'dog'"):
        run(request(only="dog", known=known), silent())
    with pytest.raises(InputError, match="was not given"):
        run(request(only="box"), silent())
    with pytest.raises(InputError, match="lift everything again"):
        run(request(only="box", known=known, frames=scene().frames[:2], prompts=()), silent())


def _arrays(track):
    if isinstance(track, BodyTrack):
        return (track.betas, track.rotations, track.translation, track.confidence)
    return (track.points, track.size, track.confidence)


def _middle(track):
    return track.translation if isinstance(track, BodyTrack) else track.points[:, -1]


def test_a_cut_is_found_and_each_shot_lifted_by_itself():
    other = np.ascontiguousarray(255 - scene().frames[:3, :, ::-1])  # another place: mirrored, in other colours
    result = run(request(frames=np.concatenate([scene().frames[:3], other])), silent())
    assert result.shots.tolist() == [0, 3] and "a cut, at frame 4" in result.notes
    names = [track.track_id for track in result.clip.tracks]
    assert names[:2] == ["person_1", "box"] and all(name.endswith(" shot 2") for name in names[2:])
    for name, track in zip(names, result.clip.tracks, strict=True):
        trusted = np.asarray(track.confidence).reshape(6, -1).max(axis=1) > 0.0
        assert trusted.tolist() == ([False] * 3 + [True] * 3 if name.endswith("shot 2") else [True] * 3 + [False] * 3)
    assert not np.isin(result.visible[3:], (1, 2)).any()


def test_one_picture_is_a_clip_of_one_frame():
    fractions: list[float] = []
    result = lift_picture(scene().frames[0], Progress(lambda fraction, _words: fractions.append(fraction)), focal=700.0)
    assert result.clip.n_frames == 1 and result.clip.camera.focal == 700.0 and result.shots.tolist() == [0]
    assert result.visible.shape == (1, *scene().frames.shape[1:3])
    assert fractions == sorted(fractions) and fractions[-1] == 1.0


def test_only_what_is_shown_is_lifted_where_people_are_not_looked_for():
    result = run(request(people=False), silent())
    assert [track.track_id for track in result.clip.tracks] == ["box"]
    assert not result.people.any() and not result.landmarks.any()
    assert "was guessed" in result.notes and result.report["ground_confidence"] == 0.0
    with pytest.raises(InputError, match="no subject is shown"):
        run(request(people=False, prompts=()), silent())


def test_a_large_picture_is_worked_on_small_and_answered_large():
    large = np.stack([cv2.resize(frame, (1920, 1440), interpolation=cv2.INTER_CUBIC) for frame in scene().frames[:2]])
    prompts = tuple(
        replace(
            prompt,
            box=None if prompt.box is None else tuple(3.0 * value for value in prompt.box),
            clicks=tuple(Click(3.0 * click.x, 3.0 * click.y, click.part) for click in prompt.clicks),
        )
        for prompt in scene().prompts
        if prompt.frame < 2
    )
    result = run(LiftRequest(frames=large, fps=12.0, prompts=prompts), silent())
    small = run(request(frames=scene().frames[:2], prompts=tuple(prompt for prompt in scene().prompts if prompt.frame < 2)), silent())
    assert (result.clip.camera.width, result.clip.camera.height) == (1920, 1440)
    assert result.people.shape == result.visible.shape == (2, 1440, 1920)
    for a, b in zip(result.clip.tracks, small.clip.tracks, strict=True):
        pixels = [clip.camera.project(_middle(track)[:, None])[0] for track, clip in ((a, result.clip), (b, small.clip))]
        assert np.abs(pixels[0] / 3.0 - pixels[1]).max() < 8.0
    assert np.abs(result.landmarks[..., :2] / 3.0 - small.landmarks[..., :2])[small.landmarks[..., 2] > 0.5].max() < 12.0


def test_a_portrait_video_is_lifted_as_it_stands():
    frames = np.ascontiguousarray(scene().frames[:2, :, 150:470])
    result = run(LiftRequest(frames=frames, fps=12.0), silent())
    assert (result.clip.camera.width, result.clip.camera.height) == (320, 480) and len(result.clip.bodies) == 1


@pytest.mark.parametrize(("frames", "words"), [(1, "No person was found in the picture"), (3, "any of the 3 frames")])
def test_nothing_is_said_to_be_nothing(frames, words):
    with pytest.raises(InputError, match=words):
        run(LiftRequest(frames=_noise(frames)), silent())


def test_what_is_shown_is_lifted_even_where_nobody_is_found():
    frames = np.full((3, 96, 128, 3), 90, np.uint8)
    for index in range(3):
        cv2.circle(frames[index], (40 + 6 * index, 60), 9, (220, 40, 30), -1)
    result = run(LiftRequest(frames=frames, prompts=(Prompt("ball", "object", 0, (30.0, 50.0, 50.0, 70.0), (), "ball"),)), silent())
    assert [track.track_id for track in result.clip.tracks] == ["ball"]
    centers = result.clip.camera.project(result.clip.tracks[0].points[:, -1:])[0][:, 0]
    assert np.abs(centers - [[40.5, 60.5], [46.5, 60.5], [52.5, 60.5]]).max() < 3.0


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (Prompt("box", "object", 99, (1.0, 1.0, 20.0, 20.0)), "shown on frame 99"),
        (Prompt("box", "object", 0, (900.0, 1.0, 950.0, 20.0)), "outside the picture"),
        (Prompt("box", "object", 0, None, (Click(10.0, 900.0),)), "outside the picture"),
    ],
)
def test_what_is_shown_outside_the_video_is_refused(prompt, words):
    with pytest.raises(InputError, match=words):
        run(request(prompts=(prompt,)), silent())


def test_unknown_choices_are_refused_with_the_known_ones():
    with pytest.raises(InputError, match="There is no provider 'nobody'"):
        run(request(providers=("people=nobody",)), silent())
    with pytest.raises(InputError, match="kind=name"):
        run(request(providers=("people",)), silent())
    with pytest.raises(InputError, match="At most 0 people"):
        run(request(most_people=0), silent())


def test_a_provider_that_cannot_run_is_said_and_the_lift_goes_on():
    result = run(request(frames=scene().frames[:1], prompts=(), providers=("people=hmr2",)), silent())
    assert len(result.clip.bodies) == 1
    assert "hmr2 for people could not be used" in result.notes and "mediapipe did it instead" in result.notes


def test_the_lift_can_be_stopped():
    from backend.errors import Cancelled

    with pytest.raises(Cancelled):
        run(request(), Progress(lambda _fraction, _words: None, lambda: True))


def test_lifting_twice_gives_the_same():
    """To the last bit, whatever threads did first and wherever in memory the frames lie."""
    first, second = (run(request(frames=scene().frames[:2].copy()), silent()) for _ in range(2))
    assert [track.track_id for track in first.clip.tracks] == [track.track_id for track in second.clip.tracks]
    for a, b in zip((*first.clip.tracks, *first.raw.tracks), (*second.clip.tracks, *second.raw.tracks), strict=True):
        assert all(np.array_equal(one, other) for one, other in zip(_arrays(a), _arrays(b), strict=True))
    assert np.array_equal(first.clip.ground.normal, second.clip.ground.normal)
    assert np.array_equal(first.landmarks, second.landmarks) and np.array_equal(first.visible, second.visible)
