"""One message as parts on a socket: a signature, a signed JSON header, then raw array bytes.

Jupyter's protocol is the model. The HMAC-SHA256 covers the header and the length of every part; hashing the pixels too
would cost the time budget of the transfer. A large array of three or more axes travels one entry of its first axis (one
video frame) a part, because large receive buffers are mapped afresh each time.
"""

import hashlib
import hmac
import json
import struct
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import protocol
from .errors import WireError
from .protocol import Type
from .replay import ReplayGuard

Arrays = Mapping[str, NDArray[Any]]
DTYPES = {name: np.dtype(name) for name in ("|b1", "|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8")}
MAX_AXES = 8


@dataclass(frozen=True, eq=False)
class Message:
    """fields: JSON values. arrays: by name, in order. message_id: of this message. parent: of the one it answers."""

    type: Type
    fields: Mapping[str, Any] = field(default_factory=dict)
    arrays: Arrays = field(default_factory=dict)
    parent: str = ""
    message_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    version: int = protocol.PROTOCOL


@dataclass(frozen=True)
class ArrayPlan:
    """How one array travels: its name, dtype and shape, from which the length of each of its parts follows."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def part_lengths(self) -> tuple[int, ...]:
        size = DTYPES[self.dtype].itemsize
        if len(self.shape) >= 3 and prod(self.shape[1:]) * size >= protocol.ZERO_COPY_BYTES:
            return (prod(self.shape[1:]) * size,) * self.shape[0]
        return (prod(self.shape) * size,)


def plan_of(name: str, array: NDArray[Any]) -> ArrayPlan:
    """Raises WireError for an array whose numbers no peer reads (objects, strings, big endian, complex)."""
    dtype = array.dtype.newbyteorder("<").str if array.dtype.itemsize > 1 else array.dtype.str
    if dtype not in DTYPES or array.dtype != DTYPES[dtype]:
        raise WireError(f"Array {name!r} holds {array.dtype}; only little-endian numbers and booleans are sent.")
    return ArrayPlan(name, dtype, tuple(array.shape))


def parts_of(array: NDArray[Any], plan: ArrayPlan) -> list[memoryview]:
    """The array's bytes as parts, without a copy when it is contiguous."""
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    lengths = plan.part_lengths
    if len(lengths) == 1:
        return [flat.data]
    size = lengths[0] if lengths else 0
    return [flat[index * size : (index + 1) * size].data for index in range(len(lengths))]


def array_from(plan: ArrayPlan, parts: Sequence[Any]) -> NDArray[Any]:
    """A new, writable array out of its parts, whose lengths have been checked."""
    array = np.empty(plan.shape, DTYPES[plan.dtype])
    flat = array.reshape(-1).view(np.uint8)
    start = 0
    for part in parts:
        flat[start : start + len(part)] = np.frombuffer(part, np.uint8)
        start += len(part)
    return array


def _sign(key: bytes, header: bytes, lengths: Sequence[int]) -> bytes:
    return hmac.digest(key, header + struct.pack(f"<{len(lengths)}Q", *lengths), hashlib.sha256)


def pack(message: Message, key: bytes) -> list[bytes | memoryview]:
    """The parts to send. The time of sending is signed too, so that an old message can be told from a new one."""
    plans = [plan_of(name, array) for name, array in message.arrays.items()]
    parts = [part for plan, array in zip(plans, message.arrays.values(), strict=True) for part in parts_of(array, plan)]
    header = {
        "type": message.type,
        "id": message.message_id,
        "parent": message.parent,
        "version": message.version,
        "time": time.time(),
        "fields": dict(message.fields),
        "arrays": [[plan.name, plan.dtype, list(plan.shape)] for plan in plans],
    }
    try:
        data = json.dumps(header, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise WireError(f"The {message.type} message cannot be written as JSON: {error}.") from error
    if len(data) > protocol.MAX_HEADER_BYTES:
        raise WireError(f"The {message.type} message's header has {len(data)} bytes; at most {protocol.MAX_HEADER_BYTES} are sent.")
    return [_sign(key, data, [len(part) for part in parts]), data, *parts]


def unpack(parts: Sequence[Any], key: bytes, guard: ReplayGuard) -> Message:
    """The message in the received parts (bytes-like); raises WireError for anything else than a fresh, whole, signed one."""
    if not 2 <= len(parts) <= protocol.MAX_PARTS:
        raise WireError(f"A message of {len(parts)} parts arrived; 2 to {protocol.MAX_PARTS} are possible. It was dropped.")
    signature, data, body = bytes(parts[0]), parts[1], parts[2:]
    if len(data) > protocol.MAX_HEADER_BYTES:
        raise WireError(
            f"A message with a header of {len(data)} bytes arrived; at most {protocol.MAX_HEADER_BYTES} are read. It was dropped."
        )
    lengths = [len(part) for part in body]
    if not hmac.compare_digest(_sign(key, bytes(data), lengths), signature):
        raise WireError(
            "A message with a wrong signature arrived and was dropped. Only programs that can read the connection file are heard."
        )
    header = _parsed(bytes(data))
    message_type, plans = _type_of(header), _plans_of(header)
    guard.check(signature, _number(header, "time"))
    arrays = _arrays(plans, body, lengths)
    return Message(
        message_type,
        _typed(header, "fields", dict),
        arrays,
        _typed(header, "parent", str),
        _typed(header, "id", str),
        _typed(header, "version", int),
    )


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        header = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise WireError(f"A message whose header is not JSON arrived and was dropped ({error}).") from error
    if not isinstance(header, dict):
        raise WireError("A message whose header is not a JSON object arrived and was dropped.")
    return header


def _typed(header: dict[str, Any], name: str, kind: type) -> Any:
    value = header.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise WireError(f"A message whose {name!r} is missing or not of type {kind.__name__} arrived and was dropped.")
    return value


def _number(header: dict[str, Any], name: str) -> float:
    return float(_typed(header, name, float if isinstance(header.get(name), float) else int))


def _type_of(header: dict[str, Any]) -> Type:
    version = _typed(header, "version", int)
    name = _typed(header, "type", str)
    try:
        return Type(name)
    except ValueError as error:
        reason = (
            "" if version == protocol.PROTOCOL else f" It speaks version {version} of the wire protocol, this side {protocol.PROTOCOL}."
        )
        raise WireError(f"A message of the unknown type {name[:40]!r} arrived and was dropped.{reason}") from error


def _plans_of(header: dict[str, Any]) -> list[ArrayPlan]:
    entries = _typed(header, "arrays", list)
    if len(entries) > protocol.MAX_ARRAYS:
        raise WireError(f"A message with {len(entries)} arrays arrived; at most {protocol.MAX_ARRAYS} are read. It was dropped.")
    plans = [plan_from(entry) for entry in entries]
    if len({plan.name for plan in plans}) != len(plans):
        raise WireError("A message with two arrays of one name arrived and was dropped.")
    return plans


def plan_from(entry: object) -> ArrayPlan:
    """An entry of a header's array list, checked; raises WireError."""
    match entry:
        case [str(name), str(dtype), [*shape]] if dtype in DTYPES and _is_possible(shape, DTYPES[dtype].itemsize):
            return ArrayPlan(name, dtype, tuple(shape))
    raise WireError(f"A message with an array that cannot be read ({str(entry)[:80]}) arrived and was dropped.")


def _is_possible(shape: Sequence[Any], itemsize: int) -> bool:
    """Extents are counted without zeros: (huge, 0) holds no bytes, yet as many parts as it likes."""
    if len(shape) > MAX_AXES or not all(type(extent) is int and 0 <= extent <= protocol.MAX_MESSAGE_BYTES for extent in shape):
        return False
    return prod(max(extent, 1) for extent in shape) * itemsize <= protocol.MAX_MESSAGE_BYTES


def _arrays(plans: Sequence[ArrayPlan], body: Sequence[Any], lengths: Sequence[int]) -> dict[str, NDArray[Any]]:
    """All lengths are compared with dtype and shape before anything is allocated."""
    wanted = [plan.part_lengths for plan in plans]
    if [length for group in wanted for length in group] != list(lengths):
        raise WireError("A message whose parts do not have the lengths that its header announces arrived and was dropped.")
    starts = np.cumsum([0, *(len(group) for group in wanted)])
    return {
        plan.name: array_from(plan, body[start : start + len(group)])
        for plan, group, start in zip(plans, wanted, starts.tolist(), strict=False)
    }
