"""Enabling and disabling leaves nothing behind; every button says why it cannot be pressed; bad input changes nothing."""

import struct
import threading
import zlib
from pathlib import Path

import bpy
import pytest

BUTTONS = (
    "start_backend",
    "stop_backend",
    "make_environment",
    "load_footage",
    "generate_coarse",
    "lift",
    "refine",
    "render_masks",
    "generate_fine",
)


def _classes() -> set[str]:
    return {name for name in dir(bpy.types) if name.startswith("REVISION_") or name.startswith("Revision")}


def _handlers(extension: str) -> list[object]:
    lists = (getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers))
    return [
        item for entries in lists if isinstance(entries, list) for item in entries if getattr(item, "__module__", "").startswith(extension)
    ]


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("revision-")]


def test_disabling_takes_everything_back_however_often(extension_name: str, room) -> None:
    for _ in range(2):
        module = room("operators.pump")
        if extension_name in bpy.context.preferences.addons:
            bpy.ops.preferences.addon_disable(module=extension_name)
        else:
            __import__("sys").modules[extension_name].unregister()
        assert _classes() == set()
        assert _handlers(extension_name) == []
        assert _threads() == []
        assert not bpy.app.timers.is_registered(module.step)
        assert not hasattr(bpy.types.Scene, "revision")
        if extension_name.startswith("bl_ext"):
            bpy.ops.preferences.addon_enable(module=extension_name)
        else:
            __import__("sys").modules[extension_name].register()
        assert "REVISION_OT_lift" in _classes()
        assert hasattr(bpy.types.Scene, "revision")


@pytest.mark.parametrize(
    "name", ["load_footage", "generate_coarse", "lift", "refine", "render_masks", "generate_fine", "stop_backend", "make_environment"]
)
def test_each_button_is_grey_in_an_empty_scene_and_says_why(scene, name: str) -> None:
    operator = getattr(bpy.ops.revision, name)
    assert not operator.poll()
    with pytest.raises(RuntimeError, match=r"poll\(\) .*"):
        operator()
    try:
        operator()
    except RuntimeError as error:
        assert "failed, context is incorrect" not in str(error), f"{name} gives no reason"


def test_the_reasons_are_the_next_thing_to_do(scene, room, monkeypatch: pytest.MonkeyPatch) -> None:
    reasons = room("operators.reasons")
    monkeypatch.setenv("REVISION_PYTHON", "")
    monkeypatch.setattr(room("operators.session").current().link, "_looked", (0.0, "", None))
    assert "preferences" in reasons.why_not_coarse(scene)
    monkeypatch.setattr(room("operators.session").current(), "why_no_backend", lambda: "")
    assert reasons.why_not_coarse(scene) == "Choose a picture in Source"
    scene.revision.picture = "/nowhere/at_all.png"
    assert "at_all.png is not there" in reasons.why_not_coarse(scene)
    assert reasons.why_not_footage(scene) == "Choose your footage in Source"
    assert "coarse clip" in reasons.why_not_lift(scene)
    assert "coarse clip" in reasons.why_not_refine(scene)
    take = scene.revision.takes.add()
    take.name, take.take_id, take.frames = "dancer", "some-id", "/nowhere"
    assert "gone" in reasons.why_not_lift(scene)
    assert reasons.why_not_refine(scene) == reasons.why_not_masks(scene) == reasons.why_not_fine(scene) == "Lift dancer first"


def _png_of_size(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


BAD_PICTURES = {
    "wide.png": (_png_of_size(20_000, 20), "20000 x 20 pixels"),
    "empty.png": (b"", "empty.png"),
    "noise.jpg": (bytes(range(256)) * 4, "noise.jpg"),
    "none.png": (_png_of_size(0, 0), "none.png"),
}


@pytest.mark.parametrize("name", BAD_PICTURES)
def test_a_bad_picture_gets_one_sentence_and_changes_nothing(
    scene, room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    content, words = BAD_PICTURES[name]
    (tmp_path / name).write_bytes(content)
    scene.revision.picture = str(tmp_path / name)
    session = room("operators.session").current()
    monkeypatch.setattr(session, "why_no_backend", lambda: "")
    images = set(bpy.data.images.keys())
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.revision.generate_coarse()
    assert len(scene.revision.jobs) == len(scene.revision.takes) == 0
    assert session.tickets == {}
    assert set(bpy.data.images.keys()) == images


def test_standard_view_is_offered_not_forced(scene) -> None:
    scene.view_settings.view_transform = "AgX"
    assert bpy.ops.revision.use_standard_view.poll()
    bpy.ops.revision.use_standard_view()
    assert scene.view_settings.view_transform == "Standard"
    assert not bpy.ops.revision.use_standard_view.poll()
