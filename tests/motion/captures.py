"""What the tests of captures share: the archives of shared/data where they are there, and skeletons made here."""

import io
import os
import tarfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from revision_blender.motion.bodies.body_model import Identity, identity_of
from revision_blender.motion.bodies.shelf import BodyShelf
from revision_blender.motion.files.bvh import parse_bvh
from revision_blender.motion.files.bvh_in import captures_of
from revision_blender.motion.retargeting.capture import Capture

MOCAP = Path(os.environ.get("REVISION_SHARED_DATA", Path(__file__).parents[2] / "../shared/data")) / "mocap"
SHELF = BodyShelf(None)


@cache
def _members(archive: str) -> dict[str, bytes]:
    path = MOCAP / archive
    if not path.exists():
        return {}
    with tarfile.open(path) as opened:
        return {Path(member.name).name: opened.extractfile(member).read() for member in opened if member.isfile()}  # type: ignore[union-attr]


def archived(archive: str, name: str) -> bytes:
    """One file of an archive of shared/data; skips the test where the archive is not there."""
    members = _members(archive)
    if not members:
        pytest.skip(f"the captures are not here: {MOCAP / archive}")
    return members[name]


def archived_text(archive: str, name: str) -> str:
    return io.TextIOWrapper(io.BytesIO(archived(archive, name)), encoding="utf-8").read()


@cache
def cmu(name: str) -> Capture:
    """A clip of the CMU database as converted to BVH: metres, y up."""
    return captures_of(parse_bvh(archived_text("cmu_bvh.tar.xz", f"{name}.bvh")))["person"]


@cache
def body(name: str = "open_human") -> Identity:
    if not SHELF.has(name):
        pytest.skip(f"the body {name} is not here yet")
    return identity_of(SHELF.load(name), np.zeros(0))
