"""A real Blender window, seen through its status file and screenshots, and worked with mouse and keys."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WIDTH, HEIGHT = 1600, 1000
BEAT_SECONDS = 120.0  # a window drawn by the processor of a busy machine may stand still for long


class Gone(AssertionError):
    """Blender ended, or what was waited for did not come."""


def gui_blender() -> Path | None:
    shared = Path(os.environ.get("REVISION_SHARED") or ROOT.parent / "shared")
    tool = shared / "tools" / "gui-blender"
    return tool if tool.is_file() else None


def install_into(resources: Path, archive: Path, executable: Path, env: dict[str, str]) -> None:
    """Installs the zip from disk, as a user does."""
    command = [executable, "--command", "extension", "install-file", "-r", "user_default", "--enable", archive]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(resources.glob("**/revision_blender/blender_manifest.toml")), done.stdout + done.stderr


@dataclass
class Window:
    """One running Blender. status: its last word about itself."""

    executable: Path
    display: str
    folder: Path
    resources: Path
    env: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen | None = None
    shots: int = 0

    @property
    def status_file(self) -> Path:
        return self.folder / "status.json"

    def start(self, blend: Path | None = None) -> None:
        self.status_file.unlink(missing_ok=True)
        command = [str(self.executable), "--factory-startup", "--window-geometry", "0", "0", str(WIDTH), str(HEIGHT), "--no-window-focus"]
        command += [str(blend)] if blend else []
        command += ["--python", str(HERE / "inside.py"), "--", str(self.status_file)]
        with (self.folder / "blender.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=self.env, stdout=log, stderr=log, cwd=self.folder, start_new_session=True)
        self.wait(lambda s: s["sidebar"]["width"] > 100, 2.0 * BEAT_SECONDS, "the sidebar")
        self.open_tab()

    def open_tab(self) -> None:
        """Clicks down the tabs at the sidebar's right edge until ReVision's is open."""
        place = self.beat(5)["sidebar"]
        x, top = place["x"] + place["width"] - 11, HEIGHT - place["y"] - place["height"]
        for y in range(top + 20, top + place["height"] - 10, 25):
            self.click(x, y)
            if self.beat()["sidebar"]["tab"] == "ReVision":
                return
        self.shot(self.folder / "failed.png")
        raise Gone(f"no tab ReVision in the sidebar; see {self.folder}/failed.png")

    def kill(self) -> None:
        """kill -9 of the whole group: Blender and the namespace helper that started it."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait(20)

    # Seeing

    def status(self) -> dict[str, Any]:
        try:
            return json.loads(self.status_file.read_text())
        except FileNotFoundError:
            return {"sidebar": {"width": 0, "tab": ""}, "beats": 0, "copied": 0, "jobs": []}

    def wait(self, reached: Callable[[dict[str, Any]], Any], seconds: float, what: str) -> dict[str, Any]:
        """Polls the status until ``reached`` says so; fails with the last status and a screenshot."""
        end = time.monotonic() + seconds
        while True:
            status = self.status()
            if reached(status):
                return status
            if self.process is not None and self.process.poll() is not None:
                raise Gone(f"Blender ended (status {self.process.returncode}): {self.log_tail()}")
            if time.monotonic() > end:
                self.shot(self.folder / "failed.png")
                raise Gone(f"{what} did not come within {seconds:.0f} s; {self.folder}/failed.png; {json.dumps(status)[-3000:]}")
            time.sleep(0.05)

    def log_tail(self) -> str:
        return (self.folder / "blender.log").read_text(errors="replace")[-2000:]

    def beat(self, count: int = 2) -> dict[str, Any]:
        """Waits until Blender's main loop has come round ``count`` times."""
        before = self.status()["beats"]
        return self.wait(lambda s: s["beats"] >= before + count, BEAT_SECONDS, "Blender's next beat")

    def shot(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["import", "-display", self.display, "-window", "root", str(path)], check=True, timeout=30)
        return path

    def pixels(self) -> np.ndarray:
        """``(HEIGHT, WIDTH, 3)`` of what the screen shows now."""
        command = ["import", "-display", self.display, "-window", "root", "-depth", "8", "rgb:-"]
        raw = subprocess.run(command, check=True, capture_output=True, timeout=30).stdout
        return np.frombuffer(raw, np.uint8).reshape(HEIGHT, WIDTH, 3)

    # Doing

    def _xdotool(self, *words: object) -> None:
        subprocess.run(["xdotool", *map(str, words)], env={**os.environ, "DISPLAY": self.display}, check=True, timeout=20)

    def move(self, x: int, y: int) -> None:
        """To a place on the screen; the small step makes Blender notice what lies under the pointer."""
        self._xdotool("mousemove", x - 2, y - 1, "mousemove", x, y)

    def click(self, x: int, y: int) -> None:
        self.move(x, y)
        self.beat()
        self._xdotool("click", 1)

    def double_click(self, x: int, y: int) -> None:
        self.move(x, y)
        self.beat()
        self._xdotool("click", "--repeat", 2, "--delay", 60, 1)

    def drag(self, begin: tuple[int, int], end: tuple[int, int]) -> None:
        """The left button held from one place to another, by way of the middle."""
        self.move(*begin)
        self.beat()
        self._xdotool("mousedown", 1)
        self.beat()
        for part in (0.5, 1.0):
            self.move(*(round(first + part * (last - first)) for first, last in zip(begin, end, strict=True)))
            self.beat()

    def let_go(self) -> None:
        """The left button, after ``drag``."""
        self._xdotool("mouseup", 1)
        self.beat()

    def key(self, *keys: str) -> None:
        self._xdotool("key", *keys)

    def type(self, words: str) -> None:
        self._xdotool("type", "--delay", "8", words)

    def over_view(self) -> None:
        """The pointer rests in the 3D viewport, where keys mean what they mean there."""
        place = self.status()["sidebar"]
        self.move(place["x"] // 2, HEIGHT * 2 // 5)
        self.beat()

    def scroll(self, notches: int) -> None:
        """Down when positive; the pointer has to be over the sidebar."""
        for _ in range(abs(notches)):
            self._xdotool("click", 5 if notches > 0 else 4)
        self.beat()

    def copied_at(self, x: int, y: int, keys: str = "ctrl+c") -> str:
        """What Blender copies over this place: the command of a button (Ctrl+C), the path of a property (Shift+Ctrl+C)."""
        # the first move takes the highlight off the widget before, the second puts it on this one
        self._xdotool("mousemove", x - 3, y - 1, "sleep", 0.04, "mousemove", x - 1, y, "sleep", 0.02, "mousemove", x, y)
        before = self.beat(1)
        self._xdotool("key", keys)
        # three rounds of the main loop are enough for Blender to have heard the keys, however slow the machine is
        after = self.wait(
            lambda s: s["copied"] > before["copied"] or s["beats"] > before["beats"] + 3, BEAT_SECONDS, "an answer to the keys"
        )
        return str(after["command"]) if after["copied"] > before["copied"] else ""

    def rows(self) -> Iterator[tuple[int, int]]:
        """The middles of what looks like a widget in the sidebar, from the top: places worth a look."""
        place = self.status()["sidebar"]
        left, right = place["x"] + 8, place["x"] + place["width"] - 40
        top, bottom = HEIGHT - place["y"] - place["height"], HEIGHT - place["y"]
        # over the field of a property, whose name stands at the left
        x = left + (right - left) * 2 // 3
        # two columns that words seldom reach: before and on the folder button of a path, the arrow of a menu
        shown = self.pixels()[top:bottom].astype(int)
        found = {*_blocks(shown[:, right - 28 : right - 24]), *_blocks(shown[:, right - 13 : right - 8])}
        for y in sorted(found):
            if y - 1 not in found and y - 2 not in found:
                yield x, top + y

    def find(self, wanted: str, keys: str = "ctrl+c") -> tuple[int, int]:
        """Where the widget is over which Blender copies ``wanted``; scrolls the sidebar when it is not in sight."""

        def fits(copied: str) -> bool:
            return copied.strip() == wanted or (wanted.endswith("(") and wanted in copied)

        place = self.status()["sidebar"]
        middle = place["x"] + place["width"] // 2, HEIGHT - place["y"] - place["height"] // 2
        for notches in (0, -60, 12, 12, 12, 12, 12):
            if notches:
                self.move(*middle)
                self.scroll(notches)
            for x, y in self.rows():
                # asked twice: on a slow machine the first answer may be the late one to the place before
                if fits(self.copied_at(x, y, keys)) and fits(self.copied_at(x, y, keys)):
                    return x, y
        self.shot(self.folder / "failed.png")
        raise Gone(f"nothing in the sidebar is {wanted}; see {self.folder}/failed.png")

    def press(self, operator: str) -> None:
        """Finds the operator's button and clicks it with the mouse."""
        x, y = self.find(f"bpy.ops.revision.{operator}(")
        self.click(x, y)
        self.beat()

    def fill(self, name: str, words: str) -> None:
        """Types into the field of ``scene.revision.<name>`` as a user does: double click, all out, type, Enter."""
        x, y = self.find(f"revision.{name}", "ctrl+shift+c")
        self.click(x, y)
        self._xdotool("click", 1)
        self.beat()
        self.key("ctrl+a")
        self.type(words)
        self.key("Return")
        self.wait(lambda s: s["source"][name] == words, 10.0, f"{name} = {words}")

    def turn(self, name: str, notches: int) -> None:
        """Ctrl and the wheel over the menu of ``scene.revision.<name>``: so many items further down."""
        x, y = self.find(f"revision.{name}", "ctrl+shift+c")
        self.move(x, y)
        self.beat()
        for _ in range(abs(notches)):
            self._xdotool("keydown", "ctrl", "click", 5 if notches > 0 else 4, "keyup", "ctrl")
            self.beat(4)

    def new_file(self, path: Path) -> None:
        """Makes a .blend of the factory's scene, to start with; no window takes part."""
        expression = f"import bpy; bpy.ops.wm.save_as_mainfile(filepath={str(path)!r})"
        command = [str(self.executable), "--background", "--factory-startup", "--python-expr", expression]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=120, check=False)
        assert path.is_file(), done.stdout + done.stderr

    def ask(self, what: str, **values: Any) -> Any:
        """What inside.py does when asked (its ``ASKED``), done; its answer."""
        before = self.status()["answered"]
        partial = self.folder / "ask.partial"
        partial.write_text(json.dumps({"what": what, **values}))
        os.replace(partial, self.folder / "ask.json")
        return self.wait(lambda s: s["answered"] > before, 60.0, f"an answer to {what}")["answer"]

    def save(self, path: Path) -> None:
        """Ctrl+S over the viewport."""
        before = path.stat().st_mtime_ns
        self.over_view()
        self.key("ctrl+s")
        self.wait(lambda _s: path.stat().st_mtime_ns != before, 30.0, f"the saving of {path}")


def _blocks(strip: np.ndarray) -> list[int]:
    """Middles of the runs of one colour, as high as a widget, in a narrow strip ``(rows, columns, 3)``."""
    column = np.median(strip, axis=1)
    changes = np.flatnonzero(np.abs(np.diff(column, axis=0)).max(axis=1) > 4)
    return [int(upper + lower) // 2 for upper, lower in pairwise(changes) if 14 <= lower - upper <= 44]


def display_of(tool: Path) -> str:
    return subprocess.run([tool, "display"], capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def executable_of(tool: Path) -> Path | None:
    done = subprocess.run([tool, "path"], capture_output=True, text=True, check=False, timeout=60)
    return Path(done.stdout.strip()) if done.returncode == 0 else None


def environment_for(folder: Path, display: str) -> dict[str, str]:
    """Nothing of the user's own Blender or backend takes part."""
    python = os.environ.get("REVISION_PYTHON") or str(ROOT / ".venv-backend" / "bin" / "python")
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "BLENDER_"))}
    resources, home, cache = folder / "resources", folder / "home", folder / "cache"
    for path in (resources, home, cache):
        path.mkdir(parents=True, exist_ok=True)
    # a cache of its own: Mesa maps its shader cache, and a Blender that is killed beside this one would cut it short (SIGBUS)
    return {
        **env,
        "XDG_CACHE_HOME": str(cache),
        "DISPLAY": display,
        "BLENDER_USER_RESOURCES": str(resources),
        "REVISION_HOME": str(home),
        "REVISION_PYTHON": python,
    }


def have(*programs: str) -> bool:
    return all(shutil.which(program) for program in programs)
