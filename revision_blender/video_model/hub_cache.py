"""Where the model hub's client keeps what it downloads, found without it.

Layout (https://huggingface.co/docs/huggingface_hub/guides/manage-cache): ``models--OWNER--NAME`` holds ``blobs`` (files by hash),
``snapshots/COMMIT`` (links to them under their names) and ``refs/main`` (the commit that was downloaded last).
"""

import os
from collections.abc import Mapping
from pathlib import Path

BRANCH = "main"


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The hub's cache: HF_HUB_CACHE, else HF_HOME/hub, else ``huggingface/hub`` in the user's cache."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if environ.get(variable):
            return Path(os.path.expandvars(environ[variable])).expanduser()
    home = environ.get("HF_HOME")
    if home:
        return Path(os.path.expandvars(home)).expanduser() / "hub"
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser() / "huggingface" / "hub"


def repository_folder(name: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where a repository OWNER/NAME is kept, whether it is there or not."""
    return cache_folder(environ) / ("models--" + name.replace("/", "--"))


def snapshot_folder(name: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The snapshot that was downloaded last; None where there is none. It may be incomplete."""
    folder = repository_folder(name, environ)
    try:
        commit = (folder / "refs" / BRANCH).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None
    snapshot = folder / "snapshots" / commit
    return snapshot if commit and Path(commit).name == commit and snapshot.is_dir() else None


def kept_bytes(name: str, environ: Mapping[str, str] = os.environ) -> int:
    """Bytes of a repository on disk, unfinished files too."""
    blobs = repository_folder(name, environ) / "blobs"
    try:
        return sum(entry.stat().st_size for entry in os.scandir(blobs) if entry.is_file(follow_symlinks=False))
    except OSError:
        return 0
