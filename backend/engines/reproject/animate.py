"""The whole of the engine's work: cut out, dress the bodies, then move, draw and compose every frame."""

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backend.engines.quality import psnr
from backend.engines.reproject.background import Background, background_of
from backend.engines.reproject.compose import composed
from backend.engines.reproject.cutout import Cutout, cut_out, person_mask
from backend.engines.reproject.fitting import fitted_to_mask
from backend.engines.reproject.halo import halo_of
from backend.engines.reproject.mover import Actor, actors_of, skin_of, skinned, turned
from backend.engines.reproject.puppet import Layer, Puppet
from backend.engines.reproject.render import Drawn, Texture, draw, texture_of
from backend.engines.reproject.texture import Skin, textured
from backend.progress import Progress
from backend.raster.rasteriser import rasterise
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import Clip
from revision_blender.wire.requests import VideoResult

Array = NDArray[np.floating]
Picture = NDArray[np.uint8]

STANDING, GONE = 1.0, 6.0  # pixels at 1024: a place moved by less shows the picture as it is, by more only what is the person's
TORN = (1.3, 1.9)  # the sheet's edges stretched by this factor begin to fade, and are gone


def animate(
    picture: Picture, source: Clip, motion: Clip, seed: int, progress: Progress, person: NDArray[np.bool_] | None = None
) -> VideoResult:
    """The picture's people moved as ``motion`` says, before ``motion``'s camera; one frame a clip frame.

    source: the clip whose frame 0 lies over the picture. person: ``(H, W)`` where the people are, found here if not given.
    """
    began = time.perf_counter()
    start, wanted = (clip.camera.resized(picture.shape[1], picture.shape[0]) for clip in (source, motion))
    actors = actors_of(source, motion)
    world = np.concatenate([actor.start_vertices for actor in actors])
    points = _in_camera(world, start, 0)
    skin = skin_of(actors)
    cutout = _cutout(picture, points, skin.faces, len(actors) > 1, start, person, progress.part(0.0, 0.2))
    progress(0.2, "Dressing the body")
    puppet = _puppet(skin, points, start, cutout)
    progress(0.3, "Filling the background")
    background = background_of(cutout, start, wanted, float(np.median(points[:, 2])), seed)
    prepared = time.perf_counter()
    frames, uncovered = _frames(actors, puppet, background, texture_of(cutout, start), start, wanted, progress.part(0.4, 1.0))
    report = {
        "first_frame_psnr": psnr(frames[0], picture),
        "uncovered": float(uncovered),
        "prepare_seconds": prepared - began,
        "seconds": time.perf_counter() - began,
        "seconds_a_frame": (time.perf_counter() - prepared) / len(frames),
    }
    return VideoResult(frames, motion.fps, report)


def _cutout(
    picture: Picture,
    points: Array,
    faces: NDArray[np.int32],
    several: bool,
    camera: Camera,
    person: NDArray[np.bool_] | None,
    progress: Progress,
) -> Cutout:
    if person is None:
        silhouette = rasterise(points, faces, camera.focal, camera.center, camera.width, camera.height).covered
        person = person_mask(picture, silhouette, progress)
        if several:  # the detector sees one person; of the others the bodies' own outlines are known
            person = person | silhouette
    return cut_out(picture, person)


def _puppet(skin: Skin, points: Array, camera: Camera, cutout: Cutout) -> Puppet:
    fitted = fitted_to_mask(points, skin.faces, camera, cutout.person)
    body = textured(fitted, skin, camera, cutout)
    return Puppet(body, halo_of(body, camera, cutout))


def _frames(
    actors: tuple[Actor, ...], puppet: Puppet, background: Background, texture: Texture, start: Camera, wanted: Camera, progress: Progress
) -> tuple[Picture, int]:
    frames = np.empty((wanted.n_frames, wanted.height, wanted.width, 3), np.uint8)
    joints = np.concatenate([actor.joint_motion for actor in actors], axis=1)
    bodies = np.concatenate([actor.motion_vertices for actor in actors], axis=1)
    there = np.concatenate([actor.joints_there for actor in actors], axis=1)
    first = np.concatenate([actor.start_vertices for actor in actors])
    body_world, halo_world = (_in_world(layer.points, start) for layer in (puppet.body, puppet.halo))
    uncovered = 0
    for frame in progress.each(range(wanted.n_frames), wanted.n_frames, "Drawing frames"):
        camera = replace(wanted, T_world_camera=wanted.T_world_camera[frame : frame + 1])
        moved_body = bodies[frame] + turned(body_world - first, puppet.body.weights, joints[frame])
        moved_halo = skinned(halo_world, puppet.halo.weights, joints[frame])
        for layer, moved in ((puppet.body, moved_body), (puppet.halo, moved_halo)):
            moved[layer.weights @ ~there[frame] > 0.5] = camera.T_world_camera[0, :3, 3]  # a body that left has no extent
        homography = background.homographies[frame]
        body = _drawn(puppet.body, moved_body, True, texture, start, camera, homography)
        halo = _drawn(puppet.halo, moved_halo, False, texture, start, camera, homography)
        frames[frame], missing = composed(body, halo, background.seen(frame))
        uncovered += missing
    return frames, uncovered


def _drawn(layer: Layer, world: Array, opaque: bool, texture: Texture, start: Camera, camera: Camera, homography: Array) -> Drawn:
    points = _in_camera(world, camera, 0)
    before = _pixels(layer.points, start)
    carried = np.column_stack([before, np.ones(len(before))]) @ homography.T
    shift = np.linalg.norm(_pixels(points, camera) - carried[:, :2] / carried[:, 2:], axis=1)
    unit = max(camera.width, camera.height) / 1024.0
    t = np.clip((shift / unit - STANDING) / (GONE - STANDING), 0.0, 1.0)
    moved = np.maximum(t, t[layer.watch])
    keep = np.ones(len(points)) if opaque else _unstretched(layer, points)
    return draw(layer, points, moved.astype(np.float32), keep.astype(np.float32), opaque, texture, camera)


def _unstretched(layer: Layer, points: Array) -> Array:
    """``(V,)`` 1 where the sheet is about as long as in the first frame, 0 where it is torn apart."""
    keep, now, then = np.ones(len(points)), _flat(points), _flat(layer.points)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        i, j = layer.faces[:, a], layer.faces[:, b]
        ratio = np.linalg.norm(now[i] - now[j], axis=1) / np.maximum(np.linalg.norm(then[i] - then[j], axis=1), 1e-9)
        left = np.clip((TORN[1] - ratio) / (TORN[1] - TORN[0]), 0.0, 1.0)
        np.minimum.at(keep, i, left)
        np.minimum.at(keep, j, left)
    return keep


def _flat(points: Array) -> Array:
    """Camera points without their depth: a sheet between two limbs was never as long as the way from one to the other."""
    return points[:, :2] / np.maximum(points[:, 2:], 1e-6) * np.median(points[:, 2]) if len(points) else points[:, :2]


def _pixels(points: Array, camera: Camera) -> Array:
    return points[:, :2] / np.maximum(points[:, 2:], 1e-6) * camera.focal + camera.center


def _in_camera(world: Array, camera: Camera, frame: int) -> Array:
    T = camera.T_camera_world[frame]
    return world @ T[:3, :3].T + T[:3, 3]


def _in_world(points: Array, camera: Camera) -> Array:
    T = camera.T_world_camera[0]
    return points @ T[:3, :3].T + T[:3, 3]
