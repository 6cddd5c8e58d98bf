"""Pins, the comparison of motions, and the ghost: what an animator does around Refine, without the backend."""

from dataclasses import replace

import bpy
import numpy as np
import pytest
from scene_samples import import_sample, random_rotations, sample_clip
from test_objects import clip_of, thing

FRAMES = 6
HEAD, ELBOW, WRIST = 15, 18, 20


@pytest.fixture
def taken(room, scene):
    """A lifted take with a refined motion that plays, and its entry in the panel."""
    scene.render.fps = 24
    clip = sample_clip(room, FRAMES, fps=12.0)
    take = import_sample(room, scene, clip)
    entry = scene.revision.takes.add()
    entry.name, entry.take_id, entry.fps = "Person", take.take_id, 12.0
    rig = bpy.data.objects[take.bodies[0][1]]
    bpy.context.view_layer.objects.active = rig
    return clip, take, rig


def refined(room, scene, clip, take):
    moved = clip.with_tracks((replace(clip.bodies[0], rotations=random_rotations(room, FRAMES, 24, 0.3, 9)),))
    list(room("revision_blender.scene.take").apply_motion(scene, take, moved, role="refined"))
    return moved


def captured(room, scene, take):
    return room("revision_blender.scene.capture").capture_for_refine(scene, take)


def vertices(name: str) -> np.ndarray:
    evaluated = bpy.data.objects[name].evaluated_get(bpy.context.evaluated_depsgraph_get())
    found = np.empty(3 * len(evaluated.data.vertices), dtype=np.float32)
    evaluated.data.vertices.foreach_get("co", found)
    return found.reshape(-1, 3)


def select(rig: bpy.types.Object, *names: str) -> None:
    bpy.context.view_layer.objects.active = rig
    for bone in rig.pose.bones:
        (bone if hasattr(bone, "select") else bone.bone).select = bone.name in names


def test_pin_pose_pins_every_joint_at_this_frame_and_clear_lets_go(room, scene, taken):
    clip, take, _ = taken
    scene.frame_set(5)  # clip frame 2
    assert room("operators.pin_counts").sentence(scene, take) == "No pins: every key you set is one"
    assert bpy.ops.revision.pin_pose() == {"FINISHED"}
    asked, (pins,) = captured(room, scene, take)
    assert pins.joints.sum(axis=1).tolist() == [0, 0, 24, 0, 0, 0] and np.flatnonzero(pins.translation).tolist() == [2]
    np.testing.assert_allclose(asked.bodies[0].rotations[2], clip.bodies[0].rotations[2], atol=1e-5)
    assert room("operators.pin_counts").sentence(scene, take) == "25 pinned keys on 1 frame"
    scene.frame_set(1)
    bpy.ops.revision.clear_pins(what="FRAME")
    assert captured(room, scene, take)[1][0].joints.sum() == 24, "another frame's keys went"
    bpy.ops.revision.clear_pins(what="ALL")
    assert not captured(room, scene, take)[1][0].joints.any()


def test_clearing_brings_the_motion_back(room, scene, taken):
    clip, take, rig = taken
    bone = rig.pose.bones["head"]
    for frame in (5, 6.1):  # on a key of the lift, and between two
        bone.rotation_quaternion = (0.70710678, 0.70710678, 0.0, 0.0)
        bone.keyframe_insert("rotation_quaternion", frame=frame)
    assert np.flatnonzero(captured(room, scene, take)[1][0].joints[:, HEAD]).tolist() == [2, 3]
    bpy.ops.revision.clear_pins(what="ALL")
    asked, (pins,) = captured(room, scene, take)
    assert not pins.joints.any()
    np.testing.assert_allclose(asked.bodies[0].rotations, clip.bodies[0].rotations, atol=1e-5)


def test_a_pinned_hand_is_an_empty_whose_place_is_asked_for(room, scene, taken):
    clip, take, rig = taken
    identity = room("revision_blender.motion.bodies.body_model")
    joints = identity.joints_of(
        identity.identity_of(identity.open_human(), clip.bodies[0].betas), clip.bodies[0].rotations, clip.bodies[0].translation
    )
    scene.frame_set(5)
    select(rig, "left_wrist", "left_hand")
    bpy.ops.revision.pin_place()
    (empty,) = [thing for thing in bpy.data.objects if thing.get("revision_role") == "pin"]
    _, (pins,) = captured(room, scene, take)
    assert np.argwhere(np.isfinite(pins.places[..., 0])).tolist() == [[2, WRIST]]
    np.testing.assert_allclose(pins.places[2, WRIST], joints[2, WRIST], atol=1e-4)
    assert room("operators.pin_counts").sentence(scene, take) == "1 pinned hand"
    empty.location.z += 0.25
    moved = captured(room, scene, take)[1][0].places[2, WRIST] - joints[2, WRIST]
    assert abs(np.linalg.norm(moved) - 0.25) < 1e-4
    bpy.ops.revision.clear_pins(what="PLACES")
    assert captured(room, scene, take)[1][0].places is None and len(bpy.data.objects) > 0


def test_a_span_holds_still_and_gives_way_to_later_pins(room, scene, taken):
    _, take, rig = taken
    select(rig, "right_ankle")
    scene.frame_set(3)
    with pytest.raises(RuntimeError, match="no preview range"):
        bpy.ops.revision.pin_place(span="PREVIEW")
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 3, 9
    bpy.ops.revision.pin_place(span="PREVIEW")
    places = captured(room, scene, take)[1][0].places[:, 8]
    assert np.flatnonzero(np.isfinite(places[:, 0])).tolist() == [1, 2, 3, 4]
    assert np.ptp(places[1:5], axis=0).max() < 1e-12
    scene.frame_set(7)
    bpy.ops.revision.pin_place()
    places = captured(room, scene, take)[1][0].places[:, 8]
    assert np.flatnonzero(np.isfinite(places[:, 0])).tolist() == [1, 2, 3]
    assert np.abs(places[3] - places[1]).max() > 1e-3
    assert room("operators.pin_counts").sentence(scene, take) == "2 pinned feet"


def test_pinning_without_a_joint_says_what_to_select(room, scene, taken):
    _, _, rig = taken
    select(rig)
    with pytest.raises(RuntimeError, match="select a wrist, an ankle"):
        bpy.ops.revision.pin_place()
    scene.frame_set(500)
    select(rig, "left_wrist")
    with pytest.raises(RuntimeError, match="lasts from frame 1 to 11"):
        bpy.ops.revision.pin_place()


def test_pins_survive_the_file(room, scene, taken, tmp_path):
    _, take, rig = taken
    scene.frame_set(5)
    select(rig, "left_wrist")
    bpy.ops.revision.pin_place()
    before = captured(room, scene, take)[1][0]
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "pins.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "pins.blend"))
    again = bpy.context.scene
    (loaded,) = room("revision_blender.scene.take").find_takes(again)
    np.testing.assert_array_equal(captured(room, again, loaded)[1][0].places, before.places)


def test_switching_between_lift_and_refined(room, scene, taken):
    clip, take, _ = taken
    assert room("operators.reasons").why_not_compared(scene) == "There is one motion only: Refine makes another"
    moved = refined(room, scene, clip, take)
    motions = room("revision_blender.scene.motions")
    assert motions.roles_of(take) == ("lift", "refined") and motions.shown_role(take) == "refined"
    for role, wanted in (("lift", clip), ("refined", moved)):
        bpy.ops.revision.play_motion(role=role)
        assert motions.shown_role(take) == role
        asked, (pins,) = captured(room, scene, take)
        np.testing.assert_allclose(asked.bodies[0].rotations, wanted.bodies[0].rotations, atol=1e-5)
        assert not pins.joints.any() and not pins.translation.any()
    with pytest.raises(RuntimeError, match="no motion 'Raw'"):
        bpy.ops.revision.play_motion(role="raw")


def test_the_newest_refinement_is_the_one_that_plays(room, scene, taken):
    clip, take, rig = taken
    for _ in range(2):
        refined(room, scene, clip, take)
    newest = rig.animation_data.action
    newest.name = "A renamed one"
    bpy.ops.revision.play_motion(role="lift")
    bpy.ops.revision.play_motion(role="refined")
    assert rig.animation_data.action == newest


def test_the_ghost_plays_the_other_motion_and_leaves_nothing(room, scene, taken):
    clip, take, _ = taken
    body = take.bodies[0][2]
    scene.frame_set(5)
    lifted = vertices(body)
    refined(room, scene, clip, take)
    before = {kind: len(getattr(bpy.data, kind)) for kind in ("objects", "meshes", "materials", "armatures", "actions", "shape_keys")}
    bpy.ops.revision.ghost()
    ghost = bpy.data.objects[f"{body} ghost"]
    assert ghost.hide_select and ghost.hide_render and ghost.show_transparent and not ghost.data.shape_keys
    assert room("revision_blender.scene.ghosts").ghost_role(take) == "lift"
    world = np.array(ghost.evaluated_get(bpy.context.evaluated_depsgraph_get()).matrix_world)
    np.testing.assert_allclose(world, np.array(bpy.data.objects[body].matrix_world), atol=1e-6)
    apart = np.linalg.norm(vertices(ghost.name) - lifted, axis=1)
    assert np.median(apart) < 0.002 and apart.max() < 0.03, "only pose correctives may be missing"
    assert np.linalg.norm(vertices(ghost.name) - vertices(body), axis=1).mean() > 0.02
    assert room("revision_blender.scene.take").find_take(scene, take.take_id).bodies == take.bodies
    bpy.ops.revision.play_motion(role="lift")
    assert room("revision_blender.scene.ghosts").ghost_role(take) == "refined"
    bpy.ops.revision.ghost()
    bpy.ops.outliner.orphans_purge()
    assert {kind: len(getattr(bpy.data, kind)) for kind in before} == before


def test_ghost_and_switch_are_undone(room, scene, taken):
    clip, take, _ = taken
    refined(room, scene, clip, take)
    bpy.ops.ed.undo_push(message="refined")
    bpy.ops.revision.ghost()
    bpy.ops.ed.undo_push(message="ghost")
    bpy.ops.ed.undo()
    again = bpy.context.scene
    take = room("revision_blender.scene.take").find_takes(again)[0]
    assert room("revision_blender.scene.ghosts").ghost_role(take) == "" and not [o for o in bpy.data.objects if "ghost" in o.name]
    bpy.ops.ed.redo()
    take = room("revision_blender.scene.take").find_takes(bpy.context.scene)[0]
    assert room("revision_blender.scene.ghosts").ghost_role(take) == "lift"


@pytest.mark.parametrize("kind", ["rigid", "bending"])
def test_objects_are_pinned_switched_and_haunted(room, scene, kind):
    scene.render.fps = 25
    clip = clip_of(room, thing(room, 6, kind=kind))
    take = import_sample(room, scene, clip)
    entry = scene.revision.takes.add()
    entry.name, entry.take_id = "Ball", take.take_id
    assert captured(room, scene, take)[1] == ()
    bpy.context.view_layer.objects.active = bpy.data.objects[take.objects[0][1]]
    scene.frame_set(5)
    bpy.ops.revision.pin_pose()
    (pins,) = captured(room, scene, take)[1]
    assert pins.track_id == "ball" and np.flatnonzero(pins.translation).tolist() == [2] and pins.joints.shape == (6, 1)
    bpy.ops.revision.clear_pins(what="ALL")
    assert captured(room, scene, take)[1] == ()
    moved = clip.with_tracks((replace(clip.tracks[0], points=clip.tracks[0].points + np.array([0.0, 0.0, 0.4])),))
    list(room("revision_blender.scene.take").apply_motion(scene, take, moved, role="refined"))
    bpy.ops.revision.ghost()
    ghost = bpy.data.objects[f"{take.objects[0][2]} ghost"]
    shown = bpy.data.objects[take.objects[0][2]]
    layer = bpy.context.evaluated_depsgraph_get()
    apart = [np.array(o.evaluated_get(layer).matrix_world.translation) for o in (ghost, shown)]
    assert abs(np.linalg.norm(apart[0] - apart[1]) - 0.4) < 1e-4
    bpy.ops.revision.play_motion(role="lift")
    np.testing.assert_allclose(captured(room, scene, take)[0].tracks[0].points, clip.tracks[0].points, atol=1e-5)


def test_why_refine_is_greyed_out(room, scene, taken, monkeypatch):
    _, _, rig = taken
    reasons = room("operators.reasons")
    monkeypatch.setattr(type(room("operators.session").current()), "why_no_backend", lambda _self: "")
    assert reasons.why_not_refine(scene) == ""
    rig["revision_model"] = "open_quadruped"
    assert reasons.why_not_refine(scene) == ""
    scene.revision.refine_method = "optimisation"
    assert "knows the body open_human only" in reasons.why_not_refine(scene)
    rig["revision_model"] = "unheard_of"
    scene.revision.refine_method = "prior"
    assert "unheard_of of Person rig is not on the shelf" in reasons.why_not_refine(scene)
    rig["revision_model"], scene.revision.refine_method = "open_human", "optimisation"
    select(rig, "left_wrist")
    bpy.ops.revision.pin_place()
    assert "cannot hold pinned hands" in reasons.why_not_refine(scene)


def test_what_is_asked_is_what_the_panel_says(room, scene, taken):
    asking, settings = room("operators.asking"), scene.revision
    settings.takes[0].prompt = "walk"
    ticket, build = asking.refine(scene)
    asked = build()
    assert (asked.method, asked.prompt, asked.motion, asked.polish, asked.hold_first) == ("prior", "walk", -1.0, True, False)
    assert ticket.provenance["of"] == "lift" and ticket.provenance["pinned"] == 0
    settings.refine_auto, settings.refine_motion, settings.refine_words, settings.refine_polish = False, 0.25, " dance ", False
    settings.refine_first = settings.refine_last = True
    asked = asking.refine(scene)[1]()
    assert (asked.prompt, asked.motion, asked.polish, asked.hold_first, asked.hold_last) == ("dance", 0.25, False, True, True)
    settings.refine_method = "optimisation"
    asked = asking.refine(scene)[1]()
    assert (asked.method, asked.prompt, asked.hold_last) == ("optimisation", "", True)


def test_the_graph_shows_both_motions(room):
    graphs = room("operators.change_graphs")
    before = np.stack([np.linspace(0.0, 8.0, 40), np.full(40, 20.0), np.full(40, np.nan)])
    changes = np.stack([before, 0.25 * before])
    picture = graphs.picture(changes)
    strips = [picture[number * (graphs.STRIP + graphs.GAP) :][: graphs.STRIP] for number in range(3)]
    orange = [(strip == np.array([255, 160, 60], np.uint8)).all(axis=-1) for strip in strips]
    grey = [(strip == np.array([150, 150, 150], np.uint8)).all(axis=-1) for strip in strips]
    assert orange[0].any(axis=0).all() and grey[1].any(axis=0).all() and not orange[2].any() and not grey[2].any()
    heights = [np.flatnonzero(line.any(axis=1)).min() for line in (grey[1], orange[1])]
    assert heights[0] < heights[1], "the smaller value is drawn higher"
    assert graphs.words_of(changes) == ("Sliding 4.0 → 1.0 mm a frame", "Sinking 20.0 → 5.0 mm")
    assert graphs.changes_of(None) is None
