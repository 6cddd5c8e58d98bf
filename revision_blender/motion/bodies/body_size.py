"""Bodies that come in every size: an animal's last shape component is its template, so that the coefficient grows all of it.

With the template T, the other components B and a coefficient s the rest surface is ``T + B b + s T``. Betas ``k b`` and
``k (1 + s) - 1`` are that surface ``k`` times as large, exactly; so are its joints, which are linear in the surface, and all that
hangs on them. Pose correctives, a millimetre or two, stay what they are.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import BodyModelError
from .body_data import BodyModel

Array = NDArray[np.floating]


def sized(model: BodyModel) -> BodyModel:
    """The same body with its size as one more shape component, the last."""
    return (
        model
        if model.sized
        else replace(model, shapedirs=np.concatenate([model.shapedirs, model.v_template[..., None]], axis=-1), sized=True)
    )


def n_proportions(model: BodyModel) -> int:
    """How many shape components say what a body is like, whatever its size."""
    return model.n_betas - model.sized


def size_of(model: BodyModel, betas: Array) -> float:
    """How many times as large as the template's size a body of shape ``betas`` ``(B,)`` is; 1 for models that come in one size."""
    return 1.0 + float(model.checked_betas(betas)[-1]) if model.sized else 1.0


def resized(model: BodyModel, betas: Array, factor: float) -> NDArray[np.float64]:
    """``(B,)`` the shape ``factor`` times as large in every length. ``BodyModelError`` for a model that comes in one size."""
    if not model.sized or not factor > 0.0:
        raise BodyModelError(f"body model {model.name!r} cannot be made {factor:g} times as large; scale its rig instead")
    grown = factor * model.checked_betas(betas)
    grown[-1] += factor - 1.0
    return grown


def proportions(model: BodyModel, betas: Array) -> NDArray[np.float64]:
    """``(n_proportions,)`` the components of the same animal at size 1, without the size; ``betas`` for models that come in one size."""
    if not model.sized:
        return model.checked_betas(betas)
    size = size_of(model, betas)
    if not size > 0.0:
        raise BodyModelError(f"a body {size:g} times as large as {model.name!r} is none; set its size component above -1")
    return model.checked_betas(betas)[:-1] / size
