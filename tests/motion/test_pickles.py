"""Pickles that are values come through whole; pickles that want more are refused by name, run nothing and take little memory."""

import collections
import pickle
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revision_blender.motion.bodies.official import read_official_body
from revision_blender.motion.errors import BodyModelError, MotionFileError
from revision_blender.motion.pickles.pickle_file import Sparse, Unread, read_pickle
from tests.motion.hostile_files import CODE, HOSTILE
from tests.motion.joblib_files import joblib_dump

relaxed = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
LIMIT = 500 << 20
ROOT = Path(__file__).parents[2]


def read(path: Path, max_bytes: int = 1 << 20) -> object:
    return read_pickle(path, error=MotionFileError, max_bytes=max_bytes, what="motion file")


def same(found: object, wanted: object) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, dict) and list(found) == list(wanted) and all(same(found[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list | tuple):
        return type(found) is type(wanted) and len(found) == len(wanted) and all(map(same, found, wanted))
    if isinstance(wanted, np.ndarray | np.generic):
        return (
            type(found) is type(wanted)
            and found.dtype == wanted.dtype
            and found.shape == wanted.shape
            and bool(np.array_equal(found, wanted))
        )
    return type(found) is type(wanted) and bool(found == wanted)


VALUES = {
    "text": ["a", "é", "日本", "x" * 70_000, b"bytes", b""],
    "numbers": [0, -1, 255, 65_535, -70_000, 2**31, 2**62, -(2**70), 1.5, float("inf"), True, False, None, 1j],
    "containers": {"a": [1, (2, 3, 4, 5), ()], 3: {"b": {}}, "shared": [[1]] * 2},
    "kinds": {kind: np.arange(6).astype(kind).reshape(2, 3) for kind in ("f2", "f4", "f8", "i1", "u2", "i8", ">f4", "?", "c8", "U4", "S3")},
    "orders": [
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(24).reshape(2, 3, 4)[:, ::2],
        np.zeros((0, 5)),
        np.float64(2).reshape(()),
    ],
    "scalars": [np.float32(2.5), np.int64(-3), np.bool_(True), np.str_("male")],
}


@pytest.mark.parametrize("case", VALUES)
@pytest.mark.parametrize("protocol", range(6))
def test_values_come_through_every_protocol(tmp_path, case, protocol):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(VALUES[case], protocol=protocol))
    assert same(read(tmp_path / "a.pkl"), VALUES[case])


@pytest.mark.parametrize("compress", ["zlib", "gzip", ""])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("aligned", [True, False])
def test_joblib_files_are_read(tmp_path, compress, protocol, aligned):
    for case in ("containers", "kinds", "orders"):
        assert same(read(joblib_dump(tmp_path / "a.pkl", VALUES[case], compress, protocol, aligned)), VALUES[case])


def test_containers_of_the_library_become_plain(tmp_path):
    value = [collections.OrderedDict(b=1, a=2), collections.defaultdict(dict, {7: {"x": 1}}), {1, 2}, frozenset("a"), bytearray(b"ab")]
    for protocol in range(6):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(value, protocol=protocol))
        assert read(tmp_path / "a.pkl") == [{"b": 1, "a": 2}, {7: {"x": 1}}, {1, 2}, {"a"}, b"ab"]


@pytest.mark.parametrize("kind", ["csc", "csr", "coo"])
@pytest.mark.parametrize("flavour", ["matrix", "array"])
def test_sparse_matrices_are_filled_in(tmp_path, kind, flavour):
    import scipy.sparse

    dense = np.random.default_rng(0).random((5, 9)) * (np.random.default_rng(1).random((5, 9)) < 0.3)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(getattr(scipy.sparse, f"{kind}_{flavour}")(dense), protocol=2))
    found = read(tmp_path / "a.pkl")
    assert isinstance(found, Sparse)
    assert np.array_equal(found.dense(1 << 20), dense)


def test_arrays_of_objects_are_not_read(tmp_path):
    value = {"a": np.array([{"x": 1}, None], dtype=object), "b": 2}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(value))
    for path in (tmp_path / "a.pkl", joblib_dump(tmp_path / "b.pkl", value)):
        assert read(path) == {"a": Unread("an array of objects"), "b": 2}


def test_a_missing_file_and_a_folder_are_said(tmp_path):
    with pytest.raises(MotionFileError, match=r"no motion file at .*gone\.pkl"):
        read(tmp_path / "gone.pkl")
    with pytest.raises(MotionFileError, match="cannot be read"):
        read(tmp_path)


def test_a_file_beyond_the_limit_is_refused(tmp_path):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(b"x" * 2000))
    with pytest.raises(MotionFileError, match="more than the 1000"):
        read(tmp_path / "a.pkl", max_bytes=1000)


# --- hostile files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused_with_the_reason_and_run_nothing(tmp_path, case):
    hostile, canary = HOSTILE[case], tmp_path / "canary"
    path = tmp_path / f"a.{hostile.ending}"
    path.write_bytes(hostile.build(str(canary).encode()))
    with pytest.raises(BodyModelError, match=hostile.word) as refusal:
        read_official_body(path)
    assert not canary.exists()
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 600


def test_the_canary_sings_where_pickles_are_trusted(tmp_path):
    """Otherwise the test above would prove nothing."""
    sung = 0
    for case in ("GLOBAL posix.system", "STACK_GLOBAL os.system", "STACK_GLOBAL of the memo", "INST", "OBJ"):
        canary = tmp_path / "canary"
        pickle.loads(CODE[case].build(str(canary).encode()))
        sung += canary.exists()
        canary.unlink(missing_ok=True)
    assert sung == 5


MEMORY = """
import sys
from pathlib import Path
from revision_blender.motion.bodies.official import read_official_body
from revision_blender.motion.errors import BodyModelError
try:
    read_official_body(Path(sys.argv[1]))
except BodyModelError:
    peak = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
    print(int(peak) * 1024)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak is read from /proc")
@pytest.mark.parametrize(
    "case",
    [
        *(case for case in HOSTILE if "bomb" in case or "components" in case),
        "millions of sets",
        "LONG_BINPUT far away",
        "copies of copies",
    ],
)
def test_the_greediest_take_less_than_the_limit(tmp_path, case):
    path = tmp_path / f"a.{HOSTILE[case].ending}"
    path.write_bytes(HOSTILE[case].build(b"x"))
    found = subprocess.run([sys.executable, "-c", MEMORY, str(path)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(found.stdout) < LIMIT


@pytest.mark.parametrize("case", [case for case in HOSTILE if "bomb" not in case and "components" not in case])
def test_no_refusal_takes_much_more_than_the_file(tmp_path, case):
    path = tmp_path / f"a.{HOSTILE[case].ending}"
    path.write_bytes(HOSTILE[case].build(b"x"))
    tracemalloc.start()
    with pytest.raises(BodyModelError):
        read_official_body(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * path.stat().st_size + (40 << 20)


@relaxed
@given(st.binary(max_size=300))
def test_any_bytes_are_a_value_or_refused(tmp_path, content):
    (tmp_path / "a.pkl").write_bytes(content)
    try:
        read(tmp_path / "a.pkl")
    except MotionFileError:
        return


@relaxed
@given(st.data())
def test_damaged_pickles_are_a_value_or_refused(tmp_path, data):
    whole = pickle.dumps(VALUES["kinds"], protocol=data.draw(st.sampled_from([0, 2, 4, 5])))
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "a.pkl").write_bytes(content)
    try:
        read(tmp_path / "a.pkl")
    except MotionFileError as refusal:
        assert "a.pkl" in str(refusal)
