"""Open bodies that stand in for bodies the user does not have, and the way back without loss.

A motion file names a body that may not be installed. Its motion is shown on the bundled body of its kind: joints by name,
the mean shape, the path scaled by the ratio of the legs about a point of the floor, so that feet stay where the floor is and
steps keep their length in legs. ``restored`` undoes all of it.
"""

import base64
import json
import zlib
from dataclasses import dataclass, replace
from functools import cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..clip import BodyTrack, GroundPlane
from ..errors import BodyModelError, ClipError
from ..skeletons import skeleton_of
from .body_data import BodyModel
from .shelf import BodyShelf

Array = NDArray[Any]
Point = tuple[float, float, float]

STANDS_IN = {"smpl": "open_human", "smplh": "open_human_x", "smplx": "open_human_x", "smal": "open_quadruped"}


@dataclass(frozen=True)
class _MeanBody:
    """A mean official body. root: joint 0 in the rest pose, metres. height: of joint 0 over the sole, metres."""

    root: Point
    height: float


# Joint 0 of the neutral mean bodies, and the vertical distances from it to the ankles (0.865 m in SMPL, 0.876 m in SMPL-X) are
# published with many programs that use these skeletons; the ankle's height over the sole is 0.056 m in SMPL's.
_MEAN_BODIES = {
    "smpl": _MeanBody((-0.00179506, -0.22333382, 0.02821918), 0.9204),
    "smplh": _MeanBody((-0.00179506, -0.22333382, 0.02821918), 0.9204),
    "smplx": _MeanBody((0.00312326, -0.35140744, 0.01203655), 0.9317),
}
_MAX_JSON = 64 << 20


@dataclass(frozen=True, eq=False)
class StandIn:
    """What a track was before another body stood in for it; goes through JSON unchanged.

    family, model, betas: the track's own. shown_on: name of the body that stands in. centre: the point of the world about which
    the path is scaled by ``scale``. root_from, root_to: rest joint 0 of the own and of the shown body, metres. expression:
    ``(F, E)`` the track's own components, which mean nothing on another body.
    """

    family: str
    model: str
    betas: tuple[float, ...]
    shown_on: str
    scale: float
    centre: Point
    root_from: Point
    root_to: Point
    expression: NDArray[np.float64] | None = None

    def to_json(self) -> str:
        facts = {name: getattr(self, name) for name in self.__dataclass_fields__}
        if self.expression is not None:
            content = base64.b85encode(zlib.compress(np.ascontiguousarray(self.expression, dtype="<f8").tobytes())).decode("ascii")
            facts["expression"] = {"shape": list(self.expression.shape), "content": content}
        return json.dumps(facts)

    @classmethod
    def from_json(cls, text: str) -> "StandIn":
        """The inverse of ``to_json``; ``ClipError`` for text that is not one."""
        try:
            facts = json.loads(text) if len(text) <= _MAX_JSON else None
            if not isinstance(facts, dict) or set(facts) != set(cls.__dataclass_fields__):
                raise ValueError("other members")
            return cls(
                family=str(facts["family"]),
                model=str(facts["model"]),
                betas=tuple(float(beta) for beta in facts["betas"]),
                shown_on=str(facts["shown_on"]),
                scale=_positive(facts["scale"]),
                centre=_point(facts["centre"]),
                root_from=_point(facts["root_from"]),
                root_to=_point(facts["root_to"]),
                expression=_expression(facts["expression"]),
            )
        except (ValueError, TypeError, KeyError, RecursionError, zlib.error) as reason:
            raise ClipError(f"what is noted about the body that stands in is damaged ({reason}); import the motion again") from reason


def stand_in(track: BodyTrack, shelf: BodyShelf, ground: GroundPlane | None = None) -> tuple[BodyTrack, StandIn | None]:
    """The track as it is where its body is on the shelf; otherwise on the bundled body of its kind, and what it was.

    ground: the clip's floor; without it the path is not scaled and the root stays where it was. ``BodyModelError`` where not
    even the bundled body is there.
    """
    if shelf.has(track.model) and shelf.load(track.model).family == track.family:
        return track, None
    if track.family not in STANDS_IN:
        raise BodyModelError(f"the body family {track.family!r} is not known; known are {', '.join(STANDS_IN)}")
    shown = shelf.load(STANDS_IN[track.family])
    facts = _facts(track, shown, ground)
    moved = replace(
        track,
        family=shown.family,
        model=shown.name,
        betas=np.zeros(shown.n_betas),
        rotations=_by_name(track.rotations, track.family, shown.family, np.eye(3)),
        confidence=_by_name(track.confidence, track.family, shown.family, np.ones(())),
        translation=_scaled(np.asarray(track.translation, dtype=np.float64), facts),
        expression=None,
    )
    return moved, facts


def restored(track: BodyTrack, was: StandIn) -> BodyTrack:
    """The inverse of ``stand_in`` for a track that may have been edited since; frames beyond the noted expressions hold the last."""
    translation = np.asarray(track.translation, dtype=np.float64)
    centre = np.array(was.centre)
    place = (translation + np.array(was.root_to) - centre) / was.scale + centre
    expression = was.expression
    if expression is not None and len(expression):
        expression = expression[np.minimum(np.arange(track.n_frames), len(expression) - 1)]
    return replace(
        track,
        family=was.family,
        model=was.model,
        betas=np.array(was.betas, dtype=np.float64),
        rotations=_by_name(track.rotations, track.family, was.family, np.eye(3)),
        confidence=_by_name(track.confidence, track.family, was.family, np.ones(())),
        translation=place - np.array(was.root_from),
        expression=expression,
    )


def _facts(track: BodyTrack, shown: BodyModel, ground: GroundPlane | None) -> StandIn:
    root_to = _point(shown.joint_template[0])
    mean = _MEAN_BODIES.get(track.family)  # SMAL's mean animal is not known here: the open one was made to its measures
    root_from, scale, centre = (mean.root if mean else root_to), 1.0, (0.0, 0.0, 0.0)
    if ground is not None and mean is not None:
        scale = _height(shown) / mean.height
        start = np.asarray(track.translation[0], dtype=np.float64) + root_from if track.n_frames else ground.point
        centre = _point(start - ground.height(start) * ground.normal)
    betas = tuple(float(beta) for beta in track.betas)
    expression = None if track.expression is None else np.array(track.expression, dtype=np.float64)
    return StandIn(track.family, track.model, betas, shown.name, scale, centre, root_from, root_to, expression)


@cache
def _height(model: BodyModel) -> float:
    """Joint 0 of a person's mean body over the sole, metres."""
    return float(model.joint_template[0, 1] - model.v_template[:, 1].min())


def _scaled(translation: Array, facts: StandIn) -> Array:
    centre = np.array(facts.centre)
    return (translation + np.array(facts.root_from) - centre) * facts.scale + centre - np.array(facts.root_to)


def _by_name(values: Array, source: str, target: str, default: Array) -> Array:
    """``(F, J, ...)`` of one family's joints as another's; joints that the source lacks get ``default``."""
    if source == target:
        return values
    names = skeleton_of(source).names
    wanted = skeleton_of(target).names
    found = np.broadcast_to(default, (len(values), len(wanted), *default.shape)).astype(values.dtype)
    for joint, name in enumerate(wanted):
        if name in names:
            found[:, joint] = values[:, names.index(name)]
    return found


def _point(values: Any) -> Point:
    x, y, z = (float(value) for value in values)
    if not np.isfinite([x, y, z]).all():
        raise ValueError("a point is not finite")
    return x, y, z


def _positive(value: Any) -> float:
    if not 0.0 < float(value) < 1e6:
        raise ValueError(f"a scale of {value}")
    return float(value)


def _expression(facts: Any) -> NDArray[np.float64] | None:
    if facts is None:
        return None
    shape = tuple(int(extent) for extent in facts["shape"])
    size = 8 * prod(shape)
    if len(shape) != 2 or min(shape) < 0 or size > _MAX_JSON:
        raise ValueError(f"expressions of shape {shape}")
    content = zlib.decompressobj().decompress(base64.b85decode(facts["content"]), size + 1)
    return np.frombuffer(content, dtype="<f8").reshape(shape).astype(np.float64)
