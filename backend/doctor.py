"""``python -m backend doctor``: what is installed, what is found, what each engine can do on this machine."""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from revision_blender.motion.bodies.shelf import BUNDLED, DATA, BodyShelf
from revision_blender.video_model.names import BUNDLED as SMALL_MODEL
from revision_blender.video_model.names import PUBLISHED
from revision_blender.video_model.state import state_of
from revision_blender.wire import protocol
from revision_blender.wire.launch import find_live
from revision_blender.wire.paths import HOME_VARIABLE, bodies_folder

PACKAGES = (
    "torch", "numpy", "pyzmq", "mediapipe", "opencv-python-headless", "numba", "scipy", "av", "diffusers", "transformers",
    "accelerate", "safetensors", "huggingface_hub", "onnxruntime", "rtmlib", "peft", "tensorboardX", "smplx", "tqdm", "jaxtyping",
)  # fmt: skip
OPTIONAL = {
    "smplx": "only needed for official body files; non-commercial licence",
    "onnxruntime": "only needed for RTMPose and for YOLOv8 from ONNX files",
    "rtmlib": "only needed for RTMPose",
    "peft": "only needed to train with LoRA",
    "tensorboardX": "only needed to train",
}
EXAMINE_SECONDS = 120.0
MOTION_LIBRARY = Path("revision_blender/data/motion_library.npz")
POSE_MODEL = Path("modules/pose_landmark/pose_landmark_full.tflite")  # below mediapipe's package


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 when at least one engine can make a video here."""
    facts = examine(arguments.home)
    print(json.dumps(facts) if arguments.json else words_of(facts))
    return 0 if any(engine["coarse"] and not engine["why_not"] for engine in facts["machine"].get("engines", [])) else 1


def examine(home: Path) -> dict[str, Any]:
    """Every fact, JSON-able. What needs torch is looked at in a process of its own, whose failure is a fact too."""
    running = find_live(home)
    return {
        "version": protocol.VERSION,
        "python": platform.python_version(),
        "interpreter": sys.executable,
        "system": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
        "weights": _weights(BodyShelf(bodies_folder(home))),
        "video_models": {name: _model_facts(name) for name in (SMALL_MODEL, *PUBLISHED)},
        "home": str(home),
        "free_gigabytes": round(shutil.disk_usage(_existing(home)).free / 1e9, 1),
        "backend_process": running.pid if running is not None else None,
        "machine": _examined_apart(home),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _weights(shelf: BodyShelf) -> dict[str, float | None]:
    """Megabytes of each body (bundled and added), motion and model file by name, None where it is missing."""
    root = Path(__file__).parents[1]
    spec = find_spec("mediapipe")
    folders = spec.submodule_search_locations if spec is not None else None
    files = {name: DATA / f"{name}.npz" for name in BUNDLED}
    if shelf.folder is not None:
        files |= {name: shelf.folder / f"{name}.npz" for name in shelf.names() if name not in BUNDLED}
    files["motion library"] = root / MOTION_LIBRARY
    files["MediaPipe pose model"] = Path(folders[0]) / POSE_MODEL if folders else root / "none"
    return {name: round(file.stat().st_size / 1e6, 1) if file.is_file() else None for name, file in files.items()}


def _model_facts(name: str) -> dict[str, Any]:
    state = state_of(name)
    return {"state": state.kind, "words": state.words, "next_step": state.next_step, "megabytes": round(state.bytes / 1e6, 1)}


def _existing(folder: Path) -> Path:
    return folder if folder.exists() else _existing(folder.parent)


def _examined_apart(home: Path) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "backend.doctor"],
            capture_output=True,
            text=True,
            timeout=EXAMINE_SECONDS,
            cwd=Path(__file__).parents[1],
            env={**os.environ, HOME_VARIABLE: str(home)},
            check=False,
        )
        return (
            json.loads(done.stdout.splitlines()[-1])
            if done.returncode == 0
            else {"error": (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]}
        )
    except subprocess.TimeoutExpired:
        return {"error": f"The engines could not be examined within {EXAMINE_SECONDS:.0f} seconds."}


def machine_facts() -> dict[str, Any]:
    """Devices and engines, in the process that may load torch."""
    from dataclasses import asdict

    import torch

    from backend.engines import registry
    from backend.lifting.providers.registry import abilities

    threads = torch.get_num_threads()
    devices = [f"CPU, {threads} thread{'s' * (threads != 1)}"]
    devices += [f"CUDA {index}: {torch.cuda.get_device_name(index)}" for index in range(torch.cuda.device_count())]
    devices += ["Apple GPU (MPS)"] if torch.backends.mps.is_available() else []
    return {
        "devices": devices,
        "engines": [asdict(ability) for ability in registry.abilities()],
        "providers": [asdict(ability) for ability in abilities()],
    }


def words_of(facts: dict[str, Any]) -> str:
    """The facts as lines for people."""
    machine = facts["machine"]
    lines = [f"ReVision backend {facts['version']}, Python {facts['python']} ({facts['interpreter']}), {facts['system']}", "", "Packages"]
    lines += [
        f"  {name:24} {found or 'MISSING' + (f' ({OPTIONAL[name]})' if name in OPTIONAL else '')}"
        for name, found in facts["packages"].items()
    ]
    lines += ["", "Weights and data"]
    lines += [f"  {name:24} {'MISSING' if size is None else f'{size} MB'}" for name, size in facts["weights"].items()]
    lines += ["", "Video models (or your own folder in the layout of diffusers, chosen in the Source panel)"]
    lines += [line for name, state in facts["video_models"].items() for line in _model_words(name, state)]
    lines += ["", "Devices", *(f"  {device}" for device in machine.get("devices", [])), "", "Engines"]
    lines += [_engine_words(engine) for engine in machine.get("engines", [])]
    lines += ["", "Lifting, by kind of work: what can do it here (choose with --provider KIND=NAME or in the Lift panel)"]
    lines += [line for provider in machine.get("providers", []) for line in _provider_words(provider)]
    lines += [f"  could not be examined: {machine['error']}"] if "error" in machine else []
    lines += ["", f"Home    {facts['home']} ({facts['free_gigabytes']} GB free)"]
    lines += [f"Backend {'runs as process ' + str(facts['backend_process']) if facts['backend_process'] else 'does not run'}"]
    return "\n".join(lines)


def _model_words(name: str, facts: dict[str, Any]) -> list[str]:
    lines = [f"  {name}: {facts['state']}. {facts['words']}"]
    return [*lines, f"    {facts['next_step']}"] if facts["next_step"] else lines


def _engine_words(engine: dict[str, Any]) -> str:
    can = " and ".join(word for word, able in (("coarse", engine["coarse"]), ("fine", engine["fine"])) if able) or "nothing"
    return f"  {engine['name']:12} {can} on {engine['device']}" + (f"; {engine['why_not']}" if engine["why_not"] else "")


def _provider_words(provider: dict[str, Any]) -> list[str]:
    state = "ready" if provider["can_run"] else "cannot run"
    state += "" if provider["automatic"] or not provider["can_run"] else ", only when chosen"
    size = f", {provider['size']:.0f} MB of weights" if provider["size"] else ""
    licence = f", {provider['licence']}" if provider["licence"] else ""
    lines = [f"  {provider['kind']:13}{provider['name']:16}{state}{size}{licence}"]
    lines += [f"{'':31}{provider['missing']}"] if provider["missing"] else []
    return [*lines, f"{'':31}{provider['where']}"] if provider["where"] and not provider["can_run"] else lines


if __name__ == "__main__":
    print(json.dumps(machine_facts()))
