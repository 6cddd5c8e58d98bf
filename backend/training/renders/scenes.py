"""Scenes: one first frame each, and the clips that start from it. A scene is made again, bit for bit, from its seed."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.raster.kernels import paint
from backend.raster.part_masks import seen_by
from backend.raster.surfaces import joined, surfaces_of
from backend.training.renders.backgrounds import drawn
from backend.training.renders.boxes import FACES, BoxPath, rolled, track_of
from backend.training.renders.looks import animal_colours, human_colours, vivid
from backend.training.renders.motions import Motion, Split, motions_of
from backend.training.renders.painting import FINER, Light, Skin, painted
from backend.training.renders.staging import Journey, View, first_pose, track_in, travelled, view_of
from revision_blender.motion.bodies.body_model import identity_of
from revision_blender.motion.bodies.body_size import proportions
from revision_blender.motion.bodies.shape_presets import shape_presets
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.clip import Clip, Track

Array = NDArray[np.floating]
F32 = NDArray[np.float32]

_SHELF = BodyShelf(None)
HELD_OUT_SEEDS = 2**40  # held-out scenes draw from seeds from here on: no look or background of theirs is ever trained on
KINDS = (("human", 0.7), ("animal", 0.17), ("box", 0.13))


@dataclass(frozen=True)
class Format:
    """Of every clip. size: pixels of the square picture. clips: from one first frame."""

    size: int = 64
    frames: int = 8
    fps: float = 8.0
    clips: int = 4

    @property
    def seconds(self) -> float:
        return (self.frames - 1) / self.fps


@dataclass(frozen=True, eq=False)
class RenderedClip:
    """frames: ``(F, H, W, 3)`` RGB. labels: ``(F, H, W)``. name: the scene's and the clip's number in it. motion: what moves, and how."""

    name: str
    clip: Clip
    frames: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    kind: str
    motion: str
    caption: str


@dataclass(frozen=True, eq=False)
class _Stage:
    view: View
    light: Light
    background: F32
    format: Format

    def rendered(self, name: str, track: Track, skin: Skin, kind: str, motion: str) -> RenderedClip:
        clip = Clip(self.format.fps, self.view.camera(self.format.frames), self.view.ground, (track,))
        surface = joined(surfaces_of(clip), clip.n_frames)
        labels = np.zeros((clip.n_frames, self.format.size, self.format.size), np.uint8)
        for frame, seen in enumerate(seen_by(clip.camera, surface)):
            paint(seen.face, surface.labels, labels[frame])
        skin = skin if len(skin.vertices) else replace(skin, vertices=surface.vertices_world)
        words = motion.rsplit("3d_", maxsplit=1)[-1].rstrip("0123456789_").replace("_", " ")
        return RenderedClip(name, clip, painted(clip, skin, self.light, self.background), labels, kind, motion, f"{kind}, {words}")


def scene(seed: int, split: Split, form: Format) -> tuple[RenderedClip, ...]:
    """All clips of one scene, the same first frame in each."""
    rng = np.random.default_rng(seed + (HELD_OUT_SEEDS if split == "held_out" else 0))
    kind = str(rng.choice([name for name, _ in KINDS], p=[share for _, share in KINDS]))
    name = f"{'h' if split == 'held_out' else 't'}{seed:06d}"
    return _box_scene(rng, name, form) if kind == "box" else _body_scene(rng, name, kind, split, form)


def _stage(rng: np.random.Generator, form: Format, extent: float, seen: float, middle: float) -> _Stage:
    view = view_of(rng, form.size, extent, seen * form.size / 64.0, middle)
    towards = np.array([rng.normal(), 1.2, rng.uniform(0.3, 1.2)])
    light = Light(view.R_camera_stage @ (towards / np.linalg.norm(towards)), float(rng.uniform(0.1, 0.35)))
    return _Stage(view, light, drawn(rng, form.size * FINER, form.size * FINER, view.horizon), form)


def _betas(rng: np.random.Generator, kind: str) -> tuple[str, Array]:
    """A body model's name and a shape of it."""
    if kind == "human":
        return "open_human", np.clip(rng.normal(0.0, 0.8, _SHELF.load("open_human").n_betas), -1.8, 1.8)
    model = _SHELF.load("open_quadruped")  # all of one size: each is seen from as far as it needs, and pictures show no size
    presets = [proportions(model, betas) for betas in shape_presets(_SHELF, model.name).values()]
    first, second = rng.integers(len(presets), size=2)
    part = float(rng.uniform(0.0, 0.6))
    return model.name, presets[first] * (1.0 - part) + presets[second] * part


def _ways(rng: np.random.Generator, stage: _Stage, low: float, high: float) -> list[Array]:
    """Where each clip ends, metres along x and z: to the left and right by turns, slow and fast, more or less across the picture."""
    metres = stage.view.place[2] / stage.view.focal * stage.format.size / 64.0
    side = 1.0 if rng.random() < 0.5 else -1.0
    ways = []
    for number in range(stage.format.clips):
        across = float(rng.uniform(low, 0.5 * (low + high)) if (number // 2) % 2 else rng.uniform(0.5 * (low + high), high)) * metres
        depth = float(np.tan(np.radians(rng.uniform(-35.0, 35.0)))) * across
        ways.append(np.array([side * across, depth]))
        side = -side
    return ways


def _body_scene(rng: np.random.Generator, name: str, kind: str, split: Split, form: Format) -> tuple[RenderedClip, ...]:
    model_name, betas = _betas(rng, kind)
    identity = identity_of(_SHELF.load(model_name), betas)
    motions = motions_of(split, "human" if kind == "human" else "animal")
    extent = identity.v_shaped.max(axis=0) - identity.v_shaped.min(axis=0)
    if kind == "human":
        stage = _stage(rng, form, float(extent[1]), float(rng.uniform(41.0, 49.0)), 0.5 * float(extent[1]))
        low, high, colours = 15.0, 23.0, human_colours(rng, identity.model)
    else:
        stage = _stage(rng, form, float(extent[0]), float(rng.uniform(26.0, 32.0)), 0.4 * float(extent[2]))
        low, high, colours = 16.0, 23.0, animal_colours(rng, identity.model)
    pose = first_pose(rng, _one(rng, motions), identity, float(rng.uniform(-0.03, 0.03)) * stage.view.place[2])
    clips = []
    for number, gone in enumerate(_ways(rng, stage, low, high)):
        motion = _one(rng, motions)
        journey = Journey(motion, float(rng.uniform(0.0, max(motion.seconds - form.seconds, 0.0))), gone)
        rotations, pelvis = travelled(pose, journey, identity, form.frames, form.fps)
        track = replace(track_in(stage.view, identity, rotations, pelvis, kind), betas=betas)
        clips.append(stage.rendered(f"{name}_{number}", track, Skin(np.zeros((0, 0, 3)), identity.model.faces, colours), kind, motion.name))
    return tuple(clips)


def _one(rng: np.random.Generator, motions: tuple[Motion, ...]) -> Motion:
    """A motion, every group as likely as every other."""
    groups = sorted({motion.group for motion in motions})
    group = groups[rng.integers(len(groups))]
    members = [motion for motion in motions if motion.group == group]
    return members[rng.integers(len(members))]


def _box_scene(rng: np.random.Generator, name: str, form: Format) -> tuple[RenderedClip, ...]:
    size = rng.uniform(0.35, 1.0, 3) * [1.0, rng.uniform(0.8, 1.8), 1.0]
    stage = _stage(rng, form, float(np.linalg.norm(size)), float(rng.uniform(19.0, 26.0)), 0.5 * float(size[1]))
    sides = np.stack([vivid(rng) for _ in range(3)])
    colours = np.repeat(np.concatenate([sides[[0, 0]], sides[[1, 1]], sides[[2, 2]]]), 2, axis=0)
    heading, column = float(rng.uniform(0.0, np.pi)), float(rng.uniform(-0.03, 0.03)) * stage.view.place[2]
    clips = []
    for number, gone in enumerate(_ways(rng, stage, 15.0, 22.0)):
        path = np.linspace(0.0, 1.0, form.frames)[:, None] * np.array([gone[0], 0.0, gone[1]]) + [column, 0.0, 0.0]
        turn = 0.0 if rng.random() < 0.5 else float(rng.uniform(0.4, 1.6))
        corners = stage.view.to_camera(rolled(size, path, heading, turn))
        track = track_of(BoxPath(corners, size), stage.view.focal)
        clips.append(stage.rendered(f"{name}_{number}", track, Skin(corners, FACES, colours), "box", "tumble" if turn else "slide"))
    return tuple(clips)
