"""Renders as a dataset folder of ``backend.training.video``: a folder a clip, and all frames and labels packed for fast reading."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.lib.format import open_memmap

from backend.errors import InputError
from backend.progress import Progress, silent
from backend.training.renders.motions import Split
from backend.training.renders.scenes import Format, RenderedClip, scene
from revision_blender.motion.clip_file import save_clip

VERSION = 1
_Job = tuple[Path, int, Split, Format]


@dataclass(frozen=True)
class Wanted:
    """What to render. folder: new or empty. clips: how many, whole scenes are made. seed: of the first scene. workers: processes."""

    folder: Path
    clips: int
    seed: int = 0
    split: Split = "train"
    format: Format = field(default_factory=Format)
    workers: int = 1

    @property
    def scenes(self) -> int:
        return -(-self.clips // self.format.clips)

    def __post_init__(self) -> None:
        if self.clips < 1 or self.seed < 0 or self.workers < 1:
            raise InputError(
                f"{self.clips} clips from seed {self.seed} by {self.workers} processes cannot be rendered; give positive numbers."
            )


def write_dataset(wanted: Wanted, progress: Progress | None = None) -> int:
    """Renders and writes; returns the number of clips. ``dataset.json`` comes last: a folder without it is unfinished.

    Raises InputError for a folder that already holds something.
    """
    progress = progress or silent()
    folder, form = wanted.folder, wanted.format
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty; name a new folder, so that no clip of an older run stays among the new ones.")
    (folder / "clips").mkdir(parents=True, exist_ok=True)
    (folder / "packed").mkdir()
    total = wanted.scenes * form.clips
    shape = (total, form.frames, form.size, form.size)
    frames = open_memmap(folder / "packed" / "frames.npy", mode="w+", dtype=np.uint8, shape=(*shape, 3))
    labels = open_memmap(folder / "packed" / "labels.npy", mode="w+", dtype=np.uint8, shape=shape)
    names: list[str] = []
    for clips in progress.each(_scenes(wanted), wanted.scenes, "Rendering clips"):
        for clip in clips:
            frames[len(names)], labels[len(names)] = clip.frames, clip.labels
            names.append(clip.name)
    frames.flush()
    labels.flush()
    (folder / "packed" / "names.json").write_text(json.dumps(names), encoding="utf-8")
    facts = {"version": VERSION, "fps": form.fps, "size": [form.size, form.size], "frames": form.frames}
    (folder / "dataset.json").write_text(json.dumps(facts) + "\n", encoding="utf-8")
    return total


def _scenes(wanted: Wanted) -> Iterator[tuple[RenderedClip, ...]]:
    jobs: list[_Job] = [(wanted.folder, seed, wanted.split, wanted.format) for seed in range(wanted.seed, wanted.seed + wanted.scenes)]
    if wanted.workers == 1:
        yield from map(_one, jobs)
        return
    with get_context("spawn").Pool(wanted.workers) as pool:
        yield from pool.imap(_one, jobs, chunksize=8)


def _one(job: _Job) -> tuple[RenderedClip, ...]:
    folder, seed, split, form = job
    clips = scene(seed, split, form)
    for clip in clips:
        write_clip(folder / "clips" / clip.name, clip)
    return clips


def write_clip(folder: Path, clip: RenderedClip) -> None:
    """One clip's folder: frames, labels, clip.npz, caption, and where it comes from."""
    _write_pictures(folder / "frames", (frame[..., ::-1] for frame in clip.frames))
    _write_pictures(folder / "labels", clip.labels)
    save_clip(folder / "clip.npz", clip.clip)
    (folder / "caption.txt").write_text(clip.caption + "\n", encoding="utf-8")
    (folder / "source.json").write_text(json.dumps({"kind": clip.kind, "motion": clip.motion}) + "\n", encoding="utf-8")


def _write_pictures(folder: Path, pictures: Iterable[np.ndarray]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pictures):
        if not cv2.imwrite(str(folder / f"{number:05d}.png"), np.ascontiguousarray(picture), [cv2.IMWRITE_PNG_COMPRESSION, 1]):
            raise InputError(f"{folder} cannot be written; make room or choose another folder.")
