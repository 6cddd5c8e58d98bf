"""Pickles read as data: an interpreter that knows containers, numbers and text, and a few names that the caller gives.

It is no ``pickle``: it can build nothing but what stands here, so there is nothing in it that a file could have executed. A name
that the caller has not given is refused with the name. It is slow (a microsecond or two an instruction), which is right for the short
pickles that describe arrays. Protocols 2 to 5 as far as Python's own pickler, numpy's and torch's use them.
"""

import struct
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, cast

MAX_INSTRUCTIONS = 2_000_000
_KEYS = (str, int, float, bytes, bool, type(None))  # a key that is a deep nest of tuples would break the stack when hashed

Call = Callable[..., object]


@dataclass(frozen=True)
class PickledName:
    """A class or function that a pickle names; it is called only through the caller's table."""

    dotted: str


class PlainPickleError(ValueError):
    """What is wrong with a pickle, as the end of a sentence."""


class PlainPickle:
    """One stream of pickles. calls: what each dotted name stands for. persistent: what a persistent id stands for.

    Things made by ``calls`` may have a method ``build(state)``, which gets the state that follows them.
    """

    def __init__(self, data: bytes, calls: Mapping[str, Call | None], persistent: Call | None = None) -> None:
        self.data, self.calls, self.persistent = data, calls, persistent
        self.at = 0
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # the stacks under the marks
        self.memo: dict[int, object] = {}

    def load(self) -> object:
        """The next object of the stream; ``at`` is then behind it. Raises PlainPickleError."""
        self.stack, self.below, self.memo = [], [], {}
        try:
            for _ in range(MAX_INSTRUCTIONS):
                code = self.take(1)
                if code == b".":
                    return self.stack.pop()
                step = _STEPS.get(code)
                if step is None:
                    raise PlainPickleError(f"it holds the instruction {code!r}, which is not read")
                step(self)
        except PlainPickleError:
            raise
        except (IndexError, KeyError, TypeError, ValueError, AttributeError, OverflowError, struct.error) as reason:
            raise PlainPickleError(f"it is damaged at byte {self.at} ({type(reason).__name__}: {str(reason)[:80]})") from reason
        raise PlainPickleError(f"it has more than {MAX_INSTRUCTIONS} instructions")

    def take(self, n_bytes: int) -> bytes:
        part = self.data[self.at : self.at + n_bytes]
        if len(part) != n_bytes or n_bytes < 0:
            raise PlainPickleError("it is cut off")
        self.at += n_bytes
        return part

    def unpack(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def line(self) -> str:
        end = self.data.find(b"\n", self.at, self.at + 4096)
        if end < 0:
            raise PlainPickleError("it is cut off")
        return (self.take(end - self.at) + self.take(1))[:-1].decode("utf-8")

    def push(self, thing: object) -> None:
        self.stack.append(thing)

    def mark(self) -> None:
        self.below.append(self.stack)
        self.stack = []

    def above_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.below.pop()
        return items

    def pop(self, count: int) -> tuple[Any, ...]:
        if count > len(self.stack):
            raise PlainPickleError("it takes from an empty stack")
        items = tuple(self.stack[len(self.stack) - count :])
        del self.stack[len(self.stack) - count :]
        return items

    def name(self, module: str, name: str) -> PickledName:
        dotted = f"{module}.{name}"
        if dotted not in self.calls:
            raise PlainPickleError(f"it names {dotted[:120]}, which is not read")
        return PickledName(dotted)

    def call(self) -> object:
        function, arguments = self.pop(2)
        made = self.calls[function.dotted] if isinstance(function, PickledName) else None
        if made is None or not isinstance(arguments, tuple):
            raise PlainPickleError("it calls something that is no function")
        return made(*arguments)

    def build(self) -> None:
        (state,) = self.pop(1)
        self.stack[-1].build(state)

    def remember(self, place: int) -> None:
        self.memo[place] = self.stack[-1]

    def resolve(self, identity: object) -> object:
        if self.persistent is None:
            raise PlainPickleError("it points at something outside itself")
        return self.persistent(identity)

    def fill(self, pairs: list[Any] | tuple[Any, ...]) -> None:
        target = self.stack[-1]
        if type(target) is not dict or len(pairs) % 2:
            raise PlainPickleError("it fills something that is no dictionary")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if not isinstance(key, _KEYS):
                raise PlainPickleError(f"it has a key of type {type(key).__name__}")
            target[cast(Hashable, key)] = value

    def extend(self, items: list[Any] | tuple[Any, ...]) -> None:
        if type(self.stack[-1]) is not list:
            raise PlainPickleError("it extends something that is no list")
        self.stack[-1].extend(items)

    def whole_number(self, n_bytes: int) -> int:
        if n_bytes > 64:
            raise PlainPickleError(f"it holds a number of {n_bytes} bytes")
        return int.from_bytes(self.take(n_bytes), "little", signed=True)


def _text(form: str) -> Callable[[PlainPickle], None]:
    return lambda p: p.push(p.take(p.unpack(form)).decode("utf-8", "surrogatepass"))


def _bytes(form: str) -> Callable[[PlainPickle], None]:
    return lambda p: p.push(p.take(p.unpack(form)))


def _old_text(form: str) -> Callable[[PlainPickle], None]:
    return lambda p: p.push(p.take(p.unpack(form)).decode("latin-1"))


def _number(form: str) -> Callable[[PlainPickle], None]:
    return lambda p: p.push(p.unpack(form))


def _tuple(count: int) -> Callable[[PlainPickle], None]:
    return lambda p: p.push(p.pop(count))


def _constant(make: Callable[[], object]) -> Callable[[PlainPickle], None]:
    return lambda p: p.push(make())


_STEPS: dict[bytes, Callable[[PlainPickle], object]] = {
    b"\x80": lambda p: p.take(1),  # protocol
    b"\x95": lambda p: p.take(8),  # frame
    b"(": lambda p: p.mark(), b"}": _constant(dict), b"]": _constant(list), b")": _constant(tuple),
    b"N": _constant(lambda: None), b"\x88": _constant(lambda: True), b"\x89": _constant(lambda: False),
    b"K": _number("<B"), b"M": _number("<H"), b"J": _number("<i"), b"G": _number(">d"),
    b"\x8a": lambda p: p.push(p.whole_number(p.unpack("<B"))),
    b"X": _text("<I"), b"\x8c": _text("<B"), b"\x8d": _text("<Q"),
    b"B": _bytes("<I"), b"C": _bytes("<B"), b"\x8e": _bytes("<Q"), b"\x96": _bytes("<Q"),
    b"T": _old_text("<i"), b"U": _old_text("<B"),
    b"t": lambda p: p.push(tuple(p.above_mark())),
    b"\x85": _tuple(1), b"\x86": _tuple(2), b"\x87": _tuple(3),
    b"l": lambda p: p.push(p.above_mark()),
    b"s": lambda p: p.fill(p.pop(2)), b"u": lambda p: p.fill(p.above_mark()),
    b"a": lambda p: p.extend(p.pop(1)), b"e": lambda p: p.extend(p.above_mark()),
    b"q": lambda p: p.remember(p.unpack("<B")), b"r": lambda p: p.remember(p.unpack("<I")),
    b"\x94": lambda p: p.remember(len(p.memo)),
    b"h": lambda p: p.push(p.memo[p.unpack("<B")]), b"j": lambda p: p.push(p.memo[p.unpack("<I")]),
    b"c": lambda p: p.push(p.name(p.line(), p.line())),
    b"\x93": lambda p: p.push(p.name(*p.pop(2))),
    b"R": lambda p: p.push(p.call()), b"b": lambda p: p.build(),
    b"Q": lambda p: p.push(p.resolve(*p.pop(1))),
    b"0": lambda p: p.pop(1),
}  # fmt: skip
