"""A lift of a truth scene as figures, and the bars that they must reach."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from backend.evaluation.lifting.matching import identity_switches, kind_of, matched, overlap, overlaps, seen_of
from backend.evaluation.lifting.measures import at_rest, body_length, depths, joints_world, outlines, procrustes_errors, turning_errors
from backend.evaluation.lifting.scenes import TruthScene
from backend.evaluation.lifting.whole_shapes import whole_shape
from revision_blender.motion.clip import BodyTrack, Clip, ObjectTrack, Track
from revision_blender.wire.requests import LiftResult

Array = NDArray[np.floating]
Figures = dict[str, float]

SHOWN = 0.25  # of a subject's outline: frames that show less are not asked for joints and masks
HIDDEN = 0.9  # of a thing's outline: frames that show less hide a part of it
APART = 0.3  # metres: subjects nearer to each other than bodies are deep have no order


@dataclass(frozen=True)
class Bar:
    """most or least: which side of ``limit`` the figure must be on."""

    limit: float
    most: bool

    def met(self, figure: float) -> bool:
        """A figure that is no number (a subject that was not found) meets no bar."""
        return bool(figure <= self.limit if self.most else figure >= self.limit)

    def __str__(self) -> str:
        return f"{'<=' if self.most else '>='} {self.limit:g}"


BARS: Mapping[str, Bar] = {
    "people missed": Bar(0, most=True), "PA-MPJPE mm": Bar(90.0, most=True), "identity switches": Bar(1, most=True),
    "animal IoU": Bar(0.75, most=False), "animal joints %": Bar(12.0, most=True), "animal joints by rest": Bar(0.999, most=True), "thing IoU": Bar(0.8, most=False),
    "hidden outline %": Bar(6.0, most=True),
    "depth order": Bar(0.95, most=False), "camera degrees": Bar(2.0, most=True),
}  # fmt: skip


def score(scene: TruthScene, result: LiftResult) -> Figures:
    """The figures of ``BARS`` that the scene asks for, and a few more; nan where a subject was not found at all.

    PA-MPJPE, joints and masks: means over people, animals and things, and over the frames that show at least a quarter of them.
    animal joints %: PA error in hundredths of the body's length; by rest: as a share of the error that the mean animal's rest pose has,
    which would meet the bar in hundredths without looking. hidden outline %, hidden centre %: of a thing's points, hidden or not, in
    hundredths of its box's diagonal, on the frames that hide more than a tenth of it. depth order: the share of frames on which every pair of subjects that stand apart in depth is in the right order.
    """
    found = result.clip.tracks
    pairs = {**_people(scene, result), **_shown_things(scene.clip.tracks, found)}
    figures = _people_figures(scene, result, pairs)
    figures |= (
        _animal_figures(scene, result.clip, pairs) | _thing_figures(scene, result, pairs) | _hidden_figures(scene, result.clip, pairs)
    )
    if len(scene.clip.tracks) > 1:
        figures["depth order"] = _order(scene.clip, result.clip, pairs)
    figures["camera degrees"] = float(turning_errors(result.clip.camera, scene.clip.camera).max())
    return figures


def _kinds(tracks: tuple[Track, ...], kind: str) -> list[int]:
    return [number for number, track in enumerate(tracks) if kind_of(track) == kind]


def _table(scene: TruthScene, result: LiftResult) -> tuple[list[int], list[int], Array]:
    """People of truth and lift, and their overlaps ``(A, B, F)``."""
    truth, found = _kinds(scene.clip.tracks, "person"), _kinds(result.clip.tracks, "person")
    return truth, found, overlaps(scene.visible[truth], seen_of(result.visible, result.clip.tracks)[found])


def _people(scene: TruthScene, result: LiftResult) -> dict[int, int]:
    truth, found, table = _table(scene, result)
    return {truth[row]: found[column] for row, column in matched(table).items()}


def _shown_things(truth: tuple[Track, ...], found: tuple[Track, ...]) -> dict[int, int]:
    """Animals and things were shown by name, and must come back under it."""
    names = {track.track_id: number for number, track in enumerate(found)}
    return {row: names[track.track_id] for row, track in enumerate(truth) if kind_of(track) != "person" and track.track_id in names}


def _asked(scene: TruthScene, number: int) -> NDArray[np.bool_]:
    area, seen = scene.alone[number].sum(axis=(1, 2)), scene.visible[number].sum(axis=(1, 2))
    return (area > 0) & (seen >= SHOWN * area)


def _people_figures(scene: TruthScene, result: LiftResult, pairs: Mapping[int, int]) -> Figures:
    truth, found, table = _table(scene, result)
    if not truth:
        return {"people too many": float(len(found))}
    errors, shapes = [], []
    for number in truth:
        track = result.clip.tracks[pairs[number]] if number in pairs else None
        if track is not None:
            errors.append(1000.0 * _joint_error(track, scene.clip.tracks[number], _asked(scene, number)))
            shapes.append(_outline(scene, number, track, result.clip))
    return {
        "people missed": float(len(truth) - len(errors)),
        "people too many": float(max(len(found) - len(truth), 0)),
        "PA-MPJPE mm": _mean(errors),
        "worst PA-MPJPE mm": float(max(errors, default=float("nan"))),
        "people IoU": _mean(shapes),
        "identity switches": float(identity_switches(table)) if errors else float("nan"),
    }


def _animal_figures(scene: TruthScene, lifted: Clip, pairs: Mapping[int, int]) -> Figures:
    truth = _kinds(scene.clip.tracks, "animal")
    shapes, errors, shares = [], [], []
    for number in truth:
        true, track = scene.clip.tracks[number], lifted.tracks[pairs[number]] if number in pairs else None
        if track is None or kind_of(track) != "animal" or not isinstance(true, BodyTrack):
            return {"animal IoU": float("nan"), "animal joints %": float("nan"), "animal joints by rest": float("nan")}
        asked = _asked(scene, number)
        error, resting = _joint_error(track, true, asked), _joint_error(at_rest(true), true, asked)
        shapes.append(_outline(scene, number, track, lifted))
        errors.append(100.0 * error / body_length(true))
        shares.append(error / resting)
    means = {"animal IoU": np.mean(shapes), "animal joints %": np.mean(errors), "animal joints by rest": np.mean(shares)} if truth else {}
    return {name: float(value) for name, value in means.items()}


def _thing_figures(scene: TruthScene, result: LiftResult, pairs: Mapping[int, int]) -> Figures:
    truth = _kinds(scene.clip.tracks, "object")
    seen = seen_of(result.visible, result.clip.tracks)
    masks, shapes = [], []
    for number in truth:
        asked = _asked(scene, number)
        mask = seen[pairs[number]] if number in pairs else np.zeros_like(scene.visible[number])
        masks.append(_mean(overlap(mask, scene.visible[number])[asked]))
        shapes.append(_outline(scene, number, result.clip.tracks[pairs[number]], result.clip) if number in pairs else 0.0)
    return (
        {"thing IoU": float(np.mean(masks)), "worst thing IoU": float(min(masks)), "thing outline IoU": float(np.mean(shapes))}
        if truth
        else {}
    )


def _hidden_figures(scene: TruthScene, lifted: Clip, pairs: Mapping[int, int]) -> Figures:
    outlines_apart, centres_apart = [], []
    for number in _kinds(scene.clip.tracks, "object"):
        area, seen = scene.alone[number].sum(axis=(1, 2)), scene.visible[number].sum(axis=(1, 2))
        hidden = seen < HIDDEN * area
        true, track = scene.clip.tracks[number], lifted.tracks[pairs[number]] if number in pairs else None
        if not hidden.any() or not isinstance(true, ObjectTrack):
            continue
        if not isinstance(track, ObjectTrack):
            return {"hidden outline %": float("nan"), "hidden centre %": float("nan")}
        shape = whole_shape(track, lifted.camera, true, scene.clip.camera, scene.alone[number])
        outlines_apart.append(100.0 * shape.contour[hidden].mean())
        centres_apart.append(100.0 * shape.centre[hidden].mean())
    return {"hidden outline %": _mean(outlines_apart), "hidden centre %": _mean(centres_apart)} if outlines_apart else {}


def _joint_error(track: Track, true: Track, asked: NDArray[np.bool_]) -> float:
    assert isinstance(track, BodyTrack) and isinstance(true, BodyTrack)
    found, wanted = joints_world(track), joints_world(true)
    return float(procrustes_errors(found[asked][:, : wanted.shape[1]], wanted[asked]).mean())


def _outline(scene: TruthScene, number: int, track: Track, lifted: Clip) -> float:
    """The lifted outline against the true one, leaving out what something else hides of the true one."""
    hidden = scene.alone[number] & ~scene.visible[number]
    found = outlines(track, lifted.camera)
    return _mean(overlap(found & ~hidden, scene.visible[number])[_asked(scene, number)])


def _order(truth: Clip, lifted: Clip, pairs: Mapping[int, int]) -> float:
    """Share of frames with every pair in order; a subject that was not found has no order, so no frame is right."""
    right = np.ones(truth.n_frames, bool)
    true = [depths(track, truth.camera) for track in truth.tracks]
    found = {number: depths(lifted.tracks[pairs[number]], lifted.camera) for number in pairs}
    for a, b in combinations(range(len(true)), 2):
        apart = np.abs(true[a] - true[b]) >= APART
        agree = np.sign(found[a] - found[b]) == np.sign(true[a] - true[b]) if a in found and b in found else np.zeros(len(right), bool)
        right &= agree | ~apart
    return float(right.mean())


def _mean(values: list[float] | Array) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
