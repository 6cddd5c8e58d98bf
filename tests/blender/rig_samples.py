"""Bodies of every family with made-up skins, and rigs of them that move, for the tests of rigs."""

from dataclasses import dataclass

import bpy
import numpy as np

POINTS_A_JOINT = 10
_SPREAD = {"index": 0.02, "middle": 0.0, "pinky": -0.035, "ring": -0.02, "thumb": 0.03}
_LEG = {"leg1": (0.0, 0.08, -0.05), "leg2": (0.03, 0.0, -0.18), "leg3": (-0.06, 0.0, -0.17), "foot": (0.02, 0.0, -0.1)}
_TRUNK = {"pelvis": (0.02, 0, 0.02), "neck": (0.12, 0, 0.08), "head": (0.12, 0, 0.1), "mouth": (0.12, 0, -0.05)}


def _finger(name: str) -> tuple[float, float, float]:
    side = 1.0 if name.startswith("left") else -1.0
    first = name.endswith("1")
    return side * (0.09 if first else 0.025), -0.003, _SPREAD[name.split("_")[1].rstrip("123")] if first else 0.0


def _animal(name: str) -> tuple[float, float, float]:
    side = 1.0 if name.startswith("left") else -1.0
    if name.startswith("spine"):
        return 0.1, 0.0, 0.01
    if name.startswith("tail"):
        return -0.05, 0.0, 0.01
    if "ear" in name:
        return -0.02, 0.04 * side, 0.06
    if name in _TRUNK:
        return _TRUNK[name]
    x, y, z = _LEG[name.split("_")[2]]
    return (x if "back" in name else -x), y * side, z


def sample_joints(room, family: str) -> np.ndarray:
    """``(J, 3)`` rest joints in the family's own axes, metres."""
    skeletons = room("revision_blender.motion.skeletons")
    skeleton, human = skeletons.skeleton_of(family), room("revision_blender.motion.bodies.body_model").open_human()
    known = dict(zip(skeletons.SMPL.names, human.joint_template, strict=True)) if family != "smal" else {"root": np.zeros(3)}
    joints = np.zeros((skeleton.n_joints, 3))
    for joint, name in enumerate(skeleton.names):
        if name in known:
            joints[joint] = known[name]
            continue
        if name == "jaw" or name.endswith("_eye"):
            offset = {"jaw": (0.0, 0.0, 0.02), "left_eye": (0.03, 0.06, 0.07), "right_eye": (-0.03, 0.06, 0.07)}[name]
        else:
            offset = _animal(name) if family == "smal" else _finger(name)
        joints[joint] = joints[skeleton.parents[joint]] + offset
    return joints


def sample_body(room, family: str, seed: int = 0):
    """A body model of the family: clouds of points about its joints, four shape components, random correctives."""
    skeleton, rng = room("revision_blender.motion.skeletons").skeleton_of(family), np.random.default_rng(seed)
    J, V = skeleton.n_joints, skeleton.n_joints * POINTS_A_JOINT
    owner = np.repeat(np.arange(J), POINTS_A_JOINT)
    own = (owner[None] == np.arange(J)[:, None]).astype(np.float64)
    points = rng.normal(size=(V, 3)) * 0.02
    points += (sample_joints(room, family) - own @ points / POINTS_A_JOINT)[owner]
    data = room("revision_blender.motion.bodies.body_data")
    hands = data.HandPca(rng.normal(size=(2, 45)) * 0.2, rng.normal(size=(2, 6, 45))) if family in ("smplh", "smplx") else None
    return data.BodyModel(
        f"sample_{family}",
        points.astype(np.float32),
        rng.integers(0, V, (V, 3)).astype(np.int32),
        (rng.normal(size=(J, 3, 4))[owner] * 0.01).astype(np.float32),
        (rng.normal(size=(V, 3, 9 * (J - 1))) * 0.002).astype(np.float32),
        (own / POINTS_A_JOINT).astype(np.float32),
        own.T.astype(np.float32),
        skeleton.parents,
        skeleton.part_labels[owner],
        family,
        hands=hands,
    )


@dataclass(frozen=True, eq=False)
class Sample:
    """A rig in the scene with the clip's world as Blender's. frames: ``(F,)`` its key frames."""

    model: object
    rig: bpy.types.Object
    track: object
    frames: np.ndarray


def sample_rig(room, scene, family: str, *, frames: int = 8, degrees: float = 60.0, seed: int = 0, keyed: bool = True) -> Sample:
    """A rig of a random shape, every joint turned at random by up to ``degrees``, walking about."""
    rng = np.random.default_rng(seed)
    model = sample_body(room, family, seed)
    J = model.n_joints
    betas = rng.normal(size=4)
    rig_module = room("revision_blender.scene.rigs.rig")
    joints = room("revision_blender.motion.bodies.body_model").identity_of(model, betas).joints_rest
    rig = rig_module.new_rig(family, model, joints)
    scene.collection.objects.link(rig)
    vectors = rng.normal(size=(frames, J, 3))
    vectors *= np.radians(degrees) * rng.uniform(size=(frames, J, 1)) / np.linalg.norm(vectors, axis=-1, keepdims=True)
    turns = room("revision_blender.motion.rotation").matrix_from_axis_angle(vectors)
    clip = room("revision_blender.motion.clip")
    track = clip.BodyTrack("p", family, model.name, betas, turns, rng.normal(size=(frames, 3)), np.ones((frames, J)))
    rig_module.mark_rig(rig, track)
    at = np.arange(1.0, frames + 1.0)
    if keyed:
        room("revision_blender.scene.take_motion").give_motion(rig, track, at, np.eye(4), "lift", {})
        scene.frame_set(1)
    return Sample(model, rig, track, at)


def joint_poses(room, scene, sample: Sample) -> np.ndarray:
    """``(F, J, 4, 4)`` evaluated."""
    names = room("revision_blender.scene.rigs.rig").rest_of(sample.rig).names
    return room("revision_blender.scene.rigs.sampled_poses").poses_at(scene, sample.rig, names, sample.frames)


def apart(room, a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """The largest angle (radians) and distance (metres) between poses ``(..., 4, 4)``."""
    nearest = room("revision_blender.scene.rigs.poses").nearest_rotations
    angle = room("revision_blender.motion.rotation").angle_between
    return float(angle(nearest(a[..., :3, :3]), nearest(b[..., :3, :3])).max()), float(np.abs(a[..., :3, 3] - b[..., :3, 3]).max())
