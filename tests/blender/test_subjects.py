"""Subjects: shown on frames of the clip, kept in the file, undone with everything else, and asked for as they were shown."""

import os
from pathlib import Path

import bpy
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT, FRAMES = 64, 48, 6


@pytest.fixture
def entry(room, scene, tmp_path):
    """A coarse clip at 12 frames a second in a scene of 24, from frame 1 on, that nobody has lifted."""
    folder = tmp_path / "frames"
    folder.mkdir()
    pictures = np.random.default_rng(0).integers(0, 255, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)
    room("revision_blender.wire.collect").write_frames(folder, pictures, "job")
    scene.render.fps, scene.render.fps_base = 24, 1.0
    take = scene.revision.takes.add()
    take.name, take.take_id, take.frames, take.fps, take.start_frame = "clip", "take-1", str(folder), 12.0, 1.0
    scene.frame_set(1)
    return take


@pytest.fixture
def ready(room, monkeypatch):
    """A backend that could be asked."""
    monkeypatch.setattr(type(room("operators.session").current()), "why_no_backend", lambda _self: "")


def prompts(room, entry):
    return room("revision_blender.scene.subjects").prompts_of(entry)


def test_what_is_shown_is_what_is_asked_for(room, scene, entry):
    bpy.ops.revision.add_subject(kind="animal")
    entry.subjects[0].name, entry.subjects[0].label = "dog", " dog "
    bpy.ops.revision.draw_box(box=(10.5, 8.0, 40.0, 30.25))
    scene.frame_set(6)  # the picture of clip frame 2 shows at scene frames 5 and 6
    bpy.ops.revision.click_parts(x=20.0, y=12.0, part="nose")
    bpy.ops.revision.click_parts(x=3.0, y=4.0, part="off")
    bpy.ops.revision.add_subject(kind="object")
    bpy.ops.revision.draw_box(box=(50.0, 40.0, 70.0, 60.0))  # over the picture's edge
    subjects = room("revision_blender.motion.subjects")
    assert prompts(room, entry) == (
        subjects.Prompt("dog", "animal", 0, (10.5, 8.0, 40.0, 30.25), (), "dog"),
        subjects.Prompt("dog", "animal", 2, None, (subjects.Click(20.0, 12.0, "nose"), subjects.Click(3.0, 4.0, "off")), "dog"),
        subjects.Prompt("object_1", "object", 2, (50.0, 40.0, 64.0, 48.0), (), ""),
    )
    _ticket, build = room("operators.asking_lift").lift(scene)
    asked = build()
    assert asked.prompts == prompts(room, entry) and asked.frames.shape == (FRAMES, HEIGHT, WIDTH, 3)
    assert (asked.people, asked.most_people, asked.providers, asked.only, asked.known) == (True, 8, (), "", None)
    assert subjects.prompts_from_json(_ticket.provenance["prompts"]) == asked.prompts


def test_options_reach_the_request(room, scene, entry, ready):
    settings = scene.revision
    settings.find_people, settings.most_people, settings.focal = False, 3, 900.0
    settings.providers.depth, settings.providers.people = " depth_anything ", "mediapipe"
    asked = room("operators.asking_lift").lift(scene)[1]()
    assert (asked.people, asked.most_people, asked.focal) == (False, 3, 900.0)
    assert asked.providers == ("depth=depth_anything", "people=mediapipe")
    assert "turn on Find People, or show a subject" in room("operators.reasons").why_not_lift(scene)
    bpy.ops.revision.add_subject(kind="object")
    bpy.ops.revision.draw_box(box=(1.0, 1.0, 9.0, 9.0))
    assert room("operators.reasons").why_not_lift(scene) == ""


def test_a_frame_has_one_box_and_one_of_each_part(room, scene, entry):
    bpy.ops.revision.add_subject(kind="animal")
    for left in (1.0, 2.0):
        bpy.ops.revision.draw_box(box=(left, 1.0, 20.0, 20.0))
        bpy.ops.revision.click_parts(x=left, y=5.0, part="nose")
        bpy.ops.revision.click_parts(x=left, y=6.0, part="on")
    (prompt,) = prompts(room, entry)
    assert prompt.box == (2.0, 1.0, 20.0, 20.0)
    assert [(click.x, click.part) for click in prompt.clicks] == [(1.0, "on"), (2.0, "nose"), (2.0, "on")]
    bpy.ops.revision.forget_shown()
    assert prompts(room, entry) == ()
    with pytest.raises(RuntimeError, match="Nothing of animal_1 is shown on this frame"):
        bpy.ops.revision.forget_shown()


@pytest.mark.parametrize(
    ("operator", "values", "words"),
    [
        ("draw_box", {"box": (5.0, 5.0, 6.0, 30.0)}, "1 x 25 pixels; draw it around object_1"),
        ("draw_box", {"box": (70.0, 5.0, 90.0, 30.0)}, "0 x 25 pixels"),
        ("click_parts", {"x": 65.0, "y": 5.0}, "not on the picture, which is 64 x 48"),
    ],
)
def test_bad_marks_get_one_sentence_and_change_nothing(room, scene, entry, operator, values, words):
    bpy.ops.revision.add_subject(kind="object")
    with pytest.raises(RuntimeError, match=words):
        getattr(bpy.ops.revision, operator)(**values)
    assert len(entry.subjects[0].shown) == 0


def test_outside_the_clip_and_without_a_clip(room, scene, entry):
    bpy.ops.revision.add_subject(kind="object")
    scene.frame_set(14)
    with pytest.raises(RuntimeError, match="Frame 14 is not in clip, which lasts from 1 to 11"):
        bpy.ops.revision.draw_box(box=(1.0, 1.0, 20.0, 20.0))
    entry.frames = ""
    assert "motion file" in room("operators.reasons").why_not_shown(scene)
    assert not bpy.ops.revision.draw_box.poll()


def test_names_are_never_shared(room, scene, entry):
    for _ in range(3):
        bpy.ops.revision.add_subject(kind="person")
    first, second, third = entry.subjects
    assert [subject.name for subject in entry.subjects] == ["person_1", "person_2", "person_3"]
    second.name = "person_1"
    assert second.name == "person_1_2"
    third.name = "  "
    assert third.name == "person"
    first.name = "Anna"
    assert [subject.name for subject in entry.subjects] == ["Anna", "person_1_2", "person"]


def test_shown_frames_are_in_order_and_can_be_gone_to(room, scene, entry):
    bpy.ops.revision.add_subject(kind="object")
    for frame in (9, 3, 5):
        scene.frame_set(frame)
        bpy.ops.revision.draw_box(box=(1.0, 1.0, 20.0, 20.0))
    assert [shown.frame for shown in entry.subjects[0].shown] == [1, 2, 4]
    scene.frame_set(1)
    for wanted in (3, 5, 9):
        bpy.ops.revision.go_to_shown(step=1)
        assert scene.frame_current == wanted
    bpy.ops.revision.go_to_shown(step=-1)
    assert scene.frame_current == 5
    assert room("panels.lift").shown_words(scene, entry, entry.subjects[0]) == "3, 5, 9"


def test_subjects_survive_the_file_and_go_with_a_second_lift(room, scene, entry, tmp_path):
    bpy.ops.revision.add_subject(kind="animal")
    bpy.ops.revision.draw_box(box=(1.0, 2.0, 20.0, 30.0))
    bpy.ops.revision.click_parts(x=5.0, y=6.0, part="tail_base")
    before = prompts(room, entry)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "subjects.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "subjects.blend"))
    takes = bpy.context.scene.revision.takes
    assert prompts(room, takes[0]) == before
    beside = takes.add()
    beside.name = "beside"
    room("revision_blender.scene.subjects").copy(takes[0], beside)
    assert prompts(room, beside) == before


def test_a_subject_is_removed(room, scene, entry):
    for kind in ("person", "animal"):
        bpy.ops.revision.add_subject(kind=kind)
    entry.subject_index = 0
    bpy.ops.revision.remove_subject()
    assert [subject.name for subject in entry.subjects] == ["animal_1"] and entry.subject_index == 0
    bpy.ops.revision.remove_subject()
    with pytest.raises(RuntimeError, match="No subject is chosen"):
        bpy.ops.revision.remove_subject()


def test_an_animals_parts_come_one_after_another(room, scene, entry):
    subjects = room("revision_blender.scene.subjects")
    bpy.ops.revision.add_subject(kind="animal")
    order = []
    for number in range(7):
        order.append(subjects.next_part(entry.subjects[0], 0))
        bpy.ops.revision.click_parts(x=float(number), y=1.0, part=order[-1])
    assert order == [*subjects.MAIN_PARTS, "on"]
    entry.subjects[0].kind = "person"
    assert subjects.next_part(entry.subjects[0], 0) == "on"


def test_the_nearest_click_is_taken_away(room, scene, entry):
    subjects = room("revision_blender.scene.subjects")
    bpy.ops.revision.add_subject(kind="object")
    for x in (10.0, 20.0):
        bpy.ops.revision.click_parts(x=x, y=10.0)
    subject = entry.subjects[0]
    assert not subjects.remove_click(subject, 0, 40.0, 10.0, 5.0)
    assert subjects.remove_click(subject, 0, 17.0, 11.0, 5.0)
    assert [click.x for click in subject.shown[0].clicks] == [10.0]
    assert subjects.remove_click(subject, 0, 10.0, 10.0, 5.0) and len(subject.shown) == 0


def test_a_rubber_band_is_the_box_from_press_to_release(room):
    band = room("operators.subject_gestures").RubberBand((WIDTH, HEIGHT))
    band.move(3.0, 4.0)
    assert band.box is None
    band.press(40.0, 30.0)
    band.move(-5.0, 10.0)
    assert band.box == (0.0, 10.0, 40.0, 30.0)
    assert band.release() == (0.0, 10.0, 40.0, 30.0)
    band.press(5.0, 5.0)
    band.move(6.0, 30.0)
    assert band.release() is None and band.box is None


def test_doctors_providers_are_listed_and_suggested(room):
    listed = room("operators.lift_providers")
    answer = (
        'warming up\n{"machine": {"providers": [{"kind": "depth", "name": "depth_anything", "can_run": false, "missing": "Download it.", '
        '"where": "https://example.org", "licence": "Apache-2.0", "size": 99, "automatic": true}]}}'
    )
    facts = listed.parsed(answer)
    assert facts["depth"][0].missing == "Download it." and facts["people"] == ()
    with pytest.raises(room("revision_blender.motion.errors").RevisionError, match="did not tell its models"):
        listed.parsed("", "Traceback\nModuleNotFoundError: backend")


@pytest.mark.slow
def test_the_real_doctor_tells_the_bundled_ways(room, tmp_path):
    python = Path(os.environ.get("REVISION_PYTHON") or ROOT / ".venv-backend" / "bin" / "python")
    if not python.is_file():
        pytest.skip("no backend environment: python run.py setup makes it")
    facts = room("operators.lift_providers").ask_doctor(python, tmp_path / "home")
    assert all(facts[kind] for kind in room("revision_blender.scene.properties").PROVIDER_KINDS), "a kind without anybody who does it"
    assert all(any(fact.can_run for fact in found) for found in facts.values())
    assert all(fact.can_run or fact.missing for found in facts.values() for fact in found)
