"""Each change of a job is told once, whichever way it is heard, and an old word never undoes a newer one."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from revision_blender.wire.events import JobCancelled, JobDone, JobFailed, JobPreview, JobProgress, JobSummary
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


@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans(), st.integers(0, 255)), max_size=30))
def test_of_unread_progress_and_previews_the_latest_of_each_job_is_left(reports):
    events, latest = Events(), {}
    for job_id, is_preview, value in reports:
        preview = JobPreview(job_id, np.full((1, 1, 1, 3), value, np.uint8))
        events.put(preview if is_preview else JobProgress(job_id, value / 255, "", None))
        latest[job_id, is_preview] = value
    found = events.take(100)
    told = {
        (event.job_id, True): int(event.frames[0, 0, 0, 0]) if isinstance(event, JobPreview) else None
        for event in found
        if isinstance(event, JobPreview)
    }
    told |= {(event.job_id, False): round(event.fraction * 255) for event in found if isinstance(event, JobProgress)}
    assert len(found) == len(latest) and told == latest


def test_a_preview_before_the_end_of_a_job_is_not_moved_behind_it():
    events = Events()
    preview = JobPreview("a", np.zeros((1, 1, 1, 3), np.uint8))
    for event in (preview, JobDone("a"), preview):
        events.put(event)
    assert [type(event) for event in events.take(9)] == [JobPreview, JobDone, JobPreview]
