"""Masks of a subject through a clip from boxes and clicks with SAM 2 (arXiv 2408.00714), as the ``transformers`` library holds it.

The network looks at every frame once and remembers what the subject looked like on the frames before. Frames with prompts are read
first and stay in its memory; from the first of them it goes on to the end of the clip, then back to the beginning.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from backend.errors import InputError
from backend.lifting.providers.base import Boxes, Frames, Kind, Masks, Seen
from backend.lifting.providers.hub_model import HUB, HubModel
from backend.lifting.providers.picture_input import normalised, stretched
from backend.lifting.providers.pretrained import device_name
from backend.lifting.providers.sam2_prompts import Points, by_frame, points_of, shows_something
from backend.lifting.subject import Followed, boxes_of
from backend.progress import Progress
from revision_blender.motion.subjects import Box, Prompt

if TYPE_CHECKING:
    import torch

SUBJECT = 1  # the number under which the network keeps the one subject


class _Sam2(HubModel):
    """What both kinds of provider share: the network, opened once."""

    name = "sam2_video"
    repositories = (
        "facebook/sam2.1-hiera-large", "facebook/sam2.1-hiera-base-plus", "facebook/sam2.1-hiera-small", "facebook/sam2.1-hiera-tiny",
    )  # fmt: skip
    model_class, model_type = "Sam2VideoModel", "sam2_video"
    where = HUB + repositories[0]
    size = 898.0


class Sam2Tracker(_Sam2):
    """Follows one subject; see ``base.Tracker``."""

    kind: Kind = "tracking"

    def follow(self, frames: Frames, prompts: tuple[Prompt, ...], taken: Masks | None, progress: Progress) -> Followed:
        """Raises EngineError for weights that cannot be used, InputError where no prompt shows the subject on one of the frames."""
        groups = by_frame(prompts, len(frames))
        shown = {frame: group for frame, group in groups.items() if shows_something(group)}
        if not shown:
            name = prompts[0].name if prompts else "The subject"
            raise InputError(f"{name} is shown on none of the {len(frames)} frames; draw a box about it or click on it on one of them.")
        network = self.opened()
        masks, score = _through(network, frames, shown, progress.part(0.0, 1.0 if len(shown) == len(groups) else 0.5))
        if len(shown) < len(groups):
            masks, score = _through(network, frames, shown | _corrected(groups, masks), progress.part(0.5, 1.0))
        if taken is not None:
            masks = np.where(taken > 0, 0, masks).astype(np.uint8)
        boxes, seen = boxes_of(masks)
        first = prompts[0]
        label = next((prompt.label for prompt in prompts if prompt.label), "")
        return Followed(first.name, first.kind, label, boxes, seen, np.where(seen, score, 0.0).astype(np.float32), masks, prompts)


class Sam2Segmenter(_Sam2):
    """Sharp masks of what lies in boxes, frame by frame; see ``base.Segmenter``."""

    kind: Kind = "segmentation"

    def segment(self, frames: Frames, boxes: Boxes, seen: Seen, progress: Progress) -> UInt8[NDArray[np.uint8], "P F H W"]:
        """Raises EngineError for weights that cannot be used."""
        network = self.opened()
        masks = np.zeros((len(boxes), *frames.shape[:3]), np.uint8)
        for frame in progress.each(range(len(frames)), len(frames), "Cutting out what was found"):
            rows = np.flatnonzero(seen[:, frame])
            if len(rows):
                masks[rows, frame] = _in_boxes(network, frames[frame : frame + 1], boxes[rows, frame])
        return masks


def _corrected(groups: dict[int, tuple[Prompt, ...]], masks: Masks) -> dict[int, tuple[Prompt, ...]]:
    """Frames on which the user only clicked beside the subject, with the box of what was found there before: alone they show nothing."""
    boxes, seen = boxes_of(masks)
    beside = [frame for frame, group in groups.items() if not shows_something(group) and seen[frame]]
    return {frame: (_boxed(boxes[frame]), *groups[frame]) for frame in beside}


def _boxed(box: Float[NDArray[np.float32], "4"]) -> Prompt:
    left, top, right, bottom = (float(edge) for edge in box)
    edges: Box = (left, top, max(right, left + 1.0), max(bottom, top + 1.0))
    return Prompt("box", "object", 0, edges)


def _in_boxes(network: Any, frame: Frames, boxes: Float[NDArray[np.float32], "P 4"]) -> UInt8[NDArray[np.uint8], "P H W"]:
    """Masks of what lies in each box of one frame, which is looked at once."""
    import torch

    height, width = frame.shape[1:3]
    session = _session(network, frame)
    for subject, box in enumerate(boxes):
        _show(session, subject, 0, points_of((_boxed(box),), width, height, _side(network)))
    session.obj_with_new_inputs = list(range(len(boxes)))
    with torch.inference_mode():
        found = network(inference_session=session, frame_idx=0)
        logits = torch.nn.functional.interpolate(found.pred_masks.float(), (height, width), mode="bilinear", align_corners=False)
    return (logits[:, 0] > 0.0).cpu().numpy().astype(np.uint8) * np.uint8(255)


def _through(
    network: Any, frames: Frames, shown: dict[int, tuple[Prompt, ...]], progress: Progress
) -> tuple[Masks, Float[NDArray[np.float32], " F"]]:
    """Masks and scores on every frame from the prompts by frame, of which there is at least one."""
    import torch

    masks = np.zeros(frames.shape[:3], np.uint8)
    score = np.zeros(len(frames), np.float32)
    with torch.inference_mode():
        for done, found in enumerate(_answers(network, frames, shown)):
            masks[found.frame_idx], score[found.frame_idx] = _read(found, frames.shape[2], frames.shape[1])
            progress(done / (len(frames) + len(shown)), "Following what was shown")
    return masks, score


def _answers(network: Any, frames: Frames, shown: dict[int, tuple[Prompt, ...]]) -> Iterator[Any]:
    session = _session(network, frames)
    height, width = frames.shape[1:3]
    for frame, prompts in shown.items():
        _show(session, SUBJECT, frame, points_of(prompts, width, height, _side(network)))
        session.obj_with_new_inputs = [SUBJECT]
        yield network(inference_session=session, frame_idx=frame)
    start = min(shown)
    yield from _pruned(session, network.propagate_in_video_iterator(session, start_frame_idx=start))
    if start > 0:
        yield from _pruned(session, network.propagate_in_video_iterator(session, start_frame_idx=start, reverse=True))


def _show(session: Any, subject: int, frame: int, points: Points) -> None:
    import torch

    inputs = {"point_coords": torch.from_numpy(points.pixels)[None, None], "point_labels": torch.from_numpy(points.labels)[None, None]}
    session.add_point_inputs(session.obj_id_to_idx(subject), frame, inputs)


def _pruned(session: Any, answers: Iterator[Any]) -> Iterator[Any]:
    """The answers as they come, with what only the frame itself needed dropped: full masks would take 4 MB a frame."""
    for answer in answers:
        for kept in session.output_dict_per_obj.values():
            for outputs in kept.values():
                if answer.frame_idx in outputs:
                    outputs[answer.frame_idx].pop("high_res_masks", None)
        yield answer


def _session(network: Any, frames: Frames) -> Any:
    """The network's own notebook of a clip, which makes each frame's input when it is looked at instead of all at once."""
    import torch
    from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

    side = _side(network)

    class Lazily(Sam2VideoInferenceSession):
        @property
        def num_frames(self) -> int:
            return len(frames)

        def get_frame(self, frame_idx: int) -> "torch.Tensor":
            return input_of(frames[frame_idx], side).to(self.inference_device)

    height, width = frames.shape[1:3]
    device = device_name()
    return Lazily(video_height=height, video_width=width, inference_device=device, inference_state_device=device, dtype=torch.float32)


def _side(network: Any) -> int:
    side = network.config.image_size
    return int(side if isinstance(side, int) else side[0])


def input_of(frame: NDArray[np.uint8], side: int) -> "torch.Tensor":
    """A frame as the network takes it, stretched to a square, ``(3, side, side)``."""
    return normalised(stretched(frame, side, side))


def _read(found: Any, width: int, height: int) -> tuple[NDArray[np.uint8], float]:
    """The subject's mask at the frame's size and how sure the network is that it is seen at all."""
    import torch

    logits = torch.nn.functional.interpolate(found.pred_masks[:1].float(), (height, width), mode="bilinear", align_corners=False)
    score = float(found.object_score_logits.float().flatten()[0].sigmoid())
    seen = score > 0.5
    return ((logits[0, 0] > 0.0).cpu().numpy() * np.uint8(255 if seen else 0)).astype(np.uint8), score


PROVIDERS = (Sam2Tracker, Sam2Segmenter)
