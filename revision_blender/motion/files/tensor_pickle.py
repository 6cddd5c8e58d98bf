"""Pickles that describe tensors, read by the machine of ``pickles`` with torch's few names beside its own.

A tensor looks at a storage, numbers in a row that stand elsewhere: in a member of torch's archive, or, where NumPy saved a
dictionary of tensors, in torch's format before 1.6 as bytes inside the pickle. They are read when they are asked for.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..pickles.machine import Machine, Opcodes
from ..pickles.makers import Pending
from ..pickles.opcodes import OPCODES
from ..pickles.values import Named, Refusal, Unread

MAX_TENSOR = 256 * 2**20  # bytes
_PIECES = 48 * 2**20  # bytes that everything besides numbers may take
_STORAGE_PRICE = 16 * 2**10  # of these for a storage inside a pickle, which is a few pickles of its own
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_OLDER = "torch.storage._load_from_bytes"

_TYPES = {
    "FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "BFloat16Storage": "bfloat16", "LongStorage": "<i8",
    "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "?",
}  # fmt: skip

Raw = Callable[[int], NDArray[np.uint8]]


@dataclass(frozen=True)
class Storage:
    """Numbers in a row that tensors look at. raw: reads the first n bytes of them."""

    dtype: str
    n_items: int
    raw: Raw

    def items(self, count: int) -> NDArray[Any]:
        if self.dtype == "bfloat16":  # the upper half of a float32
            return (self.raw(2 * count).view("<u2").astype(np.uint32) << 16).view(np.float32)
        return self.raw(count * np.dtype(self.dtype).itemsize).view(self.dtype)


@dataclass(frozen=True)
class Tensor:
    """A tensor that has not been read yet. offset, strides: in items of the storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> NDArray[Any]:
        """Its numbers; ``Refusal`` where the storage does not have them."""
        if math.prod(self.shape) == 0:
            return np.zeros(self.shape)
        last = self.offset + sum((extent - 1) * stride for extent, stride in zip(self.shape, self.strides, strict=True))
        if last >= self.storage.n_items:
            raise Refusal(f"a tensor of shape {self.shape} goes beyond the {self.storage.n_items} numbers that it looks at")
        items = self.storage.items(last + 1)[self.offset :]
        steps = tuple(stride * items.itemsize for stride in self.strides)
        return np.lib.stride_tricks.as_strided(items, self.shape, steps, writeable=False).copy()


def _tensor(storage: object, offset: object, shape: object, strides: object, *_rest: object) -> Tensor:
    """What ``torch._utils._rebuild_tensor_v2`` stands for; the rest is gradients and hooks."""
    if not isinstance(storage, Storage) or not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise Refusal("a tensor has no storage")
    whole = (offset, *shape, *strides)
    if len(shape) != len(strides) or len(shape) > 8 or not all(type(n) is int and 0 <= n < 2**40 for n in whole):
        raise Refusal(f"a tensor has the shape {str(shape)[:60]} and strides {str(strides)[:60]}")
    if max(math.prod(shape), 1) * 8 > MAX_TENSOR:
        raise Refusal(f"a tensor of shape {shape} goes beyond the {MAX_TENSOR} bytes that are read")
    return Tensor(storage, int(str(offset)), shape, strides)


class _TensorMachine(Machine):
    """The machine of all pickles, which also knows tensors. persistent: what stands for something outside of the pickle."""

    persistent: Callable[[object], object]

    def name(self, module: object, name: object) -> None:
        if self.nested and f"{module}.{name}" == _OLDER:
            raise Refusal("it has storages inside of a storage")
        if f"{module}.{name}" in _NAMES:
            self.stack.append(Named(f"{module}.{name}", "torch"))
        else:
            super().name(module, name)

    def reduce(self) -> None:
        name = self.stack[-2]
        maker = _NAMES.get(name.dotted) if isinstance(name, Named) else None
        if maker is None or not isinstance(name, Named):
            super().reduce()
            return
        arguments = self.stack.pop()
        if not isinstance(arguments, tuple):
            raise Refusal(f"it calls {name.dotted} with something that is no arguments")
        self.pay(_STORAGE_PRICE if name.dotted == _OLDER else 0)
        self.stack[-1] = maker(*arguments)

    def _built(self, target: Pending, state: Any) -> object:
        """An array of one object is how numpy saves a dictionary; it stands for what is in it."""
        whole = isinstance(state, tuple) and len(state) == 5 and target.meaning == "array" and isinstance(state[2], Unread)
        return state[4][0] if whole and isinstance(state[4], list) and len(state[4]) == 1 else super()._built(target, state)


def _resolve(machine: Machine) -> None:
    assert isinstance(machine, _TensorMachine)  # only this one has the opcode
    machine.stack.append(machine.persistent(machine.stack.pop()))


_OWN = {ord("Q"): _resolve, ord("R"): lambda machine: machine.reduce()}
_OPCODES: Opcodes = ([_OWN.get(code, action) for code, action in enumerate(OPCODES[0])], OPCODES[1])


def _nothing_outside(_identity: object) -> object:
    raise Refusal("it points at something outside of the file")


def _machine(data: bytes, persistent: Callable[[object], object], nested: int = 0) -> _TensorMachine:
    budget = _STORAGE_PRICE if nested else _PIECES
    machine = _TensorMachine(content=data, budget=budget, copies=4 * len(data) + (1 << 20), opcodes=_OPCODES, nested=nested)
    machine.persistent = persistent
    return machine


def _run(machine: Machine) -> object:
    """The next value of the stream; ``Refusal`` with the reason whatever is wrong with it."""
    try:
        return machine.run()
    except Refusal:
        raise
    except Exception as reason:  # a damaged pickle breaks in many ways
        raise Refusal(f"it is damaged at byte {machine.at} ({type(reason).__name__}: {str(reason)[:80]})") from reason


def pickled_value(data: bytes, outside: Callable[[object], object] = _nothing_outside) -> object:
    """The value of a pickle of numbers, text, containers, arrays and ``Tensor``; ``Refusal`` for anything else.

    outside: what stands for something outside of the pickle, by its identity; see ``storage_facts``.
    """
    return _run(_machine(data, outside))


def _type_of(name: object) -> str:
    short = name.dotted.removeprefix("torch.") if isinstance(name, Named) else ""
    if short not in _TYPES:
        raise Refusal("a tensor holds numbers of a type that is not read")
    return _TYPES[short]


def storage_facts(identity: object) -> tuple[str, str, int]:
    """dtype, key and number of items of a storage's persistent id."""
    if not isinstance(identity, tuple) or len(identity) < 5 or identity[0] != "storage":
        raise Refusal("it points at something that is no storage")
    key, n_items = identity[2], identity[4]
    if not isinstance(key, str) or type(n_items) is not int or not 0 <= n_items < 2**40:
        raise Refusal("a storage has no key or size")
    return _type_of(identity[1]), key, n_items


def _older_storage(data: object) -> Storage:
    """A storage in torch's format before 1.6, as a tensor carries it inside another pickle."""
    if not isinstance(data, bytes):
        raise Refusal("a storage has no bytes")
    found: list[tuple[str, str, int]] = []
    stream = _machine(data, lambda identity: found.append(storage_facts(identity)), nested=1)
    if _run(stream) != _LEGACY_MAGIC or _run(stream) != _LEGACY_PROTOCOL:
        raise Refusal("a storage is in no format of torch's")
    system = _run(stream)
    if isinstance(system, dict) and system.get("little_endian") is False:
        raise Refusal("its numbers are in big-endian order")
    _run(stream)
    keys = _run(stream)
    if len(found) != 1 or keys != [found[0][1]]:
        raise Refusal("a storage is not alone in its place")
    dtype, _, n_items = found[0]
    start = stream.at + 8
    if int.from_bytes(data[stream.at : start], "little") != n_items:
        raise Refusal("a storage contradicts itself on its size")
    return Storage(dtype, n_items, lambda n_bytes: np.frombuffer(_part(data, start, n_bytes), dtype=np.uint8))


def _part(data: bytes, start: int, n_bytes: int) -> bytes:
    if len(data) - start < n_bytes:
        raise Refusal("a storage is cut off")
    return data[start : start + n_bytes]


_NAMES: dict[str, Callable[..., object] | None] = {
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch.storage._load_from_bytes": _older_storage,
    "torch.Size": lambda items=(): tuple(items),
    **{f"torch.{name}": None for name in _TYPES},
}
