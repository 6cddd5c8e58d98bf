"""The skinned mesh of a body: shape baked into its vertices, weights, part labels on its faces."""

from collections.abc import Iterator

import bpy
import numpy as np
from numpy.typing import NDArray

from ...masks.face_labels import face_labels
from ...motion.bodies.body_model import BodyModel, Identity
from .. import marks
from .bones import R_armature_model, bone_names

Array = NDArray[np.floating]

_MATERIAL = "ReVision Body"
_LEAST_WEIGHT = 1e-6
_WEIGHTS_A_STEP = 3000  # about 3 ms


def _material() -> bpy.types.Material:
    material = bpy.data.materials.get(_MATERIAL)
    if material is None:
        material = bpy.data.materials.new(_MATERIAL)
        material.diffuse_color = (0.62, 0.5, 0.42, 1.0)
        material.roughness = 0.7
    return material


def new_mesh(name: str, identity: Identity) -> bpy.types.Object:
    """A mesh object at rest in armature space, linked to no scene yet, without weights."""
    model = identity.model
    vertices = np.ascontiguousarray(identity.v_shaped @ R_armature_model(model.family).T, dtype=np.float32)
    faces = np.ascontiguousarray(model.faces, dtype=np.int32)
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", vertices.ravel())
    mesh.loops.add(faces.size)
    mesh.loops.foreach_set("vertex_index", faces.ravel())
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, 3, dtype=np.int32))
    labels = mesh.attributes.new(marks.LABEL_ATTRIBUTE, "INT", "FACE")
    labels.data.foreach_set("value", face_labels(model.faces, model.part_labels).astype(np.int32))
    mesh.update(calc_edges=True)
    mesh.shade_smooth()
    mesh.materials.append(_material())
    return bpy.data.objects.new(name, mesh)


def add_weights(body: bpy.types.Object, model: BodyModel) -> Iterator[None]:
    """Vertex groups named as the bones. Blender has no bulk call for weights: done a few thousand at a time."""
    names = bone_names(model.family, model.n_joints)
    done = 0
    for joint, name in enumerate(names):
        group = body.vertex_groups.new(name=name)
        held = np.flatnonzero(model.weights[:, joint] > _LEAST_WEIGHT)
        for vertex, weight in zip(held.tolist(), model.weights[held, joint].tolist(), strict=True):
            group.add((vertex,), weight, "REPLACE")
            done += 1
            if done % _WEIGHTS_A_STEP == 0:
                yield


def bind(body: bpy.types.Object, rig: bpy.types.Object) -> None:
    """Linear blend skinning by ``rig``: SMPL's mathematics, therefore without volume preservation."""
    body.parent = rig
    modifier = body.modifiers.new("Armature", "ARMATURE")
    modifier.object = rig
    modifier.use_vertex_groups = True
    modifier.use_bone_envelopes = False
    modifier.use_deform_preserve_volume = False
