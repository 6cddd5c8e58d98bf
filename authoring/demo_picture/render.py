"""Renders revision_blender/data/demo_picture.png; run in an environment with bpy.

Usage: ``python -m authoring.demo_picture.render [--samples 28] [--out FILE] [--scale 1.0]``
"""

import argparse
import math
import sys
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector

from authoring.demo_picture import garments, materials, plaza
from revision_blender.motion.bodies.body_model import identity_of, open_human, vertices_of
from revision_blender.motion.bodies.soles import sole_points
from revision_blender.motion.library import motions
from revision_blender.motion.rotation import matrix_from_axis_angle, slerp

PICTURE = Path(__file__).parents[2] / "revision_blender" / "data" / "demo_picture.png"
WIDTH, HEIGHT = 1024, 576
FRAME = 34  # of the first walk: both feet on the floor, in the middle of a stride
YAW = math.radians(-54.0)  # walks to the left and a little nearer
PLACE = (0.62, 0.0, 0.0)  # metres on the plaza, with room to walk
BETAS = np.zeros(10)


def posed_body() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rest and posed vertices ``(V, 3)``, y up, soles at y = 0; faces ``(T, 3)``; part labels ``(V,)``."""
    identity = identity_of(open_human(), BETAS)
    walk = motions()[0]
    rotations = walk.rotations[FRAME : FRAME + 1].copy()
    rotations[:, 0] = matrix_from_axis_angle(np.array([0.0, YAW, 0.0])) @ rotations[:, 0]
    rotations[:, 15] = rotations[:, 15] @ matrix_from_axis_angle(np.array([-0.10, 0.42, 0.0]))  # looks this way
    for shoulder in (16, 17):  # the arms a little away from the body
        rotations[:, shoulder] = slerp(rotations[:, shoulder], np.eye(3)[None], np.array([0.20]))
    origin = np.zeros((1, 3))
    floor = sole_points(identity, rotations, origin)[..., 1].min()
    posed = vertices_of(identity, rotations, origin - [0.0, floor, 0.0] + np.array(PLACE))[0]
    model = identity.model
    return identity.v_shaped.astype(np.float64), posed.astype(np.float64), model.faces, model.part_labels


def _eyeballs(rest: np.ndarray) -> np.ndarray:
    """``(V,)`` bool: the two balls behind the lids (measured on the open human)."""
    from_centre = np.abs(rest) - [0.030, 0.639, 0.0]
    apart = np.linalg.norm(np.column_stack([from_centre[:, :2], rest[:, 2] - 0.132]), axis=1)
    return apart < 0.0162


def build_person() -> None:
    """Skin, eyes and everything worn."""
    rest, posed, faces, labels = posed_body()
    eyes = _eyeballs(rest) & (labels == 16)
    worn = {"shirt": materials.cloth("shirt", (0.025, 0.20, 0.26), 420.0, 0.55, materials.pale_sleeves),
            "trousers": materials.cloth("trousers", (0.105, 0.10, 0.115), 520.0, 0.75),
            "shoes": materials.cloth("shoes", (0.50, 0.075, 0.05), 300.0, 0.1, materials.white_sole),
            "hair": materials.hair()}  # fmt: skip
    for garment in garments.WARDROBE:
        part = faces[np.isin(labels[faces], garment.labels).all(axis=1) & ~eyes[faces].any(axis=1)]
        shell = garments.shell(posed, part, garment.gap, garment.smooth)
        mesh = garments.mesh_of(garment.name, rest, shell, part, garment.cuts, hulls=garment.name == "shoes")
        garments.object_of(mesh, worn[garment.name], garment.thickness)
    for name, part, material in (("skin", ~eyes[faces].any(axis=1), materials.skin()), ("eyes", eyes[faces].all(axis=1), materials.eye())):
        garments.object_of(garments.mesh_of(name, rest, posed, faces[part], ()), material, 0.0)


def place_camera(scene: bpy.types.Scene) -> None:
    """41 mm on full frame, chest high: the focal length that a lifter assumes where it knows nothing."""
    camera = bpy.data.cameras.new("camera")
    camera.lens = 36.0 * math.hypot(WIDTH, HEIGHT) / WIDTH
    camera.dof.use_dof, camera.dof.focus_distance, camera.dof.aperture_fstop = True, 4.55, 2.0
    eye = bpy.data.objects.new("camera", camera)
    eye.location = (0.0, -4.55, 1.30)
    eye.rotation_euler = (Vector((0.0, 0.0, 0.86)) - eye.location).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(eye)
    scene.camera = eye


def settings(scene: bpy.types.Scene, samples: int, scale: float, out: Path) -> None:
    render = scene.render
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = WIDTH, HEIGHT, round(100 * scale)
    render.image_settings.file_format, render.image_settings.color_mode, render.image_settings.compression = "PNG", "RGB", 100
    render.filepath = str(out)
    for name in ("date", "time", "render_time", "frame", "camera", "scene", "filename"):  # the file says nothing about where it was made
        setattr(render, f"use_stamp_{name}", False)
    scene.cycles.samples, scene.cycles.seed = samples, 1
    scene.cycles.use_denoising = True
    scene.cycles.max_bounces = 5
    scene.view_settings.view_transform, scene.view_settings.look = "AgX", "AgX - Medium High Contrast"
    scene.view_settings.exposure = 0.25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=28)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--out", type=Path, default=PICTURE)
    chosen = parser.parse_args(sys.argv[1:])
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.world = bpy.data.worlds.new("sky")
    plaza.build()
    plaza.light(scene.world)
    build_person()
    place_camera(scene)
    settings(scene, chosen.samples, chosen.scale, chosen.out)
    bpy.ops.render.render(write_still=True)


if __name__ == "__main__":
    main()
