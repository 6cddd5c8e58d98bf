"""Templates of bodies: made once, appended afterwards, rebuilt where damaged, and nothing of them left in the user's file."""

import bpy
import numpy as np
import pytest
from body_samples import body_clip, body_model, expected, largest_error
from scene_samples import import_sample


@pytest.fixture
def folder(room):
    """The folder of templates, empty before and after."""
    path = room("revision_blender.scene.rigs.template").template_folder()
    for file in path.iterdir():
        file.unlink()
    yield path
    for file in path.iterdir():
        file.unlink()


def everything() -> dict[str, list[str]]:
    """The names of all data in the file, by kind."""
    kinds = ("objects", "meshes", "armatures", "shape_keys", "actions", "materials", "libraries", "scenes", "collections", "cameras")
    return {kind: sorted(thing.name for thing in getattr(bpy.data, kind)) for kind in kinds}


def words_of(room, scene, model, take_id: str) -> list[str]:
    clip = body_clip(room, model)
    return list(room("revision_blender.scene.take").import_clip(scene, clip, take_id=take_id, name="P", models={model.name: model}))


def test_the_second_body_comes_from_the_template(room, scene, folder):
    model = body_model(room, "smpl")
    first = words_of(room, scene, model, "one")
    assert len(list(folder.iterdir())) == 1
    after_one = everything()
    second = words_of(room, scene, model, "two")
    after_two = everything()
    assert any("pose correctives" in words for words in first) and not any("pose correctives" in words for words in second)
    assert after_two["libraries"] == [] and len(list(folder.iterdir())) == 1
    for kind, made in after_one.items():
        assert len(after_two[kind]) <= 2 * max(1, len(made)), kind
    assert not [name for names in after_two.values() for name in names if "template" in name]
    takes = room("revision_blender.scene.take").find_takes(scene)
    for take in takes:
        wanted = expected(room, model, body_clip(room, model).bodies[0], take.T_blender_world)
        assert largest_error(room, scene, take, wanted) < 1e-4


def test_another_model_gets_another_template(room, scene, folder):
    template = room("revision_blender.scene.rigs.template")
    one, other = body_model(room, "smpl"), body_model(room, "smpl", seed=1)
    again = body_model(room, "smpl")
    assert template.template_path(one, folder) != template.template_path(other, folder)
    assert template.template_path(one, folder) == template.template_path(again, folder)


@pytest.mark.parametrize("damage", [b"", b"BLENDER", b"not a blend file at all" * 40])
def test_a_damaged_template_is_made_again(room, scene, folder, damage):
    model = body_model(room, "smpl")
    path = room("revision_blender.scene.rigs.template").template_path(model, folder)
    words_of(room, scene, model, "one")
    whole = path.stat().st_size
    path.write_bytes(damage or path.read_bytes()[:-2000])
    words_of(room, scene, model, "two")
    assert abs(path.stat().st_size - whole) < 1000
    assert everything()["libraries"] == []


def test_a_template_that_cannot_be_kept_is_no_hindrance(room, scene, folder, monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setattr(room("revision_blender.scene.rigs.template"), "template_folder", lambda: blocked / "below")
    words = words_of(room, scene, body_model(room, "smpl"), "one")
    assert any("not kept" in word for word in words)


def test_an_import_stopped_at_any_step_leaves_nothing(room, scene, folder):
    model = body_model(room, "smplx", vertices=60, expressions=10)
    clip = body_clip(room, model, 2, expression=True)
    before = everything()
    take = room("revision_blender.scene.take")
    shared = {"meshes", "objects", "materials"}  # the shapes that bones are drawn as and the material stay for the next body
    for kept in (False, True):
        if kept:
            words_of(room, scene, model, "kept")
            bpy.ops.wm.read_homefile(use_empty=True)
            scene, before = bpy.context.scene, everything()
        for steps in range(0, 200, 1 if kept else 9):
            running = take.import_clip(scene, clip, take_id="t", name="P", models={model.name: model})
            ended = sum(1 for _ in zip(range(steps), running, strict=False)) < steps
            running.close()
            if ended:
                break
            after = everything()
            assert {kind: names for kind, names in after.items() if kind not in shared} == {
                kind: names for kind, names in before.items() if kind not in shared
            }
            assert not [thing.name for thing in bpy.data.objects if thing.get("revision_bone_shape") is None]
        else:
            raise AssertionError("the import did not come to its end")


def test_betas_that_the_model_does_not_have_are_refused_before_anything_is_made(room, scene, folder):
    model = body_model(room, "smpl")
    clip = body_clip(room, model, betas=np.zeros(11))
    with pytest.raises(Exception, match="at most 10"):
        import_sample(room, scene, clip, models={model.name: model})
    assert not bpy.data.meshes and not list(folder.iterdir())
