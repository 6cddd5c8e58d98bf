"""The bundled engine on a picture made here: frame 0 is the picture, the background stands still, the person has no holes."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from backend.engines.quality import flicker, psnr
from backend.engines.registry import abilities, engine, engines
from backend.engines.reproject.animate import animate
from backend.engines.reproject.background import homographies
from backend.engines.reproject.engine import video_sized
from backend.engines.reproject.inpaint import filled
from backend.engines.reproject.mover import actors_of, eased, skin_of
from backend.engines.reproject.texture import mirror_vertices
from backend.errors import InputError
from backend.progress import silent
from backend.raster.part_masks import part_masks
from backend.stages import coarse, fine
from revision_blender.motion.bodies.body_model import open_human
from revision_blender.motion.camera import Camera, static_camera
from revision_blender.motion.clip import BodyTrack, Clip, GroundPlane
from revision_blender.motion.rotation import angle_between, matrix_from_axis_angle
from revision_blender.wire.requests import CoarseRequest, FineRequest

WIDTH, HEIGHT, FRAMES = 256, 192, 5
UPRIGHT = np.diag([1.0, -1.0, -1.0])


def clip_of(frames: int = FRAMES, sideways: float = 0.0, turn: float = 0.0) -> Clip:
    """A person who faces the camera, walks sideways by so many metres and turns by so many radians, arms half down."""
    t = np.linspace(0.0, 1.0, frames)
    rotations = np.tile(np.eye(3), (frames, 24, 1, 1))
    rotations[:, 0] = UPRIGHT @ matrix_from_axis_angle(np.array([[0.0, turn * x, 0.0] for x in t]))
    rotations[:, 16], rotations[:, 17] = matrix_from_axis_angle(np.array([[0.0, 0.0, -0.8], [0.0, 0.0, 0.8]]))
    translation = np.stack([sideways * t, np.full(frames, 0.1), np.full(frames, 3.2)], -1)
    track = BodyTrack("person_1", "smpl", "open_human", np.zeros(10), rotations, translation, np.ones((frames, 24)))
    ground = GroundPlane(np.array([0.0, -1.0, 0.0]), np.array([0.0, 1.2, 3.2]))
    return Clip(12.0, static_camera(WIDTH, HEIGHT, 300.0, frames), ground, (track,))


def person_of(clip: Clip) -> NDArray[np.bool_]:
    """The person with a coat: the projected body, grown."""
    return cv2.dilate((part_masks(clip)[0] > 0).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0


def picture_of(clip: Clip) -> NDArray[np.uint8]:
    """A red person before a textured wall."""
    rng = np.random.default_rng(3)
    wall = cv2.GaussianBlur(rng.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.float32), (0, 0), 1.5)
    person = np.array([200.0, 40.0, 30.0]) + rng.normal(0.0, 8.0, (HEIGHT, WIDTH, 3))
    return np.clip(np.where(person_of(clip)[..., None], person, wall * [0.2, 1.0, 1.0]), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def source() -> Clip:
    return clip_of()


def test_frame_0_is_the_picture_and_what_no_person_touches_never_changes(source: Clip) -> None:
    picture, motion = picture_of(source), clip_of(sideways=0.5, turn=0.6)
    result = animate(picture, source, motion, 42, silent(), person_of(source))
    assert result.frames.shape == (FRAMES, HEIGHT, WIDTH, 3) and result.fps == 12.0
    assert psnr(result.frames[0], picture) >= 45.0
    assert result.report["uncovered"] == 0.0
    labels = part_masks(motion)
    ever = cv2.dilate((labels > 0).any(axis=0).astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    assert (result.frames[:, ~ever] == picture[~ever]).all()  # bit for bit
    assert flicker(result.frames, labels) < 0.05


def test_the_person_arrives_whole_and_leaves_nothing_behind(source: Clip) -> None:
    picture, motion = picture_of(source), clip_of(sideways=0.9)
    last = animate(picture, source, motion, 42, silent(), person_of(source)).frames[-1].astype(int)
    red = (last[..., 0] > last[..., 1] + 60) & (last[..., 0] > last[..., 2] + 60)
    there = part_masks(motion)[-1] > 0
    assert red[cv2.erode(there.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0].mean() > 0.99
    assert red[~cv2.dilate(there.astype(np.uint8), np.ones((21, 21), np.uint8)).astype(bool)].mean() < 0.002


def test_a_body_is_drawn_on_the_frames_it_is_on_and_one_of_a_later_shot_never(source: Clip) -> None:
    there = np.arange(FRAMES) < 3
    (person,) = source.bodies
    gone = replace(person, confidence=np.repeat(there[:, None], 24, axis=1).astype(float))
    later = replace(person, track_id="other", translation=person.translation + np.array([0.6, 0.0, -0.4]), confidence=1.0 - gone.confidence)
    picture = picture_of(source)
    cut, whole = (
        animate(picture, clip, clip, 1, silent(), person_of(source)).frames for clip in (source.with_tracks((gone, later)), source)
    )
    assert np.array_equal(cut[:3], whole[:3])
    red = (cut[..., 0] > 120) & (cut[..., 1] < 90) & (cut[..., 2] < 90)
    assert red[:3].sum(axis=(1, 2)).min() > 1000 and red[3:].sum() == 0


def test_a_back_that_was_never_seen_is_dressed_too(source: Clip) -> None:
    picture, motion = picture_of(source), clip_of(frames=13, turn=np.pi)
    last = animate(picture, source, motion, 42, silent(), person_of(source)).frames[-1].astype(int)
    inside = cv2.erode((part_masks(motion)[-1] > 0).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert (last[inside][:, 0] > last[inside][:, 1] + 60).mean() > 0.97


def test_same_request_same_pixels(source: Clip) -> None:
    picture, motion = picture_of(source), clip_of(turn=0.5)
    first, second = (animate(picture, source, motion, 7, silent(), person_of(source)).frames for _ in range(2))
    assert np.array_equal(first, second)


def test_an_edit_of_frame_0_is_reached_from_the_picture(source: Clip) -> None:
    edited = clip_of(frames=13)
    track = edited.bodies[0]
    bent = track.rotations @ matrix_from_axis_angle(np.array([0.0, 0.0, 0.3]))
    led = eased(source.bodies[0], replace(track, rotations=bent, translation=track.translation + 0.2), 12.0)
    assert angle_between(led.rotations[0], source.bodies[0].rotations[0]).max() < 1e-6
    np.testing.assert_allclose(led.translation[0], source.bodies[0].translation[0])
    assert angle_between(led.rotations[6:], bent[6:]).max() < 1e-6
    np.testing.assert_allclose(led.translation[6:], track.translation[6:] + 0.2)


def test_the_plate_follows_the_cameras_turn() -> None:
    start = static_camera(WIDTH, HEIGHT, 300.0, 1)
    angle = 0.1
    poses = np.eye(4)[None].repeat(2, axis=0)
    poses[1, :3, :3] = matrix_from_axis_angle(np.array([0.0, angle, 0.0]))
    turned = Camera(WIDTH, HEIGHT, 300.0, start.center, poses)
    H = homographies(start, turned, 10.0)
    np.testing.assert_allclose(H[0], np.eye(3), atol=1e-12)
    moved = H[1] @ [start.center[0], start.center[1], 1.0]
    assert moved[0] / moved[2] == pytest.approx(start.center[0] - 300.0 * np.tan(angle))


def test_filling_keeps_what_is_known_and_goes_on_with_it() -> None:
    stripes = np.tile((np.arange(120) // 6 % 2 * 160 + 40).astype(np.uint8)[:, None, None], (1, 160, 3))
    hole = np.zeros((120, 160), bool)
    hole[20:100, 60:100] = True
    result = filled(stripes, hole)
    assert np.array_equal(result[~hole], stripes[~hole])
    assert np.abs(result.astype(int) - stripes).mean() < 12.0
    assert np.array_equal(filled(stripes, np.zeros_like(hole)), stripes)
    assert filled(stripes, np.ones_like(hole)).shape == stripes.shape


def test_mirror_twins_lie_on_the_other_side() -> None:
    template = open_human().v_template
    twin = mirror_vertices(template)
    assert np.median(np.linalg.norm(template[twin] * [-1.0, 1.0, 1.0] - template, axis=1)) < 0.01


def test_two_bodies_are_one_skin_with_joints_of_their_own(source: Clip) -> None:
    other = replace(source.bodies[0], track_id="person_2", translation=source.bodies[0].translation + np.array([0.8, 0.0, 0.5]))
    both = source.with_tracks((source.bodies[0], other))
    skin = skin_of(actors_of(both, both))
    n = open_human().n_vertices
    assert skin.weights.shape == (2 * n, 48) and not skin.weights[:n, 24:].any()
    picture = picture_of(source)
    assert psnr(animate(picture, both, both, 1, silent(), person_of(both)).frames[0], picture) >= 45.0


def test_photographs_are_brought_to_a_videos_size() -> None:
    photo = np.zeros((3000, 4501, 3), np.uint8)
    assert video_sized(photo).shape == (1280, 1920, 3)
    small = photo[:721, :1281]
    assert video_sized(small) is small


def test_engines_are_chosen_by_name() -> None:
    assert engines()[0] == "reproject" and engine("reproject") is engine("reproject")
    assert [ability.name for ability in abilities()] == list(engines())
    with pytest.raises(InputError, match="reproject, svd"):
        engine("sora")


def test_requests_that_do_not_fit_are_refused_in_a_sentence(source: Clip) -> None:
    picture, maps = picture_of(source), np.zeros((FRAMES, HEIGHT, WIDTH), np.uint8)
    bad_pictures = (np.zeros((0, 0, 3), np.uint8), np.zeros((20, 20000, 3), np.uint8), np.zeros((64, 64), np.uint8))
    for bad in bad_pictures:
        with pytest.raises(InputError):
            coarse.run(CoarseRequest(bad), silent())
    for request, words in (
        (CoarseRequest(picture, frames=0), "0 frames"),
        (CoarseRequest(picture, fps=0.0), "rate is 0"),
        (CoarseRequest(picture, strength=1.5), "strength is 1.5"),
        (CoarseRequest(picture, target=source), "one pose"),
        (CoarseRequest(picture, engine="x"), "no engine 'x'"),
    ):
        with pytest.raises(InputError, match=words):
            coarse.run(request, silent())
    for request, words in (
        (FineRequest(picture, source, source, maps[:2], maps[:2]), "do not fit"),
        (FineRequest(picture, source, source.with_tracks(()), maps, maps), "no body"),
        (FineRequest(picture[:, :60], source, source, maps, maps), "aspect"),
        (FineRequest(picture, source, source.with_tracks((replace(source.bodies[0], track_id="z"),)), maps, maps), "'z'"),
    ):
        with pytest.raises(InputError, match=words):
            fine.run(request, silent())
