"""Captures on the open human, all clips of shared/data/mocap: a table on standard error, one JSON line on standard output.

For each clip: mean angle between captured and resulting bones in the world (limbs and trunk), the largest of a limb, how far parts that
begin elsewhere are turned otherwise, share of frames in which a joint stopped at a person's limit and frames of the result beyond it,
sliding of resting feet before and after cleaning (millimetres in a 30th of a second), change by cleaning (millimetres, mean over
joints), share of frames in contact, seconds. Bars: 2 degrees, no frame beyond, 1.5 mm, 15 mm.
"""

import io
import json
import os
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from revision_blender.motion.bodies.body_model import Identity, identity_of, joints_of, open_human
from revision_blender.motion.clip import BodyTrack
from revision_blender.motion.files import acclaim, asf, bvh, bvh_in, deepmimic
from revision_blender.motion.retargeting.capture import Capture
from revision_blender.motion.retargeting.contacts import floor_of, foot_points
from revision_blender.motion.retargeting.held_feet import hold_feet
from revision_blender.motion.retargeting.match import is_animal, roles_of
from revision_blender.motion.retargeting.measures import change, directions, frames_beyond, slide
from revision_blender.motion.retargeting.retarget import retarget

MOCAP = Path(os.environ.get("REVISION_SHARED_DATA", Path(__file__).parents[2] / "../shared/data")) / "mocap"
DIRECTION_BAR, SLIDE_BAR, CHANGE_BAR = 2.0, 1.5, 15.0


@dataclass(frozen=True)
class Row:
    """One clip. Degrees, shares of frames, millimetres, seconds."""

    clip: str
    frames: int
    direction: float
    limb_most: float
    turned: float
    stopped: float
    beyond: int
    slide_before: float
    slide_after: float
    change: float
    contact: float
    parse_s: float
    retarget_s: float
    clean_s: float


def texts(archive: str) -> dict[str, str]:
    with tarfile.open(MOCAP / archive) as opened:
        files = [(member, opened.extractfile(member)) for member in opened if member.isfile()]
        return {Path(member.name).name: io.TextIOWrapper(file, encoding="utf-8").read() for member, file in files if file is not None}


def captures() -> Iterator[tuple[str, str, Capture, float]]:
    """Kind, name, capture in metres, seconds for parsing."""
    for name, text in sorted(texts("cmu_bvh.tar.xz").items()):
        if name.endswith(".bvh"):
            started = time.perf_counter()
            capture = bvh_in.captures_of(bvh.parse_bvh(text))["person"]
            yield "bvh", name, capture, time.perf_counter() - started
    files = texts("cmu_amc_02.tar.xz")
    skeleton = asf.parse_asf(files["02.asf"])
    for name in sorted(name for name in files if name.endswith(".amc")):
        started = time.perf_counter()
        capture = acclaim.capture_of(skeleton, *acclaim.parse_amc(files[name], skeleton), acclaim.CMU_FPS).in_unit(skeleton.metres)
        yield "amc", name, capture, time.perf_counter() - started
    for name, text in sorted(texts("deepmimic.tar.xz").items()):
        if name.startswith("humanoid3d"):
            started = time.perf_counter()
            capture = deepmimic.capture_of(deepmimic.parse_deepmimic(text))
            yield "deepmimic", name, capture, time.perf_counter() - started


def measured(name: str, capture: Capture, parse_s: float, body: Identity) -> Row:
    started = time.perf_counter()
    roles = roles_of(capture)
    assert not is_animal(capture, roles)
    moved = retarget(capture, roles, body)
    retargeted = time.perf_counter()
    track = BodyTrack("p", "smpl", "open_human", np.zeros(10), moved.rotations, moved.translation, np.ones(moved.stopped.shape))
    ground = floor_of(foot_points(track, body), "y", capture.fps, level=False)
    cleaned, held = hold_feet(track, body, capture.fps, ground)
    ended = time.perf_counter()
    found = directions(capture, roles, moved, body)
    slides = [slide(foot_points(t, body), held.contacts, capture.fps, ground.normal) for t in (track, cleaned)]
    joints = [joints_of(body, t.rotations, t.translation) for t in (track, cleaned)]
    beyond = sum(int(frames_beyond("smpl", t.rotations).sum()) for t in (track, cleaned))
    return Row(
        name, capture.n_frames, found.mean(), found.worst(), max(float(row.mean()) for row in found.turned.values()),
        float(moved.stopped.any(axis=1).mean()), beyond, *slides, change(*joints), held.contacts.share,
        parse_s, retargeted - started, ended - retargeted,
    )  # fmt: skip


def figures(rows: list[Row]) -> dict[str, float | int]:
    """Over all clips of a kind: means are over clips, worst ones named ``_most``."""
    seconds = sum(row.parse_s + row.retarget_s + row.clean_s for row in rows)
    return {
        "clips": len(rows), "frames": sum(row.frames for row in rows),
        "direction_deg": float(np.mean([row.direction for row in rows])), "direction_deg_most": max(row.direction for row in rows),
        "turned_deg_most": max(row.turned for row in rows), "stopped_share": float(np.mean([row.stopped for row in rows])),
        "frames_beyond": sum(row.beyond for row in rows),
        "slide_before_mm": float(np.mean([row.slide_before for row in rows])),
        "slide_after_mm": float(np.mean([row.slide_after for row in rows])), "slide_after_mm_most": max(row.slide_after for row in rows),
        "change_mm": float(np.mean([row.change for row in rows])), "change_mm_most": max(row.change for row in rows),
        "contact_share": float(np.mean([row.contact for row in rows])), "contact_share_least": min(row.contact for row in rows),
        "seconds_per_1000_frames": 1e3 * seconds / sum(row.frames for row in rows),
    }  # fmt: skip


def big_file_seconds() -> float:
    """Parsing of a BVH file of 5,000 frames, best of three."""
    text = texts("cmu_bvh.tar.xz")["walking_1.bvh"]
    head, motion = text.split("MOTION")
    rows = (motion.strip().splitlines()[2:] * 20)[:5000]
    text = f"{head}MOTION\nFrames: 5000\nFrame Time: 0.0083333\n" + "\n".join(rows)
    taken = []
    for _ in range(3):
        started = time.perf_counter()
        bvh.parse_bvh(text)
        taken.append(time.perf_counter() - started)
    return min(taken)


def main() -> None:
    if not MOCAP.exists():
        print(json.dumps({"name": "retarget", "skipped": f"the captures are not here: {MOCAP}"}))
        return
    body = identity_of(open_human(), np.zeros(10))
    by_kind: dict[str, list[Row]] = {}
    titles = "clip frames  dir° limb° turn° stop% beyond slide0 slide1 change contact  parse    put  clean"
    print(titles, file=sys.stderr)
    for kind, name, capture, parse_s in captures():
        row = measured(name, capture, parse_s, body)
        by_kind.setdefault(kind, []).append(row)
        print(
            f"{row.clip:28s} {row.frames:5d} {row.direction:5.2f} {row.limb_most:5.2f} {row.turned:5.2f} {100 * row.stopped:5.1f} {row.beyond:4d} "
            f"{row.slide_before:6.2f} {row.slide_after:6.2f} {row.change:6.1f} {row.contact:6.2f} {row.parse_s:7.3f} {row.retarget_s:6.3f} {row.clean_s:6.3f}",
            file=sys.stderr,
        )
    found = {kind: {key: round(value, 3) for key, value in figures(rows).items()} for kind, rows in by_kind.items()}
    passed = all(
        row.direction < DIRECTION_BAR and row.beyond == 0 and row.slide_after < SLIDE_BAR and row.change < CHANGE_BAR
        for row in by_kind["bvh"] + by_kind["amc"]
    )
    print(json.dumps({"name": "retarget"} | found | {"parse_5000_frames_s": round(big_file_seconds(), 3), "passed": passed}))


if __name__ == "__main__":
    main()
