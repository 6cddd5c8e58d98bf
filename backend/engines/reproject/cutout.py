"""The person cut out of the first frame: where they are, their colours without the background's, and the hole they leave."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.errors import InputError
from backend.progress import Progress

Picture = NDArray[np.uint8]
F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

MIN_AGREEMENT = 0.3  # IoU with the mesh below which the detector's mask is taken for another person's
FRINGE = 0.012  # of the picture's longer side: the background's strip about the person that goes with an unmoved person


@dataclass(frozen=True, eq=False)
class Cutout:
    """All ``(H, W)`` or ``(H, W, 3)`` of the first frame.

    picture: sRGB bytes. person: True on the person. alpha: soft matte in [0, 1]. colours: the person's, carried on over the
    border, so that no background shows in them, float32 0 to 255. hole: what the background has to be invented for.
    fringe: pixels, twice the reach of the hole beyond the person.
    """

    picture: Picture
    person: Mask
    alpha: F32
    colours: F32
    hole: Mask
    fringe: int


def person_mask(picture: Picture, silhouette: Mask, progress: Progress) -> Mask:
    """Where the person is: the detector's mask, or, where it sees nobody here, colours like those under the mesh.

    silhouette: ``(H, W)`` the projected bodies.
    """
    from backend.lifting.people.landmarks import detect_landmarks
    from backend.lifting.people.segmentation import person_masks

    try:
        landmarks = detect_landmarks(picture[None], progress)
        found = person_masks(picture[None], landmarks, progress)[0] > 0
    except InputError:  # the clip was lifted from other frames as well: the mesh knows where the person is
        found = np.zeros_like(silhouette)
    if agreement(found, silhouette) < MIN_AGREEMENT:
        return grown_from(picture, silhouette)
    return found


def agreement(a: Mask, b: Mask) -> float:
    """Intersection over union; 1 for two empty masks."""
    union = int((a | b).sum())
    return 1.0 if not union else float((a & b).sum()) / union


def grown_from(picture: Picture, silhouette: Mask) -> Mask:
    """GrabCut from the projected body: surely person well inside it, surely background far from it."""
    if not silhouette.any():
        return silhouette
    reach = max(3, round(0.02 * max(silhouette.shape)))
    distance_out = cv2.distanceTransform((~silhouette).astype(np.uint8), cv2.DIST_L2, 5)
    distance_in = cv2.distanceTransform(silhouette.astype(np.uint8), cv2.DIST_L2, 5)
    trimap = np.full(silhouette.shape, cv2.GC_BGD, np.uint8)
    trimap[distance_out < reach] = cv2.GC_PR_BGD
    trimap[silhouette] = cv2.GC_PR_FGD
    trimap[distance_in > reach * 0.6] = cv2.GC_FGD
    if not (trimap == cv2.GC_FGD).any() or not (trimap == cv2.GC_BGD).any():
        return silhouette
    cv2.setRNGSeed(0)
    cv2.grabCut(
        np.ascontiguousarray(picture[..., ::-1]), trimap, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK
    )
    found = (trimap == cv2.GC_FGD) | (trimap == cv2.GC_PR_FGD)
    return found if agreement(found, silhouette) >= MIN_AGREEMENT else silhouette


def cut_out(picture: Picture, person: Mask) -> Cutout:
    """Matte, border-free colours and hole of a person mask."""
    fringe = max(3, round(FRINGE * max(person.shape)))
    soft = cv2.GaussianBlur(person.astype(np.float32), (0, 0), max(0.8, fringe / 8))
    alpha = np.clip((soft - 0.35) / 0.5, 0.0, 1.0)  # half a pixel inside the mask: its rim is mixed with background
    core = _eroded(person, max(1, fringe // 4))
    hole = _dilated(person, max(2, fringe // 2))
    return Cutout(picture, person, alpha, carried_on(picture, core if core.any() else person), hole, fringe)


def carried_on(picture: Picture, known: Mask) -> F32:
    """The picture's colours where known, elsewhere those of the nearest known pixels, softened with the distance."""
    if not known.any():
        return picture.astype(np.float32)
    labels = np.asarray(
        cv2.distanceTransformWithLabels((~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)[1], np.intp
    )
    colour_of = np.zeros((int(labels.max()) + 1, 3), np.float32)
    colour_of[labels[known]] = picture[known]
    spread = np.where(known[..., None], picture, colour_of[labels]).astype(np.float32)
    soft = cv2.GaussianBlur(spread, (0, 0), 2.0)
    return np.where(known[..., None], spread, soft)


def _dilated(mask: Mask, radius: int) -> Mask:
    return cv2.dilate(mask.astype(np.uint8), _disc(radius)).astype(bool)


def _eroded(mask: Mask, radius: int) -> Mask:
    return cv2.erode(mask.astype(np.uint8), _disc(radius), borderType=cv2.BORDER_REPLICATE).astype(bool)


def _disc(radius: int) -> NDArray[np.uint8]:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)).astype(np.uint8)
