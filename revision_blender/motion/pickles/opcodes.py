"""The pickle opcodes: what each does on the machine, and what it costs."""

import codecs
import re
import struct
from collections.abc import Callable
from typing import Any

from .machine import LONG_TEXT, MARK, Machine, Opcodes
from .makers import word
from .values import Refusal, key_of

Action = Callable[[Machine], object]

_MAX_INT = 64  # bytes of a whole number
_WIDE = re.compile(rb"\\U|\\u(?!00)")  # characters beyond Latin-1: long text is an array's bytes, and has none
_PRICE = 48  # bytes that the result of one opcode takes, on average
_PRICES = {b"]": 64, b"}": 96, b"\x8f": 240, b"\x91": 240, b"l": 72, b"d": 240, b"c": 120, b"\x93": 120, b"R": 120, b"\x81": 120}
_PRICES |= dict.fromkeys((b"p", b"q", b"r", b"\x94"), 120)  # the memo


def _constant(make: Callable[[], Any]) -> Action:
    return lambda machine: machine.stack.append(make())


def _read(read: Callable[[Machine], Any]) -> Action:
    return lambda machine: machine.stack.append(read(machine))


def _integer(content: bytes) -> int:
    if len(content) > _MAX_INT:
        raise Refusal(f"it has a whole number of {len(content)} digits or bytes")
    return int.from_bytes(content, "little", signed=True)


def _integer_line(machine: Machine) -> int | bool:
    text = machine.line().rstrip(b"L")
    if text in (b"00", b"01"):
        return text == b"01"
    if len(text) > _MAX_INT:
        raise Refusal(f"it has a whole number of {len(text)} digits or bytes")
    return int(text)


def _quoted_line(machine: Machine) -> str:
    text = machine.line(len(machine.content)).strip()
    if len(text) < 2 or text[:1] != text[-1:] or text[:1] not in (b"'", b'"'):
        raise Refusal("it has a text without quotation marks")
    return codecs.escape_decode(text[1:-1])[0].decode("latin1")


def _escaped_line(machine: Machine) -> str:
    text = machine.line(len(machine.content))
    if len(text) > LONG_TEXT and _WIDE.search(text):
        raise Refusal(f"it has a text of {len(text)} bytes")
    return text.decode("raw-unicode-escape")


def _tuple(count: int) -> Action:
    def action(machine: Machine) -> None:
        stack = machine.stack
        if len(stack) < count:
            raise Refusal("it takes more from its stack than there is")
        stack[-count:] = [tuple(stack[-count:])]

    return action


def _append(machine: Machine, values: list[Any]) -> None:
    if type(machine.stack[-1]) is not list:
        raise Refusal(f"it appends to {word(machine.stack[-1])}")
    machine.stack[-1].extend(values)


def _add(machine: Machine) -> None:
    values = machine.since_mark()
    if type(machine.stack[-1]) is not set:
        raise Refusal(f"it adds to {word(machine.stack[-1])}")
    machine.stack[-1].update(key_of(value) for value in values)


def _set(machine: Machine, values: list[Any]) -> None:
    if type(machine.stack[-1]) is not dict or len(values) % 2:
        raise Refusal(f"it sets entries of {word(machine.stack[-1])}")
    machine.stack[-1].update((key_of(key), value) for key, value in zip(values[::2], values[1::2], strict=True))


def _set_one(machine: Machine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    _set(machine, [key, value])


def _dict(values: list[Any]) -> dict[Any, Any]:
    if len(values) % 2:
        raise Refusal("it has a dictionary with a key but no value")
    return {key_of(key): value for key, value in zip(values[::2], values[1::2], strict=True)}


def _global(machine: Machine) -> None:
    module = machine.line().decode("utf-8")
    machine.name(module, machine.line().decode("utf-8"))


def _stack_global(machine: Machine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.name(module, name)


def _instance_by_name(machine: Machine) -> None:
    module = machine.line().decode("utf-8", "replace")
    raise Refusal(f"it makes an object of '{module[:60]}.{machine.line().decode('utf-8', 'replace')[:60]}': nothing of it was run")


def _refused(what: str) -> Action:
    def action(machine: Machine) -> None:
        raise Refusal(f"it uses {what}")

    return action


def _protocol(machine: Machine) -> None:
    if (version := machine.number(1)) > 5:
        raise Refusal(f"it is of pickle protocol {version}; 5 is the last that is read")


def _frame(machine: Machine) -> None:
    if (length := machine.number(8)) > len(machine.content) - machine.at:
        raise Refusal(f"a frame of {length} bytes is announced where {len(machine.content) - machine.at} are left")


_ACTIONS: dict[bytes, Action] = {
    b"(": _constant(lambda: MARK), b"N": _constant(lambda: None), b"\x88": _constant(lambda: True), b"\x89": _constant(lambda: False),
    b")": _constant(tuple), b"]": _constant(list), b"}": _constant(dict), b"\x8f": _constant(set),
    b"0": lambda m: m.stack.pop() and None, b"1": lambda m: m.since_mark() and None, b"2": lambda m: m.stack.append(m.stack[-1]),
    b"I": _read(_integer_line), b"L": _read(_integer_line), b"F": _read(lambda m: float(m.line())),
    b"J": _read(lambda m: _integer(m.take(4))), b"K": _read(lambda m: m.number(1)), b"M": _read(lambda m: m.number(2)),
    b"\x8a": _read(lambda m: _integer(m.take(m.number(1)))), b"\x8b": _read(lambda m: _integer(m.take(m.number(4)))),
    b"G": _read(lambda m: struct.unpack(">d", m.take(8))[0]),
    b"S": _read(_quoted_line), b"T": _read(lambda m: m.take(m.number(4)).decode("latin1")),
    b"U": _read(lambda m: m.take(m.number(1)).decode("latin1")),
    b"V": _read(_escaped_line), b"X": _read(lambda m: m.text(m.number(4))),
    b"\x8c": _read(lambda m: m.text(m.number(1))), b"\x8d": _read(lambda m: m.text(m.number(8))),
    b"B": _read(lambda m: m.take(m.number(4))), b"C": _read(lambda m: m.take(m.number(1))),
    b"\x8e": _read(lambda m: m.take(m.number(8))), b"\x96": _read(lambda m: m.take(m.number(8))),
    b"t": _read(lambda m: tuple(m.since_mark())), b"l": _read(Machine.since_mark), b"d": _read(lambda m: _dict(m.since_mark())),
    b"\x91": _read(lambda m: frozenset(key_of(value) for value in m.since_mark())),
    b"\x85": _tuple(1), b"\x86": _tuple(2), b"\x87": _tuple(3),
    b"a": lambda m: _append(m, [m.stack.pop()]), b"e": lambda m: _append(m, m.since_mark()),
    b"s": _set_one, b"u": lambda m: _set(m, m.since_mark()), b"\x90": _add,
    b"p": lambda m: m.put(int(m.line(20))), b"q": lambda m: m.put(m.number(1)), b"r": lambda m: m.put(m.number(4)),
    b"\x94": lambda m: m.put(len(m.memo)),
    b"g": lambda m: m.get(int(m.line(20))), b"h": lambda m: m.get(m.number(1)), b"j": lambda m: m.get(m.number(4)),
    b"c": _global, b"\x93": _stack_global, b"R": Machine.reduce, b"\x81": Machine.new, b"b": Machine.build,
    b"\x80": _protocol, b"\x95": _frame,
    b"i": _instance_by_name, b"o": _refused("an object of an old kind"), b"\x92": _refused("an object made with named arguments"),
    b"P": _refused("a reference to something outside of the file"), b"Q": _refused("a reference to something outside of the file"),
    b"\x82": _refused("a name from the extension registry"), b"\x83": _refused("a name from the extension registry"),
    b"\x84": _refused("a name from the extension registry"), b"\x97": _refused("a buffer outside of the file"),
    b"\x98": _refused("a buffer outside of the file"),
}  # fmt: skip
OPCODES: Opcodes = (
    [_ACTIONS.get(bytes([code])) for code in range(256)],
    [_PRICES.get(bytes([code]), _PRICE) for code in range(256)],
)
