"""Numbers in text files of motion capture: read in bulk, and never trusted."""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import MotionFileError

MAX_BYTES = 64 * 2**20  # of a text file: a quarter of an hour of 30 joints at 60 frames a second
_MOST_DIGITS = 64  # bytes that a number and the space around it may take
MAX_COORDINATE = 1e6  # of lengths and degrees alike; far above any capture, far below overflow


def quoted(word: str) -> str:
    """The word in quotes for a sentence, cut where it is long."""
    return repr(word if len(word) <= 24 else word[:24] + "…")


def read_text(path: Path, kind: str) -> bytes:
    """The bytes of a text file; ``MotionFileError`` where it is too long, cannot be read or is no text."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise MotionFileError(f"{path.name} has {size} bytes; {kind} files up to {MAX_BYTES} are read. Cut it into parts")
        content = path.read_bytes()
    except OSError as error:
        raise MotionFileError(f"{path} cannot be read: {error.strerror}. Choose another file") from error
    head = content[:4096].removeprefix(b"\xef\xbb\xbf")
    if any(byte < 9 or 13 < byte < 32 for byte in head):
        raise MotionFileError(f"{path.name} is not a text file, so it is not {kind}. Choose another file")
    return content.removeprefix(b"\xef\xbb\xbf")


def number(word: str, file: str, what: str) -> float:
    """One number; ``MotionFileError`` naming ``file`` and ``what`` where the word is none or beyond all sense."""
    try:
        value = float(word) if word.isascii() and "_" not in word else None
    except ValueError:
        value = None
    if value is None:
        raise MotionFileError(f"{file}'s {what} is {quoted(word)}; a number is needed")
    if not abs(value) <= MAX_COORDINATE:
        raise MotionFileError(f"{file}'s {what} is {quoted(word)}; at most {MAX_COORDINATE:g} is sensible")
    return value


def whole_rate(seconds: float) -> float:
    """Frames a second of a frame's time: a whole number where the file's few digits mean one ("0.0083333" is 120)."""
    rate = 1.0 / seconds
    return float(round(rate)) if abs(rate - round(rate)) < 1e-4 * rate else rate


def numbers(text: bytes, count: int, file: str, rows: str) -> NDArray[np.float64]:
    """Exactly ``count`` numbers ``(count,)`` in text divided by white space; ``MotionFileError`` for anything else.

    rows: says in words how many are needed. Nothing is made for numbers that the text is too short to hold.
    """
    if count > len(text) // 2 + 1:
        raise MotionFileError(f"{file} is too short for {count} values; {rows} need as many. It is cut off")
    if len(text) > _MOST_DIGITS * count + 4096:
        raise MotionFileError(f"{file} holds many more values than the {count} that {rows} need; it is damaged")
    _check_letters(text, file)
    found = _n_words(text)
    if found != count:
        raise MotionFileError(f"{file} holds {found} values; {rows} need {count}")
    if count == 0:
        return np.zeros(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # how numpy says that it met something else than a number
        try:
            values = np.fromstring(text, dtype=np.float64, sep=" ")
        except (DeprecationWarning, ValueError):
            raise _no_number(file) from None
    if len(values) != count:
        raise _no_number(file)
    if not np.abs(values).max() <= MAX_COORDINATE:
        raise _not_finite(file)
    return values


def _check_letters(text: bytes, file: str) -> None:
    odd = text.translate(None, delete=b"0123456789+-.eE \t\r\n\v\f")
    if odd:
        rest = odd[:4096].lower().replace(b"infinity", b"").replace(b"nan", b"").replace(b"inf", b"")
        raise _no_number(file) if rest else _not_finite(file)


def _n_words(text: bytes) -> int:
    blank = np.frombuffer(text, dtype=np.uint8) <= ord(" ")
    return int(np.count_nonzero(blank[:-1] & ~blank[1:])) + int(len(blank) > 0 and not blank[0])


def _no_number(file: str) -> MotionFileError:
    return MotionFileError(f"{file}'s motion part holds something that is not a number; it is damaged")


def _not_finite(file: str) -> MotionFileError:
    return MotionFileError(f"{file}'s motion part holds a value that is not finite or above {MAX_COORDINATE:g}; it is damaged")
