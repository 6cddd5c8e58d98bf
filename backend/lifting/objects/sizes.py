"""How large common things are, in metres, with how far things of that name differ; facts of everyday life and of sports' rules."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CommonSize:
    """extents: width, height, depth as it usually stands, metres. spread: of the logarithm of its size. round: looks alike from everywhere."""

    extents: tuple[float, float, float]
    spread: float
    round: bool = False

    @property
    def diagonal(self) -> float:
        return float(np.linalg.norm(self.extents))


def _ball(diameter: float, spread: float) -> CommonSize:
    return CommonSize((diameter, diameter, diameter), spread, True)


SIZES: dict[str, CommonSize] = {
    "soccer ball": _ball(0.22, 0.03), "football": _ball(0.22, 0.05), "basketball": _ball(0.24, 0.04), "volleyball": _ball(0.21, 0.03),
    "tennis ball": _ball(0.067, 0.03), "baseball": _ball(0.074, 0.03), "golf ball": _ball(0.043, 0.02), "beach ball": _ball(0.40, 0.25),
    "table tennis ball": _ball(0.04, 0.02), "bowling ball": _ball(0.217, 0.03), "exercise ball": _ball(0.65, 0.15),
    "juggling ball": _ball(0.07, 0.12), "dog ball": _ball(0.07, 0.2), "toy ball": _ball(0.09, 0.35), "balloon": _ball(0.28, 0.2),
    "ball": _ball(0.22, 0.12), "orange": _ball(0.08, 0.12), "apple": _ball(0.08, 0.12),
    "frisbee": CommonSize((0.26, 0.03, 0.26), 0.12), "racket": CommonSize((0.26, 0.68, 0.03), 0.08),
    "bat": CommonSize((0.07, 0.85, 0.07), 0.15), "skateboard": CommonSize((0.8, 0.12, 0.2), 0.08), "surfboard": CommonSize((0.5, 2.2, 0.1), 0.25),
    "bicycle": CommonSize((1.75, 1.05, 0.6), 0.08), "motorcycle": CommonSize((2.1, 1.15, 0.8), 0.1), "scooter": CommonSize((1.1, 1.1, 0.45), 0.15),
    "car": CommonSize((4.4, 1.5, 1.8), 0.1), "van": CommonSize((5.2, 2.1, 2.0), 0.12), "truck": CommonSize((8.0, 3.2, 2.5), 0.3),
    "bus": CommonSize((12.0, 3.1, 2.55), 0.1), "suitcase": CommonSize((0.42, 0.65, 0.26), 0.2), "backpack": CommonSize((0.32, 0.48, 0.2), 0.15),
    "bag": CommonSize((0.35, 0.35, 0.15), 0.35), "handbag": CommonSize((0.32, 0.28, 0.13), 0.25), "umbrella": CommonSize((1.0, 0.85, 1.0), 0.15),
    "chair": CommonSize((0.48, 0.88, 0.52), 0.1), "armchair": CommonSize((0.85, 0.95, 0.85), 0.12), "stool": CommonSize((0.4, 0.55, 0.4), 0.25),
    "sofa": CommonSize((1.9, 0.85, 0.9), 0.15), "table": CommonSize((1.4, 0.74, 0.8), 0.25), "desk": CommonSize((1.4, 0.74, 0.7), 0.15),
    "bench": CommonSize((1.5, 0.8, 0.55), 0.2), "bed": CommonSize((1.5, 0.6, 2.05), 0.15), "door": CommonSize((0.85, 2.03, 0.05), 0.06),
    "bottle": CommonSize((0.07, 0.24, 0.07), 0.2), "cup": CommonSize((0.085, 0.1, 0.085), 0.15), "mug": CommonSize((0.09, 0.1, 0.09), 0.1),
    "glass": CommonSize((0.075, 0.13, 0.075), 0.2), "bowl": CommonSize((0.16, 0.07, 0.16), 0.25), "book": CommonSize((0.15, 0.22, 0.03), 0.2),
    "phone": CommonSize((0.073, 0.15, 0.009), 0.08), "laptop": CommonSize((0.33, 0.22, 0.23), 0.1), "hat": CommonSize((0.3, 0.15, 0.3), 0.2),
    "guitar": CommonSize((0.38, 1.0, 0.12), 0.06), "sword": CommonSize((0.15, 1.0, 0.05), 0.2), "kite": CommonSize((1.0, 1.0, 0.05), 0.4),
    "stick": CommonSize((0.03, 0.8, 0.03), 0.5), "cone": CommonSize((0.3, 0.45, 0.3), 0.3), "barrel": CommonSize((0.58, 0.88, 0.58), 0.1),
    "tyre": CommonSize((0.65, 0.65, 0.2), 0.1), "bucket": CommonSize((0.3, 0.3, 0.3), 0.15), "ladder": CommonSize((0.45, 2.2, 0.1), 0.3),
    "cardboard box": CommonSize((0.4, 0.3, 0.3), 0.45), "box": CommonSize((0.4, 0.4, 0.4), 0.6), "crate": CommonSize((0.5, 0.4, 0.4), 0.35),
    "sports ball": _ball(0.22, 0.25), "plant": CommonSize((0.5, 0.8, 0.5), 0.5), "dumbbell": CommonSize((0.3, 0.13, 0.13), 0.25),
}  # fmt: skip

SAME: dict[str, str] = {
    "bike": "bicycle", "motorbike": "motorcycle", "automobile": "car", "lorry": "truck", "couch": "sofa", "soccerball": "soccer ball",
    "tennis racket": "racket", "racquet": "racket", "parcel": "cardboard box", "package": "cardboard box", "rucksack": "backpack",
    "purse": "handbag", "tire": "tyre", "sphere": "ball", "wine glass": "glass", "cell phone": "phone", "smartphone": "phone",
    "baseball bat": "bat", "ping pong ball": "table tennis ball", "potted plant": "plant", "balls": "ball", "frisbees": "frisbee",
}  # fmt: skip


def common_size(label: str) -> CommonSize | None:
    """What is known of things of this name, in words as a person writes them ("a red Tennis Ball"); nothing where it is not known."""
    words = label.lower().replace("_", " ").replace("-", " ").replace(".", " ").split()
    for length in (3, 2, 1):
        for start in range(len(words) - length, -1, -1):
            name = " ".join(words[start : start + length])
            name = SAME.get(name, name)
            if name in SIZES:
                return SIZES[name]
    return None
