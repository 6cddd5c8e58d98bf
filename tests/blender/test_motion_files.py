"""Motion files from the user's side: the menu's operators bring them in, and what goes out comes back the same."""

from pathlib import Path

import bpy
import numpy as np
import pytest
from scene_samples import sample_clip, sample_track

ROTATION, PLACE = 1e-4, 1e-5  # radians, metres


@pytest.fixture
def clip_file(room, tmp_path: Path) -> Path:
    """Two people in a file of our own."""
    clip = sample_clip(room, 5, fps=12.5)
    clip = clip.with_tracks((*clip.bodies, sample_track(room, 5, seed=9, track_id="other", distance=4.5)))
    path = tmp_path / "duet.npz"
    room("revision_blender.motion.clip_file").save_clip(path, clip)
    return path


def takes(room, scene):
    return room("revision_blender.scene.take").find_takes(scene)


def captured(room, scene, take):
    return room("revision_blender.scene.capture").capture_clip(scene, take)


def assert_same_motion(room, wanted, found) -> None:
    angle = room("revision_blender.motion.rotation").angle_between
    assert found.rotations.shape == wanted.rotations.shape
    assert angle(found.rotations, wanted.rotations).max() < ROTATION
    assert np.abs(found.translation - wanted.translation).max() < PLACE


def test_a_script_has_the_motion_in_the_scene_on_return(room, scene, clip_file):
    assert bpy.ops.revision.import_motion(filepath=str(clip_file)) == {"FINISHED"}
    (take,) = takes(room, scene)
    wanted = room("revision_blender.motion.clip_file").load_clip(clip_file)
    found = captured(room, scene, take)
    for left, right in zip(wanted.bodies, found.bodies, strict=True):
        assert_same_motion(room, left, right)
    assert scene.revision.take().name == "duet" == take.collection_name
    assert scene.render.fps == 24 and scene.frame_current == 1


def test_chosen_people_come_alone(room, scene, clip_file):
    bpy.ops.revision.import_motion(filepath=str(clip_file), people="other")
    (take,) = takes(room, scene)
    assert [track_id for track_id, _, _ in take.bodies] == ["other"]


def test_nobody_of_that_name(room, scene, clip_file):
    with pytest.raises(RuntimeError, match="nobody"):
        bpy.ops.revision.import_motion(filepath=str(clip_file), people="nobody")
    assert not takes(room, scene) and not bpy.data.objects and not scene.revision.takes


@pytest.mark.parametrize("name", ["missing.npz", "noise.bvh", "noise.pkl", "noise.pt"])
def test_a_bad_file_gets_one_sentence_and_changes_nothing(room, scene, tmp_path, name):
    if name != "missing.npz":
        (tmp_path / name).write_bytes(bytes(range(256)) * 8)
    with pytest.raises(RuntimeError, match=name):
        bpy.ops.revision.import_motion(filepath=str(tmp_path / name))
    assert not takes(room, scene) and not bpy.data.objects and not bpy.data.actions


def test_an_import_is_one_undo_step(room, scene, clip_file):
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.revision.import_motion(filepath=str(clip_file))
    bpy.ops.ed.undo_push(message="import")  # Blender without a window keeps no step of its own
    bpy.ops.ed.undo()
    assert not takes(room, bpy.context.scene) and not bpy.data.objects
    bpy.ops.ed.redo()
    assert len(takes(room, bpy.context.scene)) == 1


def test_start_range_and_whole_frames(room, scene, clip_file):
    scene.frame_start, scene.frame_end = 1, 3
    scene.frame_set(40)
    bpy.ops.revision.import_motion(filepath=str(clip_file), at_current=True, fit_range=True, timing="WHOLE")
    (take,) = takes(room, scene)
    assert take.start_frame == 40.0 and scene.frame_start == 1 and scene.frame_end == 48
    rig = bpy.data.objects[take.bodies[0][1]]
    curve = next(iter(room("revision_blender.scene.actions").curves_of(rig)))
    assert all(point.co.x == round(point.co.x) for point in curve.keyframe_points)


@pytest.mark.parametrize("kind", ["CLIP", "AMASS", "BVH"])
def test_what_goes_out_comes_back(room, scene, clip_file, tmp_path, kind):
    bpy.ops.revision.import_motion(filepath=str(clip_file))
    (take,) = takes(room, scene)
    out = tmp_path / {"CLIP": "out.npz", "AMASS": "out.npz", "BVH": "out.bvh"}[kind]
    bpy.ops.revision.export_motion(filepath=str(out), format=kind, take=take.take_id, person="other")
    before = captured(room, scene, take)
    bpy.ops.revision.import_motion(filepath=str(out))
    again = takes(room, scene)[1]
    after = captured(room, scene, again)
    wanted = next(track for track in before.bodies if track.track_id == "other")
    found = next((track for track in after.bodies if track.track_id == "other"), after.bodies[0])
    angle = room("revision_blender.motion.rotation").angle_between
    if kind == "CLIP":
        assert_same_motion(room, wanted, found)
        return
    # another world (z up, the ground at 0): joints agree once Blender's world is reached
    assert angle(found.rotations[:, 1:22], wanted.rotations[:, 1:22]).max() < ROTATION
    world = room("revision_blender.motion.axes").T_blender_world
    for track, clip in ((wanted, before), (found, after)):
        assert track.n_frames == clip.n_frames == 5
    R_wanted = world(before)[:3, :3] @ wanted.rotations[:, 0]
    R_found = world(after)[:3, :3] @ found.rotations[:, 0]
    assert angle(R_found, R_wanted).max() < ROTATION


def bounds(objects) -> np.ndarray:
    """Lowest and highest corner of the evaluated meshes, world metres."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    points = []
    for thing in objects:
        evaluated = thing.evaluated_get(depsgraph)
        local = np.empty(3 * len(evaluated.data.vertices), dtype=np.float32)
        evaluated.data.vertices.foreach_get("co", local)
        matrix = np.array(evaluated.matrix_world)
        points.append(local.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3])
    joined = np.concatenate(points)
    return np.stack([joined.min(axis=0), joined.max(axis=0)])


IMPORTERS = {
    "FBX": ("out.fbx", lambda path: bpy.ops.import_scene.fbx(filepath=path, anim_offset=0.0)),
    "ABC": ("out.abc", lambda path: bpy.ops.wm.alembic_import(filepath=path, as_background_job=False)),
    "USD": ("out.usdc", lambda path: bpy.ops.wm.usd_import(filepath=path)),
}


@pytest.mark.filterwarnings("ignore:Setting the shape on a NumPy array:DeprecationWarning")  # Blender's own FBX add-on
@pytest.mark.parametrize("kind", IMPORTERS)
def test_blenders_exporters_write_the_moving_bodies(room, scene, clip_file, tmp_path, kind):
    name, importer = IMPORTERS[kind]
    scene.render.fps = 25  # whole, for the sake of the FBX importer, and twice the rate of the file
    bpy.ops.revision.import_motion(filepath=str(clip_file), people="other")
    (take,) = takes(room, scene)
    body = bpy.data.objects[take.bodies[0][2]]
    wanted = []
    for frame in (1, 3, 5):
        scene.frame_set(frame)
        wanted.append(bounds([body]))
    bpy.ops.revision.export_motion(filepath=str(tmp_path / name), format=kind, take=take.take_id)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=False)
    bpy.context.scene.render.fps = 25
    importer(str(tmp_path / name))
    meshes = [thing for thing in bpy.data.objects if thing.type == "MESH"]
    assert meshes
    for key in (key for mesh in meshes if mesh.data.shape_keys for key in mesh.data.shape_keys.key_blocks):
        key.slider_min, key.slider_max = -10.0, 10.0  # Blender's FBX importer leaves 0 to 1, which would clip what the file says
    for frame, box in zip((1, 3, 5), wanted, strict=True):
        bpy.context.scene.frame_set(frame)
        np.testing.assert_allclose(bounds(meshes), box, atol=2e-3)


def test_export_needs_a_take(scene):
    assert not bpy.ops.revision.export_motion.poll()


def test_the_menus_and_the_drop_know_the_files(scene, room):
    assert bpy.ops.revision.import_motion.poll()
    handler = bpy.types.REVISION_FH_motion
    assert handler.bl_import_operator == "revision.import_motion" and ".bvh" in handler.bl_file_extensions
    with pytest.raises(RuntimeError, match="path"):
        bpy.ops.revision.import_motion()


def test_a_body_of_the_shelf_stands_on_the_ground_and_is_edited_freely(room, scene):
    scene.frame_end = 20
    bpy.ops.revision.add_body(body="open_quadruped", shape="horse")
    bpy.ops.revision.add_body(body="open_human_x")
    horse, person = takes(room, scene)
    assert (horse.collection_name, person.collection_name) == ("horse", "open_human_x")
    for take, (least, most) in ((horse, (1.9, 2.6)), (person, (1.5, 2.0))):
        low, high = bounds([bpy.data.objects[take.bodies[0][2]]])
        assert abs(low[2]) < 2e-3 and least < high[2] < most
        rig = bpy.data.objects[take.bodies[0][1]]
        assert take.n_frames == 20
        assert all(len(curve.keyframe_points) <= 2 for curve in room("revision_blender.scene.actions").curves_of(rig))


def test_the_last_shape_key_of_an_animal_is_its_size(room, scene):
    bpy.ops.revision.add_body(body="open_quadruped", shape="cat")
    (take,) = takes(room, scene)
    rig, body = (bpy.data.objects[name] for name in take.bodies[0][1:])
    low, high = bounds([body])
    assert 0.28 < high[2] < 0.36  # a cat's ears
    sizes = room("revision_blender.motion.bodies.body_size")
    model = room("operators.body_shelf").shelf().load("open_quadruped")
    cat = captured(room, scene, take).bodies[0].betas
    large = sizes.resized(model, cat, 2.44)
    keys = body.data.shape_keys.key_blocks
    assert keys["Size"].slider_min > -1.0 and "Shape 041" not in keys
    for key, value in zip([*(keys[f"Shape {number:03d}"] for number in range(41)), keys["Size"]], large, strict=True):
        key.value = value
    bpy.context.view_layer.update()
    head = np.array(rig.data.bones["head"].head_local)
    bpy.ops.revision.update_joints()
    np.testing.assert_allclose(rig.data.bones["head"].head_local, 2.44 * head, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(captured(room, scene, take).bodies[0].betas, large, atol=1e-6)
    np.testing.assert_allclose(np.ptp(bounds([body]), axis=0), 2.44 * (high - low), rtol=2e-3)


def test_hands_limbs_and_correctives_are_buttons(room, scene):
    bpy.ops.revision.add_body(body="open_human_x")
    (take,) = takes(room, scene)
    rig, body = (bpy.data.objects[name] for name in take.bodies[0][1:])
    before = bounds([body])
    bpy.ops.revision.switch_limb(limb="left_hand", to_ik=True)
    assert rig["ik_left_hand"] == 1.0
    bpy.context.view_layer.update()
    np.testing.assert_allclose(bounds([body]), before, atol=1e-4)
    bpy.ops.revision.bake_limbs()
    assert rig["ik_left_hand"] == 0.0
    bpy.ops.revision.pose_hands(pose="relaxed")
    scene.frame_set(3)
    assert abs(rig.pose.bones["left_index2"].rotation_quaternion.w) < 0.999
    bpy.ops.revision.use_correctives()
    assert not room("revision_blender.scene.rigs.correctives").correctives_used(body)
    body.data.shape_keys.key_blocks["Shape 000"].value = 0.6
    head = rig.data.bones["head"].head_local.z
    bpy.ops.revision.update_joints()
    assert rig.data.bones["head"].head_local.z > head + 0.005


def test_rig_buttons_are_grey_without_a_body(scene):
    for name in ("switch_limb", "bake_limbs", "pose_hands", "use_correctives", "update_joints"):
        assert not getattr(bpy.ops.revision, name).poll()


def test_refine_says_which_body_it_does_not_know(scene, room, monkeypatch):
    monkeypatch.setattr(room("operators.session").current(), "why_no_backend", lambda: "")
    reasons = room("operators.reasons")
    for body, by_optimisation in (("open_human", ""), ("open_quadruped", "open_quadruped")):
        bpy.ops.revision.add_body(body=body)
        scene.revision.refine_method = "prior"
        assert reasons.why_not_refine(scene) == ""
        scene.revision.refine_method = "optimisation"
        assert by_optimisation in reasons.why_not_refine(scene)
        assert bool(reasons.why_not_refine(scene)) == bool(by_optimisation)
