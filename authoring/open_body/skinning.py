"""Skinning a mesh with rigid joint transforms: linear, and with dual quaternions as Anny poses its bodies.

Dual quaternions after Kavan et al., "Skinning with Dual Quaternions" (2007).
"""

import numpy as np
from numpy.typing import NDArray

from revision_blender.motion.rotation import matrix_from_quaternion, quaternion_from_matrix

Array = NDArray[np.float64]


def joint_transforms(parents: NDArray[np.integer], rest: Array, rotations: Array) -> Array:
    """``(N, J, 3, 4)`` transforms that carry the rest pose to the posed one.

    rest: ``(N, J, 3)`` joints. rotations: ``(N, J, 3, 3)`` relative to the parent's, axes of the rest pose.
    """
    world = np.empty_like(rotations)
    joints = np.empty_like(rest)
    for joint, parent in enumerate(parents):
        if parent < 0:
            world[:, joint], joints[:, joint] = rotations[:, joint], rest[:, joint]
            continue
        world[:, joint] = world[:, parent] @ rotations[:, joint]
        joints[:, joint] = joints[:, parent] + np.einsum("nab,nb->na", world[:, parent], rest[:, joint] - rest[:, parent])
    shift = joints - np.einsum("njab,njb->nja", world, rest)
    return np.concatenate([world, shift[..., None]], axis=-1)


def skin_linear(vertices: Array, weights: Array, transforms: Array) -> Array:
    """``(N, V, 3)`` from vertices ``(N or 1, V, 3)``, weights ``(V, J)`` and transforms ``(N, J, 3, 4)``."""
    n, j = transforms.shape[:2]
    blended = (weights @ transforms.reshape(n, j, 12)).reshape(n, -1, 3, 4)
    return np.einsum("nvab,nvb->nva", blended[..., :3], np.broadcast_to(vertices, (n, *vertices.shape[1:]))) + blended[..., 3]


def skin_dual_quaternions(vertices: Array, weights: Array, transforms: Array) -> Array:
    """The same with dual quaternions: joints keep their volume where they bend and twist."""
    real = quaternion_from_matrix(transforms[..., :3])  # (N, J, 4), w x y z
    dual = 0.5 * _product(np.concatenate([np.zeros_like(real[..., :1]), transforms[..., 3]], axis=-1), real)
    own = np.argmax(weights, axis=1)
    signs = np.sign(np.einsum("nvq,njq->nvj", real[:, own], real))
    signed = weights[None] * np.where(signs == 0.0, 1.0, signs)
    blend_real, blend_dual = signed @ real, signed @ dual
    length = np.linalg.norm(blend_real, axis=-1, keepdims=True)
    blend_real, blend_dual = blend_real / length, blend_dual / length
    conjugate = blend_real * np.array([1.0, -1.0, -1.0, -1.0])
    shift = 2.0 * _product(blend_dual, conjugate)[..., 1:]
    return np.einsum("nvab,nvb->nva", matrix_from_quaternion(blend_real), np.broadcast_to(vertices, shift.shape)) + shift


def _product(a: Array, b: Array) -> Array:
    w1, v1, w2, v2 = a[..., :1], a[..., 1:], b[..., :1], b[..., 1:]
    w = w1 * w2 - np.sum(v1 * v2, axis=-1, keepdims=True)
    return np.concatenate([w, w1 * v2 + w2 * v1 + np.cross(v1, v2)], axis=-1)
