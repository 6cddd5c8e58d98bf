"""An economised coarse clip has every second frame; masks and final video have all of them, at the rate that was asked for."""

from pathlib import Path

import bpy
import numpy as np
import pytest
from scene_samples import import_sample, sample_clip


@pytest.fixture
def economised(scene, room):
    """A lifted take of 6 frames at 7 a second whose final video is to have 14 a second."""
    clip = sample_clip(room, frames=6, fps=7.0)
    take = import_sample(room, scene, clip)
    entry = scene.revision.takes.add()
    entry.name, entry.take_id, entry.fps, entry.final_fps = "Person", take.take_id, 7.0, 14.0
    yield clip, take
    room("operators.session").current().tickets.clear()


def test_the_motion_between_the_frames_is_captured_and_the_frames_stay(economised, scene, room) -> None:
    clip, take = economised
    capture = room("revision_blender.scene.capture").capture_clip
    entry, filmed = room("operators.asking").filmed(scene)
    assert (entry.name, filmed.fps, filmed.n_frames) == ("Person", 14.0, 11)
    coarse, final = capture(scene, take).bodies[0], capture(scene, filmed).bodies[0]
    assert np.abs(final.rotations[::2] - coarse.rotations).max() < 1e-4
    assert np.abs(final.translation[::2] - coarse.translation).max() < 1e-4
    assert np.allclose(final.confidence[::2], coarse.confidence)
    assert np.allclose(final.confidence[1::2], (coarse.confidence[1:] + coarse.confidence[:-1]) / 2.0)
    middle = final.translation[1::2]
    assert np.abs(middle - (coarse.translation[1:] + coarse.translation[:-1]) / 2.0).max() < 0.05
    assert np.abs(coarse.translation - clip.bodies[0].translation).max() < 1e-4


def test_a_take_without_a_rate_of_its_own_is_filmed_at_the_clips(economised, scene, room) -> None:
    _clip, take = economised
    scene.revision.takes[0].final_fps = 0.0
    filmed = room("operators.asking").filmed(scene)[1]
    assert (filmed.fps, filmed.n_frames) == (take.fps, take.n_frames)


def test_part_masks_come_for_every_frame_of_the_final_video(economised, scene, room, tmp_path: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    pump, session = room("operators.pump"), room("operators.session").current()
    pump.step()
    scene.revision.mask_method = "cycles"
    assert bpy.ops.revision.render_masks() == {"FINISHED"}
    (ticket,) = session.tickets.values()
    assert pump.run_until(lambda: ticket.ended, 120.0)
    assert ticket.status == "DONE", ticket.message
    entry = scene.revision.takes[0]
    assert len(room("operators.where").pngs(entry.masks)) == 11
    motion = room("revision_blender.motion.clip_file").load_clip(room("operators.where").absolute(entry.masks_motion))
    assert (motion.fps, motion.n_frames) == (14.0, 11)


@pytest.mark.parametrize(("asked", "came", "final"), [(12.0, 6.0, 12.0), (12.0, 12.0, 0.0)])
def test_a_coarse_clip_says_what_rate_was_asked_for(scene, room, tmp_path: Path, asked: float, came: float, final: float) -> None:
    requests, events = room("revision_blender.wire.requests"), room("revision_blender.wire.events")
    video = np.zeros((3, 16, 16, 3), np.uint8)
    files = room("revision_blender.wire.collect").write_frames(tmp_path / "coarse", video, "job")
    made = {"take": "dancer", "fps": asked, "model": "small", "predicted_seconds": 4.0}
    ticket = room("operators.tickets").Ticket("job", "coarse", "take-1", "Coarse · dancer", scene.session_uid, made)
    collected = events.Collected("job", "coarse", requests.VideoResult(video, came, {"seconds": 5.0, "memory_peak": 1.2e9}), files)
    for _words in room("operators.handover").steps(scene, ticket, collected, tmp_path):
        pass
    assert scene.revision.takes[0].final_fps == final
    assert room("operators.handover").remark(ticket, collected) == "Took 5.0 s (4.0 s predicted) and 1.2 GB"
