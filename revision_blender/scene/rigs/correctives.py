"""SMPL's pose correctives as shape keys that follow the bones, so that an edited pose gets the right ones as well.

A corrective is linear in the nine entries of R_j - I. In a bone's own axes those entries are sums of the nine products of
its unit quaternion's components, xx yy zz xy xz yz wx wy wz, and of no fewer. Hence one shape key a joint and product; its
driver is a product of two numbers, which Blender computes without Python. Where a joint's nine offsets are mixtures of a few,
as a finger's are that learnt from little data, there is one key for each of the few, driven by its mixture of the products:
playing costs time for every key. Bone axes are the same for every shape of a model, so the keys are as well.
"""

from collections.abc import Iterator

import bpy
import numpy as np
from numpy.typing import NDArray

from ...motion.bodies.body_model import BodyModel
from .bones import R_armature_model, R_smpl_bone_of, bone_names
from .shape_keys import add_offset_key, value_path

Array = NDArray[np.floating]

PRODUCTS = ("xx", "yy", "zz", "xy", "xz", "yz", "wx", "wy", "wz")
_CHANNEL = {"w": "ROT_W", "x": "ROT_X", "y": "ROT_Y", "z": "ROT_Z"}
_LEFT_OUT = 1e-5  # metres: what is left out can move no vertex by more in any pose, all joints together
_LEFT_OUT_A_JOINT = 3e-6
_MOST_MIXED = 6  # a driver of a mixture reads four numbers, one of a product two: with more mixtures nine products are faster
_MIXTURE = "mix"


def _products_of_entries() -> Array:
    """``(3, 3, 9)``: R - I of a unit quaternion as a linear function of PRODUCTS."""
    table = np.zeros((3, 3, 9))
    place = {name: index for index, name in enumerate(PRODUCTS)}
    for a, (b, c) in enumerate(((1, 2), (2, 0), (0, 1))):
        axis = "xyz"[a]
        for other in (b, c):
            table[a, a, place["xyz"[other] * 2]] = -2.0
        pair = "".join(sorted("xyz"[b] + "xyz"[c]))
        table[b, c, place[pair]] = table[c, b, place[pair]] = 2.0
        table[c, b, place[f"w{axis}"]] = 2.0
        table[b, c, place[f"w{axis}"]] = -2.0
    return table


_TABLE = _products_of_entries()


def key_offsets(model: BodyModel, R_model_bone: Array, joint: int) -> NDArray[np.float32]:
    """``(9, V, 3)``: vertex offsets in armature space, metres, of one joint's shape keys in the order of PRODUCTS.

    R_model_bone: ``(J, 3, 3)`` bone axes in the model's rest space.
    """
    entries = np.ascontiguousarray(model.posedirs[:, :, 9 * (joint - 1) : 9 * joint])  # (V, 3, ab) in the model's axes
    axes, turn = R_model_bone[joint], R_armature_model(model.family).astype(np.float32)
    mixing = np.einsum("ac,bd,cdk->kab", axes, axes, _TABLE).reshape(9, 9).astype(np.float32)
    # einsum, not a matrix product: BLAS wakes threads for these, which cost 50 ms where the cores are busy
    offsets = np.einsum("vyn,kn->kvy", entries, mixing)
    return np.ascontiguousarray(np.einsum("kvy,xy->kvx", offsets, turn))


def mixtures(offsets: NDArray[np.float32], allowance: Array) -> tuple[Array, Array]:
    """The fewest orthonormal mixtures of the products that give a joint's offsets, and what they leave out.

    offsets: ``(9, V, 3)`` of the products. allowance: ``(V,)`` metres that may be left out at each vertex. Returns ``(K, 9)``
    and ``(V,)`` metres, a bound for every pose: the nine products of a unit quaternion are a vector of length at most 1.
    """
    flat = offsets.reshape(9, -1).astype(np.float64)
    _, axes = np.linalg.eigh(np.einsum("in,jn->ij", flat, flat))
    axes = axes.T[::-1]  # strongest first
    squares = np.square(np.einsum("ki,ivc->kvc", axes, offsets)).sum(axis=2)
    left = np.sqrt(np.concatenate([np.cumsum(squares[::-1], axis=0)[::-1], np.zeros((1, squares.shape[1]))]))  # (10, V)
    enough = (left <= np.minimum(allowance, _LEFT_OUT_A_JOINT)).all(axis=1)
    count = int(np.argmax(enough))
    return axes[:count], left[count]


def add_keys(body: bpy.types.Object, rig: bpy.types.Object, model: BodyModel) -> Iterator[None]:
    """Shape keys on ``body`` driven by the bones of ``rig``, a joint a step."""
    axes, names = R_smpl_bone_of(model), bone_names(model.family, model.n_joints)
    allowance = np.full(model.n_vertices, _LEFT_OUT)
    for joint in range(1, model.n_joints):
        if not model.posedirs[:, :, 9 * (joint - 1) : 9 * joint].any():
            continue
        offsets = key_offsets(model, axes, joint)
        mixed, left = mixtures(offsets, allowance)
        if len(mixed) <= _MOST_MIXED:
            allowance = allowance - left
            for number, mixture in enumerate(mixed):
                name = f"{names[joint]} {_MIXTURE}{number}"
                _add_key(body, name, np.einsum("i,ivc->vc", mixture, offsets), rig, names[joint], _sum(mixture))
        else:
            for product, offset in zip(PRODUCTS, offsets, strict=True):
                _add_key(body, f"{names[joint]} {product}", offset, rig, names[joint], "*".join(product))
        yield


def _sum(mixture: Array) -> str:
    """A driver's expression has room for 255 letters; this takes at most 150."""
    terms = [f"{factor:+.7f}*{'*'.join(product)}" for factor, product in zip(mixture, PRODUCTS, strict=True)]
    return "".join(terms).removeprefix("+")


def _add_key(body: bpy.types.Object, name: str, offset: Array, rig: bpy.types.Object, bone: str, expression: str) -> None:
    if not offset.any():
        return
    add_offset_key(body, name, offset, (-1.0, 1.0))
    driver = body.data.shape_keys.driver_add(value_path(name)).driver
    for letter in (letter for letter in "wxyz" if letter in expression):
        variable = driver.variables.new()
        variable.name = letter
        variable.type = "TRANSFORMS"
        target = variable.targets[0]
        target.id = rig
        target.bone_target = bone
        target.rotation_mode = "QUATERNION"
        target.transform_type = _CHANNEL[letter]
        target.transform_space = "LOCAL_SPACE"
    driver.type = "SCRIPTED"
    driver.expression = expression


def corrective_keys(body: bpy.types.Object) -> Iterator[bpy.types.ShapeKey]:
    """The body's shape keys that follow its bones."""
    keys = body.data.shape_keys
    groups = {group.name for group in body.vertex_groups}
    for key in keys.key_blocks if keys else ():
        bone, _, part = key.name.rpartition(" ")
        if (part in PRODUCTS or part.startswith(_MIXTURE)) and bone in groups:
            yield key


def use_correctives(body: bpy.types.Object, enabled: bool) -> None:
    """Turns a body's correctives on or off, drivers and all; the file keeps it. Without them it plays several times faster
    and its joints crease as plain skinning does."""
    paths = set()
    for key in corrective_keys(body):
        key.mute = not enabled
        paths.add(value_path(key.name))
    keys = body.data.shape_keys
    for curve in keys.animation_data.drivers if keys and keys.animation_data else ():
        if curve.data_path in paths:
            curve.mute = not enabled


def correctives_used(body: bpy.types.Object) -> bool:
    """Whether the body has correctives and they are on."""
    return any(not key.mute for key in corrective_keys(body))
