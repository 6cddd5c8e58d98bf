"""Reading and writing motion files, and refusing hostile ones: one JSON line.

Milliseconds for files in the layouts of their programs: AMASS with 5,000 frames of 52 joints (and the ratio to ``numpy.load`` of
the same arrays), 4D-Humans with 900 detections, WHAM with 1,000 frames and their vertices; and for each crafted file the time and
the process's peak memory until it was refused, of which the worst are printed. Bars: 1,000 ms, 500 MB.
"""

import json
import pickle
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from revision_blender.motion.files.amass_out import write_amass
from revision_blender.motion.files.reading import describe, read_motion
from tests.motion.files_samples import NO_BODIES, PhalpVideo, facing, joblib_file, npz, smplh_members

ROOT = Path(__file__).parents[2]
REFUSAL = """
import sys, time
from pathlib import Path
from revision_blender.motion.errors import MotionFileError
from revision_blender.motion.files.reading import describe, read_motion
from revision_blender.motion.bodies.shelf import BodyShelf
start, refused = time.perf_counter(), 0
try:
    read_motion(Path(sys.argv[1]), BodyShelf(None))
except MotionFileError:
    refused = 1
took, status = time.perf_counter() - start, Path("/proc/self/status")  # not getrusage: that begins with the parent's memory
lines = status.read_text().splitlines() if status.exists() else []
print(refused, took, sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) >> 10)
"""


def seconds(work: Callable[[], object], times: int = 3) -> float:
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def ms(work: Callable[[], object]) -> int:
    return round(1000 * seconds(work))


def detections(path: Path, n_frames: int = 300, n_people: int = 3) -> Path:
    video, poses = PhalpVideo(n_frames), facing(n_frames)
    random = np.random.default_rng(0)
    for number in range(n_frames):
        for tid in range(n_people):
            video.add(number, tid, poses[number], np.array([0.0, 0.0, 60.0]))
            video.frames[number].setdefault("appe", []).append(random.normal(size=4096).astype(np.float32))
    return joblib_file(path, video.content())


def wham(path: Path, n_frames: int = 1000) -> Path:
    shapes = {"pose": (72,), "trans": (3,), "pose_world": (72,), "trans_world": (3,), "betas": (10,), "verts": (6890, 3)}
    person = {name: np.zeros((n_frames, *shape), np.float32) for name, shape in shapes.items()}
    return joblib_file(path, {0: {**person, "frame_ids": np.arange(n_frames)}}, compressed=False)


def zeros_npz(path: Path, shapes: dict[str, tuple[int, ...]]) -> Path:
    """An npz of zeros: a thousandth of their size on disk."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, shape in shapes.items():
            head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                stream.write(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)
                left = 8 * int(np.prod(shape))
                while left > 0:
                    stream.write(bytes(min(left, 1 << 20)))
                    left -= 1 << 20
    return path


def packed_zeros(path: Path, megabytes: int) -> Path:
    packer = zlib.compressobj(9)
    parts = [packer.compress(pickle.dumps({"tracked_ids": 1, "frame_path": 2})[:-1])]
    parts += [packer.compress(bytes(1 << 20)) for _ in range(megabytes)]
    path.write_bytes(b"".join([*parts, packer.flush()]))
    return path


def hostile_files(folder: Path) -> list[Path]:
    video = PhalpVideo(1)
    video.add(0, 1, facing(1)[0], np.array([0.0, 0.0, 60.0]))
    many = video.content() | {str(number): {"tid": [], "smpl": [], "camera": [], "time": number} for number in range(60_000)}
    deep = b"\x80\x04" + b"(" * 2_000_000 + b"t" * 2_000_000 + b"."
    (folder / "deep.pkl").write_bytes(deep)
    (folder / "deep_named.pkl").write_bytes(deep.replace(b"\x80\x04", b"\x80\x04\x8c\x0btracked_ids0", 1))
    return [
        zeros_npz(folder / "frames.npz", {"poses": (600_000, 156), "trans": (600_000, 3)}),
        zeros_npz(folder / "betas.npz", {"poses": (6, 156), "trans": (6, 3), "betas": (60_000_000,)}),
        zeros_npz(folder / "betas_a_frame.npz", {"poses": (40_000, 156), "trans": (40_000, 3), "betas": (40_000, 700)}),
        zeros_npz(folder / "expressions.npz", {"poses": (6, 165), "trans": (6, 3), "expressions": (6, 5_000_000)}),
        packed_zeros(folder / "packed.pkl", 2048),
        joblib_file(folder / "empty_frames.pkl", many),
        folder / "deep.pkl",
        folder / "deep_named.pkl",
    ]


def refusal(path: Path) -> tuple[float, int]:
    done = subprocess.run([sys.executable, "-c", REFUSAL, str(path)], cwd=ROOT, capture_output=True, text=True, check=True)
    refused, took, megabytes = done.stdout.split()
    assert refused == "1", f"{path.name} was not refused"
    return float(took), int(megabytes)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        amass = npz(folder / "amass.npz", smplh_members(5000))
        clip = read_motion(amass, NO_BODIES).clip
        read = seconds(lambda: read_motion(amass, NO_BODIES))
        result = {
            "name": "motion files",
            "amass_read_ms": round(1000 * read),
            "amass_read_by_numpy_load": round(read / seconds(lambda: [np.load(amass)[key] for key in ("poses", "trans", "betas")]), 1),
            "amass_describe_ms": ms(lambda: describe(amass)),
            "amass_write_ms": ms(lambda: write_amass(folder / "out.npz", clip, "person 1", NO_BODIES)),
        }
        humans, whams = detections(folder / "phalp.pkl"), wham(folder / "wham.pkl")
        result |= {"phalp_read_ms": ms(lambda: read_motion(humans, NO_BODIES)), "wham_read_ms": ms(lambda: read_motion(whams, NO_BODIES))}
        refused = {path.name: refusal(path) for path in hostile_files(folder)}
        slowest, greediest = max(refused, key=lambda key: refused[key][0]), max(refused, key=lambda key: refused[key][1])
        result |= {"hostile": len(refused), "slowest": slowest, "slowest_ms": round(1000 * refused[slowest][0])}
        print(json.dumps({**result, "greediest": greediest, "greediest_mb": refused[greediest][1]}))


if __name__ == "__main__":
    main()
