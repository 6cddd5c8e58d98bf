"""Keys of 250 frames x 24 bones into Blender: our bulk write against ``keyframe_insert``, in one run. Bars: 40x, 12 ms.

One JSON line: best of several runs in milliseconds, of the bulk write alone, of a whole new action on the rig (conversion
from rotations included) and of ``keyframe_insert``, and the ratio; beside them the longest step of an import of the bundled
body and the mean time of a part mask at 1024 x 576.
"""

import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from revision_blender.motion.bodies.body_model import identity_of, open_human
from revision_blender.motion.camera import static_camera
from revision_blender.motion.clip import BodyTrack, Clip, GroundPlane
from revision_blender.motion.rotation import matrix_from_axis_angle
from revision_blender.scene.actions import channelbag, new_action
from revision_blender.scene.keys import Channel, write_keys
from revision_blender.scene.mask_pass import method_here, render_labels
from revision_blender.scene.rigs import rig as rigs
from revision_blender.scene.rigs.poses import BoneChannels, channels_of
from revision_blender.scene.take import find_take, import_clip

FRAMES, JOINTS, REPEATS = 250, 24, 25
RATIO_BAR, BULK_BAR_MS = 40.0, 12.0


def person(frames: int) -> BodyTrack:
    rotations = matrix_from_axis_angle(np.random.default_rng(0).normal(size=(frames, JOINTS, 3)) * 0.2)
    rotations[:, 0] = np.diag([1.0, -1.0, -1.0]) @ rotations[:, 0]
    place = np.tile([0.0, 0.0, 3.2], (frames, 1))
    return BodyTrack("person", "smpl", "open_human", np.zeros(10), rotations, place, np.ones((frames, JOINTS)))


def milliseconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3


def bulk(rig: bpy.types.Object, frames: np.ndarray, rows: list[Channel]) -> float:
    action, slot = new_action("bulk", rig)
    took = milliseconds(lambda: write_keys(channelbag(action, slot, ensure=True), frames, rows))
    bpy.data.actions.remove(action)
    return took


def one_by_one(rig: bpy.types.Object, frames: np.ndarray, channels: BoneChannels, names: tuple[str, ...]) -> float:
    """As importers commonly do: set the pose, then ``keyframe_insert`` on every bone of every frame."""

    def work() -> None:
        for index, frame in enumerate(frames):
            for joint, name in enumerate(names):
                bone = rig.pose.bones[name]
                bone.rotation_quaternion = channels.quaternions[index, joint]
                bone.keyframe_insert("rotation_quaternion", frame=frame)
            root = rig.pose.bones[names[0]]
            root.location = channels.location[index]
            root.keyframe_insert("location", frame=frame)

    rig.animation_data_clear()
    return milliseconds(work)


def longest_step(steps: Iterator[str]) -> float:
    longest = 0.0
    while True:
        started = time.perf_counter()
        if next(steps, None) is None:
            return longest
        longest = max(longest, (time.perf_counter() - started) * 1e3)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Blender's renderer talks on standard output; the benchmark's one line stays alone there."""
    sys.stdout.flush()
    kept = os.dup(1)
    with Path(os.devnull).open("w") as nothing, contextlib.redirect_stdout(io.StringIO()):
        os.dup2(nothing.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)


def mask_ms() -> tuple[float, float]:
    """The longest step of an import of 12 frames, and the mean time of a mask after the first."""
    scene = bpy.context.scene
    for thing in list(scene.objects):
        bpy.data.objects.remove(thing)
    clip = Clip(
        12.0, static_camera(1024, 576, 1000.0, 12), GroundPlane(np.array([0.0, -1.0, 0.0]), np.array([0.0, 1.0, 3.2])), (person(12),)
    )
    step = longest_step(import_clip(scene, clip, take_id="bench", name="Bench"))
    take = find_take(scene, "bench")
    assert take is not None
    masks = render_labels(scene, take)
    with quiet():
        next(masks)
        return step, milliseconds(lambda: list(masks)) / (take.n_frames - 1)


def main() -> None:
    track, model = person(FRAMES), open_human()
    rig = rigs.new_rig("Bench", model, identity_of(model, track.betas).joints_rest)
    rest, frames = rigs.rest_of(rig), np.arange(1.0, FRAMES + 1.0)
    channels = channels_of(track, rest, np.eye(4))
    rows = [Channel(rigs.bone_path(rest.names[0], "location"), channels.location, rest.names[0])]
    rows += [Channel(rigs.bone_path(name, "rotation_quaternion"), channels.quaternions[:, j], name) for j, name in enumerate(rest.names)]
    bulk_ms = min(bulk(rig, frames, rows) for _ in range(REPEATS))
    whole_ms = min(
        milliseconds(lambda: rigs.write_motion(rig, "whole", frames, channels_of(track, rest, np.eye(4)))) for _ in range(REPEATS)
    )
    insert_ms = min(one_by_one(rig, frames, channels, rest.names) for _ in range(3))
    step_ms, one_mask_ms = mask_ms()
    figures = {
        "bulk_ms": bulk_ms, "whole_action_ms": whole_ms, "keyframe_insert_ms": insert_ms, "ratio": insert_ms / bulk_ms,
        "longest_import_step_ms": step_ms, "mask_ms": one_mask_ms,
    }  # fmt: skip
    bars = {"ratio_bar": RATIO_BAR, "bulk_bar_ms": BULK_BAR_MS, "passed": insert_ms / bulk_ms >= RATIO_BAR and bulk_ms <= BULK_BAR_MS}
    facts = {"frames": FRAMES, "bones": JOINTS, "blender": bpy.app.version_string, "mask_method": method_here()}
    print(json.dumps({"name": "keys"} | facts | {key: round(value, 2) for key, value in figures.items()} | bars))


if __name__ == "__main__":
    main()
