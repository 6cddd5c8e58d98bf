"""Face labels: the majority of three, ties to the first."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from revision_blender.masks.face_labels import face_labels
from revision_blender.motion.errors import MaskError


@given(st.lists(st.integers(0, 47), min_size=3, max_size=3))
def test_majority_and_ties(corners: list[int]) -> None:
    label = face_labels(np.array([[0, 1, 2]]), np.array(corners, np.uint8))
    counts = {value: corners.count(value) for value in corners}
    expected = max(counts, key=lambda value: (counts[value], value == corners[0]))
    assert label.dtype == np.uint8 and label.tolist() == [expected]


def test_faces_outside_the_vertices_are_refused() -> None:
    labels = np.zeros(3, np.uint8)
    with pytest.raises(MaskError, match="vertex 3"):
        face_labels(np.array([[0, 1, 3]]), labels)
    with pytest.raises(MaskError, match="triangles"):
        face_labels(np.array([[0, 1, 2, 0]]), labels)
