"""The ledger, the job files and their keeping: durable, whole, and bounded."""

import contextlib
import math
import uuid

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.errors import BackendError
from backend.server import job_file
from backend.server.job_file import read_content, write_content
from backend.server.job_folder import checked_job_id, folder_of, sweep
from backend.server.ledger import OPEN, Ledger
from backend.server.rate import Rate
from backend.server.retention import prune
from backend.server.single import take_lock
from revision_blender.wire.codec import Content, content_of_request, request_from
from revision_blender.wire.errors import WireError
from revision_blender.wire.requests import RefineRequest
from tests.wire.wire_samples import sample_clip


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "jobs.sqlite")
    yield ledger
    ledger.close()


def test_rows_and_numbers_outlive_the_process(tmp_path):
    first = Ledger(tmp_path / "jobs.sqlite")
    first.add("a", "lift")
    first.add("b", "refine")
    first.move("a", OPEN, "done")
    first.close()
    second = Ledger(tmp_path / "jobs.sqlite")
    change, jobs = second.snapshot()
    second.close()
    assert change == 3 and [(job.job_id, job.kind, job.state) for job in jobs] == [("a", "lift", "done"), ("b", "refine", "queued")]


def test_a_known_id_is_not_added_again(ledger):
    ledger.add("a", "lift")
    ledger.move("a", OPEN, "done")
    assert ledger.add("a", "lift").state == "done" and ledger.change == 2


def test_a_finished_job_stays_as_it_is(ledger):
    ledger.add("a", "lift")
    assert ledger.move("a", OPEN, "cancelled") is not None
    assert ledger.move("a", OPEN, "done") is None and ledger.move("unknown", OPEN, "done") is None
    assert ledger.get("a").state == "cancelled" and ledger.change == 2


def test_the_oldest_open_job_comes_first(ledger):
    for name in "abc":
        ledger.add(name, "lift")
    ledger.move("a", OPEN, "failed", "why")
    ledger.move("b", OPEN, "running")
    assert ledger.next_open().job_id == "b" and ledger.count_open() == 2
    assert ledger.count_try("b") == 1 and ledger.count_try("b") == 2


def test_a_damaged_ledger_is_said_in_a_sentence(tmp_path):
    (tmp_path / "jobs.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(BackendError, match="move the file away"):
        Ledger(tmp_path / "jobs.sqlite")


def test_a_request_comes_back_from_its_file_and_may_be_changed_in_memory(tmp_path):
    request = RefineRequest(sample_clip(), (), 0.25)
    write_content(tmp_path / "request.bin", content_of_request(request))
    found = request_from(read_content(tmp_path / "request.bin"))
    assert isinstance(found, RefineRequest) and found.strength == 0.25
    assert np.array_equal(found.clip.bodies[0].rotations, request.clip.bodies[0].rotations)
    before = (tmp_path / "request.bin").read_bytes()
    found.clip.bodies[0].rotations[:] = 0
    assert (tmp_path / "request.bin").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (4, 200, 200, 3)])
def test_arrays_of_every_shape_come_back(tmp_path, shape):
    array = np.arange(math.prod(shape), dtype=np.float32).reshape(shape)
    write_content(tmp_path / "a.bin", Content("lift", {}, {"a": array, "b": np.ones(3, bool)}))
    found = read_content(tmp_path / "a.bin").arrays
    assert found["a"].shape == shape and np.array_equal(found["a"], array) and found["b"].all()


@settings(deadline=None)
@given(st.data())
def test_a_damaged_file_raises_nothing_but_a_wire_error(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("files") / "a.bin"
    write_content(path, Content("masks", {"x": 1}, {"a": np.arange(20)}))
    whole = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, 150))
    if data.draw(st.booleans()):
        del whole[place:]
    else:
        whole[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    with contextlib.suppress(WireError):  # a changed number of the array is not noticed
        read_content(path)


def test_a_full_disk_leaves_no_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(job_file, "_write", full)
    with pytest.raises(OSError, match="No space"):
        write_content(tmp_path / "a.bin", Content("masks", {}, {}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("odd", ["", "..", "../../etc/passwd", "a" * 1000, None, 3, "12345678-1234-1234-1234-12345678901g"])
def test_only_a_uuid_names_a_folder(odd, tmp_path):
    with pytest.raises(WireError, match="no job id"):
        folder_of(tmp_path, odd)


def test_one_job_has_one_spelling():
    job_id = uuid.uuid4()
    assert checked_job_id(job_id.hex.upper()) == checked_job_id(f"{{{job_id}}}") == str(job_id)


def test_a_start_sweeps_what_nobody_needs(tmp_path):
    kept, gone = str(uuid.uuid4()), str(uuid.uuid4())
    for name in (kept, gone):
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.bin").touch()
        (tmp_path / name / "result.bin.abc.part").touch()
    sweep(tmp_path, {kept})
    assert [path.name for path in tmp_path.iterdir()] == [kept] and [path.name for path in (tmp_path / kept).iterdir()] == ["result.bin"]


@pytest.mark.parametrize(("keep_jobs", "keep_bytes", "left"), [(2, 10_000, 2), (9, 250, 2), (0, 0, 1), (9, 10_000, 4)])
def test_old_results_go_but_open_jobs_and_the_newest_result_stay(ledger, tmp_path, keep_jobs, keep_bytes, left):
    names = [str(uuid.uuid4()) for _ in range(5)]
    for name in names:
        ledger.add(name, "lift")
        folder_of(tmp_path, name).make()
        folder_of(tmp_path, name).result.write_bytes(b"x" * 100)
    for name in names[1:]:
        ledger.move(name, OPEN, "done")
    gone = prune(ledger, tmp_path, keep_jobs, keep_bytes)
    assert {job.job_id for job in ledger.snapshot()[1]} == set(names) - set(gone) and len(gone) == 4 - left
    assert names[0] not in gone and names[4] not in gone
    assert all(folder_of(tmp_path, name).result.exists() != (name in gone) for name in names)


def test_the_time_left_follows_from_the_rate():
    now = [0.0]
    rate = Rate(lambda: now[0])
    now[0] = 0.5
    assert rate.seconds_left(0.5) is None
    now[0] = 10.0
    assert rate.seconds_left(0.01) is None and rate.seconds_left(0.25) == pytest.approx(30.0) and rate.seconds_left(1.0) == 0.0


def test_a_home_has_one_server(tmp_path):
    first = take_lock(tmp_path / "server.lock")
    assert first is not None and take_lock(tmp_path / "server.lock") is None
    first.close()
    second = take_lock(tmp_path / "server.lock")
    assert second is not None
    second.close()
