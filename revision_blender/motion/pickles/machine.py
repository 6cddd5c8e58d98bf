"""A machine for pickles that can build values and nothing else.

Python's own unpickler imports and calls what a file names. This one knows the pickle opcodes (PEP 307, 3154, 574), a table of
names that stand for arrays and containers, and joblib's way of putting array bytes between the opcodes. Every other name is
refused the moment it is read. Each opcode is paid for from a budget of memory, so that a file cannot ask for more.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .makers import Pending, array_with_state, called, dtype_with_state, instance, word
from .values import MEANINGS, Named, Refusal, Unread, array_of, chumpy_of, shape_of, sparse_of

MARK = object()
_LINE = 4096  # characters of a number or name on a line of its own
LONG_TEXT = 1 << 16
_LAST_LATIN = 0xC3  # first byte of the last Latin-1 characters in UTF-8
_MAX_NESTED = 2  # joblib keeps arrays of objects as pickles inside the pickle
_BY_PIECE = 40  # and of each part that is copied


Opcodes = tuple[Sequence["Callable[[Machine], object] | None"], Sequence[int]]


class Machine:
    """Runs one pickle.

    content: the bytes, from ``start`` on. budget: bytes that what it builds may take. copies: bytes of the content that may be
    copied, arrays of joblib excepted, which are views. opcodes: action and price of each byte.
    """

    def __init__(self, content: bytes | bytearray, budget: int, copies: int, opcodes: "Opcodes", start: int = 0, nested: int = 0) -> None:
        self.content, self.at, self.left, self.nested = content, start, budget, nested
        self.opcodes = opcodes
        self.copies = copies
        self.view = memoryview(content)
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> object:
        """The value of the pickle; ``Refusal`` with the reason where there is none."""
        content, (table, prices) = self.content, self.opcodes
        while True:
            code = content[self.at]
            self.at += 1
            self.left -= prices[code]
            if self.left < 0:
                raise Refusal("it is made of more pieces than are read")
            if code == 0x2E:  # STOP
                return self.stack.pop()
            action = table[code]
            if action is None:
                raise Refusal(f"byte {code:#04x} at {self.at - 1} is no pickle instruction that is read")
            action(self)

    # --- reading ------------------------------------------------------------------------------------------------------

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.content):
            raise Refusal(f"{count} bytes are announced where {len(self.content) - self.at} are left")
        if count > LONG_TEXT:
            self.copy(count)
        self.at += count
        return bytes(self.view[self.at - count : self.at])

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def line(self, limit: int = _LINE) -> bytes:
        end = self.content.find(b"\n", self.at, self.at + limit)
        if end < 0:
            raise Refusal("a line does not end")
        return self.take(end + 1 - self.at)[:-1]

    def text(self, count: int) -> str:
        """UTF-8. Long text is an array's bytes in Latin-1; other characters would take four times the memory."""
        if count > LONG_TEXT and np.frombuffer(self.view[self.at : self.at + count], np.uint8).max(initial=0) > _LAST_LATIN:
            raise Refusal(f"it has a text of {count} bytes")
        content = self.take(count)
        if count > LONG_TEXT:
            self.copy(count)
        return content.decode("utf-8", "surrogatepass")

    def since_mark(self) -> list[Any]:
        stack = self.stack
        for place in range(len(stack) - 1, -1, -1):
            if stack[place] is MARK:
                found = stack[place + 1 :]
                del stack[place:]
                return found
        raise Refusal("it closes something that was never opened")

    def pay(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise Refusal("it is made of more pieces than are read")

    def copy(self, count: int) -> None:
        """Bytes of the content that are copied once more: an honest file's arrays are, a few times each."""
        self.copies -= count
        if self.copies < 0:
            raise Refusal("it copies its arrays over and over")

    # --- names and objects --------------------------------------------------------------------------------------------

    def name(self, module: object, name: object) -> None:
        dotted = f"{module}.{name}"
        if not isinstance(module, str) or not isinstance(name, str) or dotted not in MEANINGS:
            raise Refusal(f"it names {dotted[:120]!r}, which is neither numbers nor text: nothing of it was run")
        if self.nested and MEANINGS[dotted] == "joblib":
            raise Refusal("it has joblib arrays inside an array of objects")
        self.stack.append(Named(dotted, MEANINGS[dotted]))

    def put(self, key: int) -> None:
        value = self.stack[-1]
        if isinstance(value, Pending):
            value.keys.append(key)
        self.memo[key] = value

    def get(self, key: int) -> None:
        if key not in self.memo:
            raise Refusal(f"it refers to part {key}, which was not kept")
        self.stack.append(self.memo[key])

    def reduce(self) -> None:
        arguments, name = self.stack.pop(), self.stack.pop()
        if not isinstance(name, Named) or not isinstance(arguments, tuple):
            raise Refusal(f"it calls {word(name)}, which cannot be called")
        self.pay(sum(_BY_PIECE * len(part) for part in arguments if isinstance(part, list | tuple | set | frozenset)))
        self.copy(sum(len(part) for part in arguments if isinstance(part, str | bytes | bytearray)))
        self.stack.append(called(name, arguments))

    def new(self) -> None:
        arguments, kind = self.stack.pop(), self.stack.pop()
        if not isinstance(kind, Named) or arguments != ():
            raise Refusal(f"it makes an object of {word(kind)}")
        self.stack.append(instance(kind))

    def build(self) -> None:
        state, target = self.stack.pop(), self.stack.pop()
        if isinstance(target, dict) and isinstance(state, dict) and not state:
            self.stack.append(target)  # an OrderedDict without attributes
            return
        if not isinstance(target, Pending):
            raise Refusal(f"it changes {word(target)}")
        value = self._built(target, state)
        for key in target.keys:
            self.memo[key] = value
        self.stack.append(value)

    def _built(self, target: Pending, state: Any) -> object:
        if target.meaning == "dtype":
            return dtype_with_state(target.values[0], state)
        if target.meaning == "array":
            if isinstance(state, tuple) and state and isinstance(state[-1], str):
                self.copy(len(state[-1]))
            return array_with_state(state)
        if isinstance(state, tuple) and len(state) == 2 and state[1] is None:
            state = state[0]
        if not isinstance(state, dict):
            raise Refusal(f"a {target.meaning} object has {word(state)} for a state")
        if target.meaning == "joblib":
            return self._joblib_array(state)
        if not target.meaning.startswith("chumpy"):
            return sparse_of(target.meaning, state)
        self.copy(sum(part.nbytes for part in (state.get("a"), state.get("idxs")) if isinstance(part, np.ndarray)))
        return chumpy_of(target.meaning, state)

    def _joblib_array(self, state: dict[Any, Any]) -> object:
        """The bytes that follow. joblib puts a length byte and as much padding before them, since its version 1.2."""
        dtype, shape = state.get("dtype"), shape_of(state.get("shape"))
        if isinstance(dtype, Unread):
            if self.nested >= _MAX_NESTED:
                raise Refusal("arrays of objects are nested in each other")
            inner = Machine(self.content, self.left, self.copies, self.opcodes, self.at, self.nested + 1)
            inner.run()
            self.at, self.left, self.copies = inner.at, inner.left, inner.copies
            return dtype
        if not isinstance(dtype, np.dtype) or state.get("order") not in ("C", "F"):
            raise Refusal("a joblib array has no type or order")
        if state.get("numpy_array_alignment_bytes") is not None:
            self.take(self.number(1))
        count = dtype.itemsize
        for extent in shape:
            count *= extent
        if self.at + count > len(self.content):
            raise Refusal(f"an array of shape {shape} needs {count} bytes where {len(self.content) - self.at} are left")
        self.at += count
        return array_of(dtype, shape, self.view[self.at - count : self.at], state["order"] == "F")
