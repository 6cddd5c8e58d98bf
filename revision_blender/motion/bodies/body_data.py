"""The arrays of a body model in SMPL's layout."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import BodyModelError

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class HandPca:
    """The hands' pose space of SMPL-H and SMPL-X, left then right, in axis-angle over 15 joints.

    mean: ``(2, 45)`` radians, the relaxed hand. components: ``(2, C, 45)`` radians a coefficient.
    """

    mean: NDArray[np.float64]
    components: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BodyModel:
    """A body of ``V`` vertices, ``T`` triangles, ``J`` joints, ``B`` shape and ``E`` expression components; metres.

    People are y up and face +z; SMAL's animals are z up and face +x, as in their files.

    v_template: ``(V, 3)`` rest pose of the mean shape. faces: ``(T, 3)`` vertex indices, counter-clockwise from outside.
    shapedirs: ``(V, 3, B)`` metres per standard deviation. posedirs: ``(V, 3, 9 (J - 1))`` metres per entry of the joint
    rotations minus identity, joint 1 first, row by row. J_regressor: ``(J, V)``, rows sum to 1. weights: ``(V, J)`` blend
    weights, rows sum to 1. parents: ``(J,)``, a parent before its children, the root's is -1. part_labels: ``(V,)``
    values of ``masks.labels``. family: whose skeleton it has (``skeletons``). expressiondirs: ``(V, 3, E)`` metres per
    standard deviation, E may be 0. hands: the hands' pose space, where the file has one. sized: whether the last shape component
    is the template itself, about the model's origin, so that its coefficient grows the body (``body_size``).
    """

    name: str
    v_template: NDArray[np.float32]
    faces: NDArray[np.int32]
    shapedirs: NDArray[np.float32]
    posedirs: NDArray[np.float32]
    J_regressor: NDArray[np.float32]
    weights: NDArray[np.float32]
    parents: NDArray[np.int64]
    part_labels: NDArray[np.uint8]
    family: str = "smpl"
    expressiondirs: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 3, 0), dtype=np.float32))
    hands: HandPca | None = None
    sized: bool = False

    def __post_init__(self) -> None:
        V, J, B = len(self.v_template), len(self.parents), self.shapedirs.shape[-1]
        wanted = {
            "v_template": (V, 3),
            "faces": (len(self.faces), 3),
            "shapedirs": (V, 3, B),
            "posedirs": (V, 3, 9 * (J - 1)),
            "J_regressor": (J, V),
            "weights": (V, J),
            "part_labels": (V,),
        }
        if self.n_expressions:
            wanted["expressiondirs"] = (V, 3, self.n_expressions)
        for name, shape in wanted.items():
            found = getattr(self, name).shape
            if found != shape:
                raise BodyModelError(f"body model {self.name!r}: {name} has shape {found}; {shape} is needed")
        if J < 1 or self.parents[0] != -1 or any(not 0 <= self.parents[j] < j for j in range(1, J)):
            raise BodyModelError(f"body model {self.name!r}: the joints' parents {self.parents.tolist()} are not a tree from joint 0")
        if self.faces.size and not 0 <= self.faces.min() <= self.faces.max() < V:
            raise BodyModelError(f"body model {self.name!r}: faces name vertices beyond the {V} that there are")

    @property
    def n_vertices(self) -> int:
        return len(self.v_template)

    @property
    def n_joints(self) -> int:
        return len(self.parents)

    @property
    def n_betas(self) -> int:
        return self.shapedirs.shape[-1]

    @property
    def n_expressions(self) -> int:
        return self.expressiondirs.shape[-1]

    @cached_property
    def joint_template(self) -> NDArray[np.float64]:
        """``(J, 3)`` rest joints of the mean shape, metres."""
        return self.J_regressor.astype(np.float64) @ self.v_template.astype(np.float64)

    @cached_property
    def joint_shapedirs(self) -> NDArray[np.float64]:
        """``(J, 3, B)`` how each shape component moves the rest joints, metres."""
        V = self.n_vertices
        return (self.J_regressor.astype(np.float64) @ self.shapedirs.astype(np.float64).reshape(V, -1)).reshape(self.n_joints, 3, -1)

    @cached_property
    def joint_expressiondirs(self) -> NDArray[np.float64]:
        """``(J, 3, E)`` how each expression component moves the rest joints, metres."""
        if not self.n_expressions:
            return np.zeros((self.n_joints, 3, 0))
        flat = self.expressiondirs.astype(np.float64).reshape(self.n_vertices, -1)
        return (self.J_regressor.astype(np.float64) @ flat).reshape(self.n_joints, 3, -1)

    def checked_betas(self, betas: Array) -> NDArray[np.float64]:
        """``(B,)`` float64: fewer components than the model has are filled with zeros, more are refused."""
        given = np.asarray(betas, dtype=np.float64)
        if given.ndim != 1 or len(given) > self.n_betas:
            raise BodyModelError(f"betas have shape {given.shape}; body model {self.name!r} takes at most {self.n_betas} numbers")
        return np.concatenate([given, np.zeros(self.n_betas - len(given))])

    def checked_expression(self, expression: Array) -> NDArray[np.float64]:
        """``(F, E)`` float64: fewer components than the model has are filled with zeros, more are refused."""
        given = np.asarray(expression, dtype=np.float64)
        if given.ndim != 2 or given.shape[1] > self.n_expressions:
            raise BodyModelError(
                f"expressions have shape {given.shape}; body model {self.name!r} takes at most {self.n_expressions} a frame"
            )
        return np.concatenate([given, np.zeros((len(given), self.n_expressions - given.shape[1]))], axis=1)
