"""The protocol's measures of one answer against its clean target, numpy, in the prior's world (metres, y up).

Definitions follow what the field reports (paper dossier, section 11): MPJPE with the pelvis on the pelvis; PA-MPJPE after a
similarity a frame; acceleration error as in WHAM and GVHMR in m/s^2; jitter as there in 10 m/s^3; penetration and floating as
PhysDiff's (2212.02500) but of sole points, over every frame, against the clip's own floor.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.evaluation.prior.places import Places, places_of
from backend.prior.state.take import Take

Array = NDArray[np.floating]

SLOW = 0.15  # metres a second: slower sole points ...
LOW = 0.05  # metres: ... below this height touch the floor
PEAK = 99.0  # percentile of speeds


@dataclass(frozen=True)
class Score:
    """One answer; lengths in millimetres unless said otherwise, NaN where a clip has nothing to judge.

    mpjpe: joints, pelvis on pelvis. world: joints as they stand. pa: after a similarity a frame. path: root after the best rigid
    motion over the floor. acceleration: error in m/s^2. jitter: in 10 m/s^3, of the answer alone. speed: 99th percentile of hand and
    foot speeds over the clean one's. sliding: horizontal steps of soles in a frame in the target's contacts. penetration, floating: of
    the lowest sole. ground: both together in the target's contacts. contact: F1 of contacts against the target's.
    """

    mpjpe: float
    world: float
    pa: float
    path: float
    acceleration: float
    jitter: float
    speed: float
    sliding: float
    penetration: float
    floating: float
    ground: float
    contact: float


def score(answer: Take, target: Take) -> Score:
    """Compares two takes of the same frames."""
    got, true = places_of(answer), places_of(target)
    floor = floor_of(target, true)
    contacts = contacts_of(true.soles, floor, target.fps)
    height = got.soles[..., 1] - floor
    lowest = height.min(axis=1)
    return Score(
        mpjpe=1000.0 * mean_distance(got.joints - got.root[:, None], true.joints - true.root[:, None]),
        world=1000.0 * mean_distance(got.joints, true.joints),
        pa=1000.0 * mean_distance(procrustes(got.joints, true.joints), true.joints),
        path=1000.0 * path_error(got.root, true.root),
        acceleration=mean_distance(_derivative(got.joints, 2), _derivative(true.joints, 2)) * target.fps**2,
        jitter=float(np.linalg.norm(_derivative(got.joints, 3), axis=-1).mean() * target.fps**3 / 10.0),
        speed=_ratio(peak_speed(got.ends, target.fps), peak_speed(true.ends, target.fps)),
        sliding=1000.0 * sliding(got.soles, contacts),
        penetration=1000.0 * float(np.maximum(-lowest, 0.0).mean()),
        floating=1000.0 * float(np.maximum(lowest, 0.0).mean()),
        ground=1000.0 * _ground_distance(height, contacts),
        contact=f1(contacts_of(got.soles, floor, target.fps), contacts),
    )


def mean_distance(a: Array, b: Array) -> float:
    return float(np.linalg.norm(a - b, axis=-1).mean())


def procrustes(places: Array, onto: Array) -> Array:
    """``(F, J, 3)`` moved onto ``onto`` by the best similarity of every frame; a single point by translation alone."""
    centre, goal = places.mean(axis=1, keepdims=True), onto.mean(axis=1, keepdims=True)
    a, b = places - centre, onto - goal
    if places.shape[1] < 3:
        return a + goal
    u, s, vt = np.linalg.svd(np.swapaxes(a, 1, 2) @ b)
    sign = np.where(np.linalg.det(u) * np.linalg.det(vt) < 0.0, -1.0, 1.0)
    u[..., 2] *= sign[:, None]
    s[..., 2] *= sign
    scale = s.sum(axis=-1) / np.maximum(np.square(a).sum(axis=(1, 2)), 1e-12)
    return scale[:, None, None] * (a @ (u @ vt)) + goal


def path_error(root: Array, onto: Array) -> float:
    """Mean distance in metres of two paths ``(F, 3)`` after the best shift and turn about the vertical."""
    a, b = root - root.mean(axis=0), onto - onto.mean(axis=0)
    sine = float((a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2]).sum())
    cosine = float((a[:, 0] * b[:, 0] + a[:, 2] * b[:, 2]).sum())
    angle = np.arctan2(sine, cosine)
    turned = np.stack([np.cos(angle) * a[:, 0] + np.sin(angle) * a[:, 2], a[:, 1], np.cos(angle) * a[:, 2] - np.sin(angle) * a[:, 0]], -1)
    return mean_distance(turned, b)


def peak_speed(ends: Array, fps: float) -> float:
    """99th percentile of the speeds of ``(F, E, 3)`` in m/s, central differences."""
    return float(np.percentile(np.linalg.norm(ends[2:] - ends[:-2], axis=-1) * fps / 2.0, PEAK))


def floor_of(target: Take, places: Places) -> float:
    """Height of the clip's own floor: 0, on which people were put; for animals where their lowest paws stand."""
    return float(np.percentile(places.soles[..., 1].min(axis=1), 5.0)) if target.kind == "animal" else 0.0


def contacts_of(soles: Array, floor: float, fps: float) -> NDArray[np.bool_]:
    """``(F, P)``: slower than 0.15 m/s and below 5 cm over the floor."""
    speed = np.linalg.norm(np.gradient(soles, axis=0), axis=-1) * fps
    return (speed < SLOW) & (soles[..., 1] - floor < LOW)


def sliding(soles: Array, contacts: NDArray[np.bool_]) -> float:
    """Mean horizontal step in metres a frame of points that touch the floor in both frames; NaN without any."""
    steps = contacts[1:] & contacts[:-1]
    moved = np.diff(soles[..., [0, 2]], axis=0)[steps]
    return float(np.linalg.norm(moved, axis=-1).mean()) if len(moved) else float("nan")


def f1(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """Harmonic mean of precision and recall; NaN where neither has contacts."""
    total = int(found.sum() + true.sum())
    return 2.0 * int((found & true).sum()) / total if total else float("nan")


def _ground_distance(height: Array, contacts: NDArray[np.bool_]) -> float:
    touching = np.abs(height)[contacts]
    return float(touching.mean()) if len(touching) else float("nan")


def _derivative(places: Array, order: int) -> Array:
    return np.diff(places, n=order, axis=0)


def _ratio(value: float, reference: float) -> float:
    return value / reference if reference > 1e-6 else float("nan")
