"""Keys: any source rate, on subframes or resampled, thinned within a stated error that the scene's own curves keep."""

import tarfile
from pathlib import Path

import bpy
import numpy as np
import pytest
from scene_samples import import_sample, random_rotations, sample_clip

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"


def imported(room, scene, clip, **options):
    options = {name: options.pop(name) for name in ("start_frame", "camera_given") if name in options} | {
        "keys": room("revision_blender.scene.keys").KeyOptions(**options)
    }
    return import_sample(room, scene, clip, **options)


def curves(room, rig) -> dict[tuple[str, int], bpy.types.FCurve]:
    return {(curve.data_path, curve.array_index): curve for curve in room("revision_blender.scene.actions").curves_of(rig)}


def rotations_shown(room, rig, frames) -> np.ndarray:
    """``(F, J, 4)`` what the rotation curves evaluate to, of unit length, in the rig's joint order."""
    found = curves(room, rig)
    names = room("revision_blender.scene.rigs.rig").rest_of(rig).names
    paths = [f'pose.bones["{name}"].rotation_quaternion' for name in names]
    values = np.array([[[found[path, index].evaluate(frame) for index in range(4)] for path in paths] for frame in frames])
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def angles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Radians between unit quaternions."""
    near = np.minimum(np.linalg.norm(a - b, axis=-1), np.linalg.norm(a + b, axis=-1))
    return 4.0 * np.arcsin(np.minimum(near / 2.0, 1.0))


@pytest.mark.parametrize(
    ("fps", "scene_fps", "base", "start"),
    [(7.0, 24, 1.0, 1.0), (29.97, 24, 1.001, 10.25), (120.0, 30, 1.0, -3.5), (23.976, 24, 1.0, 0.5)],
)
def test_keys_lie_at_the_clips_own_times_and_the_scene_keeps_its_own(room, scene, fps, scene_fps, base, start):
    scene.render.fps, scene.render.fps_base = scene_fps, base
    scene.frame_start, scene.frame_end = 3, 77
    clip = sample_clip(room, 6, fps=fps, size=0.9)
    take = imported(room, scene, clip, start_frame=start)
    expected = start + np.arange(6) / fps * scene_fps / base
    for curve in curves(room, bpy.data.objects[take.bodies[0][1]]).values():
        points = curve.keyframe_points
        np.testing.assert_allclose([point.co.x for point in points], expected, atol=1e-5)
        assert all(point.type == "GENERATED" and point.interpolation == "LINEAR" for point in points)
        assert all(point.handle_left.x <= point.co.x <= point.handle_right.x for point in points)
    assert (scene.render.fps, scene.frame_start, scene.frame_end, scene.frame_current) == (scene_fps, 3, 77, 1)


def test_the_range_grows_to_hold_the_take_when_asked(room, scene):
    scene.frame_start, scene.frame_end = 12, 20
    imported(room, scene, sample_clip(room, 6, fps=7.0), start_frame=10.5, extend_scene_range=True)
    assert (scene.frame_start, scene.frame_end) == (10, 28)  # 10.5 + 5 / 7 * 24 = 27.6


@pytest.mark.parametrize(("fps", "start"), [(7.0, 1.0), (50.0, 2.3)])
def test_resampled_keys_lie_on_whole_frames_along_geodesics(room, scene, fps, start):
    clip = sample_clip(room, 7, fps=fps, size=0.9, moving=True)
    take = imported(room, scene, clip, resample=True, start_frame=start)
    rig = bpy.data.objects[take.bodies[0][1]]
    whole = np.arange(np.ceil(start), np.floor(start + 6 / fps * 24) + 1)
    owners = (rig, bpy.data.objects[take.camera_name])
    for owner in owners:
        for curve in curves(room, owner).values():
            assert [point.co.x for point in curve.keyframe_points] == whole.tolist()
    wanted, places = room("revision_blender.motion.resample").sampled(
        clip.bodies[0].rotations, clip.bodies[0].translation, (whole - start) / 24 * fps
    )
    from dataclasses import replace

    shown = replace(take, fps=24.0, n_frames=len(whole), start_frame=float(whole[0]))
    found = room("revision_blender.scene.capture").capture_clip(scene, shown).bodies[0]
    assert room("revision_blender.motion.rotation").angle_between(found.rotations, wanted).max() < 1e-4
    assert np.abs(found.translation - places).max() < 1e-5


def test_a_clip_between_two_whole_frames_keeps_a_key(room, scene):
    take = imported(room, scene, sample_clip(room, 1), resample=True, start_frame=4.4)
    assert {len(curve.keyframe_points) for curve in curves(room, bpy.data.objects[take.bodies[0][1]]).values()} == {1}


def smooth_clip(room, frames: int, fps: float):
    """Slow random turns of every joint, as bodies make them."""
    from dataclasses import replace

    few = sample_clip(room, 2 + frames // 12, size=0.5, fps=fps)
    person = few.bodies[0]
    at = np.linspace(0.0, few.n_frames - 1.0, frames)
    ease = np.floor(at) + 0.5 - 0.5 * np.cos(np.pi * (at - np.floor(at)))
    rotations, translation = room("revision_blender.motion.resample").sampled(person.rotations, person.translation, ease)
    clip = sample_clip(room, frames, fps=fps)
    return clip.with_tracks((replace(clip.bodies[0], rotations=rotations, translation=translation),))


@pytest.mark.parametrize(("error", "root_error", "resample"), [(0.02, 0.005, False), (0.003, None, False), (0.02, 0.005, True)])
def test_thinned_curves_stay_within_the_stated_error(room, scene, error, root_error, resample):
    scene.render.fps = 24
    clip = smooth_clip(room, 60, 30.0)
    full = imported(room, scene, clip, resample=resample)
    thin = import_sample(
        room, scene, clip, take_id="thin", name="Thin",
        keys=room("revision_blender.scene.keys").KeyOptions(resample=resample, error=error, root_error=root_error),
    )  # fmt: skip
    rigs = [bpy.data.objects[take.bodies[0][1]] for take in (full, thin)]
    frames = np.array([point.co.x for point in next(iter(curves(room, rigs[0]).values())).keyframe_points])
    assert angles(*(rotations_shown(room, rig, frames) for rig in rigs)).max() <= error
    root = 'pose.bones["pelvis"].location'
    places = [np.array([[curves(room, rig)[root, index].evaluate(frame) for index in range(3)] for frame in frames]) for rig in rigs]
    assert np.linalg.norm(places[0] - places[1], axis=-1).max() <= (root_error or error)
    counts = [sum(len(curve.keyframe_points) for curve in curves(room, rig).values()) for rig in rigs]
    assert counts[1] < 0.6 * counts[0]
    again = room("revision_blender.scene.take").find_take(scene, "thin")
    assert again.keys.error == error and again.keys.resample == resample


def test_thinned_keys_are_whole_and_smooth(room, scene):
    take = imported(room, scene, smooth_clip(room, 40, 24.0), error=0.02)
    found = curves(room, bpy.data.objects[take.bodies[0][1]])
    for path in {path for path, _ in found}:
        columns = [curve for (other, _), curve in found.items() if other == path]
        times = [[point.co.x for point in curve.keyframe_points] for curve in columns]
        assert all(row == times[0] for row in times)  # all channels of a bone have their keys at the same frames
        for point in (point for curve in columns for point in list(curve.keyframe_points)[1:-1]):
            assert point.interpolation == "BEZIER" and point.handle_left_type == "ALIGNED" and point.type == "GENERATED"
            before, after = point.co - point.handle_left, point.handle_right - point.co
            assert abs(before.y / before.x - after.y / after.x) < 1e-3  # no corner


def test_thinning_real_mocap(room, scene, tmp_path):
    archive = SHARED / "mocap/cmu_bvh.tar.xz"
    if not archive.is_file():
        pytest.skip(f"no motion capture at {archive}")
    with tarfile.open(archive) as opened:
        member = next(member for member in opened if member.name.endswith("walking_1.bvh"))
        file = tmp_path / "walking_1.bvh"
        file.write_bytes(opened.extractfile(member).read())
    shelf = room("revision_blender.motion.bodies.shelf").BodyShelf(None)
    options = room("revision_blender.motion.files.motion_file").ReadOptions()
    motion = room("revision_blender.motion.files.reading").read_motion(file, shelf, options)
    scene.render.fps = 24
    full = import_sample(room, scene, motion.clip, camera_given=motion.camera_given)
    keys = room("revision_blender.scene.keys").KeyOptions(error=0.01)
    thin = import_sample(room, scene, motion.clip, take_id="thin", camera_given=motion.camera_given, keys=keys)
    rigs = [bpy.data.objects[take.bodies[0][1]] for take in (full, thin)]
    frames = full.scene_frames(scene)[::3]
    assert angles(*(rotations_shown(room, rig, frames) for rig in rigs)).max() <= 0.01
    counts = [sum(len(curve.keyframe_points) for curve in curves(room, rig).values()) for rig in rigs]
    assert counts[1] < 0.25 * counts[0]  # 120 frames a second


@pytest.mark.parametrize("error", [0.0, -1.0, float("nan"), float("inf")])
def test_errors_that_say_nothing_are_refused(room, error):
    with pytest.raises(room("revision_blender.scene.errors").SceneError, match="thinned"):
        room("revision_blender.scene.keys").KeyOptions(error=error)


def test_motion_from_the_refiner_is_keyed_as_the_take_was(room, scene):
    clip = smooth_clip(room, 40, 30.0)
    take = imported(room, scene, clip, resample=True, error=0.02)
    list(room("revision_blender.scene.take").apply_motion(scene, take, clip, role="refined"))
    refined = curves(room, bpy.data.objects[take.bodies[0][1]])
    assert all(point.co.x == round(point.co.x) for curve in refined.values() for point in curve.keyframe_points)
    assert sum(len(curve.keyframe_points) for curve in refined.values()) < 0.6 * 32 * len(refined)


def test_far_from_the_origin_places_lose_only_what_32_bits_lose(room, scene):
    from dataclasses import replace

    clip = sample_clip(room, 4)
    far = clip.bodies[0].translation + np.linspace(0.0, 70.0, 4)[:, None] * np.array([1.0, 0.0, 0.0])
    clip = clip.with_tracks((replace(clip.bodies[0], translation=far, rotations=random_rotations(room, 4, 24, 0.5, 3)),))
    take = imported(room, scene, clip)
    found = room("revision_blender.scene.capture").capture_clip(scene, take).bodies[0]
    assert np.abs(found.translation - far).max() < 1e-5
