"""A small dataset in the folder format, drawn by the project's renders: two held-out scenes of clips that share their first frame."""

import json
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from backend.evaluation.clips import Shown, rendered
from backend.progress import silent
from revision_blender.motion.clip_file import save_clip


@cache
def some_clips() -> tuple[Shown, ...]:
    """Eight clips of 8 frames at 64 px."""
    return rendered(8, 64, 8, 8.0, silent())


@cache
def people() -> tuple[Shown, ...]:
    """Those that show one person alone; at least four."""
    found = tuple(one for one in some_clips() if one.person is not None)
    assert len(found) >= 4
    return found


def write_folders(folder: Path, shown: tuple[Shown, ...]) -> Path:
    """A folder a clip, pictures as PNG, as docs/training.md says."""
    for one in shown:
        place = folder / "clips" / one.name
        for name, pictures in (("frames", one.frames), ("labels", one.labels)):
            (place / name).mkdir(parents=True)
            for number, picture in enumerate(pictures):
                Image.fromarray(picture).save(place / name / f"{number:05d}.png")
        save_clip(place / "clip.npz", one.clip)
    height, width = shown[0].labels.shape[1:]
    facts = {"version": 1, "fps": shown[0].clip.fps, "size": [width, height], "frames": len(shown[0].frames)}
    (folder / "dataset.json").write_text(json.dumps(facts))
    return folder


def write_packed(folder: Path, shown: tuple[Shown, ...]) -> Path:
    """The same with a packed copy, whose pictures are the ones that count."""
    write_folders(folder, shown)
    (folder / "packed").mkdir()
    np.save(folder / "packed" / "frames.npy", np.stack([one.frames for one in shown]))
    np.save(folder / "packed" / "labels.npy", np.stack([one.labels for one in shown]))
    (folder / "packed" / "names.json").write_text(json.dumps([one.name for one in shown]))
    return folder
