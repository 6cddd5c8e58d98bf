"""BVH files whose joints are those of SMPL, SMPL-H, SMPL-X or SMAL by name, such as ``bvh_out`` writes: read as they are.

Nothing is retargeted. Which body of the shelf it is, and of which shape, is told by the skeleton's offsets: joints are linear in the
shape's components, so the components are found from them.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..bodies.body_data import BodyModel
from ..clip import BodyTrack
from ..retargeting.capture import Capture
from ..skeletons import SKELETONS, Skeleton
from .motion_file import ReadOptions

if TYPE_CHECKING:
    from ..bodies.shelf import BodyShelf

Array = NDArray[np.floating]

_SAME = 2e-5  # metres between a body's joint and the file's: the file's digits
_MOST_COMPONENTS = 42


def family_of(capture: Capture) -> Skeleton | None:
    """The skeleton whose names and tree the capture's are, end sites aside."""
    joints = [number for number, name in enumerate(capture.names) if not name.endswith("End Site")]
    names = [capture.names[number] for number in joints]
    for skeleton in SKELETONS.values():
        if len(names) == skeleton.n_joints and set(names) == set(skeleton.names) and _same_tree(capture, skeleton):
            return skeleton
    return None


def _same_tree(capture: Capture, skeleton: Skeleton) -> bool:
    index = [capture.names.index(name) for name in skeleton.names]
    parents = [-1 if capture.parents[joint] < 0 else capture.names[int(capture.parents[joint])] for joint in index]
    return parents == [-1 if parent < 0 else skeleton.names[parent] for parent in skeleton.parents]


def own_track(capture: Capture, skeleton: Skeleton, track_id: str, shelf: "BodyShelf", options: ReadOptions) -> BodyTrack | None:
    """The capture as a track of the body that it was written from; None where no body of the shelf has such joints.

    ``options.body`` is tried first. Lengths in metres and centimetres are told apart by the body.
    """
    index = [capture.names.index(name) for name in skeleton.names]
    rest = capture.rest[index]
    known = [name for name in shelf.names() if name != options.body and shelf.facts(name).get("family", "smpl") == skeleton.family]
    for name in [options.body, *known]:
        if not shelf.has(name) or (body := shelf.load(name)).family != skeleton.family:
            continue
        for metres in (1.0, 0.01):
            betas = _betas_of(body, rest * metres)
            if betas is not None:
                return _track(capture, skeleton, index, body, betas, metres, track_id)
    return None


def _betas_of(body: BodyModel, rest: Array) -> Array | None:
    """``(B,)`` components of the shape with these joints ``(J, 3)`` (joint 0 anywhere); None where no likely shape has them."""
    count = min(body.n_betas, _MOST_COMPONENTS, 2 * (body.n_joints - 1))
    wanted = (rest - rest[0] - (body.joint_template - body.joint_template[0])).ravel()
    moved = (body.joint_shapedirs - body.joint_shapedirs[:1])[..., :count].reshape(len(wanted), count)
    for betas in (np.zeros(count), np.linalg.lstsq(moved, wanted, rcond=1e-6)[0]):
        if np.abs(moved @ betas - wanted).max() < _SAME and np.abs(betas).max(initial=0.0) < 20.0:
            return betas[: max(10, int(np.flatnonzero(np.abs(betas) > 1e-3).max(initial=0)) + 1)]
    return None


def _track(
    capture: Capture, skeleton: Skeleton, index: list[int], body: BodyModel, betas: Array, metres: float, track_id: str
) -> BodyTrack:
    world = capture.rotations[:, index]
    rotations = world.copy()
    rotations[:, 1:] = np.swapaxes(world[:, skeleton.parents[1:]], -1, -2) @ world[:, 1:]
    root = body.joint_template[0] + body.joint_shapedirs[0] @ body.checked_betas(betas)
    translation = capture.places[:, index[0]] * metres - root
    return BodyTrack(track_id, body.family, body.name, betas, rotations, translation, np.ones(rotations.shape[:2]))
