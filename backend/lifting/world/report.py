"""What a lift reports: how well each track explains what is seen of it, and the whole."""

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

from backend.lifting.people.landmarks import person_height
from backend.lifting.people.measures import landmark_points, visible
from backend.lifting.world.drawn import Drawn, ious, seen_among
from backend.lifting.world.focal import FocalEstimate
from backend.lifting.world.lifted import LiftedTrack
from revision_blender.motion.bodies.body_model import open_human
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import BodyTrack

NOTHING = float("nan")


def track_figures(
    lifted: tuple[LiftedTrack, ...], drawn: list[Drawn], masks: list[Bool[NDArray[np.bool_], "F h w"]], camera: Camera
) -> dict[str, float]:
    """ "name/figure" of every track: ``frames_seen``, ``confidence``, ``silhouette_iou``, ``silhouette_iou_min`` and of a person
    ``landmark_error`` and ``landmark_error_p95`` as fractions of its height; NaN where nothing can be measured.

    drawn, masks: of each track at one small size. What another track hides of a body does not count against it.
    """
    figures: dict[str, float] = {}
    index = seen_among(drawn) if drawn else np.zeros((0, 0, 0), np.uint8)
    for place, track in enumerate(lifted):
        overlap = ious(index == place + 1, masks[place])
        figures[f"{track.name}/frames_seen"] = float(track.seen.sum())
        figures[f"{track.name}/confidence"] = _confidence(track)
        figures[f"{track.name}/silhouette_iou"] = float(np.median(overlap)) if len(overlap) else NOTHING
        figures[f"{track.name}/silhouette_iou_min"] = float(overlap.min()) if len(overlap) else NOTHING
        figures |= _landmark_figures(track, camera)
    return figures


def whole_figures(lifted: tuple[LiftedTrack, ...], figures: dict[str, float]) -> dict[str, float]:
    """Of the first person under plain names, and how many of each there are."""
    people = [track for track in lifted if track.landmarks is not None]
    plain = {
        "landmark_error_median": "landmark_error", "landmark_error_p95": "landmark_error_p95",
        "silhouette_iou_median": "silhouette_iou", "silhouette_iou_min": "silhouette_iou_min",
    }  # fmt: skip
    first = people[0].name if people else ""
    found = {name: figures.get(f"{first}/{figure}", NOTHING) for name, figure in plain.items()} if people else {}
    return found | {"people": float(len(people)), "tracks": float(len(lifted))}


def focal_spread(told: FocalEstimate | None, given: bool) -> float:
    """How far the focal length can be wrong, as a share of it: 0 where it is given, NaN where it is assumed."""
    if told is not None:
        return told.spread
    return 0.0 if given else NOTHING


def lens_words(told: FocalEstimate, camera: Camera) -> str:
    """The sentence about an estimated focal length. camera: in whose pixels."""
    pixels, turn = camera.focal, np.degrees(told.turn)
    return (
        f"The focal length was estimated from the camera's turn of {turn:.0f} degrees: {pixels:.0f} pixels at {camera.width} x {camera.height}, "
        f"give or take {told.spread * pixels:.0f}; give yours if you know it."
    )


def shot_name(name: str, number: int) -> str:
    """A track's name in a clip of several shots; number: the shot's, from 1."""
    return name if number == 1 else f"{name} shot {number}"


def joined_figures(of_shots: list[dict[str, float]]) -> dict[str, float]:
    """The figures of all shots under the tracks' names in the whole clip; of the whole the worst shot's."""
    figures: dict[str, float] = {}
    for number, of_shot in enumerate(of_shots, 1):
        for key, value in of_shot.items():
            name, slash, figure = key.rpartition("/")
            if slash:
                figures[f"{shot_name(name, number)}/{figure}"] = value
            else:
                figures[key] = min(value, figures.get(key, value))
    return figures


def _confidence(track: LiftedTrack) -> float:
    """Mean over the frames that show it."""
    values = np.asarray(track.track.confidence, float)
    values = values.mean(axis=1) if values.ndim == 2 else values
    return float(values[track.seen].mean()) if track.seen.any() else 0.0


def _landmark_figures(track: LiftedTrack, camera: Camera) -> dict[str, float]:
    body = track.track
    if track.landmarks is None or not isinstance(body, BodyTrack) or body.family != "smpl" or body.model != open_human().name:
        return {}
    projected, _ = camera.project(landmark_points(open_human(), body))
    apart = np.linalg.norm(projected - track.landmarks[..., :2], axis=-1) / person_height(track.landmarks[..., :2])[:, None]
    errors = apart[visible(track.landmarks)]
    return {
        f"{track.name}/landmark_error": float(np.median(errors)) if len(errors) else NOTHING,
        f"{track.name}/landmark_error_p95": float(np.percentile(errors, 95)) if len(errors) else NOTHING,
    }
