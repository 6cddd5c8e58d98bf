"""The measures of lifts: truth itself reaches every bar, and empty, constant or swapped answers do not."""

from dataclasses import replace

import numpy as np
import pytest

from backend.evaluation.lifting.evaluate import Report, missed
from backend.evaluation.lifting.matching import identity_switches, matched, overlaps
from backend.evaluation.lifting.measures import body_length, joints_world, procrustes_errors, turning_errors
from backend.evaluation.lifting.real import VIDEO_BARS, Ball, Reference, filled, references, score_video
from backend.evaluation.lifting.scenes import SCENES, TruthScene, drawn_scene
from backend.evaluation.lifting.scoring import BARS, Figures, score
from backend.lifting.objects.contour import contour_points
from revision_blender.motion.camera import static_camera
from revision_blender.motion.clip import BodyTrack, Clip, GroundPlane, ObjectTrack, Track
from revision_blender.motion.rotation import matrix_from_axis_angle
from revision_blender.motion.subjects import Prompt
from revision_blender.wire.requests import LiftResult

FEW = 8


@pytest.fixture(scope="module")
def everything() -> TruthScene:
    return drawn_scene(next(scene for scene in SCENES if scene.name == "everything"), FEW)


@pytest.fixture(scope="module")
def crossing() -> TruthScene:
    return drawn_scene(next(scene for scene in SCENES if scene.name == "crossing"), FEW)


def _labels(visible: np.ndarray) -> np.ndarray:
    return (visible * np.arange(1, len(visible) + 1, dtype=np.uint8)[:, None, None, None]).max(axis=0)


def _result(clip: Clip, visible: np.ndarray) -> LiftResult:
    people = np.zeros(visible.shape[1:], np.uint8)
    return LiftResult(clip, clip, people, np.zeros((clip.n_frames, 33, 3), np.float32), visible=_labels(visible))


def _of_truth(scene: TruthScene, tracks: tuple[Track, ...] | None = None) -> LiftResult:
    return _result(scene.clip if tracks is None else scene.clip.with_tracks(tracks), scene.visible)


def _bars(figures: Figures) -> set[str]:
    return {sentence.split(" is ")[0] for sentence in missed(figures, BARS)}


def test_truth_reaches_every_bar(everything: TruthScene):
    figures = score(everything, _of_truth(everything))
    assert set(BARS) <= set(figures)
    assert missed(figures, BARS) == []
    assert figures["PA-MPJPE mm"] < 1e-3
    assert figures["thing IoU"] == 1.0


def test_an_empty_answer_misses_every_bar_that_asks_for_subjects(everything: TruthScene):
    empty = _result(replace(everything.clip, tracks=()), everything.visible[:0].any(axis=0)[None] & False)
    assert set(BARS) - _bars(score(everything, empty)) == {"camera degrees"}  # the camera was given


def _constant(track: Track) -> Track:
    """The first frame for ever; bodies in their rest pose."""
    if isinstance(track, ObjectTrack):
        return replace(track, points=np.repeat(track.points[:1], track.n_frames, axis=0))
    rotations = np.tile(np.eye(3), (*track.rotations.shape[:2], 1, 1))
    rotations[:, 0] = track.rotations[:1, 0]
    return replace(
        track, rotations=rotations, translation=np.repeat(track.translation[:1], track.n_frames, axis=0), betas=0.0 * track.betas
    )


def test_a_constant_answer_misses_the_bars_of_joints_and_masks(everything: TruthScene):
    """Everybody at rest where the first frame shows them, and a camera that stands still."""
    truth = everything.clip
    still = replace(truth.camera, T_world_camera=np.repeat(truth.camera.T_world_camera[:1], FEW, axis=0))
    constant = replace(truth, camera=still, tracks=tuple(_constant(track) for track in truth.tracks))
    figures = score(everything, _result(constant, np.repeat(everything.visible[:, :1], FEW, axis=1)))
    assert {"PA-MPJPE mm", "animal IoU", "animal joints by rest", "thing IoU", "camera degrees"} <= _bars(figures), figures
    assert figures["animal joints by rest"] == pytest.approx(1.0)


def test_a_thing_known_by_what_shows_alone_misses_the_bar_of_hidden_outlines(everything: TruthScene):
    """The box at its true depth, with the points of its true visible mask."""
    number = next(place for place, track in enumerate(everything.clip.tracks) if isinstance(track, ObjectTrack))
    camera, box = everything.clip.camera, everything.clip.tracks[number]
    assert isinstance(box, ObjectTrack)
    depth = camera.to_camera(box.points)[..., 2:]
    pixels = np.stack([contour_points(mask.astype(np.uint8)) for mask in everything.visible[number]])
    points_camera = np.concatenate([(pixels - camera.center) / camera.focal * depth, depth], axis=2)
    T = camera.T_world_camera
    seen = replace(box, points=np.einsum("fij,fnj->fni", T[:, :3, :3], points_camera) + T[:, None, :3, 3])
    tracks = tuple(seen if place == number else track for place, track in enumerate(everything.clip.tracks))
    assert _bars(score(everything, _of_truth(everything, tracks))) == {"hidden outline %"}


def test_a_camera_that_stands_still_is_no_answer_to_any_camera_that_turns():
    for scene in SCENES:
        if scene.shot.moves:
            eyes = scene.shot.eyes(24)
            turn = eyes[0].R_floor_camera.T @ eyes[-1].R_floor_camera
            assert np.degrees(np.arccos((np.trace(turn) - 1.0) / 2.0)) > 2.0 * BARS["camera degrees"].limit, scene.name


def test_people_exchanged_in_depth_are_out_of_order(crossing: TruthScene):
    first, second = crossing.clip.bodies
    gap = np.array([0.0, 0.0, 3.0])
    swapped = (replace(first, translation=first.translation + gap), second)
    assert score(crossing, _of_truth(crossing, swapped))["depth order"] < 0.2
    assert score(crossing, _of_truth(crossing))["depth order"] == 1.0


def test_a_missing_person_is_missed_and_a_ghost_is_counted(crossing: TruthScene):
    alone = _result(crossing.clip.with_tracks(crossing.clip.tracks[:1]), crossing.visible[:1])
    assert "people missed" in _bars(score(crossing, alone))
    assert "depth order" in _bars(score(crossing, alone))
    ghost = np.zeros_like(crossing.visible[:1])
    extra = replace(crossing.clip.bodies[0], track_id="person_9")
    three = _result(crossing.clip.with_tracks((*crossing.clip.tracks, extra)), np.concatenate([crossing.visible, ghost]))
    assert score(crossing, three)["people too many"] == 1.0


@pytest.mark.parametrize(("swaps", "counted"), [((), 0), ((4,), 2), ((2, 5), 4)])
def test_a_swap_of_two_people_counts_as_two_changes(crossing: TruthScene, swaps: tuple[int, ...], counted: int):
    found = crossing.visible.copy()
    for frame in swaps:
        found[:, frame:] = found[::-1, frame:]
    assert identity_switches(overlaps(crossing.visible, found)) == counted


def test_people_who_are_hidden_for_a_while_are_no_switch(crossing: TruthScene):
    found = crossing.visible.copy()
    found[1, 3:5] = False
    assert identity_switches(overlaps(crossing.visible, found)) == 0


def test_the_match_is_by_what_is_seen_not_by_the_order_of_tracks(crossing: TruthScene):
    assert matched(overlaps(crossing.visible, crossing.visible[::-1])) == {0: 1, 1: 0}
    assert matched(overlaps(crossing.visible, crossing.visible[:0])) == {}


def test_procrustes_forgives_a_similarity_and_nothing_else():
    rng = np.random.default_rng(1)
    joints = rng.normal(size=(3, 24, 3))
    R = matrix_from_axis_angle(rng.normal(size=3))
    np.testing.assert_allclose(procrustes_errors(1.7 * joints @ R.T + [0.3, -1.0, 5.0], joints), 0.0, atol=1e-9)
    assert procrustes_errors(joints * [1.0, 1.0, -1.0], joints).min() > 0.1  # a mirror image is another body
    moved = joints.copy()
    moved[:, 0] += 0.24
    assert 0.0 < procrustes_errors(moved, joints).max() < 0.24


def test_the_turn_between_cameras_is_read_in_degrees():
    still = static_camera(64, 48, 60.0, 4)
    turned = still.T_world_camera.copy()
    turned[:, :3, :3] = matrix_from_axis_angle(np.radians([0.0, 1.0, 2.0, 5.0])[:, None] * np.array([0.0, 1.0, 0.0]))
    np.testing.assert_allclose(turning_errors(still, replace(still, T_world_camera=turned)), [0.0, 1.0, 2.0, 5.0], atol=1e-6)


def test_the_quadruped_is_as_long_as_its_rest_pose_says(everything: TruthScene):
    dog = next(track for track in everything.clip.bodies if track.family == "smal")
    assert 0.6 < body_length(dog) < 0.95
    assert np.linalg.norm(joints_world(dog)[0, 32] - joints_world(dog)[0, 25]) == pytest.approx(body_length(dog), rel=0.15)


def test_the_report_says_what_is_missed_and_keeps_numbers(tmp_path):
    report = Report({"walk": {"PA-MPJPE mm": float("nan"), "camera degrees": 0.5}}, {}, {"crossing": "Nothing moves."})
    assert report.missed == ("crossing: Nothing moves.", "walk: PA-MPJPE mm is nan, <= 90 is wanted")
    report.save(tmp_path / "figures.json")
    assert '"PA-MPJPE mm": null' in (tmp_path / "figures.json").read_text()


def test_the_drawn_outlines_are_closed_shapes_of_a_sensible_size():
    known = {reference.name: reference for reference in references()}
    assert set(known) == {"dog_and_person", "ball_juggler"}
    for reference in known.values():
        assert reference.frames == 48
        assert all(len(reference.drawn_on(subject)) >= 5 for subject in reference.subjects)
        assert len(reference.balls) >= 12
        for points in reference.outlines.values():
            assert len(points) >= 40
            assert 0.005 < filled(points, (720, 1280)).mean() < 0.1
    assert not set(known["dog_and_person"].gone) & set(known["dog_and_person"].balls)


def _ball_reference() -> Reference:
    square = np.array([[20.0, 10.0], [40.0, 10.0], [40.0, 40.0], [20.0, 40.0]])
    prompt = Prompt("ball", "object", 0, (8.0, 8.0, 16.0, 16.0), label="ball")
    return Reference("a", "a.mp4", 0, 3, 12.0, {("man", 0): square}, {0: Ball(12.0, 12.0, 4.0), 1: Ball(30.0, 12.0, 4.0)}, (2,), (prompt,))


def _ball_result(pixels: list[tuple[float, float]], confidence: list[float]) -> LiftResult:
    camera = static_camera(64, 48, 60.0, 3)
    points = np.zeros((3, 21, 3))
    points[..., 2] = 2.0
    points[..., :2] = (np.array(pixels)[:, None] - camera.center) / camera.focal * 2.0
    track = ObjectTrack("ball", "ball", np.full(3, 0.2), points, np.array(confidence))
    clip = Clip(12.0, camera, GroundPlane(np.array([0.0, -1.0, 0.0]), np.array([0.0, 1.0, 0.0])), (track,))
    return _result(clip, np.zeros((1, 3, 48, 64), bool))


@pytest.mark.parametrize(
    ("pixels", "confidence", "within", "none"),
    [
        ([(13, 12), (31, 13), (31, 13)], [1.0, 1.0, 0.0], 1.0, 0.0),
        ([(13, 12), (13, 12), (13, 12)], [1.0, 1.0, 1.0], 0.5, 1.0),  # a ball that never moves
        ([(13, 12), (31, 13), (31, 13)], [0.0, 0.0, 0.0], 0.0, 0.0),
    ],
)
def test_a_ball_is_where_its_track_says_on_frames_that_show_it(pixels, confidence, within, none):
    figures = score_video(_ball_reference(), _ball_result(pixels, confidence))
    assert figures["ball within its radius"] == within
    assert figures["ball where none is"] == none
    assert "man followed is 0, >= 1 is wanted" in missed(figures, VIDEO_BARS)
    assert np.isnan(figures["man IoU"])


def test_bodies_are_needed_for_the_person_of_a_video(crossing: TruthScene):
    """A lifted person whose outline is the drawn one is found whatever its name."""
    camera = crossing.clip.camera
    edge = np.argwhere(crossing.alone[1, 0])[:, ::-1]
    low, high = edge.min(axis=0), edge.max(axis=0) + 1.0
    box = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]], float)
    reference = Reference("a", "a.mp4", 0, FEW, 12.0, {("woman", 0): box}, {}, (), ())
    renamed = tuple(replace(track, track_id=f"p{n}") for n, track in enumerate(crossing.clip.bodies))
    assert isinstance(renamed[0], BodyTrack)
    shown = _of_truth(crossing, renamed)
    shown = replace(shown, people=np.zeros((FEW, camera.height, camera.width), np.uint8))
    figures = score_video(reference, shown)
    assert 0.3 < figures["woman IoU"] < 0.8
    assert figures["woman followed"] == 1.0
