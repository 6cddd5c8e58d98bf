"""How much better a refined motion is, against the raw one: definitions in the world frame, numpy only.

- acceleration: mean over frames and the 24 joints of ``|x[t-1] - 2 x[t] + x[t+1]| * fps^2``, in m/s^2: HuMoR's "Accel magnitude",
  which needs no ground truth.
- foot sliding: mean horizontal displacement a frame of sole points while in contact, in mm. As WHAM's and GVHMR's measure, but contacts come
  from the raw motion (there is no ground truth), are found once, and hold for both motions.
- peak speed: the 99th percentile of the speeds of both hands' and both feet's joints across the line of sight, central differences, in
  m/s, over the places that the lifter of the raw motion trusts (confidence at least 0.5).
  It keeps the other two honest: a motion that stands still, or is smoothed flat, halves everything and loses its peaks. Along the
  line of sight a lift without a temporal term jumps by more than limbs move (noise of 15 to 50 mm, told from third differences, against 5 to 12 mm across),
  so peaks of its speed in space are peaks of that error. That ratio is given too, as ``peak_speed_3d_ratio``.

Ratios are refined over raw. Where too few contacts or frames exist for a measure it is ``None``, and the count says how few.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from backend.prior.contacts import Contacts, find_contacts
from backend.prior.soles import soles_of
from revision_blender.motion.bodies.body_model import Identity, identity_of, joints_of, open_human, vertices_of
from revision_blender.motion.clip import BodyTrack, Clip

Array = NDArray[np.floating]

FEWEST_CONTACTS = 8  # steps in contact, over all sole points; below, a mean says nothing
HANDS_AND_FEET = (22, 23, 10, 11)
PEAK = 99.0  # percentile
TRUSTED = 0.5  # confidence


@dataclass(frozen=True)
class RefineReport:
    """Ratios refined / raw; foot_sliding_mm a frame of the refined motion; contacts: steps in contact that were judged."""

    acceleration_ratio: float | None
    foot_sliding_ratio: float | None
    foot_sliding_mm: float | None
    peak_speed_ratio: float | None
    peak_speed_3d_ratio: float | None
    landmark_error_ratio: float | None
    contacts: int

    def numbers(self) -> dict[str, float]:
        """The measures that exist, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: float(value) for name, value in values.items() if value is not None}


def refinement_report(raw: Clip, refined: Clip, landmark_errors: tuple[float, float] | None = None) -> RefineReport:
    """Compares two clips of the same footage, all bodies together.

    landmark_errors: of the raw and the refined clip against the detector's landmarks, where they are known.
    """
    pairs = list(zip(raw.bodies, refined.bodies, strict=True))
    contacts = [contacts_of(raw, before) for before, _ in pairs]
    count = sum(found.count for found in contacts)
    enough = count >= FEWEST_CONTACTS
    slid = (
        [sliding(raw, [track for track, _ in pairs], contacts), sliding(refined, [track for _, track in pairs], contacts)] if enough else []
    )
    return RefineReport(
        acceleration_ratio=_ratio(acceleration(raw), acceleration(refined)),
        foot_sliding_ratio=_ratio(slid[0], slid[1]) if enough else None,
        foot_sliding_mm=slid[1] if enough else None,
        peak_speed_ratio=_ratio(peak_speed(raw, raw.bodies), peak_speed(refined, raw.bodies)),
        peak_speed_3d_ratio=_ratio(peak_speed(raw, raw.bodies, across=False), peak_speed(refined, raw.bodies, across=False)),
        landmark_error_ratio=_ratio(*landmark_errors) if landmark_errors else None,
        contacts=count,
    )


def acceleration(clip: Clip) -> float | None:
    """Mean joint acceleration in m/s^2 over all bodies; None below three frames."""
    if clip.n_frames < 3 or not clip.bodies:
        return None
    second = [np.diff(_joints(track), n=2, axis=0) for track in clip.bodies]
    return float(np.linalg.norm(np.stack(second), axis=-1).mean() * clip.fps**2)


def peak_speed(clip: Clip, trusted: Sequence[BodyTrack], across: bool = True) -> float | None:
    """99th percentile of hand and foot speeds in m/s over all bodies; None where too little is trusted.

    trusted: the tracks, in the clip's order, whose confidence chooses what counts. across: only across the line of sight.
    """
    if clip.n_frames < 3 or not clip.bodies:
        return None
    eyes = clip.camera.T_world_camera[1:-1, None, :3, 3]
    speeds = []
    for track, reference in zip(clip.bodies, trusted, strict=True):
        ends = _joints(track)[:, HANDS_AND_FEET]
        velocity = (ends[2:] - ends[:-2]) * clip.fps / 2.0
        if across:
            ray = ends[1:-1] - eyes
            ray /= np.maximum(np.linalg.norm(ray, axis=-1, keepdims=True), 1e-9)
            velocity = velocity - (velocity * ray).sum(-1, keepdims=True) * ray
        speeds.append(np.linalg.norm(velocity, axis=-1)[reference.confidence[1:-1, HANDS_AND_FEET] >= TRUSTED])
    pooled = np.concatenate(speeds)
    return float(np.percentile(pooled, PEAK)) if len(pooled) else None


def contacts_of(clip: Clip, track: BodyTrack) -> Contacts:
    """Contacts of one body of a clip over its ground."""
    return find_contacts(sole_points(track), clip.camera.T_world_camera[:, :3, 3], clip.ground, clip.fps, soles_of(open_human()).rest)


def sliding(clip: Clip, tracks: list[BodyTrack], contacts: list[Contacts]) -> float:
    """Mean horizontal displacement in mm a frame of the sole points over the given steps in contact."""
    normal = clip.ground.normal
    moved = []
    for track, found in zip(tracks, contacts, strict=True):
        steps = np.diff(sole_points(track), axis=0)[found.steps]
        moved.append(np.linalg.norm(steps - (steps @ normal)[:, None] * normal, axis=-1))
    return float(np.concatenate(moved).mean() * 1000.0)


def sole_points(track: BodyTrack) -> NDArray[np.float64]:
    """``(F, 8, 3)`` the sole's vertices in world metres, skin and correctives included."""
    vertices = vertices_of(_identity(track), track.rotations, track.translation)
    return vertices[:, soles_of(open_human()).index].astype(np.float64)


def _joints(track: BodyTrack) -> NDArray[np.float64]:
    return joints_of(_identity(track), track.rotations, track.translation)


def _identity(track: BodyTrack) -> Identity:
    return identity_of(open_human(), track.betas)


def _ratio(raw: float | None, refined: float | None) -> float | None:
    """None where there is nothing to compare, or the raw motion has none of it."""
    if raw is None or refined is None or raw <= 0.0:
        return None
    return refined / raw
