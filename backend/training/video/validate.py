"""``python -m backend train validate``: everything about a dataset folder that training would stumble over, found before it starts."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.errors import InputError
from backend.training.video.dataset import ClipFolder, DatasetFacts, clip_names, frame_count, read_facts, read_picture
from revision_blender.masks.labels import PART_LABELS
from revision_blender.motion.clip_file import load_clip
from revision_blender.motion.errors import RevisionError

_SAME_RATE = 1e-3  # frames a second by which a clip's rate may differ from the dataset's


@dataclass(frozen=True)
class Finding:
    """where: the clip's name, or a file of the dataset. words: what is wrong, and what to do."""

    where: str
    words: str


@dataclass(frozen=True)
class Validation:
    """clips: looked at. frames: in them, altogether. empty: clips without a single part, which teach nothing about masks. packed: a packed copy is there."""

    clips: int
    frames: int
    empty: int
    packed: bool
    findings: tuple[Finding, ...]


def validate(folder: Path, on_clip: Callable[[int, int], None] = lambda done, total: None) -> Validation:
    """Reads every file of the dataset. on_clip: told of (clips done, clips in all). Raises InputError when ``dataset.json`` itself is wrong."""
    facts = read_facts(folder)
    names = clip_names(folder)
    packed = (folder / "packed" / "names.json").is_file()
    findings = list(_packed_findings(folder, names)) if packed else []
    if not names and not packed:
        findings.append(Finding("clips", "there is no clip; put one folder a clip there, as docs/training.md describes"))
    frames = empty = 0
    for done, name in enumerate(names, start=1):
        found, count, parts = _clip_findings(folder / "clips" / name, facts)
        findings += found
        frames += count
        empty += not parts and not found
        on_clip(done, len(names))
    return Validation(len(names), frames, empty, packed, tuple(findings))


def _packed_findings(folder: Path, names: list[str]) -> Iterator[Finding]:
    try:
        clips = ClipFolder(folder)
        if names and list(clips.names) != names:
            yield Finding(
                "packed", f"it holds {len(clips)} clips, the folder clips {len(names)}, or under other names; pack the dataset again"
            )
        labels = np.load(folder / "packed" / "labels.npy", mmap_mode="r", allow_pickle=False)
        for index, name in enumerate(clips.names):
            highest = int(labels[index].max())
            if highest >= len(PART_LABELS):
                yield Finding("packed", f"{name} has label {highest}; the table ends at {len(PART_LABELS) - 1}; make the clip again")
    except InputError as error:
        yield Finding("packed", str(error))


def _clip_findings(clip: Path, facts: DatasetFacts) -> tuple[list[Finding], int, bool]:
    """What is wrong with one clip; its frames; whether a part is seen in it."""
    findings: list[Finding] = []
    count, parts = frame_count(clip), False
    if count < facts.frames:
        findings.append(Finding(clip.name, f"{count} frames numbered without a gap from 00000.png; at least {facts.frames} are needed"))
    for number in range(count):
        try:
            read_picture(clip / "frames" / f"{number:05d}.png", facts.size, gray=False)
            labels = read_picture(clip / "labels" / f"{number:05d}.png", facts.size, gray=True)
        except InputError as error:
            findings.append(Finding(clip.name, str(error)))
            break  # what is wrong with one is wrong with all, most of the time
        parts = parts or bool(labels.any())
        if labels.max() >= len(PART_LABELS):
            findings.append(
                Finding(clip.name, f"label {labels.max()} in frame {number}; the table ends at {len(PART_LABELS) - 1}; make the clip again")
            )
            break
    findings += [
        Finding(clip.name, words) for words in (*_motion_words(clip / "clip.npz", count, facts), *_caption_words(clip / "caption.txt"))
    ]
    return findings, count, parts


def _motion_words(file: Path, frames: int, facts: DatasetFacts) -> Iterator[str]:
    """The motion that the labels were drawn from: same frames, rate and picture. May be left out."""
    if not file.is_file():
        return
    try:
        clip = load_clip(file)
    except RevisionError as error:
        yield str(error)
        return
    if clip.n_frames != frames:
        yield f"clip.npz has {clip.n_frames} frames, the folder frames {frames}; make both from the same motion"
    if abs(clip.fps - facts.fps) > _SAME_RATE:
        yield f"clip.npz has {clip.fps:g} frames a second, the dataset {facts.fps:g}; resample it ('python -m backend motion convert --fps')"
    if (clip.camera.width, clip.camera.height) != facts.size:
        yield f"clip.npz's camera is {clip.camera.width} x {clip.camera.height} px, the dataset {facts.size[0]} x {facts.size[1]}; make the clip again"


def _caption_words(file: Path) -> Iterator[str]:
    """One sentence; the video model does not read it, other trainings may. May be left out."""
    if not file.is_file():
        return
    try:
        if not file.read_text(encoding="utf-8").strip():
            yield "caption.txt is empty; write a sentence, or remove it"
    except (OSError, UnicodeDecodeError) as error:
        yield f"caption.txt cannot be read as UTF-8 ({error}); save it so"


def as_json(found: Validation) -> str:
    """One line."""
    findings = [{"where": finding.where, "words": finding.words} for finding in found.findings]
    return json.dumps({"clips": found.clips, "frames": found.frames, "empty": found.empty, "packed": found.packed, "findings": findings})
