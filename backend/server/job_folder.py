"""One folder a job: the request as accepted, the result once whole. No path ever comes from a message."""

import shutil
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from revision_blender.wire.errors import WireError


def checked_job_id(value: object) -> str:
    """The canonical form of a UUID; raises WireError for anything else, so that an id can name a folder."""
    try:
        if isinstance(value, str) and len(value) <= 64:
            return str(uuid.UUID(value))
    except ValueError:
        pass  # answered below
    raise WireError(f"{str(value)[:60]!r} is no job id; a UUID is needed.")


@dataclass(frozen=True)
class JobFolder:
    """The files of one job below ``jobs``, the folder of all."""

    path: Path

    @property
    def request(self) -> Path:
        return self.path / "request.bin"

    @property
    def result(self) -> Path:
        return self.path / "result.bin"

    def make(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)

    def remove(self) -> None:
        """Everything of the job. A file that Windows keeps busy stays until the next start sweeps it away."""
        shutil.rmtree(self.path, ignore_errors=True)

    def sweep_partial(self) -> None:
        """Removes what a process left behind that was killed while writing."""
        for part in self.path.glob("*.part"):
            part.unlink(missing_ok=True)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.stat().st_size for file in self.path.glob("*")) if self.path.is_dir() else 0


def folder_of(jobs: Path, job_id: str) -> JobFolder:
    return JobFolder(jobs / checked_job_id(job_id))


def sweep(jobs: Path, keep: Collection[str]) -> None:
    """At the start of a server: removes folders of jobs that the ledger does not want kept, and partial files."""
    if not jobs.is_dir():
        return
    for path in jobs.iterdir():
        if path.name in keep:
            JobFolder(path).sweep_partial()
        elif path.is_dir():
            JobFolder(path).remove()
