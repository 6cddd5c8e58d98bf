"""Where the person stands: a plaza with planters, trees and a house front under a clear sky."""

import math

import bmesh
import bpy
import numpy as np

from . import materials


def _linked(mesh: bpy.types.Mesh, material: bpy.types.Material, place: tuple[float, float, float]) -> bpy.types.Object:
    thing = bpy.data.objects.new(mesh.name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    thing.location = place
    mesh.materials.append(material)
    return thing


def box(
    name: str, size: tuple[float, float, float], place: tuple[float, float, float], material: bpy.types.Material, round_: float = 0.0
) -> bpy.types.Object:
    """A box of ``size`` metres standing on ``place``, its edges rounded by ``round_`` metres."""
    x, y, z = size[0] / 2.0, size[1] / 2.0, size[2]
    corners = [(sx * x, sy * y, h) for h in (0.0, z) for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    sides = [(3, 2, 1, 0), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners, [], sides)
    thing = _linked(mesh, material, place)
    if round_ > 0.0:
        bevel = thing.modifiers.new("edges", "BEVEL")
        bevel.width, bevel.segments = round_, 3
    return thing


def bush(name: str, centre: tuple[float, float, float], radii: tuple[float, float, float], material: bpy.types.Material, seed: int) -> None:
    """A rounded heap of leaves: many small tilted leaf quads in an ellipsoid's shell."""
    rng = np.random.default_rng(seed)
    count = int(900 * (radii[0] * radii[2]) ** 0.5 / 0.8)
    outward = rng.normal(size=(count, 3))
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    lumps = 1.0 + 0.12 * np.sin(5.0 * outward[:, :1] + seed) * np.cos(4.0 * outward[:, 2:] + 2.0 * seed)
    places = outward * lumps * np.array(radii) * rng.uniform(0.72, 1.0, (count, 1))
    tilt = outward + 0.7 * rng.normal(size=(count, 3))
    tilt /= np.linalg.norm(tilt, axis=1, keepdims=True)
    side = np.cross(tilt, rng.normal(size=(count, 3)))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(tilt, side)
    size = rng.uniform(0.05, 0.10, (count, 1)) * (1.0 + 0.6 * (radii[2] > 0.8))
    corners = np.stack([places - size * side, places - 0.6 * size * other, places + size * side, places + 0.6 * size * other], axis=1)
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners.reshape(-1, 3).tolist(), [], np.arange(4 * count).reshape(-1, 4).tolist())
    _linked(mesh, material, centre)
    _core(name, centre, radii, material)


def _core(name: str, centre: tuple[float, float, float], radii: tuple[float, float, float], material: bpy.types.Material) -> None:
    """What hides the far side's leaves."""
    core = bpy.data.meshes.new(f"{name} core")
    ball = bmesh.new()
    bmesh.ops.create_icosphere(ball, subdivisions=3, radius=0.78)
    ball.to_mesh(core)
    ball.free()
    inner = _linked(core, material, centre)
    inner.scale = radii


def tree(place: tuple[float, float], height: float, seed: int, bark: bpy.types.Material, leaf: bpy.types.Material) -> None:
    """A trunk and a crown of several heaps."""
    rng = np.random.default_rng(seed)
    trunk = box(f"trunk {seed}", (0.24, 0.24, height * 0.62), (*place, 0.0), bark, 0.1)
    trunk.rotation_euler = (0.0, 0.03 * rng.normal(), rng.uniform(0, 1.5))
    for k in range(6):
        angle = 2.0 * math.pi * k / 6 + rng.uniform(-0.4, 0.4)
        reach = 0.22 * height * (k > 0)
        centre = (place[0] + reach * math.cos(angle), place[1] + reach * math.sin(angle), height * rng.uniform(0.66, 0.88))
        r = height * rng.uniform(0.17, 0.23)
        bush(f"crown {seed}.{k}", centre, (r, r, r * 0.8), leaf, 17 * seed + k)


def build() -> None:
    """Everything but the person, the camera and the light."""
    box("ground", (120.0, 120.0, 0.02), (0.0, 30.0, -0.02), materials.paving())
    stone, bark = materials.stone(), materials.bark()
    hedge = materials.leaves("hedge", (0.025, 0.060, 0.014), (0.11, 0.19, 0.045))
    crown = materials.leaves("crown", (0.030, 0.075, 0.012), (0.17, 0.26, 0.05))
    for k, x in enumerate((-6.2, -0.1, 6.0)):
        box(f"planter {k}", (4.6, 0.9, 0.48), (x, 5.2, 0.0), stone, 0.03)
        for n in range(5):
            bush(f"hedge {k}.{n}", (x - 1.8 + 0.9 * n, 5.2, 0.66), (0.62, 0.42, 0.34), hedge, 100 * k + n)
    for k, (x, y, h) in enumerate(((-5.6, 8.5, 5.2), (-0.9, 10.5, 5.6), (3.9, 8.8, 4.9), (8.2, 11.0, 6.0), (-10.0, 11.5, 6.2))):
        tree((x, y), h, k + 1, bark, crown)
    box("house", (60.0, 6.0, 11.6), (0.0, 24.0, 0.0), materials.facade((0.62, 0.47, 0.33), (0.045, 0.06, 0.075)))
    box("step", (60.0, 1.6, 0.16), (0.0, 15.6, 0.0), stone, 0.02)
    lamp = materials.bark()
    box("lamp post", (0.10, 0.10, 3.6), (-3.1, 4.2, 0.0), lamp, 0.04)
    box("lamp", (0.34, 0.34, 0.42), (-3.1, 4.2, 3.5), stone, 0.06)


def light(world: bpy.types.World) -> None:
    """A veiled sun from the front left: soft shadows, because a picture that is set in motion keeps the shadows it has."""
    world.use_nodes = True
    sky = world.node_tree.nodes.new("ShaderNodeTexSky")
    kinds = [item.identifier for item in sky.bl_rna.properties["sky_type"].enum_items]
    sky.sky_type = "MULTIPLE_SCATTERING" if "MULTIPLE_SCATTERING" in kinds else "NISHITA"
    sky.sun_disc = False
    sky.sun_elevation, sky.sun_rotation = math.radians(38.0), math.radians(215.0)
    back = next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
    world.node_tree.links.new(sky.outputs[0], back.inputs[0])
    back.inputs[1].default_value = 0.105
    sun = bpy.data.lights.new("sun", "SUN")
    sun.energy, sun.angle, sun.color = 3.3, math.radians(48.0), (1.0, 0.95, 0.88)
    shining = bpy.data.objects.new("sun", sun)
    shining.rotation_euler = (math.radians(50.0), 0.0, math.radians(-38.0))
    bpy.context.scene.collection.objects.link(shining)
