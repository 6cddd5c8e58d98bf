"""Drives Blender through S1, S2 and S3 with the extension's own operators, installed from the built zip.

Runs inside Blender: as a script of the bpy module's Python, or with ``blender --background --python``. Only what a user
can press is called here; waiting is done by stepping the extension's pump, since timers never fire without a window.
"""

import argparse
import importlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import bpy

PATIENCE = 420.0  # seconds for one stage; the first lift also compiles the rasteriser
EXTENSION = "bl_ext.user_default.revision_blender"


@dataclass
class Log:
    """What the report is made from. seconds: of each stage, waiting included. Paths are relative to the output folder."""

    seconds: dict[str, float] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    fps: float = 0.0
    uncovered: float = -1.0  # pixels of the fine clip without a colour, as its engine counted them
    blender: str = bpy.app.version_string


def arguments() -> argparse.Namespace:
    own = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--zip", type=Path, required=True)
    parser.add_argument("--video", type=Path)
    parser.add_argument("--image", type=Path)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--stride", type=int, default=0)
    parser.add_argument("--prompt", default="a person walks")
    return parser.parse_args(own)


def say(words: str) -> None:
    print(f"demo: {words}", flush=True)


@contextmanager
def chatter_to(log: Path) -> Iterator[None]:
    """Sends what Blender itself prints (a line a frame) to a file while the block runs."""
    sys.stdout.flush()
    terminal = os.dup(1)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        try:
            yield
        finally:
            sys.stdout.flush()
            os.dup2(terminal, 1)
            os.close(terminal)


class Driver:
    """Presses buttons and waits for what they start."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.log = Log()
        self.pump = importlib.import_module(f"{EXTENSION}.operators.pump")
        self.session = importlib.import_module(f"{EXTENSION}.operators.session")
        self.where = importlib.import_module(f"{EXTENSION}.operators.where")
        self.jobs: dict[str, str] = {}  # stage -> job id
        self._said = ""

    @property
    def settings(self) -> bpy.types.PropertyGroup:
        return bpy.context.scene.revision

    def start_backend(self) -> None:
        say("starting the backend")
        bpy.ops.revision.start_backend()
        if not self.pump.run_until(lambda: self.session.current().link.version != "", 90.0):
            sys.exit(f"demo: the backend did not answer within 90 s: {self.session.current().link.why}")

    def stage(self, name: str, operator: str) -> None:
        """Presses the button and waits until its job is done and its result is in the scene."""
        say(f"{name}: pressed")
        begun = time.monotonic()
        before = {row.job_id for row in self.settings.jobs}
        try:
            getattr(bpy.ops.revision, operator)()
        except RuntimeError as refused:  # a button that cannot be pressed, or an operator that reports an error, says why
            sys.exit(f"demo: {name}: {str(refused).partition('poll() ')[2] or refused}")
        if not self.pump.run_until(lambda: self._finished(before), PATIENCE):
            sys.exit(f"demo: {name} did not finish within {PATIENCE:.0f} s; last word: {self._said}")
        self.jobs[name] = next(row.job_id for row in self.settings.jobs if row.job_id not in before)
        failed = [row for row in self.settings.jobs if row.job_id not in before and row.status != "DONE"]
        if failed:
            sys.exit(f"demo: {name} failed: {failed[0].message}")
        self.log.seconds[name] = round(time.monotonic() - begun, 3)
        say(f"{name}: done in {self.log.seconds[name]:.1f} s")

    def _finished(self, before: set[str]) -> bool:
        tickets = [ticket for ticket in self.session.current().tickets.values() if ticket.job_id not in before]
        working = [ticket for ticket in tickets if not ticket.ended]
        words = "; ".join(ticket.words for ticket in working)
        if words and words != self._said:
            self._said = words
            say(f"{max(ticket.fraction for ticket in working):5.0%}  {words}")
        return not self.session.current().placing and all(ticket.ended for ticket in tickets)

    def folder_of(self, name: str) -> Path:
        """Where the files of a stage's result lie; noted for the report, relative to the output folder."""
        folder = next(self.out.glob(f"revision_results/*/*-{self.jobs[name][:8]}"))
        self.log.folders[name] = str(folder.relative_to(self.out))
        return folder


def install(archive: Path) -> None:
    say(f"Blender {bpy.app.version_string}: installing {archive.name}")
    bpy.ops.extensions.package_install_files(filepath=str(archive), repo="user_default", enable_on_install=True)


def choose_source(driver: Driver, options: argparse.Namespace) -> str:
    """Fills in the Source panel; returns the operator that makes the coarse clip."""
    settings = driver.settings
    settings.frames = options.frames
    settings.prompt = options.prompt
    if options.video:
        settings.source, settings.footage = "FOOTAGE", str(options.video)
        settings.footage_start = options.start
        if options.stride:
            settings.footage_stride = options.stride
        return "load_footage"
    picture = options.image or driver.where.SOURCE / "revision_blender" / "data" / "demo_picture.png"
    settings.source, settings.picture = "PICTURE", str(picture)
    return "generate_coarse"


def empty_scene() -> bpy.types.Scene:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=False)
    scene = bpy.context.scene
    scene.view_settings.view_transform = "Standard"  # clips keep their colours; the panel tells a user who has AgX
    scene.render.fps = 24
    return scene


def render_sequence(driver: Driver, scene: bpy.types.Scene) -> None:
    """Render Animation of the sequencer to sequence.mp4, the way a user delivers it."""
    sequencer = importlib.import_module(f"{EXTENSION}.revision_blender.scene.sequencer")
    say("rendering the sequence")
    strips = sequencer.video_strips(scene)
    size = strips[-1].elements[0].orig_width, strips[-1].elements[0].orig_height
    sequencer.movie_settings(scene, driver.out / "sequence.mp4", size)
    sequencer.show_range(scene, strips)
    with chatter_to(driver.out / "blender.log"):
        bpy.ops.render.render(animation=True)
    driver.log.uncovered = float(strips[-1]["revision_made_report_uncovered"])


def main() -> None:
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    install(options.zip)
    scene = empty_scene()
    # saved first: results then lie beside the .blend, which is this output folder
    bpy.ops.wm.save_as_mainfile(filepath=str(options.out / "scene.blend"))
    driver = Driver(options.out)
    driver.start_backend()
    try:
        driver.stage("coarse", choose_source(driver, options))
        driver.stage("lift", "lift")
        driver.stage("refine", "refine")
        driver.stage("masks", "render_masks")
        driver.stage("fine", "generate_fine")
        collect(driver)
        render_sequence(driver, scene)
        bpy.ops.wm.save_mainfile()
    finally:
        bpy.ops.revision.stop_backend()
    (options.out / "session.json").write_text(json.dumps(asdict(driver.log), indent=2))


def collect(driver: Driver) -> None:
    """Puts copies of what every stage made where the README says they are."""
    frames = driver.folder_of("coarse")
    shutil.copyfile(sorted(frames.glob("*.png"))[0], driver.out / "first_frame.png")
    for stage, name in (("lift", "lift.npz"), ("lift", "raw.npz"), ("refine", "refined.npz")):
        shutil.copyfile(driver.folder_of(stage) / name, driver.out / name)
    shutil.rmtree(driver.out / "masks", ignore_errors=True)
    shutil.copytree(driver.folder_of("masks"), driver.out / "masks")
    driver.folder_of("fine")
    driver.log.fps = driver.settings.take().fps


if __name__ == "__main__":
    main()
