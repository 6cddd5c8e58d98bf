"""What the client tells the interface; one frozen dataclass for each thing that can happen."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .requests import Result


@dataclass(frozen=True)
class EngineAbility:
    """What a video engine can do on the backend's machine. why_not: empty when it can be used."""

    name: str
    coarse: bool
    fine: bool
    device: str
    why_not: str


@dataclass(frozen=True)
class JobSummary:
    """One line of the backend's ledger.

    state: "queued", "running", "done", "failed" or "cancelled". fraction: in [0, 1]. words: what it is doing.
    message: why it failed, else empty. submitted, finished: seconds since 1970; finished is 0 while it is not.
    """

    job_id: str
    kind: str
    state: str
    fraction: float
    words: str
    message: str
    submitted: float
    finished: float


@dataclass(frozen=True)
class Connected:
    """The backend answers. Comes again when it learns what its engines can do: they are unknown (empty) at its start."""

    version: str
    engines: tuple[EngineAbility, ...]


@dataclass(frozen=True)
class Disconnected:
    """The backend does not answer, and why, in a sentence; the client goes on trying."""

    why: str


@dataclass(frozen=True)
class JobAccepted:
    """The job is on the backend's disk: from now on it survives a crash of either side."""

    job_id: str


@dataclass(frozen=True)
class JobProgress:
    """How far a job is. seconds_left: estimated from its rate, None while there is too little to go by."""

    job_id: str
    fraction: float
    words: str
    seconds_left: float | None


@dataclass(frozen=True, eq=False)
class JobPreview:
    """How the video of a running job looks so far. frames: ``(F, h, w, 3)``, small, and not all of the video's; each replaces the last."""

    job_id: str
    frames: NDArray[np.uint8]


@dataclass(frozen=True)
class JobDone:
    """The result waits on the backend; ``Client.collect`` brings it."""

    job_id: str


@dataclass(frozen=True)
class JobFailed:
    job_id: str
    message: str


@dataclass(frozen=True)
class JobCancelled:
    job_id: str


@dataclass(frozen=True)
class JobsListed:
    """In answer to ``Client.list_jobs``, oldest first."""

    jobs: tuple[JobSummary, ...]


@dataclass(frozen=True, eq=False)
class Collected:
    """The result of a job. kind: of its request. files: the frames as PNG, in order, for a video and a folder."""

    job_id: str
    kind: str
    result: Result
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Refused:
    """What was asked cannot be done, and why, in a sentence; job_id is empty where no job is meant."""

    job_id: str
    message: str


Event = (
    Connected
    | Disconnected
    | JobAccepted
    | JobProgress
    | JobPreview
    | JobDone
    | JobFailed
    | JobCancelled
    | JobsListed
    | Collected
    | Refused
)
