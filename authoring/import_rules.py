"""Checks which room may import which (DESIGN: the rooms' rules), with import-linter, over one fixed package name.

Imports inside the extension are relative, so linted as separate roots they would go unseen: the checkout is laid out
once as the package ``revision_extension`` and, beside it, under the names that the backend uses.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOMS = ("operators", "panels", "revision_blender", "backend")

CONTRACTS = """
[importlinter]
root_packages =
    revision_extension
    backend
    revision_blender
include_external_packages = True

[importlinter:contract:pure]
name = motion, masks, wire and video_model know neither Blender nor torch nor the rooms above them
type = forbidden
source_modules =
    revision_extension.revision_blender.video_model
    revision_extension.revision_blender.motion
    revision_extension.revision_blender.masks
    revision_extension.revision_blender.wire
forbidden_modules =
    bpy
    torch
    cv2
    revision_extension.revision_blender.scene
    revision_extension.operators
    revision_extension.panels
    revision_extension.backend
    backend

[importlinter:contract:domain]
name = motion and masks know nothing of the wire
type = forbidden
source_modules =
    revision_extension.revision_blender.motion
    revision_extension.revision_blender.masks
forbidden_modules =
    zmq
    revision_extension.revision_blender.wire

[importlinter:contract:video_model]
name = video_model knows the standard library alone
type = forbidden
source_modules =
    revision_extension.revision_blender.video_model
forbidden_modules =
    numpy
    zmq
    revision_extension.revision_blender.motion
    revision_extension.revision_blender.masks
    revision_extension.revision_blender.wire

[importlinter:contract:host]
name = scene, operators and panels know neither torch nor the backend
type = forbidden
source_modules =
    revision_extension.revision_blender.scene
    revision_extension.operators
    revision_extension.panels
forbidden_modules =
    torch
    backend
    revision_extension.backend

[importlinter:contract:backend]
name = the backend knows neither Blender nor the scene
type = forbidden
source_modules =
    backend
forbidden_modules =
    bpy
    revision_blender.scene

[importlinter:contract:layers]
name = panels draw over operators, operators over the scene
type = layers
layers =
    revision_extension.panels
    revision_extension.operators
    revision_extension.revision_blender.scene

[importlinter:contract:licence]
name = smplx, which is non-commercial, is imported in one module only
type = forbidden
source_modules =
    backend.server
    backend.stages
    backend.engines
    backend.lifting
    backend.prior
    backend.raster
forbidden_modules =
    smplx
allow_indirect_imports = True
"""


def lay_out(root: Path, target: Path) -> None:
    """Copies the rooms to ``target`` under the names they are imported by."""
    extension = target / "revision_extension"
    extension.mkdir(parents=True)
    shutil.copyfile(root / "__init__.py", extension / "__init__.py")
    for room in ROOMS:
        sources = shutil.ignore_patterns("__pycache__", "data")
        shutil.copytree(root / room, extension / room, ignore=sources)
    for room in ("backend", "revision_blender"):
        shutil.copytree(extension / room, target / room)
    (target / "importlinter.ini").write_text(CONTRACTS)


def lint(target: Path) -> subprocess.CompletedProcess[str]:
    """Runs import-linter over a tree made by ``lay_out``; exit code 0 when every rule holds."""
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as run; run()",
        "--config",
        "importlinter.ini",
        "--no-cache",
    ]
    return subprocess.run(command, cwd=target, capture_output=True, text=True, check=False)


def main() -> int:
    root = Path(__file__).resolve().parents[1]
    with tempfile.TemporaryDirectory() as folder:
        lay_out(root, Path(folder) / "tree")
        done = lint(Path(folder) / "tree")
    print(done.stdout + done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
