"""Keys into Blender and back: our bulk write against ``keyframe_insert`` in one run. Bars: 40x; 12 ms for 250 frames x 55
bones, 90 ms for 5,000 x 24.

One JSON line: best of several runs in milliseconds, of the bulk write alone, of a whole new action on the rig (conversion
from rotations included) and of ``keyframe_insert``, and the ratios. For 5,000 frames ``keyframe_insert``, whose time grows with
the square, is timed on 500 and taken ten times: a lower bound, labelled as extrapolated. Beside them
the thinning of 250 x 55 to 0.01 rad, reading 250 x 55 back by frame, the longest step of an import of the bundled body and the mean time of a part mask at 1024 x 576.
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

from revision_blender.motion.bodies.body_model import BodyModel, identity_of, open_human
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.camera import static_camera
from revision_blender.motion.clip import BodyTrack, Clip, GroundPlane
from revision_blender.motion.decimation import fewest_keys
from revision_blender.motion.rotation import continuous_quaternions, matrix_from_axis_angle, quaternion_from_matrix
from revision_blender.scene.actions import channelbag, new_action
from revision_blender.scene.capture import capture_clip
from revision_blender.scene.keys import Channel, write_keys
from revision_blender.scene.part_masks.mask_pass import method_here, render_labels
from revision_blender.scene.rigs import rig as rigs
from revision_blender.scene.rigs.poses import BoneChannels, channels_of
from revision_blender.scene.take import find_take, import_clip

REPEATS = 25
RATIO_BAR, BULK_BAR_MS, LONG_BAR_MS = 40.0, 12.0, 90.0
INSERTED = 500  # frames of the long motion that keyframe_insert is timed on


def person(frames: int, model: BodyModel) -> BodyTrack:
    """Someone who turns every joint slowly, a tenth of a turn a second or so."""
    rng, seconds = np.random.default_rng(0), np.arange(frames)[:, None, None] / 30.0
    waves = np.sin(2.0 * np.pi * (rng.uniform(0.1, 1.0, (1, model.n_joints, 3)) * seconds + rng.uniform(size=(1, model.n_joints, 3))))
    rotations = matrix_from_axis_angle(waves * 0.3)
    rotations[:, 0] = np.diag([1.0, -1.0, -1.0]) @ rotations[:, 0]
    place = np.tile([0.0, 0.0, 3.2], (frames, 1))
    return BodyTrack("person", model.family, model.name, np.zeros(10), rotations, place, np.ones((frames, model.n_joints)))


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
        12.0,
        static_camera(1024, 576, 1000.0, 12),
        GroundPlane(np.array([0.0, -1.0, 0.0]), np.array([0.0, 1.0, 3.2])),
        (person(12, open_human()),),
    )
    step = longest_step(import_clip(scene, clip, take_id="bench", name="Bench"))
    take = find_take(scene, "bench")
    assert take is not None
    masks = render_labels(scene, take)
    with quiet():
        next(masks)
        return step, milliseconds(lambda: list(masks)) / (take.n_frames - 1)


def clip_of(track: BodyTrack) -> Clip:
    view = static_camera(320, 240, 300.0, track.n_frames)
    return Clip(30.0, view, GroundPlane(np.array([0.0, -1.0, 0.0]), np.array([0.0, 1.0, 3.2])), (track,))


def captured_ms(track: BodyTrack, model: BodyModel) -> float:
    """A frame of reading a take back, all of its bones."""
    scene = bpy.context.scene
    list(import_clip(scene, clip_of(track), take_id="read", name="Read", models={model.name: model}))
    take = find_take(scene, "read")
    assert take is not None
    return min(milliseconds(lambda: capture_clip(scene, take)) for _ in range(3)) / track.n_frames


def written(model: BodyModel, frames: int, inserted: int, repeats: int) -> dict[str, float]:
    """The keys of ``frames`` frames. inserted: of how many ``keyframe_insert`` makes keys."""
    track = person(frames, model)
    rig = rigs.new_rig("Bench", model, identity_of(model, track.betas).joints_rest)
    rest, times = rigs.rest_of(rig), np.arange(1.0, frames + 1.0)
    channels = channels_of(track, rest, np.eye(4))
    rows = [Channel(rigs.bone_path(rest.names[0], "location"), channels.location, rest.names[0])]
    rows += [Channel(rigs.bone_path(name, "rotation_quaternion"), channels.quaternions[:, j], name) for j, name in enumerate(rest.names)]
    bulk_ms = min(bulk(rig, times, rows) for _ in range(repeats))
    whole_ms = min(
        milliseconds(lambda: rigs.write_motion(rig, "whole", times, channels_of(track, rest, np.eye(4)))) for _ in range(min(repeats, 10))
    )
    insert_ms = min(one_by_one(rig, times[:inserted], channels, rest.names) for _ in range(2)) * (frames / inserted)
    return {"bulk_ms": bulk_ms, "whole_action_ms": whole_ms, "keyframe_insert_ms": insert_ms, "ratio": insert_ms / bulk_ms}


def thinned(model: BodyModel, frames: int) -> dict[str, float]:
    quaternions = np.swapaxes(quaternion_from_matrix(person(frames, model).rotations), 0, 1)
    smooth = np.stack([continuous_quaternions(rows) for rows in quaternions])
    curves = fewest_keys(np.arange(float(frames)), smooth, 0.01, "rotation")
    took = min(milliseconds(lambda: fewest_keys(np.arange(float(frames)), smooth, 0.01, "rotation")) for _ in range(3))
    return {"thinning_ms": took, "thinned_keys_share": sum(len(curve.at) for curve in curves) / (frames * len(curves))}


def main() -> None:
    shelf = BodyShelf(None)
    hands, plain = shelf.load("open_human_x"), shelf.load("open_human")
    short = written(hands, 250, 250, REPEATS)
    long = written(plain, 5000, INSERTED, 8)
    figures = short | {f"long_{key}": value for key, value in long.items()} | thinned(hands, 250)
    figures["capture_ms_a_frame"] = captured_ms(person(250, hands), hands)
    figures["longest_import_step_ms"], figures["mask_ms"] = mask_ms()
    passed = short["ratio"] >= RATIO_BAR and short["bulk_ms"] <= BULK_BAR_MS and long["bulk_ms"] <= LONG_BAR_MS
    bars = {"ratio_bar": RATIO_BAR, "bulk_bar_ms": BULK_BAR_MS, "long_bulk_bar_ms": LONG_BAR_MS, "passed": passed}
    facts = {"frames": 250, "bones": 55, "long_frames": 5000, "long_bones": 24, "long_keyframe_insert_extrapolated_from": INSERTED}
    facts |= {"blender": bpy.app.version_string, "mask_method": method_here()}
    print(json.dumps({"name": "keys"} | facts | {key: round(value, 2) for key, value in figures.items()} | bars))


if __name__ == "__main__":
    main()
