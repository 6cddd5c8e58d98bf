"""Normal equations of a whole clip whose terms tie at most three frames in a row, and their solution in time linear in the frames.

Unknowns are ``(F, D)``. The matrix is kept as its blocks on the diagonal, one and two frames off it; two frames together make it
block-tridiagonal, and block Cholesky solves it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

REACH = 2  # frames between the two ends of a second difference


@dataclass(frozen=True, eq=False)
class NormalEquations:
    """blocks: ``(3, F, D, D)``; ``blocks[k, f]`` couples frame f (rows) with frame f + k (columns). gradient: ``(F, D)``."""

    blocks: Tensor
    gradient: Tensor

    def add(self, stencil: tuple[float, ...], jacobian: Tensor, residual: Tensor, weight: Tensor) -> None:
        """Adds the term ``sum_k r_k' W_k r_k / 2``, where ``r`` moves as ``sum_s stencil[s] * jacobian[k + s] @ delta[k + s]``.

        jacobian: ``(F, N, 3, D)``. residual: ``(K, N, 3)`` with ``K = F - len(stencil) + 1``. weight: ``(K, N)`` or ``(K, N, 3, 3)``.
        """
        rows = len(residual)
        flat = jacobian.flatten(1, 2)
        pull = weight[..., None] * residual if weight.ndim == 2 else (weight @ residual[..., None])[..., 0]
        for a, left in enumerate(stencil):
            self.gradient[a : a + rows] += left * (flat[a : a + rows].mT @ pull.flatten(1)[..., None])[..., 0]
            pressed = jacobian[a : a + rows]
            pressed = weight[..., None, None] * pressed if weight.ndim == 2 else weight @ pressed
            pressed = pressed.flatten(1, 2).mT
            for b in range(a, len(stencil)):
                self.blocks[b - a, a : a + rows] += left * stencil[b] * (pressed @ flat[b : b + rows])

    def add_blocks(self, reach: int, start: int, blocks: Tensor) -> None:
        """Adds ``(K, J, 3, 3)`` couplings of each joint's rotation with itself ``reach`` frames later, from frame ``start`` on."""
        rows, joints = blocks.shape[:2]
        view = self.blocks[reach, start : start + rows, 3:, 3:].unflatten(1, (joints, 3)).unflatten(3, (joints, 3))
        view.diagonal(dim1=1, dim2=3).add_(blocks.permute(0, 2, 3, 1))

    def held(self, free: Tensor) -> "NormalEquations":
        """The equations with the unknowns outside ``free`` ``(F, D)`` (0 or 1) substituted: their solution is exactly 0."""
        blocks = self.blocks.clone()
        frames = len(free)
        for reach in range(min(REACH + 1, frames)):
            blocks[reach, : frames - reach] *= free[: frames - reach, :, None] * free[reach:, None, :]
        blocks[0].diagonal(dim1=1, dim2=2).add_(1.0 - free)
        return NormalEquations(blocks, self.gradient * free)


def empty(frames: int, unknowns: int) -> NormalEquations:
    """Equations without any term."""
    blocks = torch.zeros(REACH + 1, frames, unknowns, unknowns, dtype=torch.float64)
    return NormalEquations(blocks, torch.zeros(frames, unknowns, dtype=torch.float64))


def solve(equations: NormalEquations, damping: float) -> Tensor:
    """``(F, D)`` step that minimises the quadratic, its diagonal stiffened by the share ``damping``.

    The three components of a vector are stiffened alike, so that the step does not depend on the choice of axes.
    """
    diagonal, upper, gradient = _paired(equations)
    main = diagonal.diagonal(dim1=1, dim2=2)
    main += damping * main.unflatten(1, (-1, 3)).mean(-1).repeat_interleave(3, dim=1) + 1e-9
    factors, carry = [], []
    right = []
    for index in range(len(diagonal)):
        block, target = diagonal[index], -gradient[index][:, None]
        if index:
            block = block - carry[-1].mT @ carry[-1]
            target = target - carry[-1].mT @ right[-1]
        factor = torch.linalg.cholesky(block)
        factors.append(factor)
        right.append(torch.linalg.solve_triangular(factor, target, upper=False))
        if index + 1 < len(diagonal):
            carry.append(torch.linalg.solve_triangular(factor, upper[index], upper=False))
    steps = [torch.linalg.solve_triangular(factors[-1].mT, right[-1], upper=True)]
    for index in range(len(diagonal) - 2, -1, -1):
        target = right[index] - carry[index] @ steps[0]
        steps.insert(0, torch.linalg.solve_triangular(factors[index].mT, target, upper=True))
    frames, unknowns = equations.gradient.shape
    return torch.cat(steps).reshape(-1, unknowns)[:frames]


def _paired(equations: NormalEquations) -> tuple[Tensor, Tensor, Tensor]:
    """Two frames as one: diagonal ``(G, 2D, 2D)``, the couplings to the next pair ``(G, 2D, 2D)``, gradient ``(G, 2D)``."""
    frames, size = equations.gradient.shape
    pairs = (frames + 1) // 2
    blocks = torch.zeros(REACH + 1, 2 * pairs, size, size, dtype=equations.blocks.dtype)
    blocks[:, :frames] = equations.blocks
    if 2 * pairs > frames:
        blocks[0, frames] = torch.eye(size, dtype=blocks.dtype)
    gradient = torch.zeros(2 * pairs, size, dtype=blocks.dtype)
    gradient[:frames] = equations.gradient
    here, there = blocks[:, 0::2], blocks[:, 1::2]
    diagonal = torch.cat([torch.cat([here[0], here[1]], 2), torch.cat([here[1].mT, there[0]], 2)], 1)
    upper = torch.cat([torch.cat([here[2], torch.zeros_like(here[2])], 2), torch.cat([there[1], there[2]], 2)], 1)
    return diagonal, upper, gradient.reshape(pairs, 2 * size)
