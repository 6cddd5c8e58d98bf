"""An animal cut out of one picture where following found little of it: a body that fits the clicks says where it may be.

A body is fitted to the clicks and kept within the box; its outline, made wider and narrower, is what GrabCut (Rother, Kolmogorov,
Blake 2004) begins with.
"""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import torch
from jaxtyping import UInt8
from numpy.typing import NDArray
from torch import Tensor

from backend.lifting.animals.coarse_body import CoarseBody
from backend.lifting.animals.descent import Steps, assessed, descend
from backend.lifting.animals.energy import AnimalEnergy, Evidence, Unknowns, Weights
from backend.lifting.animals.first_frame import best_heading
from backend.lifting.animals.outlines import crops_of
from backend.lifting.animals.seen import evidence_of
from backend.lifting.animals.starts import kind_named, same_shape, started, starting_rotations
from backend.lifting.subject import Followed, boxes_of
from backend.progress import silent
from revision_blender.motion.camera import Camera
from revision_blender.motion.clip import GroundPlane
from revision_blender.motion.subjects import ANIMAL_PARTS, Prompt

CLICKS = 5  # that a body can be fitted to
AGREES = 0.57  # overlap with the body of the clicks from which on a mask stays as it is
LOOKS_DOWN = 0.5  # radians, a camera of which nothing is known
LEAST_SCORE = 0.5
_STEPS = Steps(70, 0.06, 0.04)
_SIDE = 320  # pixels of the longer side of the box that is cut in
_ROUNDS = 4
Mask = NDArray[np.uint8]


def cut_anew(
    body: CoarseBody,
    frames: UInt8[NDArray[np.uint8], "F H W 3"],
    followed: Followed,
    prompts: Sequence[Prompt],
    camera: Camera,
    ground: GroundPlane | None,
    presets: dict[str, NDArray[np.floating]],
    words: str,
) -> Followed:
    """The same animal, with better masks on frames with a box and enough clicks where its mask is unlike what they show."""
    preferred = same_shape(body, presets, kind_named(words, presets))
    masks = followed.masks
    for prompt in prompts:
        if prompt.box is None or sum(click.part in ANIMAL_PARTS for click in prompt.clicks) < CLICKS or prompt.frame >= len(frames):
            continue
        frame, box = frames[prompt.frame], np.array(prompt.box, np.float32)
        here = prompt.frame
        evidence = _row(followed, masks, prompts, camera, ground, here)
        better = cut_by_clicks(body, frame, masks[here], box, evidence, preferred)
        if better is not None:
            masks = masks.copy()
            masks[here] = better
            evidence = _row(followed, masks, prompts, camera, ground, here)
            fitted, _ = best_heading(body, evidence, 0, preferred, silent())
            energy = AnimalEnergy(body, evidence, preferred, Weights())
            masks[here] = cut_about(frame, drawn_body(body, energy, fitted, 0, masks[here].shape), box)
    if masks is followed.masks:
        return followed
    boxes, seen = boxes_of(masks)
    return replace(
        followed, masks=masks, boxes=boxes, seen=seen, score=np.where(seen, np.maximum(followed.score, LEAST_SCORE), 0.0).astype(np.float32)
    )


def _row(
    followed: Followed, masks: NDArray[np.uint8], prompts: Sequence[Prompt], camera: Camera, ground: GroundPlane | None, frame: int
) -> Evidence:
    boxes, seen = boxes_of(masks)
    evidence = evidence_of(replace(followed, masks=masks, boxes=boxes, seen=seen), prompts, camera, ground, None)
    return (evidence if ground is not None else evidence.tilted(LOOKS_DOWN)).rows(np.array([frame]))


def cut_by_clicks(
    body: CoarseBody, frame: UInt8[NDArray[np.uint8], "H W 3"], mask: Mask, box: NDArray[np.float32], evidence: Evidence, preferred: Tensor
) -> Mask | None:
    """A better mask where the one there is is unlike the body of the clicks, else nothing. evidence: one row, of this frame."""
    shown = _shape(body, mask.shape, box, evidence, preferred)
    both, either = ((shown > 0) & (mask > 0)).sum(), ((shown > 0) | (mask > 0)).sum()
    return None if both >= AGREES * max(int(either), 1) else cut_about(frame, shown, box)


def _shape(body: CoarseBody, size: tuple[int, ...], box: NDArray[np.float32], evidence: Evidence, preferred: Tensor) -> Mask:
    """The outline of the body that fits the clicks best, within the box."""
    left, top, right, bottom = np.round(box).astype(int)
    filled = np.zeros((1, *size), np.uint8)
    filled[0, max(top, 0) : bottom, max(left, 0) : right] = 255
    rotations = starting_rotations(evidence.view.up[0].numpy().astype(np.float64))
    rows = np.zeros(len(rotations), np.int64)
    within = Evidence(crops_of(filled, box[None], None), evidence.keypoints, evidence.clicked, evidence.view)
    energy = AnimalEnergy(body, within.rows(rows), preferred, Weights(outline=0.0, outside=60.0, well=1.0))
    reached = descend(energy, started(energy, preferred, rotations), _STEPS)
    return drawn_body(body, energy, reached, int(assessed(energy, reached)[0].argmin()), size)


def drawn_body(body: CoarseBody, energy: AnimalEnergy, unknowns: Unknowns, row: int, size: tuple[int, ...]) -> Mask:
    """One row's body, filled, in the whole picture of ``(H, W)`` pixels."""
    with torch.no_grad():
        pixels = energy.evidence.view.project(energy.posed(unknowns).vertices)[row].numpy()
    shape = np.zeros(size, np.uint8)
    for triangle in np.clip(pixels[body.faces], -16384, 16384).astype(np.int32):
        cv2.fillConvexPoly(shape, triangle, (255,))
    return shape


def cut_about(frame: UInt8[NDArray[np.uint8], "H W 3"], shown: Mask, box: NDArray[np.float32]) -> Mask:
    """What is the animal, by colour, where a body's outline ``shown`` says that it may be, within the box."""
    height, width = shown.shape
    margin = 0.08 * float(max(box[2] - box[0], box[3] - box[1]))
    left, top = (max(0, int(value - margin)) for value in box[:2])
    right, bottom = min(width, int(box[2] + margin)), min(height, int(box[3] + margin))
    scale = min(1.0, _SIDE / max(right - left, bottom - top))
    part = (max(8, round((right - left) * scale)), max(8, round((bottom - top) * scale)))
    picture = cv2.resize(frame[top:bottom, left:right], part, interpolation=cv2.INTER_AREA)
    inside = cv2.resize(shown[top:bottom, left:right], part, interpolation=cv2.INTER_AREA) > 127
    marks = _marks(inside, (np.asarray(box) - [left, top, left, top]) * scale)
    cv2.setRNGSeed(0)
    cv2.grabCut(picture, marks, None, np.zeros((1, 65)), np.zeros((1, 65)), _ROUNDS, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    found = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    result = np.zeros_like(shown)
    result[top:bottom, left:right] = np.where(cv2.resize(found, (right - left, bottom - top)) > 0.5, 255, 0)
    return result


def _marks(inside: NDArray[np.bool_], box: NDArray[np.floating]) -> Mask:
    """GrabCut's marks: sure deep inside the body, likely within it, unlikely near it, and surely nothing far away and beside the box."""
    solid = inside.astype(np.uint8)
    reach = 0.09 * float(np.hypot(box[2] - box[0], box[3] - box[1]))
    far = cv2.distanceTransform(1 - solid, cv2.DIST_L2, 5)
    deep = cv2.distanceTransform(solid, cv2.DIST_L2, 5)
    marks = np.where(inside, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    marks[far > reach] = cv2.GC_BGD
    marks[deep > 0.25 * reach] = cv2.GC_FGD
    row, column = np.indices(inside.shape)
    beside = (column < box[0] - 1) | (column > box[2] + 1) | (row < box[1] - 1) | (row > box[3] + 1)
    marks[beside] = cv2.GC_BGD
    return marks
