"""SMPL's pose correctives as shape keys that follow the bones, so that an edited pose gets the right ones as well.

A corrective is linear in the nine entries of R_j - I. In a bone's own axes those entries are sums of the nine products of
its unit quaternion's components, xx yy zz xy xz yz wx wy wz, and of no fewer. Hence one shape key a joint and product; its
driver is a product of two numbers, which Blender computes without Python. Bone axes are the same for every shape of a model,
so the keys are as well.
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
_LEFT_OUT = 1e-5  # metres: keys are left out while all those left out together can move no vertex by more


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


def add_keys(body: bpy.types.Object, rig: bpy.types.Object, model: BodyModel) -> Iterator[None]:
    """Shape keys on ``body`` driven by the bones of ``rig``, a joint a step."""
    axes, names = R_smpl_bone_of(model), bone_names(model.family, model.n_joints)
    spared = _LEFT_OUT
    for joint in range(1, model.n_joints):
        if not model.posedirs[:, :, 9 * (joint - 1) : 9 * joint].any():
            continue
        for product, offset in zip(PRODUCTS, key_offsets(model, axes, joint), strict=True):
            reach = float(np.sqrt(np.square(offset).sum(axis=1).max()))
            if reach <= min(spared, _LEFT_OUT / 20):
                spared -= reach
                continue
            key = add_offset_key(body, f"{names[joint]} {product}", offset, (-1.0, 1.0))
            _drive(body.data.shape_keys, key.name, rig, names[joint], product)
        yield


def _drive(keys: bpy.types.Key, name: str, rig: bpy.types.Object, bone: str, product: str) -> None:
    driver = keys.driver_add(value_path(name)).driver
    for letter in sorted(set(product)):
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
    driver.expression = "*".join(product)


def corrective_keys(body: bpy.types.Object) -> list[bpy.types.ShapeKey]:
    """The body's shape keys that follow its bones."""
    keys = body.data.shape_keys
    groups = {group.name for group in body.vertex_groups}

    def is_ours(name: str) -> bool:
        bone, _, product = name.rpartition(" ")
        return product in PRODUCTS and bone in groups

    return [key for key in keys.key_blocks if is_ours(key.name)] if keys else []


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
