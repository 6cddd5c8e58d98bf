"""The project's commands. Standard library only: this file runs before anything is installed.

python run.py demo       a picture goes in, a refined clip comes out, through the real processes
python run.py test       all tests: pure rooms, backend, Blender 4.5 and 5.2, and a real window where there is one
python run.py check      lint, format, types, and the import rules between rooms
python run.py bench      speed, one JSON line a figure
python run.py package    the extension's zip, in dist/
python run.py setup      only makes the environments (.venv-backend, .venv-blender-4.5, .venv-blender-5.2)
python run.py backend …  the backend's own commands: serve, status, jobs, stop, doctor
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

if sys.version_info < (3, 10):  # noqa: UP036  # the sentence must come before the syntax error
    sys.exit(f"Python {sys.version_info.major}.{sys.version_info.minor} is too old for this script: run it with Python 3.10 or newer.")

from authoring import package as packaging  # noqa: E402
from revision_blender.wire import environment as environments  # noqa: E402

BLENDERS = {"5.2": ("3.13",), "4.5": ("3.11",)}
SYSTEM_PACKAGES = {
    "libXi.so.6": "libxi6", "libXxf86vm.so.1": "libxxf86vm1", "libXfixes.so.3": "libxfixes3", "libXrender.so.1": "libxrender1",
    "libSM.so.6": "libsm6", "libICE.so.6": "libice6", "libX11.so.6": "libx11-6", "libxkbcommon.so.0": "libxkbcommon0",
    "libGL.so.1": "libgl1", "libEGL.so.1": "libegl1", "libgomp.so.1": "libgomp1", "libXext.so.6": "libxext6",
}  # fmt: skip


def say(words: str) -> None:
    print(f"run.py: {words}", flush=True)


def backend_python() -> Path:
    """The interpreter of the checkout's backend environment, made when it is not there."""
    folder = ROOT / ".venv-backend"
    return environments.make_environment(folder, environments.backend_recipe(ROOT, develop=True), _teller())


def blender_python(version: str) -> Path:
    """The interpreter with Blender ``version`` as a module, made when it is not there."""
    lock = ROOT / "requirements" / f"blender-{version}.lock"
    recipe = environments.Recipe(f"Blender {version}", (lock,), BLENDERS[version])
    python = environments.make_environment(ROOT / f".venv-blender-{version}", recipe, _teller())
    _require_bpy(python, version)
    return python


def any_blender_python() -> Path:
    """The newest Blender for which this machine has an interpreter."""
    problems = []
    for version in BLENDERS:
        try:
            return blender_python(version)
        except environments.SetupError as error:
            problems.append(str(error))
    raise environments.SetupError("No Blender module can be installed here.\n" + "\n".join(problems))


def _teller() -> environments.Report:
    last = [""]

    def tell(_fraction: float, words: str) -> None:
        if words != last[0]:
            last[0] = words
            say(words)

    return tell


def _require_bpy(python: Path, version: str) -> None:
    """Blender's module loads X libraries even without a window; the missing one is named with its package."""
    done = subprocess.run([str(python), "-c", "import bpy"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    for library, name in SYSTEM_PACKAGES.items():
        if library in done.stderr:
            everything = " ".join(sorted(SYSTEM_PACKAGES.values()))
            raise environments.SetupError(
                f"Blender {version} needs the system library {library} (Debian and Ubuntu: apt-get install {name}; all it needs: {everything})."
            )
    raise environments.SetupError(f"Blender {version} cannot be imported:\n{done.stderr.strip()[-800:]}")


def build_package(blender: Path) -> Path:
    say("building the extension's zip")
    return packaging.package(ROOT, backend_python(), blender)


def call(command: Sequence[str | Path], **extra: str) -> int:
    """Runs a child in the checkout with extra environment variables; returns its exit code."""
    return subprocess.run([str(part) for part in command], cwd=ROOT, env={**os.environ, **extra}, check=False).returncode


def command_setup(_arguments: argparse.Namespace, _rest: list[str]) -> int:
    backend_python()
    for version in BLENDERS:
        try:
            blender_python(version)
        except environments.SetupError as error:
            say(str(error))
    return 0


def command_demo(arguments: argparse.Namespace, rest: list[str]) -> int:
    if rest:
        sys.exit(f"run.py demo does not know {' '.join(rest)}; see python run.py demo --help")
    for named in (arguments.image, arguments.video, arguments.blender and (shutil.which(arguments.blender) or arguments.blender)):
        if named and not Path(named).is_file():
            raise environments.SetupError(f"There is no file {named}: check its name.")
    started = time.monotonic()
    backend = backend_python()
    if arguments.blender:
        blender = [
            arguments.blender,
            "--background",
            "--factory-startup",
            "--python-exit-code",
            "1",
            "--python",
            ROOT / "demo" / "session.py",
            "--",
        ]
        builder = any_blender_python()
    else:
        builder = any_blender_python()
        blender = [builder, ROOT / "demo" / "session.py"]
    out = Path(arguments.out).resolve()
    options = ["--out", str(out), "--zip", str(build_package(builder)), "--frames", str(arguments.frames)]
    options += ["--start", str(arguments.start), "--stride", str(arguments.stride), "--prompt", arguments.prompt]
    for name in ("video", "image"):
        if getattr(arguments, name):
            options += [f"--{name}", str(Path(getattr(arguments, name)).resolve())]
    # apart from the user's own Blender settings and backend; kept when something failed, for its logs
    apart = Path(tempfile.mkdtemp(prefix="revision-demo-"))
    folders = {"REVISION_HOME": str(apart / "home"), "BLENDER_USER_RESOURCES": str(apart / "blender")}
    code = call([*blender, *options], REVISION_PYTHON=str(backend), **folders)
    if code == 0:
        code = call([backend, "-m", "demo.report", out])
    if code == 0:
        shutil.rmtree(apart, ignore_errors=True)
    else:
        say(f"logs are kept in {apart}")
    say(f"demo {'finished' if code == 0 else 'failed'} after {time.monotonic() - started:.0f} s; results in {out}")
    return code


MOST_WORKERS = 4  # a worker takes up to two gigabytes


def side_by_side() -> tuple[list[str], dict[str, str]]:
    """pytest's options and environment for as many workers as there are cores. Each has its share of threads, lest they wait for each other."""
    cores = os.cpu_count() or 1
    workers = min(cores, MOST_WORKERS)
    threads = str(max(1, cores // workers))
    return ["--numprocesses", str(workers), "--dist", "worksteal"], {"OMP_NUM_THREADS": threads}


def command_test(_arguments: argparse.Namespace, rest: list[str]) -> int:
    """Pure rooms and backend, each Blender, and the window run in separate processes; all run, the worst code wins."""
    backend = backend_python()
    workers, share = side_by_side()
    rooms = [backend, "-m", "pytest", "tests", "--ignore=tests/blender", "--ignore=tests/gui", *workers, *rest]
    codes = {"rooms and backend": call(rooms, **share)}
    archive: Path | None = None
    for version in BLENDERS:
        try:
            blender = blender_python(version)
        except environments.SetupError as error:
            say(f"Blender {version}: {error}")
            codes[f"Blender {version}"] = 1
            continue
        archive = archive or build_package(blender)
        extra = {"REVISION_ZIP": str(archive), "REVISION_PYTHON": str(backend)}
        codes[f"Blender {version}"] = call([blender, "-m", "pytest", "tests/blender", *workers, *rest], **extra, **share)
    if archive is not None:
        extra = {"REVISION_ZIP": str(archive), "REVISION_PYTHON": str(backend)}
        codes["real window"] = call([backend, "-m", "pytest", "tests/gui", *rest], **extra)
    for name, code in codes.items():
        say(f"{name}: {'passed' if code == 0 else 'nothing selected' if code == 5 else f'failed (exit code {code})'}")
    return max((code for code in codes.values() if code != 5), default=0)


def command_check(_arguments: argparse.Namespace, _rest: list[str]) -> int:
    backend = backend_python()
    steps = {
        "lint": [backend, "-m", "ruff", "check", "."],
        "format": [backend, "-m", "ruff", "format", "--check", "."],
        "types": [backend, "-m", "basedpyright", "--pythonpath", backend, "--level", "error"],
        "import rules": [backend, "-m", "authoring.import_rules"],
    }
    codes = {}
    for name, command in steps.items():
        say(name)
        codes[name] = call(command)
    for name, code in codes.items():
        say(f"{name}: {'passed' if code == 0 else 'failed'}")
    return max(codes.values())


def command_bench(_arguments: argparse.Namespace, rest: list[str]) -> int:
    backend = backend_python()
    blender = any_blender_python()
    code = 0
    for script in sorted((ROOT / "tests" / "benchmarks").glob("bench_*.py")):
        if rest and not any(word in script.name for word in rest):
            continue
        needs_blender = "import bpy" in script.read_text()
        python = blender if needs_blender else backend
        code = max(code, call([python, script], PYTHONPATH=str(ROOT), REVISION_PYTHON=str(backend)))
    return code


def command_package(_arguments: argparse.Namespace, _rest: list[str]) -> int:
    say(f"built {build_package(any_blender_python())}")
    return 0


def command_backend(_arguments: argparse.Namespace, rest: list[str]) -> int:
    # where the user stands, so that the files they name are found; -P: nothing that lies there is imported
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))}
    return subprocess.run([str(backend_python()), "-P", "-m", "backend", *rest], env=environment, check=False).returncode


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="run.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="command", required=True)
    for name in ("setup", "test", "check", "bench", "package", "backend"):
        commands.add_parser(name, add_help=False)
    demo = commands.add_parser("demo", help="the whole loop on a picture or on footage")
    demo.add_argument("--image", help="your own picture instead of the bundled one")
    demo.add_argument("--video", help="your own footage instead of a generated coarse clip")
    demo.add_argument("--start", type=int, default=0, help="first frame of the footage (default 0)")
    demo.add_argument("--frames", type=int, default=24, help="frames of the clip (default 24)")
    demo.add_argument("--stride", type=int, default=0, help="take every n-th frame (default: what comes nearest to 12 a second)")
    demo.add_argument("--prompt", default="a person walks", help="the motion wanted (default: %(default)s)")
    demo.add_argument("--blender", help="your own Blender's executable instead of the bpy module")
    demo.add_argument("--out", default="demo-output", help="folder for the results (default: demo-output)")
    return top


def main() -> int:
    arguments, rest = parser().parse_known_args()
    try:
        return globals()[f"command_{arguments.command}"](arguments, rest)
    except (environments.SetupError, packaging.PackageError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("stopped")
        return 130


if __name__ == "__main__":
    sys.exit(main())
