"""The bodies that can be used: those that come with the add-on, and those the user converted from official files.

A converted body is one ``.npz`` in the user's folder; its name is the file's. Official files are read once, when they are
added, and never again.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from ..errors import BodyModelError
from ..skeletons import skeleton_of
from .body_data import BodyModel
from .body_file import body_facts, load_body_model, save_body_model
from .body_model import OPEN_HUMAN, open_human

DATA = OPEN_HUMAN.parent
BUNDLED = ("open_human", "open_human_x", "open_quadruped")
_NAME = re.compile(r"[a-z0-9_]{1,64}")
_KEPT_LOADED = 8  # bodies; an SMPL-X with all its components takes 120 MB


class BodyShelf:
    """Bodies by name. folder: where the user's converted bodies are; None where there is none, then only the bundled are."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = None if folder is None else Path(folder)

    def names(self) -> tuple[str, ...]:
        """The bundled bodies, then the user's in alphabetical order."""
        bundled = tuple(name for name in BUNDLED if (DATA / f"{name}.npz").is_file())
        if self.folder is None or not self.folder.is_dir():
            return bundled
        own = sorted(path.stem for path in self.folder.glob("*.npz") if _NAME.fullmatch(path.stem))
        return bundled + tuple(name for name in own if name not in BUNDLED)

    def has(self, name: str) -> bool:
        """Whether ``load`` would find a file of that name."""
        return self.path_of(name).is_file()

    def load(self, name: str) -> BodyModel:
        """The body of that name, kept in memory; ``BodyModelError`` where there is none or its file is damaged."""
        path = self.path_of(name)
        if name == OPEN_HUMAN.stem:
            return open_human()
        try:
            stamp = path.stat()
        except OSError as reason:
            known = ", ".join(self.names())
            raise BodyModelError(f"there is no body model {name!r}; add its official file or choose one of {known}") from reason
        return _loaded(path, stamp.st_mtime_ns, stamp.st_size)

    def facts(self, name: str) -> Mapping[str, object]:
        """What the file says about itself: name, family, figures for people."""
        return body_facts(self.path_of(name))

    def add(self, path: Path, name: str | None = None) -> str:
        """Converts an official body file, or takes over one of ours; returns the name it has from now on.

        path: an SMPL, SMPL-H, SMPL-X or SMAL ``.pkl`` or ``.npz``. name: ``[a-z0-9_]{1,64}``; made from family and gender
        where left out ("smplx_neutral"). Adding the same file again changes nothing. ``BodyModelError`` for a file that is
        not such a body, and for a name that is taken by another one.
        """
        from .official import read_official_body

        if self.folder is None:
            raise BodyModelError("there is no folder to keep body models in; save your preferences once and try again")
        path = Path(path)
        model = read_official_body(path)
        name = self._free_name(name or model.name, digest := _digest(path))
        if not self.has(name):
            self._save(name, replace(model, name=name), {"source": path.name, "source_sha256": digest})
        return name

    def _save(self, name: str, model: BodyModel, figures: dict[str, float | str]) -> None:
        target = self.path_of(name)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            save_body_model(target, model, figures, exact=True)
        except OSError as reason:
            raise BodyModelError(
                f"the body cannot be written to {target} ({reason.strerror or reason}); make room or check the folder's permissions"
            ) from reason

    def _free_name(self, name: str, digest: str) -> str:
        if not _NAME.fullmatch(name):
            raise BodyModelError(f"{name!r} cannot name a body model; use small letters, digits and underscores, at most 64")
        if name in BUNDLED or (self.has(name) and _source(self.path_of(name)) != digest):
            raise BodyModelError(f"there is another body model named {name!r} already; give this one another name")
        return name

    def path_of(self, name: str) -> Path:
        """Where the body of that name lies or would lie; no name leads out of the two folders."""
        if name in BUNDLED:
            return DATA / f"{name}.npz"
        if self.folder is None or not _NAME.fullmatch(name):
            return DATA / "no body of that name"
        return self.folder / f"{name}.npz"


@lru_cache(maxsize=_KEPT_LOADED)
def _loaded(path: Path, _modified: int, _size: int) -> BodyModel:
    """modified and size are part of the key only: a file that was replaced is read anew."""
    model = replace(load_body_model(path), name=path.stem)
    wanted = skeleton_of(model.family)
    if model.parents.tolist() != wanted.parents.tolist():
        raise BodyModelError(
            f"{path} has {model.n_joints} joints that are not {model.family}'s {wanted.n_joints}; add its official file again"
        )
    return model


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _source(path: Path) -> str:
    figures = body_facts(path).get("figures")
    return str(figures.get("source_sha256", "")) if isinstance(figures, dict) else ""
