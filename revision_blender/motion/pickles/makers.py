"""What the calls in a pickle come to: each allowed name has a function here that builds its value from values."""

from collections.abc import Callable
from typing import Any

from .values import BUILT_IN_TWO_STEPS, Named, Refusal, Unread, array_of, dtype_of, key_of, shape_of


class Pending:
    """An object between the opcode that makes it and the one that gives it its state."""

    __slots__ = ("keys", "meaning", "values")

    def __init__(self, meaning: str, values: tuple[Any, ...] = ()) -> None:
        self.meaning, self.values = meaning, values
        self.keys: list[int] = []


def word(value: object) -> str:
    """The value's name in a sentence."""
    return value.dotted if isinstance(value, Named) else f"something of type {type(value).__name__.strip('_')}"


def instance(kind: Named) -> object:
    """A new object of an allowed class, without its state yet; ``Refusal`` for what is no class of that sort."""
    if kind.meaning in BUILT_IN_TWO_STEPS:
        return Pending(kind.meaning)
    if kind.meaning in ("dict", "defaultdict"):
        return {}
    raise Refusal(f"it makes an object of {kind.dotted}")


def dtype_with_state(code: object, state: object) -> object:
    """A dtype whose byte order came later. state: version, byte order, and then what only structured types have."""
    if not isinstance(state, tuple) or not 2 <= len(state) <= 9 or any(part is not None for part in state[2:5]):
        raise Refusal("an array has a type with fields; only plain numbers and text are read")
    return dtype_of(code, state[1])


def array_with_state(state: object) -> object:
    """An array from its state: version, shape, dtype, whether in column order, bytes."""
    if not isinstance(state, tuple) or len(state) not in (4, 5):
        raise Refusal("an array has no state")
    shape, dtype, column_order, data = state[-4:]
    return array_of(dtype, shape_of(shape), data, bool(column_order))


def called(name: Named, arguments: tuple[Any, ...]) -> object:
    """What calling ``name`` comes to; ``Refusal`` where it cannot be called so."""
    maker = _MAKERS.get(name.meaning)
    if maker is None:
        raise Refusal(f"it calls {name.dotted}")
    try:
        return maker(*arguments)
    except TypeError as reason:
        raise Refusal(f"it calls {name.dotted} with {len(arguments)} arguments") from reason


def _make_array(kind: object, _shape: object, _code: object) -> Pending:
    if not isinstance(kind, Named) or kind.meaning != "array class":
        raise Refusal(f"it makes an array of {word(kind)}")
    return Pending("array")


def _make_dtype(code: object, _align: object = False, _copy: object = True) -> Pending:
    if isinstance(code, Unread):
        return Pending("dtype", ("O8",))
    dtype_of(code)
    return Pending("dtype", (code,))


def _make_scalar(dtype: object, data: object = None) -> object:
    if isinstance(dtype, Unread):
        raise Refusal("it has a numpy number that is an object")
    value = array_of(dtype, (), data, False)
    return value if isinstance(value, Unread) else value[()]


def _make_from_buffer(data: object, dtype: object, shape: object, order: object) -> object:
    if isinstance(dtype, Pending):
        raise Refusal("an array has no type")
    return array_of(dtype, shape_of(shape), data, order == "F")


def _encode(text: object, encoding: object = "latin1") -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise Refusal("it encodes something else than text in Latin-1")
    return text.encode("latin1")


def _make_bytes(text: object = b"", encoding: object = "latin1") -> bytes:
    return bytes(text) if isinstance(text, bytes | bytearray) else _encode(text, encoding)


def _make_dict(pairs: object = ()) -> dict[Any, Any]:
    if not isinstance(pairs, list | tuple) or any(not isinstance(pair, list | tuple) or len(pair) != 2 for pair in pairs):
        raise Refusal("it makes a dictionary of something else than pairs")
    return {key_of(key): value for key, value in pairs}


def _make_default_dict(_factory: object = None) -> dict[Any, Any]:
    return {}


def _items(values: object) -> list[Any]:
    if not isinstance(values, list | tuple | set | frozenset):
        raise Refusal("it makes a list of something that is none")
    return list(values)


def _make_set(values: object = ()) -> set[Any]:
    return {key_of(value) for value in _items(values)}


def _make_list(values: object = ()) -> list[Any]:
    return _items(values)


def _make_tuple(values: object = ()) -> tuple[Any, ...]:
    return tuple(_items(values))


def _make_complex(real: object = 0.0, imaginary: object = 0.0) -> complex:
    if not isinstance(real, float | int) or not isinstance(imaginary, float | int):
        raise Refusal("it has a complex number of something else than numbers")
    return complex(real, imaginary)


def _make_instance(kind: object, _base: object, _state: object) -> object:
    if not isinstance(kind, Named) or not isinstance(_base, Named) or _base.meaning != "plain class":
        raise Refusal(f"it makes an object of {word(kind)}")
    return instance(kind)


_MAKERS: dict[str, Callable[..., object]] = {
    "array": _make_array, "dtype": _make_dtype, "scalar": _make_scalar, "buffer": _make_from_buffer, "encode": _encode,
    "bytes": _make_bytes, "dict": _make_dict, "defaultdict": _make_default_dict, "set": _make_set, "frozenset": _make_set,
    "list": _make_list, "tuple": _make_tuple, "complex": _make_complex, "instance": _make_instance,
}  # fmt: skip
