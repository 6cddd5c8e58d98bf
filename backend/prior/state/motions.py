"""Motions as batches of tensors: what goes into the prior's network and what comes out, all of it differentiable."""

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor

from backend.prior.state.take import Kind


@dataclass(frozen=True, eq=False)
class Motions:
    """``b`` motions of one kind over ``t`` frames at ``take.FPS``, in the prior's world (metres, y up, floor at y = 0).

    Fields as in ``take.Take``: rotations R_parent_joint, root the place of joint 0, offsets of the rest pose, points of objects.
    """

    kind: Kind
    rotations: Float[Tensor, "b t j 3 3"]
    root: Float[Tensor, "b t 3"]
    offsets: Float[Tensor, "b j 3"]
    points: Float[Tensor, "b t 21 3"] | None = None


@dataclass(frozen=True, eq=False)
class Observed:
    """What was seen of the motions; what is missing has been filled between its neighbours.

    trust, root_trust: in [0, 1], 0 where the value was filled. pinned, root_pinned: 1 where it is exact. away: seconds to the
    nearest frame that was really sampled (0 at the clock's own rate, more between the frames of a slower clip). valid: False for padding.
    """

    motions: Motions
    trust: Float[Tensor, "b t j"]
    root_trust: Float[Tensor, "b t"]
    pinned: Bool[Tensor, "b t j"]
    root_pinned: Bool[Tensor, "b t"]
    away: Float[Tensor, "b t"]
    valid: Bool[Tensor, "b t"]


@dataclass(frozen=True, eq=False)
class Told:
    """What the network is told beside the motion.

    strength: mean joint angular speed mapped to [0, 1] by the training set's distribution; NaN for *auto*. words: token ids of the
    built-in text encoder, 0 for none; ``embedded``: token features of another text encoder, which then count instead of ``words``.
    """

    strength: Float[Tensor, " b"]
    words: Int[Tensor, "b n"]
    embedded: Float[Tensor, "b n e"] | None = None


@dataclass(frozen=True, eq=False)
class Predicted:
    """The motions as the network would have them. contacts: logits that left toe, left heel, right toe, right heel touch the floor.

    Of animals: left front, right front, left back, right back foot. Of objects: the box in the first, the others unused.
    """

    motions: Motions
    contacts: Float[Tensor, "b t 4"]
