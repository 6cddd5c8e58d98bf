"""The bar has the terminal to itself, and keeps nothing back that matters."""

import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOISE = "W0000 a library speaks of itself"
SCRIPT = f"""
import os, sys
from backend.errors import InputError
from backend.terminal_bar import bar
with bar() as progress:
    progress(0.5, "Looking")
    os.write(2, b"{NOISE}")
    print("a warning of Python's", file=sys.stderr)
    {{ending}}
os.write(2, b"and after")
"""


def _seen(ending: str, terminal: bool = True) -> str:
    """What a child writes to its standard error."""
    read, write = pty.openpty() if terminal else os.pipe()
    if terminal:
        termios.tcsetwinsize(write, (24, 80))
    child = subprocess.Popen([sys.executable, "-c", SCRIPT.format(ending=ending)], stderr=write, cwd=ROOT)
    os.close(write)
    said = b""
    try:
        while part := os.read(read, 4096):
            said += part
    except OSError:  # how a pseudo terminal says that nobody writes any more
        pass
    os.close(read)
    child.wait()
    return said.decode()


def test_libraries_do_not_write_into_the_bar() -> None:
    said = _seen("pass")
    assert "Beginning" in said and "a warning of Python's" in said and said.endswith("and after")
    assert NOISE not in said


@pytest.mark.parametrize(("ending", "shown"), [("1 / 0", True), ("raise InputError('a sentence')", False)])
def test_they_are_heard_after_what_nobody_foresaw(ending: str, shown: bool) -> None:
    assert (NOISE in _seen(ending)) == shown


def test_a_file_gets_every_word_and_no_bar() -> None:
    said = _seen("pass", terminal=False)
    assert NOISE in said and "Beginning" not in said
