"""MediaPipe's two pose models, each by itself: where people are in a picture, and the landmarks of one in a square crop.

MediaPipe's ready-made solution follows one person only. Its graph is built of a detector that sees several people and of a
landmark model that reads any crop; here the two are run on pictures and crops of our choosing. Each look is by itself:
nothing is smoothed or remembered. Only the models inside the wheel are used.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32, UInt8
from numpy.typing import NDArray

from backend.errors import BackendError
from backend.lifting.people.crops import CROP_SIDE, Crop, crop_about
from backend.lifting.people.landmark_names import MIRROR, N_LANDMARKS

LEAST_SCORE = 0.5  # of the detector: its graph's own bar

_DETECTOR = """
input_stream: "image"
output_stream: "detections"
node { calculator: "PoseDetectionCpu" input_stream: "IMAGE:image" output_stream: "DETECTIONS:detections" }
"""
_READER = """
input_stream: "image"
input_stream: "roi"
output_stream: "landmarks"
output_stream: "auxiliary"
output_stream: "world"
output_stream: "mask"
node {
  calculator: "ConstantSidePacketCalculator"
  output_side_packet: "PACKET:0:complexity"
  output_side_packet: "PACKET:1:segment"
  node_options: { [type.googleapis.com/mediapipe.ConstantSidePacketCalculatorOptions]: {
    packet { int_value: 1 } packet { bool_value: true } } }
}
node {
  calculator: "PoseLandmarkByRoiCpu"
  input_side_packet: "MODEL_COMPLEXITY:complexity"
  input_side_packet: "ENABLE_SEGMENTATION:segment"
  input_stream: "IMAGE:image"
  input_stream: "ROI:roi"
  output_stream: "LANDMARKS:landmarks"
  output_stream: "AUXILIARY_LANDMARKS:auxiliary"
  output_stream: "WORLD_LANDMARKS:world"
  output_stream: "SEGMENTATION_MASK:mask"
}
"""


@dataclass(frozen=True)
class Sighting:
    """A person as the detector sees one: the crop to read the landmarks in, and how sure it is in [0, 1]."""

    crop: Crop
    score: float


@dataclass(frozen=True, eq=False)
class Reading:
    """One person's landmarks in a crop, in the picture's pixels.

    points: ``(33, 6)`` x, y in pixels, visibility, then metres about the middle of the hips in camera axes. next_crop: where
    the model says that it should have looked. soft: the person in the crop, 0 to 255.
    """

    points: Float32[NDArray[np.float32], "33 6"]
    next_crop: Crop
    soft: UInt8[NDArray[np.uint8], "256 256"]


@dataclass
class _Graph:
    """A running graph that answers one picture after the other; for one thread."""

    running: Any
    answers: dict[str, Any] = field(default_factory=dict)
    time: int = 0

    def ask(self, **packets: Any) -> dict[str, Any]:
        self.answers.clear()
        self.time += 1
        for name, packet in packets.items():
            self.running.add_packet_to_input_stream(name, packet.at(self.time))
        self.running.wait_until_idle()
        return self.answers


@contextmanager
def _graph(config: str, getters: dict[str, str]) -> Iterator[_Graph]:
    os.environ.setdefault("GLOG_minloglevel", "2")
    import mediapipe  # late: a second of imports that only a lift needs
    from mediapipe.python import packet_getter
    from mediapipe.python._framework_bindings import calculator_graph, resource_util

    resource_util.set_resource_dir(str(Path(mediapipe.__file__).resolve().parents[1]))
    try:
        graph = _Graph(calculator_graph.CalculatorGraph(graph_config=config))
    except (RuntimeError, ValueError) as error:
        raise BackendError(f"MediaPipe's pose models do not start: {error}. Reinstall mediapipe 0.10.21.") from error
    for name, getter in getters.items():
        graph.running.observe_output_stream(name, _keeper(graph.answers, getattr(packet_getter, getter)), True)
    graph.running.start_run()
    try:
        yield graph
    finally:
        graph.running.close()


def _keeper(answers: dict[str, Any], getter: Any) -> Any:
    def keep(name: str, packet: Any) -> None:
        if not packet.is_empty():
            answers[name] = getter(packet)

    return keep


def _image_packet(picture: NDArray[np.uint8]) -> Any:
    import mediapipe
    from mediapipe.python import packet_creator

    return packet_creator.create_image_frame(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(picture))


class PoseDetector:
    """Finds people of at least about a sixth of the picture's larger side; from ``pose_detector``."""

    def __init__(self, graph: _Graph) -> None:
        self._graph = graph

    def look(self, picture: NDArray[np.uint8]) -> list[Sighting]:
        """People in ``(H, W, 3)`` uint8 sRGB, the surest first."""
        height, width = picture.shape[:2]
        detections = self._graph.ask(image=_image_packet(picture)).get("detections", [])
        sightings = [_sighting(detection, width, height) for detection in detections]
        return sorted(sightings, key=lambda sighting: -sighting.score)


def _sighting(detection: Any, width: int, height: int) -> Sighting:
    hips, top = detection.location_data.relative_keypoints[:2]
    crop = crop_about(np.array([hips.x * width, hips.y * height]), np.array([top.x * width, top.y * height]))
    return Sighting(crop, float(detection.score[0]))


@contextmanager
def pose_detector() -> Iterator[PoseDetector]:
    with _graph(_DETECTOR, {"detections": "get_proto_list"}) as graph:
        yield PoseDetector(graph)


class PoseReader:
    """Reads one person's landmarks in a crop; from ``pose_reader``."""

    def __init__(self, graph: _Graph) -> None:
        from mediapipe.framework.formats import rect_pb2
        from mediapipe.python import packet_creator

        self._graph = graph
        rect: Any = vars(rect_pb2)["NormalizedRect"]  # made when protobuf loads: no type checker sees it
        whole = rect(x_center=0.5, y_center=0.5, width=1.0, height=1.0, rotation=0.0)
        self._roi = lambda: packet_creator.create_proto(whole)

    def read(self, pixels: UInt8[NDArray[np.uint8], "256 256 3"], crop: Crop, mirrored: bool) -> Reading | None:
        """pixels: the picture's ``crop``, not yet mirrored. Nothing where the model sees no person in it."""
        shown = pixels[:, ::-1] if mirrored else pixels
        answer = self._graph.ask(image=_image_packet(shown), roi=self._roi())
        if not {"landmarks", "auxiliary", "world", "mask"} <= set(answer):
            return None
        flat = np.array([(p.x, p.y, p.visibility) for p in answer["landmarks"].landmark], np.float64)
        deep = np.array([(p.x, p.y, p.z) for p in answer["world"].landmark], np.float64)
        ends = np.array([(p.x, p.y) for p in answer["auxiliary"].landmark], np.float64) * CROP_SIDE
        if len(flat) != N_LANDMARKS or not np.isfinite(flat).all() or not np.isfinite(ends).all():
            return None
        soft = np.squeeze(answer["mask"].numpy_view())
        soft = np.round(255.0 * np.clip(soft, 0.0, 1.0)).astype(np.uint8)
        flat[:, :2] *= CROP_SIDE
        if mirrored:
            flat, deep, soft = flat[MIRROR], deep[MIRROR] * (-1.0, 1.0, 1.0), soft[:, ::-1]
            flat[:, 0], ends[:, 0] = CROP_SIDE - flat[:, 0], CROP_SIDE - ends[:, 0]
        return _in_picture(flat, deep, ends, soft, crop)


def _in_picture(
    flat: NDArray[np.float64], deep: NDArray[np.float64], ends: NDArray[np.float64], soft: NDArray[np.uint8], crop: Crop
) -> Reading:
    ends = crop.to_picture(ends)
    pixels, turned = crop.to_picture(flat[:, :2]), deep[:, :2] @ crop.axes().T
    points = np.column_stack([pixels, flat[:, 2], turned, deep[:, 2]]).astype(np.float32)
    if soft.shape != (CROP_SIDE, CROP_SIDE):
        soft = np.asarray(cv2.resize(soft, (CROP_SIDE, CROP_SIDE)), np.uint8)
    return Reading(points, crop_about(ends[0], ends[1]), np.ascontiguousarray(soft))


@contextmanager
def pose_reader() -> Iterator[PoseReader]:
    getters = {"landmarks": "get_proto", "auxiliary": "get_proto", "world": "get_proto", "mask": "get_image"}
    with _graph(_READER, getters) as graph:
        yield PoseReader(graph)
