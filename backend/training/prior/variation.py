"""Windows cut out of takes, and the arms of one motion on another: more motions out of few."""

from dataclasses import replace

from backend.prior.state.take import Take

ARMS = (12, 13, 14, 15, 16, 17, 18, 19, 20, 21)  # with neck and head


def cut(take: Take, part: slice) -> Take:
    """Some of a take's frames."""
    points = None if take.points is None else take.points[part]
    return replace(take, rotations=take.rotations[part], root=take.root[part], points=points)


def with_arms_of(take: Take, other: Take) -> Take:
    """A person with the first frames of ``other``'s arms and head, as far as both go; what is done has no name then."""
    frames = min(take.n_frames, other.n_frames)
    rotations = take.rotations[:frames].copy()
    rotations[:, ARMS] = other.rotations[:frames, ARMS]
    return replace(cut(take, slice(0, frames)), rotations=rotations, text="")
