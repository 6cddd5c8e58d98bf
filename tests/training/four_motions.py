"""Four clips that begin with the same frame and then move apart, and what is seen of the figure in generated frames."""

import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 48
FRAMES = 8
WAYS = ((1, 0), (-1, 0), (0, 1), (0, -1))
_PARTS = ((16, (5, 8), (225, 170, 130)), (4, (7, 12), (200, 40, 30)), (2, (6, 12), (30, 60, 190)))  # label, (height, width), colour
_PATH = (0, 2, 5, 8, 11, 13, 15, 16)  # px from the first frame


def write_four(folder: Path) -> Path:
    """The dataset in its folder format: head, body and legs in three colours before a soft background."""
    background = _background()
    for number, way in enumerate(WAYS):
        clip = folder / "clips" / f"way_{number}"
        (clip / "frames").mkdir(parents=True)
        (clip / "labels").mkdir()
        for frame, away in enumerate(_PATH):
            picture, labels = _drawn(background, way[0] * away, way[1] * away)
            cv2.imwrite(str(clip / "frames" / f"{frame:05d}.png"), picture[..., ::-1])
            cv2.imwrite(str(clip / "labels" / f"{frame:05d}.png"), labels)
        (clip / "caption.txt").write_text("a figure moves\n", encoding="utf-8")
    (folder / "dataset.json").write_text(json.dumps({"version": 1, "fps": 8.0, "size": [SIDE, SIDE], "frames": FRAMES}), encoding="utf-8")
    return folder


def write_random(folder: Path, side: int = 64, frames: int = 4) -> Path:
    """One packed clip of random pixels with two parts, at a size that the stock autoencoder takes."""
    rng = np.random.default_rng(0)
    labels = np.zeros((1, frames, side, side), np.uint8)
    labels[:, :, 10:40, 20:50], labels[:, :, 8:20, 25:40] = 4, 16
    (folder / "packed").mkdir(parents=True)
    np.save(folder / "packed" / "frames.npy", rng.integers(0, 256, (1, frames, side, side, 3), dtype=np.uint8))
    np.save(folder / "packed" / "labels.npy", labels)
    (folder / "packed" / "names.json").write_text('["noise"]', encoding="utf-8")
    (folder / "dataset.json").write_text(json.dumps({"version": 1, "fps": 7.0, "size": [side, side], "frames": frames}), encoding="utf-8")
    return folder


def figure(frames: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the figure is seen in frames ``(F, H, W, 3)``: pixels nearer to one of its colours than to the background there."""
    pixels = frames.astype(np.float32)
    behind = np.linalg.norm(pixels - _background().astype(np.float32), axis=-1)
    nearest = np.min([np.linalg.norm(pixels - np.array(colour, np.float32), axis=-1) for _, _, colour in _PARTS], axis=0)
    return nearest < behind


def iou(left: NDArray[np.bool_], right: NDArray[np.bool_]) -> float:
    """Intersection over union of each frame, a mean over the frames."""
    both, either = (left & right).sum(axis=(1, 2)), (left | right).sum(axis=(1, 2))
    return float((both / np.maximum(either, 1)).mean())


def _background() -> NDArray[np.uint8]:
    coarse = np.random.default_rng(3).integers(90, 170, (6, 6, 1), dtype=np.uint8).repeat(3, axis=2)
    return cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


def _drawn(background: NDArray[np.uint8], right: int, down: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    picture, labels = background.copy(), np.zeros((SIDE, SIDE), np.uint8)
    top = SIDE // 2 - sum(size[0] for _, size, _ in _PARTS) // 2 + down
    for label, (height, width), colour in _PARTS:
        left = SIDE // 2 - width // 2 + right
        rows, columns = slice(max(top, 0), max(top + height, 0)), slice(max(left, 0), max(left + width, 0))
        picture[rows, columns], labels[rows, columns] = colour, label
        top += height
    return picture, labels
