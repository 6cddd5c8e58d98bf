"""Blend weights: each vertex first belongs to bones by its place along its limb, then ownership spreads over the mesh."""

import numpy as np
from numpy.typing import NDArray

from .animals import Animal
from .cage import CORNER, LIP, STATIONS, TAIL_HOLE, TAIL_RINGS, Key
from .field import leg_sweep
from .skeleton import JOINT, JOINT_MIRROR, LEG_JOINT_STATIONS, SPINE, leg_joints
from .surface import Mesh

Array = NDArray[np.float64]

KEPT = 4
_PASSES = 7  # of averaging with the neighbours; the mesh is finer where the body is thinner, so this is scale-free
_LEAST = 0.012


def blend_weights(a: Animal, mesh: Mesh, places: Array) -> Array:
    """``(V, 35)`` at most ``KEPT`` joints a vertex, rows sum to 1, the right side mirrors the left."""
    owned = np.stack([_owner(key) for key in mesh.cage.keys])
    weights = np.asarray(mesh.subdivision @ owned)
    on_trunk = np.asarray(mesh.subdivision @ np.array([[_on_trunk(key)] for key in mesh.cage.keys]))[:, 0]
    weights = _with_upper_legs(a, weights, places, np.clip(2.0 * on_trunk, 0.0, 1.0))
    weights = weights / weights.sum(axis=1, keepdims=True)
    for _ in range(_PASSES):
        weights = 0.5 * weights + 0.5 * (mesh.relax @ weights)
    return pruned(0.5 * (weights + weights[mesh.mirror][:, JOINT_MIRROR]))


def pruned(weights: Array) -> Array:
    least = np.maximum(-np.sort(-weights, axis=1)[:, KEPT - 1 : KEPT], _LEAST)
    kept = np.where(weights >= least - 1e-12, weights, 0.0)
    order = np.argsort(-kept, axis=1, kind="stable")
    np.put_along_axis(kept, order[:, KEPT:], 0.0, axis=1)  # ties
    return kept / kept.sum(axis=1, keepdims=True)


def _on_trunk(key: Key) -> float:
    return float(key[0] == "body" and int(key[1]) < 15)  # type: ignore[call-overload]


def _ramp(x: float, low: float, high: float) -> float:
    t = min(1.0, max(0.0, (x - low) / (high - low)))
    return t * t * (3.0 - 2.0 * t)


def _chain(position: float, joints: tuple[str, ...], starts: tuple[float, ...], widths: tuple[float, ...]) -> Array:
    """Ownership ``(35,)`` along a chain: joint k takes over from k - 1 around ``starts[k]``."""
    found = np.zeros(len(JOINT))
    reached = [1.0, *(_ramp(position, s - w, s + w) for s, w in zip(starts[1:], widths[1:], strict=True)), 0.0]
    for k, name in enumerate(joints):
        found[JOINT[name]] = max(0.0, reached[k] - reached[k + 1])
    return found


def _owner(key: Key) -> Array:
    kind = key[0]
    if kind in ("body", "lip"):
        return _tube_owner(kind == "lip", float(key[1]), int(key[2]))  # type: ignore[arg-type, call-overload]
    if kind in ("leg", "sole"):
        which, side = str(key[1]), str(key[2])
        station = STATIONS[which][int(key[3])] if kind == "leg" else 11.0  # type: ignore[call-overload]
        stations = LEG_JOINT_STATIONS[which]
        return _chain(station, leg_joints(which, side), tuple(float(s) for s in stations), (0.5, 0.45, 0.35, 0.35))
    if kind in ("tail", "tail_end"):
        station = float(TAIL_RINGS[int(key[1])]) if kind == "tail" else 7.0  # type: ignore[call-overload]
        joints = ("root", *(f"tail{k}" for k in range(1, 8)))
        return _chain(station, joints, (-1.0, 0.0, 1.2, 2.1, 3.0, 4.0, 5.0, 6.0), (0.5, 0.6, *(0.45,) * 6))
    return _small_owner(key)


def _small_owner(key: Key) -> Array:
    found = np.zeros(len(JOINT))
    kind = key[0]
    low = kind == "floor" or (kind == "nose" and (int(key[1]) > LIP or key[-1] == "low"))  # type: ignore[call-overload]
    if kind in ("ear", "ear_end"):
        found[JOINT[f"{key[1]}_ear"]] = 1.0
    elif kind == "rump":
        found[JOINT["root"]] = 1.0
    elif kind == "throat":
        found[[JOINT["head"], JOINT["mouth"]]] = 0.5
    else:
        found[JOINT["mouth" if low else "head"]] = 1.0
    return found


_TUBE = (*SPINE, "neck", "head")
_TUBE_STARTS = (-1.0, 3.1, 4.2, 5.3, 6.5, 7.8, 9.4, 13.2, 17.3)
_TUBE_WIDTHS = (1.0, 0.9, 0.9, 0.9, 0.9, 1.0, 1.2, 1.6, 0.9)


def _tube_owner(lower_lip: bool, ring: float, column: int) -> Array:
    found = _chain(ring, _TUBE, _TUBE_STARTS, _TUBE_WIDTHS)
    down = min(column, 16 - column)
    if ring <= TAIL_HOLE + 2 and down <= 1:  # around the tail's root
        found = np.zeros(len(JOINT))
        found[[JOINT["root"], JOINT["tail1"]]] = 0.3, 0.7
    if lower_lip or (down > LIP and ring > CORNER):
        share = 1.0
    elif ring > CORNER:
        share = 0.0
    elif ring >= CORNER - 4:
        share = _ramp(ring, CORNER - 5.0, CORNER - 0.5) * _ramp(down, LIP - 0.5, LIP + 1.5)
    else:
        share = 0.0
    found[JOINT["mouth"]] = share * found[JOINT["head"]]
    found[JOINT["head"]] *= 1.0 - share
    return found


def _with_upper_legs(a: Animal, weights: Array, places: Array, on_trunk: Array) -> Array:
    """The trunk's skin over upper arm and thigh goes with them."""
    result = weights.copy()
    for which, (first, *_) in LEG_JOINT_STATIONS.items():
        stations = np.linspace(first + 0.0, 4.3, 24)
        centre, front, _, _, radii = leg_sweep(a, which).at(3.0 * stations)
        for side, sign in (("left", 1.0), ("right", -1.0)):
            gap = places[:, None] - centre[None] * np.array([1.0, sign, 1.0])
            across = np.einsum("vsc,sc->vs", gap, front)
            flat = np.hypot(gap[..., 0], gap[..., 2])
            near = flat.argmin(axis=1)
            at = np.arange(len(places)), near
            radius = np.where(across[at] > 0, radii[near, 0], radii[near, 1])
            outside = np.clip(sign * places[:, 1] / np.maximum(centre[near, 1], 1e-3) * 1.6 - 0.5, 0.0, 1.0)
            share = np.clip((1.2 - flat[at] / radius) / 0.7, 0.0, 1.0)
            share = share * share * (3.0 - 2.0 * share) * outside * on_trunk
            result *= (1.0 - share)[:, None]
            result[:, JOINT[leg_joints(which, side)[0]]] += share
    return result
