"""Refine through the real backend: the result beside the motion before, what is pinned untouched, what changed kept with it."""

import os
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np
import pytest
from scene_samples import import_sample, sample_clip

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300.0  # seconds; two cores may be shared with everything else
QUARTER = (0.92387953, 0.38268343, 0.0, 0.0)
WRIST, HEAD = 20, 15


@pytest.fixture
def taken(scene, room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple]:
    """The session of a saved scene with a take of 12 frames; the backend is ended afterwards."""
    python = Path(os.environ.get("REVISION_PYTHON") or ROOT / ".venv-backend" / "bin" / "python")
    if not python.is_file():
        pytest.skip("no backend environment: python run.py setup makes it")
    monkeypatch.setenv("REVISION_PYTHON", str(python))
    monkeypatch.setenv("REVISION_HOME", str(tmp_path / "home"))
    scene.render.fps = 24
    take = import_sample(room, scene, sample_clip(room, 12, fps=12.0, size=0.1))
    entry = scene.revision.takes.add()
    entry.name, entry.take_id, entry.fps, entry.prompt = "Person", take.take_id, 12.0, "walk"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    session, pump = room("operators.session").current(), room("operators.pump")
    monkeypatch.setattr(session.link, "_looked", (0.0, "", None))
    pump.step()
    yield session, take
    if bpy.ops.revision.stop_backend.poll():
        bpy.ops.revision.stop_backend()
        stopping = session.link._stopping
        assert pump.run_until(lambda: stopping.finished, 60.0)
        pump.step()
    session.tickets.clear()


def refine(session, room):
    pump, known = room("operators.pump"), set(session.tickets)
    assert bpy.ops.revision.refine() == {"FINISHED"}
    (ticket,) = [ticket for job_id, ticket in session.tickets.items() if job_id not in known]
    assert pump.run_until(lambda: ticket.ended, PATIENCE), ticket.words
    return ticket


def pin(room, scene, take) -> None:
    """A turned head, keyed, and the left wrist 4 cm over where it is."""
    rig = bpy.data.objects[take.bodies[0][1]]
    bpy.context.view_layer.objects.active = rig
    scene.frame_set(11)  # clip frame 5
    rig.pose.bones["head"].rotation_quaternion = QUARTER
    rig.pose.bones["head"].keyframe_insert("rotation_quaternion", frame=11)
    for bone in rig.pose.bones:
        (bone if hasattr(bone, "select") else bone.bone).select = bone.name == "left_wrist"
    bpy.ops.revision.pin_place()
    next(thing for thing in bpy.data.objects if thing.get("revision_role") == "pin").location.z += 0.04


def wrist(room, clip) -> np.ndarray:
    bodies, track = room("revision_blender.motion.bodies.body_model"), clip.bodies[0]
    return bodies.joints_of(bodies.identity_of(bodies.open_human(), track.betas), track.rotations, track.translation)[:, WRIST]


def test_without_weights_one_sentence_and_the_optimisation_goes_on(room, scene, taken, tmp_path, monkeypatch) -> None:
    session, take = taken
    monkeypatch.setenv("REVISION_PRIOR", str(tmp_path / "nothing"))
    ticket = refine(session, room)
    assert ticket.status == "FAILED" and "not installed" in ticket.message and "Optimisation" in ticket.message
    scene.revision.refine_method = "optimisation"
    ticket = refine(session, room)
    assert ticket.status == "DONE", ticket.message
    assert room("revision_blender.scene.motions").shown_role(take) == "refined"


def test_the_prior_keeps_pins_and_tells_what_changed(room, scene, taken) -> None:
    session, take = taken
    folder = Path(os.environ.get("REVISION_PRIOR") or ROOT / "revision_blender" / "data" / "motion_prior")
    if not (folder / "weights.safetensors").is_file():
        pytest.skip(f"the motion prior's weights are not in {folder}")
    capture, motions = room("revision_blender.scene.capture"), room("revision_blender.scene.motions")
    pin(room, scene, take)
    asked, (pins,) = capture.capture_for_refine(scene, take)
    scene.revision.refine_first = True
    ticket = refine(session, room)
    assert ticket.status == "DONE", ticket.message
    assert motions.roles_of(take) == ("lift", "refined") and motions.shown_role(take) == "refined"
    found = capture.capture_clip(scene, take)
    turned = room("revision_blender.motion.rotation").angle_between(found.bodies[0].rotations, asked.bodies[0].rotations)
    assert turned[5, HEAD] < 1e-4 and turned[0].max() < 1e-4 and np.median(turned[1:]) > 1e-3
    assert np.linalg.norm(wrist(room, found)[5] - pins.places[5, WRIST]) < 1.5e-3
    action = bpy.data.objects[take.bodies[0][1]].animation_data.action
    changes = room("operators.change_graphs").changes_of(action)
    assert changes.shape == (2, 3, 12)
    # how much better is judged elsewhere: a head turned in one frame and a hand lifted in it are jerks that were asked for
    jitter = np.nanmean(changes[:, 2], axis=1)
    assert jitter[0] > 0.0 and abs(jitter[1] - jitter[0]) > 0.01 * jitter[0]
    assert action["revision_made_prompt"] == "walk" and action["revision_made_pinned_places"] == 1
    again, (kept,) = capture.capture_for_refine(scene, take)
    np.testing.assert_array_equal(kept.joints, pins.joints, "what was pinned is pinned the next time as well")
    assert np.isfinite(kept.places[5, WRIST]).all()
    # the lift with its edits is still there, and the ghost shows it
    bpy.ops.revision.ghost()
    assert room("revision_blender.scene.ghosts").ghost_role(take) == "lift"
    bpy.ops.revision.play_motion(role="lift")
    again, (kept,) = capture.capture_for_refine(scene, take)
    np.testing.assert_allclose(again.bodies[0].rotations, asked.bodies[0].rotations, atol=1e-5)
    np.testing.assert_array_equal(kept.joints, pins.joints)
