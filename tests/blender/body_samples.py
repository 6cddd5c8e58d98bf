"""Random bodies in the layout of every family, random tracks of them, and what the mathematics says of their vertices."""

from dataclasses import fields, replace

import bpy
import numpy as np
from scene_samples import Room, sample_clip

from tests.motion.body_layouts import random_body

STEEPEST = np.radians(60.0)
BETAS = {"smpl": 10, "smplh": 16, "smplx": 300, "smal": 41}


def body_model(
    room: Room, family: str, vertices: int = 150, expressions: int = 0, betas: int | None = None, hands: bool = False, seed: int = 0
):
    """A random body as the extension's own class; correctives of centimetres, so that a wrong one is seen."""
    made = random_body(family, vertices, BETAS[family] if betas is None else betas, expressions, hands, seed)
    made = replace(made, posedirs=made.posedirs * 5)
    kind = room("revision_blender.motion.bodies.body_data").BodyModel
    return kind(**{item.name: getattr(made, item.name) for item in fields(made)})


def random_angles(rng: np.random.Generator, frames: int, joints: int) -> np.ndarray:
    """``(F, J, 3)`` axis-angle, each joint turned by up to 60 degrees about any axis."""
    axes = rng.normal(size=(frames, joints, 3))
    return axes / np.linalg.norm(axes, axis=-1, keepdims=True) * rng.uniform(0.0, STEEPEST, (frames, joints, 1))


def body_clip(room: Room, model, frames: int = 3, *, seed: int = 0, betas=None, expression: bool = False, fps: float = 7.0):
    """A clip of one random body of ``model``, at the place of the sample clip's person."""
    rng = np.random.default_rng(seed + 50)
    clip = sample_clip(room, frames, seed=seed, fps=fps)
    rotations = room("revision_blender.motion.rotation").matrix_from_axis_angle(random_angles(rng, frames, model.n_joints))
    person = replace(
        clip.bodies[0],
        family=model.family,
        model=model.name,
        betas=rng.normal(size=model.n_betas) if betas is None else np.asarray(betas),
        rotations=rotations,
        confidence=np.ones((frames, model.n_joints)),
        expression=rng.normal(size=(frames, model.n_expressions)) * 2 if expression else None,
    )
    return clip.with_tracks((person,))


def expected(room: Room, model, track, T: np.ndarray, correctives: bool = True) -> np.ndarray:
    """``(F, V, 3)`` the mathematics' vertices in Blender's world ``T``, metres."""
    mathematics = room("revision_blender.motion.bodies.body_model")
    identity = mathematics.identity_of(model, track.betas)
    points = mathematics.vertices_of(identity, track.rotations, track.translation, correctives, expression=track.expression)
    return points @ T[:3, :3].T + T[:3, 3]


def evaluated(body: bpy.types.Object) -> np.ndarray:
    """``(V, 3)`` what Blender shows, in its world, metres."""
    shown = body.evaluated_get(bpy.context.evaluated_depsgraph_get())
    points = np.empty(3 * len(shown.data.vertices), dtype=np.float32)
    shown.data.vertices.foreach_get("co", points)
    matrix = np.array(shown.matrix_world)
    return points.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]


def largest_error(room: Room, scene: bpy.types.Scene, take, wanted: np.ndarray) -> float:
    """Over all frames of the take's first body, metres."""
    errors = []
    for frame, points in zip(take.scene_frames(scene), wanted, strict=True):
        room("revision_blender.scene.sampling").go_to(scene, frame)
        errors.append(np.abs(evaluated(bpy.data.objects[take.bodies[0][2]]) - points).max())
    return float(max(errors))
