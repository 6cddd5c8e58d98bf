"""SMPL's pose correctives as shape keys that follow the bones, so that an edited pose gets the right ones as well.

A corrective is linear in the nine entries of R_j - I. In a bone's own axes those entries are sums of the nine products of
its unit quaternion's components, xx yy zz xy xz yz wx wy wz. Hence one shape key a joint and product; its driver is a
product of two numbers, which Blender computes without Python.
"""

from collections.abc import Iterator

import bpy
import numpy as np
from numpy.typing import NDArray

from ...motion.bodies.body_model import BodyModel
from .poses import RigRest

Array = NDArray[np.floating]

PRODUCTS = ("xx", "yy", "zz", "xy", "xz", "yz", "wx", "wy", "wz")
_CHANNEL = {"w": "ROT_W", "x": "ROT_X", "y": "ROT_Y", "z": "ROT_Z"}
_LEAST_OFFSET = 1e-6  # metres: a key that moves no vertex by more is left out


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


def key_offsets(model: BodyModel, rest: RigRest, joint: int) -> Iterator[Array]:
    """Nine times ``(V, 3)``: vertex offsets in armature space, metres, of one joint's shape keys in the order of PRODUCTS."""
    entries = model.posedirs[:, :, 9 * (joint - 1) : 9 * joint].reshape(-1, 9)  # (3 V, ab) in SMPL's axes
    axes = rest.R_smpl_bone[joint]
    mixing = np.einsum("ac,bd,cdk->kab", axes, axes, _TABLE).reshape(9, 9).astype(np.float32)
    for row in mixing:
        # einsum, not a matrix product: BLAS wakes threads for these, which cost 50 ms where the cores are busy
        offsets = np.einsum("nk,k->n", entries, row).reshape(-1, 3)
        yield np.einsum("vy,xy->vx", offsets, rest.R_armature_model.astype(np.float32))


def add_keys(body: bpy.types.Object, rig: bpy.types.Object, model: BodyModel, rest: RigRest) -> Iterator[None]:
    """Shape keys and drivers on ``body``, a key a step."""
    basis = np.empty(3 * len(body.data.vertices), dtype=np.float32)
    body.data.vertices.foreach_get("co", basis)
    body.shape_key_add(name="Basis", from_mix=False)
    keys = body.data.shape_keys
    for joint in range(1, len(rest.names)):
        bone = rest.names[joint]
        for product, offset in zip(PRODUCTS, key_offsets(model, rest, joint), strict=True):
            if np.abs(offset).max() < _LEAST_OFFSET:
                continue
            key = body.shape_key_add(name=f"{bone} {product}", from_mix=False)
            key.slider_min, key.slider_max = -1.0, 1.0
            key.points.foreach_set("co", basis + offset.ravel())
            _drive(keys, key.name, rig, bone, product)
            yield


def _drive(keys: bpy.types.Key, name: str, rig: bpy.types.Object, bone: str, product: str) -> None:
    driver = keys.driver_add(f'key_blocks["{bpy.utils.escape_identifier(name)}"].value').driver
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


def use_correctives(body: bpy.types.Object, enabled: bool) -> None:
    """Turns a body's correctives on or off; without them it plays faster and its joints crease as plain skinning does."""
    for key in body.data.shape_keys.key_blocks[1:] if body.data.shape_keys else ():
        key.mute = not enabled
