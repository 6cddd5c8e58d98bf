"""Messages survive the wire as they were; whatever is not a fresh, whole, signed message ends in a WireError."""

import contextlib
import hashlib
import hmac
import json
import struct
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from revision_blender.wire import protocol
from revision_blender.wire.errors import WireError
from revision_blender.wire.framing import DTYPES, Message, pack, unpack
from revision_blender.wire.protocol import Type
from revision_blender.wire.replay import ReplayGuard

KEY = b"k" * 32
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def _received(message: Message) -> Message:
    return unpack([bytes(part) for part in pack(message, KEY)], KEY, ReplayGuard())


def _signed(header: bytes, *parts: bytes) -> list[bytes]:
    lengths = struct.pack(f"<{len(parts)}Q", *map(len, parts))
    return [hmac.digest(KEY, header + lengths, hashlib.sha256), header, *parts]


@given(
    st.sampled_from(sorted(DTYPES)).flatmap(
        lambda name: arrays(DTYPES[name], array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=5))
    ),
    JSON,
)
def test_arrays_and_fields_come_back_bit_for_bit(array, value):
    message = Message(Type.SUBMIT, {"value": value}, {"first": array, "second": np.zeros(0, np.uint8)}, parent="p")
    found = _received(message)
    assert found.type == Type.SUBMIT and found.parent == "p" and found.message_id == message.message_id and found.fields == {"value": value}
    assert found.arrays["first"].dtype == array.dtype and found.arrays["first"].shape == array.shape
    assert found.arrays["first"].tobytes() == array.tobytes() and found.arrays["first"].flags.writeable


def test_a_video_travels_one_frame_a_part_without_a_copy():
    video = np.random.default_rng(0).integers(0, 256, (4, 160, 200, 3), np.uint8)
    parts = pack(Message(Type.RESULT, {}, {"frames": video}), KEY)
    assert len(parts) == 2 + 4
    assert np.shares_memory(np.frombuffer(parts[3], np.uint8), video)
    assert np.array_equal(unpack(parts, KEY, ReplayGuard()).arrays["frames"], video)


def test_a_strided_array_is_sent_as_it_looks():
    array = np.arange(24.0).reshape(4, 6)[::2, ::-1]
    assert np.array_equal(_received(Message(Type.RESULT, {}, {"a": array})).arrays["a"], array)


@pytest.mark.parametrize("array", [np.array(["text"]), np.array([None]), np.array([1j]), np.zeros(2, "V3")])
def test_arrays_of_other_things_than_numbers_are_not_sent(array):
    with pytest.raises(WireError, match="only little-endian numbers"):
        pack(Message(Type.RESULT, {}, {"a": array}), KEY)


def test_another_key_is_refused():
    with pytest.raises(WireError, match="wrong signature"):
        unpack(pack(Message(Type.PING), b"other"), KEY, ReplayGuard())


@given(st.integers(0, 1), st.integers(0, 10_000), st.integers(0, 7))
def test_a_changed_bit_of_signature_or_header_is_refused(which, place, bit):
    parts = [bytearray(part) for part in pack(Message(Type.PING, {"a": 1}), KEY)]
    parts[which][place % len(parts[which])] ^= 1 << bit
    with pytest.raises(WireError):
        unpack(parts, KEY, ReplayGuard())


def test_parts_of_other_lengths_are_refused():
    parts = pack(Message(Type.RESULT, {}, {"a": np.arange(10)}), KEY)
    for changed in (parts[:2], [*parts, b""], [*parts[:2], bytes(parts[2])[:-1]]):
        with pytest.raises(WireError, match="wrong signature"):
            unpack(changed, KEY, ReplayGuard())


def test_a_message_is_heard_once():
    parts, guard = pack(Message(Type.CANCEL), KEY), ReplayGuard()
    unpack(parts, KEY, guard)
    with pytest.raises(WireError, match="second time"):
        unpack(parts, KEY, guard)


def test_the_guard_refuses_old_messages_and_forgets_what_is_too_old_to_come_back():
    now = [1000.0]
    guard = ReplayGuard(lambda: now[0])
    guard.check(b"a", 1000.0)
    now[0] += protocol.REPLAY_WINDOW_SECONDS + 1
    with pytest.raises(WireError, match="replayed"):
        guard.check(b"a", 1000.0)
    with pytest.raises(WireError, match="replayed"):
        guard.check(b"b", float("nan"))
    now[0] += 2 * protocol.REPLAY_WINDOW_SECONDS
    guard.check(b"c", now[0])
    assert guard._seen == {b"c"}


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_random_bytes_raise_nothing_but_a_wire_error(parts):
    with pytest.raises(WireError):
        unpack(parts, KEY, ReplayGuard())


@given(st.binary(max_size=100) | JSON.map(lambda value: json.dumps(value).encode()))
def test_signed_nonsense_raises_nothing_but_a_wire_error(header):
    with pytest.raises(WireError):
        unpack(_signed(header), KEY, ReplayGuard())


@given(st.dictionaries(st.sampled_from(["type", "id", "parent", "version", "time", "fields", "arrays"]), JSON), JSON)
def test_signed_headers_of_odd_values_raise_nothing_but_a_wire_error(changes, entry):
    header = {"type": "ping", "id": "a", "parent": "", "version": 1, "time": time.time(), "fields": {}, "arrays": [entry], **changes}
    with contextlib.suppress(WireError):  # a message may have come out whole
        unpack(_signed(json.dumps(header).encode()), KEY, ReplayGuard())


@pytest.mark.parametrize("shape", [[1 << 40], [-1], [1.0], [True], [1 << 33, 0, 1 << 33], [1] * 9, [1 << 32, 8]])
def test_impossible_shapes_are_refused_before_anything_is_allocated(shape):
    header = {"type": "result", "id": "a", "parent": "", "version": 1, "time": time.time(), "fields": {}, "arrays": [["a", "|u1", shape]]}
    with pytest.raises(WireError, match="cannot be read"):
        unpack(_signed(json.dumps(header).encode()), KEY, ReplayGuard())


def test_a_deeply_nested_header_is_refused():
    with pytest.raises(WireError):
        unpack(_signed(b"[" * 200_000), KEY, ReplayGuard())


def test_too_large_headers_are_neither_sent_nor_read():
    with pytest.raises(WireError, match="at most"):
        pack(Message(Type.SUBMIT, {"words": "x" * protocol.MAX_HEADER_BYTES}), KEY)
    with pytest.raises(WireError, match="at most"):
        unpack(_signed(b" " * (protocol.MAX_HEADER_BYTES + 1)), KEY, ReplayGuard())


def test_every_message_type_has_one_direction():
    assert not protocol.FOR_REQUESTS & protocol.FOR_CONTROL and protocol.FOR_CLIENT.isdisjoint(protocol.FOR_REQUESTS | protocol.FOR_CONTROL)
