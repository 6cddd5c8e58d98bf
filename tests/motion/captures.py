"""What the tests of captures share: the archives of shared/data where they are there, and skeletons made here."""

import io
import os
import tarfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from revision_blender.motion.bodies.body_model import Identity, identity_of, world_rotations
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.files.bvh import parse_bvh
from revision_blender.motion.files.bvh_in import captures_of
from revision_blender.motion.retargeting.capture import Capture, posed_places
from revision_blender.motion.rotation import matrix_from_axis_angle
from revision_blender.motion.skeletons import skeleton_of

CLIPS = ("walking_1", "running_1", "soccer_3", "jumping_3", "basketball_1")  # a handful; the benchmark has them all
MOCAP = Path(os.environ.get("REVISION_SHARED_DATA", Path(__file__).parents[2] / "../shared/data")) / "mocap"
SHELF = BodyShelf(None)


@cache
def _members(archive: str) -> dict[str, bytes]:
    path = MOCAP / archive
    if not path.exists():
        return {}
    with tarfile.open(path) as opened:
        return {Path(member.name).name: opened.extractfile(member).read() for member in opened if member.isfile()}  # type: ignore[union-attr]


def archived(archive: str, name: str) -> bytes:
    """One file of an archive of shared/data; skips the test where the archive is not there."""
    members = _members(archive)
    if not members:
        pytest.skip(f"the captures are not here: {MOCAP / archive}")
    return members[name]


def archived_text(archive: str, name: str) -> str:
    return io.TextIOWrapper(io.BytesIO(archived(archive, name)), encoding="utf-8").read()


@cache
def cmu(name: str) -> Capture:
    """A clip of the CMU database as converted to BVH: metres, y up."""
    return captures_of(parse_bvh(archived_text("cmu_bvh.tar.xz", f"{name}.bvh")))["person"]


@cache
def body(name: str = "open_human") -> Identity:
    if not SHELF.has(name):
        pytest.skip(f"the body {name} is not here yet")
    return identity_of(SHELF.load(name), np.zeros(0))


def from_body(name: str = "open_human", frames: int = 6, spread: float = 0.1, seed: int = 0) -> tuple[Capture, np.ndarray, np.ndarray]:
    """A capture whose skeleton is a body's own, with its rotations and translation."""
    identity = body(name)
    skeleton = skeleton_of(identity.model.family)
    rng = np.random.default_rng(seed)
    rotations = matrix_from_axis_angle(rng.normal(size=(frames, skeleton.n_joints, 3)) * spread)
    translation = rng.normal(size=(frames, 3))
    world = world_rotations(skeleton.parents, rotations)
    rest = identity.joints_rest - identity.joints_rest[0]
    places = posed_places(skeleton.parents, rest, world, translation + identity.joints_rest[0])
    return Capture(skeleton.names, skeleton.parents, rest, world, places, 30.0), rotations, translation


def turned(capture: Capture, R_to_from: np.ndarray, scale: float = 1.0) -> Capture:
    """The same motion in other axes, rest pose included, and another unit."""
    return replace(
        capture,
        rest=capture.rest @ R_to_from.T * scale,
        places=capture.places @ R_to_from.T * scale,
        rotations=R_to_from @ capture.rotations @ R_to_from.T,
    )


NAMINGS = {
    "CMU": "hips=Hips spine=LowerBack,UpperBack,Thorax neck=LowerNeck,UpperNeck,Head L=LHumerus,LRadius,LWrist,LClavicle,LFemur,LTibia,LFoot,LToes",
    "ASF": "hips=root spine=lowerback,upperback,thorax neck=lowerneck,upperneck,head L=lhumerus,lradius,lwrist,lclavicle,lfemur,ltibia,lfoot,ltoes",
    "Mixamo": "hips=mixamorig:Hips spine=mixamorig:Spine,mixamorig:Spine1,mixamorig:Spine2 neck=mixamorig:Neck,mixamorig:Head "
    "L=mixamorig:LeftArm,mixamorig:LeftForeArm,mixamorig:LeftHand,mixamorig:LeftShoulder,mixamorig:LeftUpLeg,mixamorig:LeftLeg,"
    "mixamorig:LeftFoot,mixamorig:LeftToeBase",
    "HumanIK": "hips=Character1_Hips spine=Character1_Spine,Character1_Spine1 neck=Character1_Neck,Character1_Head "
    "L=Character1_LeftArm,Character1_LeftForeArm,Character1_LeftHand,Character1_LeftShoulder,Character1_LeftUpLeg,Character1_LeftLeg,"
    "Character1_LeftFoot,Character1_LeftToeBase",
    "Biovision": "hips=Hips spine=Chest neck=Neck,Head L=LeftShoulder,LeftElbow,LeftWrist,LeftCollar,LeftHip,LeftKnee,LeftAnkle,-",
    "biped": "hips=Bip01_Pelvis spine=Bip01_Spine,Bip01_Spine1 neck=Bip01_Neck,Bip01_Head "
    "L=Bip01_L_UpperArm,Bip01_L_Forearm,Bip01_L_Hand,Bip01_L_Clavicle,Bip01_L_Thigh,Bip01_L_Calf,Bip01_L_Foot,Bip01_L_Toe0",
    "Xsens": "hips=Pelvis spine=L5,L3,T12,T8 neck=Neck,Head "
    "L=LeftUpperArm,LeftForeArm,LeftHand,LeftShoulder,LeftUpperLeg,LeftLowerLeg,LeftFoot,LeftToe",
    "Rokoko": "hips=Hips spine=Spine1,Spine2,Spine3 neck=Neck,Head L=LeftArm,LeftForeArm,LeftHand,LeftShoulder,LeftThigh,LeftShin,LeftFoot,LeftToe",
    "Unreal": "hips=pelvis spine=spine_01,spine_02,spine_03 neck=neck_01,head L=upperarm_l,lowerarm_l,hand_l,clavicle_l,thigh_l,calf_l,foot_l,ball_l",
    "SMPL": "hips=pelvis spine=spine1,spine2,spine3 neck=neck,head "
    "L=left_shoulder,left_elbow,left_wrist,left_collar,left_hip,left_knee,left_ankle,left_foot",
    "Poser": "hips=hip spine=abdomen,chest neck=neck,head L=lShldr,lForeArm,lHand,lCollar,lThigh,lShin,lFoot,lToe",
    "VRM": "hips=J_Bip_C_Hips spine=J_Bip_C_Spine,J_Bip_C_Chest neck=J_Bip_C_Neck,J_Bip_C_Head "
    "L=J_Bip_L_UpperArm,J_Bip_L_LowerArm,J_Bip_L_Hand,J_Bip_L_Shoulder,J_Bip_L_UpperLeg,J_Bip_L_LowerLeg,J_Bip_L_Foot,J_Bip_L_ToeBase",
}  # fmt: skip
_PARTS = ("upper_arm", "forearm", "hand", "clavicle", "thigh", "shank", "foot", "toe")


def named_skeleton(naming: str) -> tuple[Capture, dict[str, str]]:
    """A person standing with arms out whose joints are called so, and who is who in words."""
    fields = dict(field.split("=") for field in NAMINGS[naming].split())
    left = dict(zip(_PARTS, fields["L"].split(","), strict=True))
    names, parents, rest = [fields["hips"]], [-1], [np.zeros(3)]

    def add(name: str, parent: str, place: tuple[float, float, float]) -> str:
        parents.append(names.index(parent))
        names.append(name)
        rest.append(np.array(place))
        return name

    spine = fields["spine"].split(",")
    above = fields["hips"]
    for at, name in enumerate(spine):
        above = add(name, above, (0.0, 0.45 * (at + 1) / len(spine), 0.0))
    chest = above
    for at, name in enumerate(fields["neck"].split(",")):
        above = add(name, above, (0.0, 0.55 + 0.08 * at, 0.0))
    add("crown", above, (0.0, 0.85, 0.0))
    wanted = {"hips": fields["hips"]}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        parts = {part: _other_side(name) if side == "right" else name for part, name in left.items()}
        wanted |= {f"{side}_{part}": name for part, name in parts.items() if name != "-"}
        collar = add(parts["clavicle"], chest, (sign * 0.03, 0.42, 0.0))
        arm = add(parts["upper_arm"], collar, (sign * 0.18, 0.42, 0.0))
        elbow = add(parts["forearm"], arm, (sign * 0.45, 0.42, 0.0))
        hand = add(parts["hand"], elbow, (sign * 0.7, 0.42, 0.0))
        add(f"{side} tip of the hand", hand, (sign * 0.8, 0.42, 0.0))
        hip = add(parts["thigh"], fields["hips"], (sign * 0.1, -0.05, 0.0))
        knee = add(parts["shank"], hip, (sign * 0.1, -0.47, 0.01))
        ankle = add(parts["foot"], knee, (sign * 0.1, -0.87, 0.0))
        foot = ankle if parts["toe"] == "-" else add(parts["toe"], ankle, (sign * 0.1, -0.93, 0.13))
        add(f"{side} tip of the toe", foot, (sign * 0.1, -0.94, 0.2))
    order, places = np.array(parents), np.array(rest)
    world = np.tile(np.eye(3), (2, len(names), 1, 1))
    return Capture(tuple(names), order, places, world, np.tile(places, (2, 1, 1)) + np.array([0.0, 0.95, 0.0]), 30.0), wanted


def _other_side(name: str) -> str:
    for left, right in (("Left", "Right"), ("left", "right"), ("_L_", "_R_"), ("_l", "_r")):
        if left in name:
            return name.replace(left, right)
    return {"L": "R", "l": "r"}.get(name[0], name[0]) + name[1:]
