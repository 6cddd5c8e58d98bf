"""SMAL's 35 joints inside an animal."""

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from revision_blender.motion.skeletons import SMAL

from .animals import Animal
from .field import neck_sweep
from .frames import head_frame

Array = NDArray[np.float64]

PARENTS: NDArray[np.int64] = SMAL.parents
JOINT = {name: number for number, name in enumerate(SMAL.names)}
_SWAP = {"left": "right", "right": "left"}
JOINT_MIRROR = np.array([JOINT["_".join(_SWAP.get(word, word) for word in name.split("_"))] for name in SMAL.names])
SPINE = ("root", "pelvis", "spine", "spine0", "spine1", "spine2", "spine3")
LEG_JOINT_STATIONS = {"fore": (2, 4, 7, 9), "hind": (1, 4, 7, 9)}  # shoulder or hip, elbow or stifle, carpus or hock, fetlock
_LEG_WORD = {"fore": "front", "hind": "back"}
_SPINE_HEIGHT = 0.76  # of the trunk's depth


def leg_joints(which: str, side: str = "left") -> tuple[str, ...]:
    """The four joints of a leg, from the top."""
    word = f"{side}_{_LEG_WORD[which]}"
    return (f"{word}_leg1", f"{word}_leg2", f"{word}_leg3", f"{word}_foot")


def joints_of_animal(a: Animal) -> Array:
    """``(35, 3)`` in withers heights."""
    places = {**_middle_joints(a), **_head_joints(a)}
    for which, stations in LEG_JOINT_STATIONS.items():
        table: Array = getattr(a, which)
        places |= dict(zip(leg_joints(which), table[list(stations), :3], strict=True))
    for name in list(places):
        if name.startswith("left_"):
            places[name.replace("left_", "right_")] = places[name] * np.array([1.0, -1.0, 1.0])
    return np.stack([places[name] for name in SMAL.names])


def _middle_joints(a: Animal) -> dict[str, Array]:
    curve = PchipInterpolator(a.trunk[:, 0], a.trunk[:, 1:3])
    start, end = a.hind[1, 0] + 0.01, a.fore[0, 0] + 0.01
    found = {}
    for name, x in zip(SPINE, np.linspace(start, end, len(SPINE)), strict=True):
        top, bottom = curve(x)
        found[name] = np.array([x, 0.0, bottom + _SPINE_HEIGHT * (top - bottom)])
    found |= {f"tail{k + 1}": np.array([a.tail[k, 0], 0.0, a.tail[k, 1]]) for k in range(7)}
    centre = neck_sweep(a).at(np.array([4 * 0.95, 4 * 3.9]))[0]
    return found | {"neck": centre[0], "head": centre[1]}


def _head_joints(a: Animal) -> dict[str, Array]:
    head = head_frame(a)
    hinge = head.points(np.array(a.jaw[0, 0] + 0.01), np.array(0.55 * a.mouth[1]), np.array(0.0))
    ear = head.points(*a.ear[0]) - 0.25 * a.ear_size[0] * head.length * (head.up + np.array([0.0, 0.5, 0.0]))
    return {"mouth": hinge, "left_ear": ear}
