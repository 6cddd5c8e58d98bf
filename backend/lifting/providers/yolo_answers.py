"""What a YOLOv8 network's exported file answers, read: boxes with classes, and masks from coefficients over shared prototypes.

Facts of the format (docs.ultralytics.com): one output ``(1, 4 + classes (+ 32), N)`` with middle x, middle y, width, height in pixels
of the input and a score a class; for segmentation a second one ``(1, 32, h / 4, w / 4)``, whose weighted sum under a sigmoid is a mask.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from backend.errors import EngineError
from backend.lifting.providers.overlaps import kept
from backend.lifting.providers.picture_input import Placed

THRESHOLD, MOST_OVERLAP = 0.25, 0.7
COEFFICIENTS = 32


@dataclass(frozen=True, eq=False)
class Seen:
    """Of one frame, best first. boxes: of the network's input, left, top, right, bottom. masks come from coefficients @ prototypes."""

    boxes: Float[NDArray[np.float32], "N 4"]
    scores: Float[NDArray[np.float32], " N"]
    classes: Int[NDArray[np.intp], " N"]
    coefficients: Float[NDArray[np.float32], "N 32"]
    prototypes: Float[NDArray[np.float32], "32 h w"] | None


def read(answer: list[NDArray[np.float32]], file: str) -> tuple[Seen, int]:
    """What is seen and how many classes the model has. Raises EngineError for the answer of another network."""
    table = next((found for found in answer if found.ndim == 3 and len(found) == 1), None)
    prototypes = next((found[0] for found in answer if found.ndim == 4 and found.shape[:2] == (1, COEFFICIENTS)), None)
    extra = 0 if prototypes is None else COEFFICIENTS
    if table is None or len(answer) != (1 if prototypes is None else 2) or not 4 + extra < table.shape[1] < table.shape[2]:
        shapes = ", ".join(str(found.shape) for found in answer)
        raise EngineError(f"{file} answers with {shapes}; a YOLOv8 file for boxes or masks is needed, exported as ONNX without NMS.")
    rows = table[0].T
    classes = rows.shape[1] - 4 - extra
    scores = rows[:, 4 : 4 + classes]
    best = scores.argmax(axis=1)
    value = scores[np.arange(len(rows)), best]
    clear = np.flatnonzero(value > THRESHOLD)
    middle, extent = rows[clear, :2], rows[clear, 2:4]
    boxes = np.concatenate([middle - extent / 2, middle + extent / 2], axis=1).astype(np.float32)
    stay = kept(boxes, value[clear], best[clear], MOST_OVERLAP)
    chosen = clear[stay]
    return Seen(boxes[stay], value[chosen], best[chosen], rows[chosen, 4 + classes :], prototypes), classes


def mask_of(seen: Seen, index: int, placed: Placed, side: tuple[int, int], size: tuple[int, int]) -> NDArray[np.uint8]:
    """One thing's mask at the frame's size, ``(H, W)``, 255 upon it. side: width and height of the input; size: of the frame.

    Raises ``ValueError`` where the network has no masks.
    """
    import cv2

    if seen.prototypes is None:
        raise ValueError("what was seen comes from a network without masks")
    _, rows, columns = seen.prototypes.shape
    logits = np.tensordot(seen.coefficients[index], seen.prototypes, 1).astype(np.float32)
    # A pixel of the frame at x (from its corner) lies at x * scale + offset in the input, and there at columns / width of it.
    scale_x, scale_y = placed.scale_x * columns / side[0], placed.scale_y * rows / side[1]
    shift_x, shift_y = placed.offset_x * columns / side[0], placed.offset_y * rows / side[1]
    back = np.array([[scale_x, 0.0, 0.5 * scale_x + shift_x - 0.5], [0.0, scale_y, 0.5 * scale_y + shift_y - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    full = cv2.warpAffine(logits, back, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    mask = np.zeros((size[1], size[0]), np.uint8)
    left, top, right, bottom = np.rint(placed.boxes_to_frame(seen.boxes[index : index + 1], *size)[0]).astype(int)
    mask[top:bottom, left:right] = 255 * (full[top:bottom, left:right] > 0.0)
    return mask
