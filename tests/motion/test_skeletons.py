"""The families' skeletons agree with each other and with the files' known sizes."""

import numpy as np
import pytest

from revision_blender.masks.labels import PART_LABELS
from revision_blender.motion.errors import BodyModelError
from revision_blender.motion.skeletons import SKELETONS, SMAL, SMPL, SMPLH, SMPLX, skeleton_of


@pytest.mark.parametrize(("family", "joints"), [("smpl", 24), ("smplh", 52), ("smplx", 55), ("smal", 35)])
def test_sizes_and_trees(family, joints):
    skeleton = skeleton_of(family)
    assert skeleton.n_joints == len(skeleton.parents) == len(skeleton.part_labels) == joints
    assert len(set(skeleton.names)) == joints
    assert skeleton.parents[0] == -1
    assert all(0 <= parent < joint for joint, parent in enumerate(skeleton.parents) if joint)


def test_the_body_joints_are_shared():
    for other in (SMPLH, SMPLX):
        assert other.names[:22] == SMPL.names[:22]
        np.testing.assert_array_equal(other.parents[:22], SMPL.parents[:22])


def test_fingers_hang_on_wrists():
    for skeleton in (SMPLH, SMPLX):
        for side in ("left", "right"):
            chain = [skeleton.index(f"{side}_thumb{segment}") for segment in (1, 2, 3)]
            assert skeleton.parents[chain].tolist() == [skeleton.index(f"{side}_wrist"), *chain[:2]]


def test_part_labels_are_of_the_right_kind():
    kinds = {row.label: row.kind for row in PART_LABELS}
    for skeleton in SKELETONS.values():
        assert {kinds[int(label)] for label in skeleton.part_labels} == {"animal" if skeleton is SMAL else "human"}
    names = {row.label: row.name for row in PART_LABELS}
    assert names[int(SMPLX.part_labels[SMPLX.index("left_thumb3")])] == "human.left_hand"
    assert names[int(SMPLX.part_labels[SMPLX.index("left_eye")])] == "human.head"
    assert names[int(SMAL.part_labels[SMAL.index("right_back_foot")])] == "animal.back_right_lower"


def test_unknown_names_are_said():
    with pytest.raises(BodyModelError, match="smplz"):
        skeleton_of("smplz")
    with pytest.raises(BodyModelError, match="nose"):
        SMPL.index("nose")
