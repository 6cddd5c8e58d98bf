"""What the user shows the lifter travels as JSON and comes back equal; what is wrong is said."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revision_blender.motion.errors import ClipError
from revision_blender.motion.subjects import KINDS, PARTS, Click, Prompt, prompts_from_json, prompts_to_json

_PIXELS = st.floats(-1e4, 1e4, allow_nan=False)
_CLICKS = st.builds(Click, _PIXELS, _PIXELS, st.sampled_from(PARTS))
_BOXES = st.tuples(_PIXELS, _PIXELS, st.floats(1, 100), st.floats(1, 100)).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))
_PROMPTS = st.builds(
    lambda name, kind, frame, box, clicks: Prompt(f"{kind} {name}", kind, frame, box, tuple(clicks)),
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40), st.sampled_from(KINDS), st.integers(0, 10_000), _BOXES, st.lists(_CLICKS, max_size=5),
)  # fmt: skip


@given(st.lists(_PROMPTS, max_size=5))
def test_prompts_come_back_equal(prompts):
    assert prompts_from_json(prompts_to_json(tuple(prompts))) == tuple(prompts)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "a list"),
        ([1], "an object with name"),
        ([{"name": "a", "kind": "tree", "frame": 0, "box": [0, 0, 1, 1]}], "known are person, animal, object"),
        ([{"name": "", "kind": "person", "frame": 0, "box": [0, 0, 1, 1]}], "a name of 1 to"),
        ([{"name": "a", "kind": "person", "frame": 0}], "neither a box nor a click"),
        ([{"name": "a", "kind": "person", "frame": True, "box": [0, 0, 1, 1]}], "whole number"),
        ([{"name": "a", "kind": "person", "frame": -1, "box": [0, 0, 1, 1]}], "counted from 0"),
        ([{"name": "a", "kind": "person", "frame": 0, "box": [3, 0, 1, 1]}], "left < right"),
        ([{"name": "a", "kind": "person", "frame": 0, "box": [0, 0, 1]}], "four numbers"),
        ([{"name": "a", "kind": "animal", "frame": 0, "clicks": [{"x": 1, "y": 1, "part": "wing"}]}], "known are on, off"),
        ([{"name": "a", "kind": k, "frame": 0, "box": [0, 0, 1, 1]} for k in KINDS], "give it one kind"),
        ([{"name": "a", "kind": "person", "frame": 10**40, "box": [0, 0, 1, 1]}], "counted from 0"),
        ([{"name": "a", "kind": "object", "frame": 0, "box": [0, 0, 10**400, 1]}], "left < right"),
        ([{"name": "a", "kind": "object", "frame": 0, "clicks": [{"x": -(10**400), "y": 1}]}], "finite"),
        *(([{"name": name, "kind": "object", "frame": 0, "box": [0, 0, 1, 1]}], "a name of 1 to") for name in (" ", "a\n", "\0", "\ud800")),
    ],
)
def test_what_is_wrong_is_said(values, words):
    with pytest.raises(ClipError, match=words):
        prompts_from_json(json.dumps(values))


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(ClipError):
        prompts_from_json(text)
