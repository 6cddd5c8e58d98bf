"""Makes Python environments outside Blender: the backend's, and those that the checkout's commands need.

Standard library only: ``run.py`` imports it before anything is installed, and the extension's preferences run the same
code. An environment is whole when its marker file stands and names the digest of what was to be installed; anything else
is made anew, so an interrupted installation never passes for a finished one.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

Report = Callable[[float, str], None]

MARKER = "revision-environment.sha256"
TORCH = "torch==2.13.0"
BACKEND_PYTHONS = ("3.11", "3.12")  # mediapipe's last wheel with a bundled pose model stops at 3.12


class SetupError(Exception):
    """An environment that cannot be made; the text says why and what to install."""


@dataclass(frozen=True)
class Recipe:
    """locks: requirement files, each whole (installed without resolution). pythons: versions that fit, best first.

    with_torch: the build of torch is chosen for the machine, so it stands in no lock file.
    """

    name: str
    locks: tuple[Path, ...]
    pythons: tuple[str, ...]
    with_torch: bool = False

    def digest(self) -> str:
        sha = hashlib.sha256(TORCH.encode() if self.with_torch else b"")
        for lock in self.locks:
            sha.update(lock.read_bytes())
        return sha.hexdigest()


def backend_recipe(root: Path, *, develop: bool = False) -> Recipe:
    """What the backend in the folder ``root`` runs on; ``develop`` adds tests, lint and types."""
    names = ("backend.lock", "develop.lock") if develop else ("backend.lock",)
    return Recipe("backend", tuple(root / "requirements" / name for name in names), BACKEND_PYTHONS, with_torch=True)


def python_of(folder: Path) -> Path:
    """The interpreter of the environment in ``folder``, whether it exists or not."""
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def is_whole(folder: Path, recipe: Recipe) -> bool:
    """True when the environment was finished with exactly this recipe."""
    marker = folder / MARKER
    return marker.is_file() and marker.read_text().strip() == recipe.digest() and python_of(folder).exists()


def make_environment(folder: Path, recipe: Recipe, report: Report, cancelled: Callable[[], bool] = lambda: False) -> Path:
    """Makes the environment unless it is whole already; returns its interpreter. Raises SetupError."""
    if is_whole(folder, recipe):
        return python_of(folder)
    report(0.0, f"making the {recipe.name} environment")
    _create(folder, find_python(recipe.pythons))
    if recipe.with_torch:
        _install_torch(folder, lambda words: report(0.3, words), cancelled)
    packages = sum(_package_count(lock) for lock in recipe.locks)
    fetched = 0

    def say(words: str) -> None:
        nonlocal fetched
        fetched += words.startswith("Collecting")
        report(0.35 + 0.5 * min(fetched / max(packages, 1), 1.0), words)

    for lock in recipe.locks:
        _run([*_pip(folder), "install", "--no-deps", "-r", str(lock)], say, cancelled)
    _write_whole(folder / MARKER, recipe.digest() + "\n")
    report(1.0, f"the {recipe.name} environment is ready")
    return python_of(folder)


def _package_count(lock: Path) -> int:
    return sum("==" in line for line in lock.read_text().splitlines() if not line.startswith("#"))


def make_backend_environment(root: Path, folder: Path, report: Report, cancelled: Callable[[], bool] = lambda: False) -> Path:
    """The environment of the backend whose source lies in ``root``; what the preferences' button calls."""
    return make_environment(folder, backend_recipe(root), report, cancelled)


def find_backend_python(root: Path, home: Path) -> Path | None:
    """The interpreter to run the backend with, or None: $REVISION_PYTHON, else the environment made in ``home``."""
    named = os.environ.get("REVISION_PYTHON", "")
    if named:
        return Path(named)
    folder = home / "environments" / "backend"
    return python_of(folder) if is_whole(folder, backend_recipe(root)) else None


def find_python(versions: Sequence[str]) -> Path:
    """An interpreter of one of the versions that can make environments. Raises SetupError where there is none."""
    for version in versions:
        for candidate in _candidates(version):
            if _answers(candidate, version):
                return candidate
    uv = shutil.which("uv")
    if uv:
        for version in versions:
            found = subprocess.run([uv, "python", "find", version], capture_output=True, text=True, check=False)
            if found.returncode != 0:
                subprocess.run([uv, "python", "install", version], capture_output=True, check=False)
                found = subprocess.run([uv, "python", "find", version], capture_output=True, text=True, check=False)
            if found.returncode == 0:
                return Path(found.stdout.strip())
    wanted = " or ".join(versions)
    raise SetupError(f"Python {wanted} was not found on this machine: install it with its venv module, or install uv, and run this again.")


def _candidates(version: str) -> Iterator[Path]:
    if f"{sys.version_info.major}.{sys.version_info.minor}" == version and "bpy" not in sys.modules:
        yield Path(sys.executable)
    name = f"python{version}"
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        yield Path(folder) / name
    home = Path.home()
    for pattern in (f".pyenv/versions/{version}.*/bin/{name}", f".local/share/uv/python/cpython-{version}.*/bin/{name}"):
        yield from sorted(home.glob(pattern), reverse=True)
    local = os.environ.get("LOCALAPPDATA")
    if local:
        yield Path(local) / "Programs" / "Python" / f"Python{version.replace('.', '')}" / "python.exe"
    yield Path("/opt/homebrew/bin") / name


def _answers(python: Path, version: str) -> bool:
    """Whether it runs, is of that version and can make environments (some systems split ``ensurepip`` off)."""
    if not python.is_file():
        return False
    question = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    try:
        # -I: nothing of the caller's environment (Blender sets PYTHONHOME) may answer for the interpreter asked
        answer = subprocess.run([str(python), "-I", "-c", question], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.strip() == version


def _create(folder: Path, python: Path) -> None:
    if folder.exists():
        marker, config = folder / MARKER, folder / "pyvenv.cfg"
        if not (marker.exists() or config.exists()):
            raise SetupError(f"{folder} exists and is not an environment of ours: move it away or choose another folder.")
        shutil.rmtree(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _run([str(python), "-I", "-m", "venv", str(folder)], lambda _words: None, lambda: False)


def has_nvidia_gpu() -> bool:
    """Whether the NVIDIA driver lists a GPU."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return False
    listing = subprocess.run([tool, "-L"], capture_output=True, text=True, check=False)
    return listing.returncode == 0 and "GPU" in listing.stdout


def _install_torch(folder: Path, say: Callable[[str], None], cancelled: Callable[[], bool]) -> None:
    """A CPU build where no NVIDIA GPU is found and one is to be had, else what the registry calls ``torch``."""
    attempts = [[*_pip(folder), "install", TORCH]]
    if not has_nvidia_gpu():
        uv = shutil.which("uv")
        if uv:
            attempts.insert(0, [uv, "pip", "install", "--python", str(python_of(folder)), "--torch-backend", "cpu", TORCH])
        attempts.insert(0, [*_pip(folder), "install", TORCH + "+cpu"])
    for number, command in enumerate(attempts, start=1):
        try:
            _run(command, say, cancelled)
            return
        except SetupError:
            if number == len(attempts) or cancelled():
                raise
            say("no CPU build of torch there; trying the next source")


def _pip(folder: Path) -> list[str]:
    return [str(python_of(folder)), "-I", "-m", "pip", "--disable-pip-version-check", "--no-input"]


def _run(command: list[str], say: Callable[[str], None], cancelled: Callable[[], bool]) -> None:
    """Runs a child, passing its lines on; its last lines stand in the error when it fails."""
    tail: list[str] = []
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONHOME", "PYTHONPATH")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment) as child:
        assert child.stdout is not None
        for line in child.stdout:
            tail = [*tail[-19:], line.rstrip()]
            if line.startswith(("Collecting", "Downloading", "Installing", "Successfully")):
                say(line.partition(" (from")[0].strip()[:120])
            if cancelled():
                child.kill()
                raise SetupError("Cancelled; what was installed so far is thrown away at the next try.")
    if child.returncode != 0:
        shown = "\n".join(tail)
        raise SetupError(f"{' '.join(command[:6])} … failed with exit code {child.returncode}. Its last lines:\n{shown}")


def _write_whole(path: Path, text: str) -> None:
    """Write, fsync, rename: the marker stands only when it is whole."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
