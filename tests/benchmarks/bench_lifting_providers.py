"""The image models that a lift can use, each on 8 frames of 1280 x 720: the real preparation and the real code, SMALL RANDOM networks.

What is timed is therefore at most what this project adds to a network (resizing, crops, reading answers, masks at the frame's size),
and never how fast a published model is: a small network on an input of the real size takes time of its own.
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from backend.lifting.providers.depth_anything import DepthAnything
from backend.lifting.providers.grounding_dino import GroundingDino
from backend.lifting.providers.rtmpose import RtmPose
from backend.lifting.providers.sam2_video import Sam2Segmenter, Sam2Tracker
from backend.lifting.providers.vitpose import VitPose
from backend.lifting.providers.yolo import YoloDetector, YoloSegmenter
from backend.progress import silent
from revision_blender.motion.subjects import Prompt
from tests.lifting import handmade_onnx, tiny_image_models

FRAMES, WIDTH, HEIGHT = 8, 1280, 720
PEOPLE = 2


def _frames() -> np.ndarray:
    frames = np.random.default_rng(0).integers(0, 255, (FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    for frame in range(FRAMES):
        frames[frame, 200:600, 300 + 20 * frame : 500 + 20 * frame] = (230, 20, 20)
    return frames


def _jobs(home: Path, frames: np.ndarray) -> dict[str, Callable[[], object]]:
    boxes = np.tile(np.array([300, 180, 560, 620], np.float32), (PEOPLE, FRAMES, 1))
    seen = np.ones((PEOPLE, FRAMES), bool)
    shown = (Prompt("person", "person", 0, (300.0, 180.0, 560.0, 620.0)),)
    words, quiet = ("person", "dog"), silent()
    dino, tracker, segmenter, depth = GroundingDino(home), Sam2Tracker(home), Sam2Segmenter(home), DepthAnything(home)
    vitpose, rtmpose, yolo, yolo_masks = VitPose(home), RtmPose(home), YoloDetector(home), YoloSegmenter(home)
    return {
        "grounding_dino, detection": lambda: dino.detect(frames, words, quiet),
        "sam2_video, tracking": lambda: tracker.follow(frames, shown, None, quiet),
        "sam2_video, segmentation": lambda: segmenter.segment(frames, boxes, seen, quiet),
        "depth_anything, depth": lambda: depth.depths(frames, quiet),
        "vitpose, keypoints": lambda: vitpose.keypoints(frames, boxes, seen, quiet),
        "rtmpose, keypoints": lambda: rtmpose.keypoints(frames, boxes, seen, quiet),
        "yolo, detection": lambda: yolo.detect(frames, words, quiet),
        "yolo, segmentation": lambda: yolo_masks.segment(frames, boxes, seen, quiet),
    }


def _lay_out(home: Path) -> None:
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    models = home / "models"
    tiny_image_models.grounding_dino(models / "grounding_dino")
    tiny_image_models.sam2_video(models / "sam2_video", side=512)
    tiny_image_models.depth_anything(models / "depth_anything")
    tiny_image_models.vitpose(models / "vitpose")
    handmade_onnx.rtmpose(models / "rtmpose" / "rtmpose.onnx")
    handmade_onnx.yolo(models / "yolo" / "yolov8-seg.onnx", masks=True)


def main() -> None:
    frames = _frames()
    with tempfile.TemporaryDirectory() as folder:
        _lay_out(Path(folder))
        for name, job in _jobs(Path(folder), frames).items():
            start = time.perf_counter()
            job()
            first = time.perf_counter() - start
            start = time.perf_counter()
            job()
            each = (time.perf_counter() - start) / FRAMES
            row = {"name": f"provider {name}", "network": "small, random", "frames": FRAMES, "size": [WIDTH, HEIGHT]}
            print(json.dumps(row | {"seconds_a_frame": round(each, 4), "seconds_first": round(first, 2)}))


if __name__ == "__main__":
    main()
