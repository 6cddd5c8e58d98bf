"""Undo: an import is one step back and forth, and an undo in the middle of long work ends it in plain words."""

import bpy
import pytest
from scene_samples import import_sample, sample_clip


@pytest.fixture
def undoable(room, scene):
    bpy.ops.ed.undo_push(message="before")
    return scene


def test_an_import_is_undone_and_redone_whole(room, undoable):
    take = room("revision_blender.scene.take")
    import_sample(room, undoable, sample_clip(room, 2))
    bpy.ops.ed.undo_push(message="import")
    bpy.ops.ed.undo()
    assert not take.find_takes(bpy.context.scene) and not bpy.data.objects and not bpy.data.actions
    bpy.ops.ed.redo()
    (again,) = take.find_takes(bpy.context.scene)
    assert room("revision_blender.scene.capture").capture_clip(bpy.context.scene, again).n_frames == 2


def test_an_undo_in_the_middle_of_an_import_ends_it(room, undoable):
    import_sample(room, undoable, sample_clip(room, 2), take_id="first")
    bpy.ops.ed.undo_push(message="first")
    steps = room("revision_blender.scene.take").import_clip(bpy.context.scene, sample_clip(room, 2), take_id="second", name="Second")
    for _ in range(2):
        next(steps)
    bpy.ops.ed.undo()
    with pytest.raises(room("revision_blender.scene.errors").SceneError, match="undo"):
        list(steps)
    assert not bpy.data.objects


def test_an_undo_in_the_middle_of_the_mask_pass_ends_it(room, undoable):
    import_sample(room, undoable, sample_clip(room, 3))
    bpy.ops.ed.undo_push(message="import")
    scene = bpy.context.scene
    (take,) = room("revision_blender.scene.take").find_takes(scene)
    masks = room("revision_blender.scene.part_masks.mask_pass").render_labels(scene, take)
    next(masks)
    bpy.ops.ed.undo()
    with pytest.raises(room("revision_blender.scene.errors").SceneError, match=r"undo|no longer"):
        list(masks)
    assert len(bpy.data.scenes) == 1
