"""Each change of a job is told once, whichever way it is heard, and an old word never undoes a newer one."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from revision_blender.wire.events import JobCancelled, JobDone, JobFailed, JobProgress, JobSummary
from revision_blender.wire.job_states import JobStates
from revision_blender.wire.mailbox import Events


def _row(job_id, state, message=""):
    return JobSummary(job_id, "lift", state, 0.0, "", message, 0.0, 0.0)


def _states():
    told = []
    return JobStates(told.append), told


def test_a_finished_job_is_told_once():
    states, told = _states()
    states.watch("a")
    states.hear("a", "queued", "", 1)
    states.hear("a", "done", "", 2)
    states.sync([_row("a", "done")], 2)
    assert told == [JobDone("a")] and not states.missed(2)


def test_a_lost_event_is_found_by_asking():
    states, told = _states()
    states.hear("a", "queued", "", 1)
    assert states.missed(3)
    states.sync([_row("a", "failed", "why")], 3)
    assert told == [JobFailed("a", "why")] and not states.missed(3)


def test_jobs_that_were_there_before_are_not_told():
    states, told = _states()
    states.sync([_row("old", "done"), _row("open", "running")], 7)
    states.sync([_row("old", "done"), _row("open", "cancelled")], 8)
    assert told == [JobCancelled("open")]


def test_a_late_list_undoes_nothing():
    states, told = _states()
    states.sync([_row("a", "running")], 4)
    states.hear("a", "done", "", 5)
    states.hear("b", "queued", "", 6)
    states.sync([_row("a", "running")], 4)
    assert told == [JobDone("a")]


def test_a_job_that_the_server_forgot_has_failed_but_not_one_still_on_its_way():
    states, told = _states()
    states.hear("a", "running", "", 5)
    states.watch("b")
    states.new_session()
    states.sync([], 0)
    assert [event.job_id for event in told] == ["a"]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 1)), max_size=20))
def test_unread_progress_does_not_pile_up(reports):
    events = Events()
    for job_id, fraction in reports:
        events.put(JobProgress(job_id, fraction, "", None))
    found = events.take(100)
    assert all(one.job_id != other.job_id for one, other in pairwise(found))
    assert not reports or (found[-1].job_id, found[-1].fraction) == reports[-1]
