"""The skinned mesh of a body model: the mean shape at rest, weights, part labels on its faces."""

from collections.abc import Iterator

import bpy
import numpy as np
from numpy.typing import NDArray

from ...masks.face_labels import face_labels
from ...motion.bodies.body_model import BodyModel
from .. import marks
from .bones import R_armature_model, bone_names

Array = NDArray[np.floating]

_MATERIAL = "ReVision Body"
_LEAST_WEIGHT = 1e-6
_WEIGHTS_A_STEP = 10000  # about 10 ms


def material() -> bpy.types.Material:
    """The one material of all bodies of a file, made where the file has none."""
    found = bpy.data.materials.get(_MATERIAL)
    if found is None:
        found = bpy.data.materials.new(_MATERIAL)
        found.diffuse_color = (0.62, 0.5, 0.42, 1.0)
        found.roughness = 0.7
    return found


def new_mesh(name: str, model: BodyModel) -> bpy.types.Object:
    """A mesh object of the mean shape in armature space, linked to no scene, without weights, keys and material."""
    vertices = np.ascontiguousarray(model.v_template @ R_armature_model(model.family).T, dtype=np.float32)
    faces = np.ascontiguousarray(model.faces, dtype=np.int32)
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(vertices))
    mesh.attributes["position"].data.foreach_set("vector", vertices.ravel())
    mesh.loops.add(faces.size)
    mesh.loops.foreach_set("vertex_index", faces.ravel())
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, 3, dtype=np.int32))
    labels = mesh.attributes.new(marks.LABEL_ATTRIBUTE, "INT", "FACE")
    labels.data.foreach_set("value", face_labels(model.faces, model.part_labels).astype(np.int32))
    mesh.update(calc_edges=True)
    mesh.shade_smooth()
    return bpy.data.objects.new(name, mesh)


def add_weights(body: bpy.types.Object, model: BodyModel) -> Iterator[None]:
    """Vertex groups named as the bones. Blender has no bulk call for weights: done some thousands at a time."""
    done = 0
    for joint, name in enumerate(bone_names(model.family, model.n_joints)):
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
