"""Requests and results come back equal; nothing that arrives raises anything but a WireError."""

import contextlib
import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from revision_blender.motion.clip import Pins
from revision_blender.motion.subjects import Click, Prompt
from revision_blender.wire.codec import Content, content_from, content_of_request, content_of_result, request_from, result_from
from revision_blender.wire.errors import WireError
from revision_blender.wire.framing import DTYPES, Message, pack, unpack
from revision_blender.wire.protocol import Type
from revision_blender.wire.replay import ReplayGuard
from revision_blender.wire.requests import (
    REQUEST_OF_KIND,
    CoarseRequest,
    DecodeRequest,
    FineRequest,
    LiftRequest,
    LiftResult,
    MasksRequest,
    MasksResult,
    ModelRequest,
    ModelResult,
    RefineRequest,
    RefineResult,
    VideoResult,
)
from tests.wire.wire_samples import sample_clip


def _video(frames: int = 2) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (frames, 5, 7, 3), np.uint8)


MAPS = np.arange(3 * 5 * 7, dtype=np.uint8).reshape(3, 5, 7)
PINS = (
    Pins("p0", np.eye(3, 24, dtype=bool), np.array([True, False, True])),
    Pins("p1", np.zeros((3, 24), bool), np.zeros(3, bool), np.where(np.eye(3, 24, 20)[..., None] > 0, np.ones(3), np.nan)),
)
SHOWN = (
    Prompt("Rex", "animal", 0, (1.0, 2.0, 3.5, 4.0), (Click(1.5, 2.0, "nose"), Click(0.0, 0.0, "off")), "dog"),
    Prompt("the ball", "object", 2, clicks=(Click(3.0, 1.0),)),
)
REQUESTS = [
    CoarseRequest(_video()[0], "a kick", frames=9, target=sample_clip(1)),
    CoarseRequest(_video()[0]),
    DecodeRequest(np.arange(9, dtype=np.uint8), stride=2),
    LiftRequest(_video(), 7.5, 50.0),
    LiftRequest(_video(), prompts=SHOWN, people=False, providers=("depth=none",), only="Rex", known=sample_clip()),
    RefineRequest(sample_clip(), PINS, 0.5, "optimisation", "a jump", 0.3, False, True, True, 24.0),
    RefineRequest(sample_clip()),
    MasksRequest(sample_clip()),
    FineRequest(_video()[0], sample_clip(), sample_clip(seed=1), MAPS, MAPS, "wörds", seed=-3),
    ModelRequest("owner/model", True),
]
RESULTS = [
    ("coarse", VideoResult(_video(), 12.0, {"psnr": 38.5})),
    ("lift", LiftResult(sample_clip(), sample_clip(seed=2), MAPS, np.ones((3, 33, 3), np.float32), {"error": 0.01})),
    (
        "lift",
        LiftResult(sample_clip(), sample_clip(), MAPS, np.ones((3, 33, 3), np.float32), {}, MAPS, np.array([0, 2], np.int32), "A cut."),
    ),
    ("refine", RefineResult(sample_clip())),
    ("masks", MasksResult(MAPS, MAPS)),
    ("model", ModelResult("/somewhere/else", {"bytes": 4.5e9})),
]


def _over_the_wire(content: Content) -> Content:
    parts = pack(Message(Type.SUBMIT, {"kind": content.kind, "values": dict(content.values)}, content.arrays), b"k")
    message = unpack([bytes(part) for part in parts], b"k", ReplayGuard())
    return content_from(message.fields, message.arrays)


def _same(one, other) -> None:
    """Equal in every field, arrays bit for bit."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    elif isinstance(one, tuple):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            _same(left, right)
    elif hasattr(one, "__dataclass_fields__"):
        for item in fields(one):
            _same(getattr(one, item.name), getattr(other, item.name))
    else:
        assert one == other


@pytest.mark.parametrize("request_sent", REQUESTS, ids=lambda request: request.kind)
def test_requests_come_back_equal(request_sent):
    _same(request_from(_over_the_wire(content_of_request(request_sent))), request_sent)


@pytest.mark.parametrize(("kind", "result"), RESULTS, ids=[kind for kind, _ in RESULTS])
def test_results_come_back_equal(kind, result):
    _same(result_from(_over_the_wire(content_of_result(kind, result))), result)


def test_every_kind_is_tried():
    assert {request.kind for request in REQUESTS} == set(REQUEST_OF_KIND)


def test_a_figure_that_could_not_be_measured_stays_one():
    found = result_from(_over_the_wire(content_of_result("refine", RefineResult(sample_clip(), {"a": math.nan, "b": np.float32(2.0)}))))
    assert math.isnan(found.report["a"]) and found.report["b"] == 2.0


def test_numbers_of_numpy_are_sent_as_numbers():
    request = DecodeRequest(np.zeros(1, np.uint8), start=np.int64(3))
    assert request_from(_over_the_wire(content_of_request(request))).start == 3


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (CoarseRequest(_video()), "picture"),
        (CoarseRequest(_video()[0].astype(np.float32)), "picture"),
        (CoarseRequest(_video()[0], fps=math.nan), "fps"),
        (CoarseRequest(_video()[0], frames=2.5), "frames"),
        (CoarseRequest(_video()[0], seed=True), "seed"),
        (RefineRequest(sample_clip(), (Pins("p0", np.zeros((3, 24), bool), np.zeros(2, bool)),)), "pins/0/translation"),
        (RefineRequest(sample_clip(), (Pins("p0", np.zeros((3, 24), bool), np.zeros(3, bool), np.zeros((3, 2, 3))),)), "pins/0/places"),
    ],
)
def test_what_does_not_fit_is_refused_where_it_is_made(broken, words):
    with pytest.raises(WireError, match=words):
        content_of_request(broken)


def test_a_result_of_another_kind_is_refused():
    with pytest.raises(WireError, match="VideoResult is its result"):
        content_of_result("fine", MasksResult(MAPS, MAPS))


def test_unknown_and_missing_fields_are_named():
    content = content_of_request(REQUESTS[2])
    with pytest.raises(WireError, match="path"):
        request_from(Content("decode", {**content.values, "path": "/etc"}, content.arrays))
    with pytest.raises(WireError, match="file"):
        request_from(Content("decode", content.values, {}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
ARRAYS = st.sampled_from(sorted(DTYPES)).flatmap(
    lambda name: arrays(DTYPES[name], array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
)


@given(st.sampled_from(REQUESTS), st.data())
def test_changed_messages_raise_nothing_but_a_wire_error(request_sent, data):
    content = content_of_request(request_sent)
    values, held = dict(content.values), dict(content.arrays)
    names = st.sampled_from(sorted({*values, *held, "odd", "clip", "pins/0/joints"}))
    values.update(data.draw(st.dictionaries(names, JSON, max_size=2)))
    held.update(data.draw(st.dictionaries(names, ARRAYS, max_size=2)))
    for name in data.draw(st.lists(names, max_size=2)):
        held.pop(name, None)
    with contextlib.suppress(WireError):  # the only exception that may come
        request_from(Content(data.draw(st.sampled_from(sorted(REQUEST_OF_KIND))), values, held))


@given(JSON, JSON)
def test_any_header_raises_nothing_but_a_wire_error(kind, values):
    with pytest.raises(WireError):
        result_from(content_from({"kind": kind, "values": values}, {}))
