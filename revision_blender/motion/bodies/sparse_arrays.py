"""A body's big arrays between their dense form in memory and their sparse form in files: nothing is kept where it is zero."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .body_data import BodyModel

AnyArray = NDArray[Any]


def sparse_weights(weights: AnyArray) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """``(V, J)`` to joints and values ``(V, K)``, the largest first; K is what the busiest vertex has."""
    slots = int((weights > 0).sum(axis=1).max())
    order = np.argsort(-weights, axis=1, kind="stable")[:, :slots]
    return order.astype(np.uint8), np.take_along_axis(weights, order, axis=1).astype(np.float32)


def dense_weights(joint: AnyArray, value: AnyArray, joints: int) -> NDArray[np.float32]:
    """The inverse of ``sparse_weights``; rows are brought to a sum of exactly 1."""
    dense = np.zeros((len(joint), joints), np.float32)
    np.add.at(dense, (np.arange(len(joint))[:, None], joint), value)
    return dense / dense.sum(axis=1, keepdims=True)


def dense_regressor(joint: AnyArray, vertex: AnyArray, value: AnyArray, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Entries ``(N,)`` to a ``(J, V)`` regressor; entries at the same place add up."""
    dense = np.zeros(shape, np.float32)
    np.add.at(dense, (joint, vertex), value)
    return dense


def sparse_posedirs(model: BodyModel, kind: type[np.floating]) -> tuple[NDArray[np.uint8], AnyArray]:
    """Correctives by vertex and joint: joints ``(V, P)``, where 0 says unused, and their blocks ``(V, P, 3, 9)`` of type ``kind``."""
    by_joint = model.posedirs.reshape(model.n_vertices, 3, model.n_joints - 1, 9)
    used = np.abs(by_joint).max(axis=(1, 3), initial=0.0) > 0.0  # (V, J - 1)
    slots = max(1, int(used.sum(axis=1).max()))
    if slots == model.n_joints - 1:  # the official bodies: every joint moves some vertex everywhere
        order = np.broadcast_to(np.arange(slots), used.shape)
        return np.where(used, order + 1, 0).astype(np.uint8), by_joint.transpose(0, 2, 1, 3).astype(kind)
    order = np.argsort(~used, axis=1, kind="stable")[:, :slots]
    live = np.take_along_axis(used, order, axis=1)
    values = np.take_along_axis(by_joint, order[:, None, :, None], axis=2) * live[:, None, :, None]
    return np.where(live, order + 1, 0).astype(np.uint8), values.transpose(0, 2, 1, 3).astype(kind)


def dense_posedirs(joint: AnyArray, value: AnyArray, joints: int) -> NDArray[np.float32]:
    """The inverse of ``sparse_posedirs``: ``(V, 3, 9 (J - 1))``."""
    V, slots = joint.shape
    if slots == joints - 1 and _in_place(joint, joints):
        live = value.astype(np.float32) * (joint > 0)[:, :, None, None]
        return np.ascontiguousarray(live.transpose(0, 2, 1, 3)).reshape(V, 3, 9 * (joints - 1))
    dense = np.zeros((V, 3, joints, 9), np.float32)
    vertices = np.arange(V)
    for slot in range(slots):
        dense[vertices, :, joint[:, slot]] += value[:, slot].astype(np.float32)
    return np.ascontiguousarray(dense[:, :, 1:]).reshape(V, 3, 9 * (joints - 1))


def _in_place(joint: AnyArray, joints: int) -> bool:
    """Whether slot k holds joint k + 1 or nothing."""
    return bool(((joint == np.arange(1, joints)) | (joint == 0)).all())
