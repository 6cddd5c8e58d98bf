"""Builds the extension's zip: fetches the pyzmq wheels, keeps the manifest's lists, calls Blender's own builder.

Standard library only; ``python run.py package`` calls it.
"""

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

PATTERNS = (
    "__init__.py", "LICENSE", "operators/**/*.py", "panels/**/*.py", "backend/**/*.py", "requirements/backend.lock",
    "revision_blender/**/*.py", "revision_blender/data/**/*",
)  # fmt: skip
PLATFORMS = ("manylinux_2_28_x86_64", "win_amd64", "macosx_10_15_universal2")
PYTHONS = ("311", "313")
# Blender's builder reads "abi3" as "any Python 3" and then lets the cp311 wheels decide alone; a list of versions it keeps.
ABI3_TAG, ABI3_RETAGGED = "-cp312-abi3-", "-cp312.cp313.cp314-none-"


class PackageError(Exception):
    """A package that cannot be built; the text says why."""


def shipped_files(root: Path) -> list[str]:
    """What goes into the zip beside manifest and wheels: relative paths with forward slashes, sorted."""
    found = {path for pattern in PATTERNS for path in root.glob(pattern) if path.is_file() and "__pycache__" not in path.parts}
    return sorted(path.relative_to(root).as_posix() for path in found)


def fetch_wheels(root: Path, python: Path) -> list[str]:
    """The wheels named by requirements/extension-wheels.lock, checked by hash; returns their file names."""
    folder = root / "wheels"
    lock = root / "requirements" / "extension-wheels.lock"
    stamp = folder / "fetched.lock"
    if not (stamp.is_file() and stamp.read_bytes() == lock.read_bytes()):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for platform in PLATFORMS:
            for version in PYTHONS:
                _download(python, lock, folder, platform, version)
        for wheel in folder.glob(f"*{ABI3_TAG}*.whl"):
            wheel.rename(
                folder
                / wheel.name.replace(  # Blender's builder reads "abi3" as "any Python 3" and then lets the cp311 wheels decide alone; a list of versions it keeps.
                    ABI3_TAG, ABI3_RETAGGED
                )
            )
        shutil.copyfile(lock, stamp)
    names = sorted(wheel.name for wheel in folder.glob("*.whl"))
    if len(names) != len(PLATFORMS) * len(PYTHONS):
        raise PackageError(f"{len(names)} wheels were fetched, {len(PLATFORMS) * len(PYTHONS)} are needed: delete {folder} and try again.")
    return names


def _download(python: Path, lock: Path, folder: Path, platform: str, version: str) -> None:
    command = [str(python), "-I", "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
    command += ["--require-hashes", "--implementation", "cp", "--platform", platform, "--python-version", version]
    done = subprocess.run([*command, "-d", str(folder), "-r", str(lock)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PackageError(f"pyzmq for {platform}, Python {version} could not be fetched:\n{done.stderr.strip()[-800:]}")


def manifest_with(text: str, wheels: list[str], paths: list[str]) -> str:
    """The manifest with its two lists replaced."""

    def block(key: str, items: list[str], source: str) -> str:
        lines = "".join(f'    "{item}",\n' for item in items)
        return re.sub(rf"(?ms)^{key} = \[\n.*?^\]", lambda _match: f"{key} = [\n{lines}]", source, count=1)

    return block("paths", paths, block("wheels", [f"./wheels/{name}" for name in wheels], text))


def write_lists(root: Path, wheels: list[str]) -> None:
    """Brings the manifest's lists up to date; leaves the file alone when they are."""
    manifest = root / "blender_manifest.toml"
    text = manifest.read_text()
    renewed = manifest_with(text, wheels, shipped_files(root))
    if renewed != text:
        partial = manifest.with_suffix(".partial")
        partial.write_text(renewed)
        partial.replace(manifest)


def build(root: Path, bpy_python: Path, output: Path) -> Path:
    """The zip, built and validated by the command line tool that ships inside Blender; returns its path."""
    builder = _builder(bpy_python)
    output.mkdir(parents=True, exist_ok=True)
    for old in output.glob("revision_blender-*.zip"):
        old.unlink()
    for arguments in (["build", "--source-dir", str(root), "--output-dir", str(output)], ["validate", "{zip}"]):
        zips = [str(path) for path in output.glob("revision_blender-*.zip")]
        command = [str(bpy_python), "-I", str(builder), *(zips[0] if part == "{zip}" else part for part in arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise PackageError(
                f"Blender's extension tool refused to {arguments[0]} the package:\n{(done.stdout + done.stderr).strip()[-1500:]}"
            )
    archive = next(output.glob("revision_blender-*.zip"))
    _drop_repeats(archive)
    return archive


def _drop_repeats(archive: Path) -> None:
    """Blender 4.5's builder stores wheels twice where the manifest has an allow-list; each file is kept once."""
    with zipfile.ZipFile(archive) as opened:
        once = {entry.filename: entry for entry in opened.infolist()}
        if len(once) == len(opened.infolist()):
            return
        partial = archive.with_suffix(".partial")
        with zipfile.ZipFile(partial, "w") as rewritten:
            for entry in once.values():
                rewritten.writestr(entry, opened.read(entry), compress_type=entry.compress_type)
    partial.replace(archive)


def _builder(bpy_python: Path) -> Path:
    where = "import importlib.util as u; print(u.find_spec('bpy').submodule_search_locations[0])"
    found = subprocess.run([str(bpy_python), "-I", "-c", where], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise PackageError(f"no bpy module in {bpy_python}: {found.stderr.strip()[-300:]}")
    tools = sorted(Path(found.stdout.strip()).glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
    if not tools:
        raise PackageError(f"the bpy module at {found.stdout.strip()} carries no extension tool")
    return tools[-1]


def package(root: Path, pip_python: Path, bpy_python: Path) -> Path:
    """Wheels, lists, zip; returns the zip's path in dist/."""
    write_lists(root, fetch_wheels(root, pip_python))
    return build(root, bpy_python, root / "dist")
