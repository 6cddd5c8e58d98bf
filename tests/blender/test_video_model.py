"""The video model in the scene: what files of earlier versions keep, what the buttons ask for, what stands in their way."""

from pathlib import Path

import bpy
import numpy as np
import pytest


@pytest.fixture
def settings(scene, room):
    room("operators.pump").step()
    yield scene.revision
    room("operators.session").current().tickets.clear()


def _saved_by_an_earlier_version(path: Path) -> None:
    """A file whose scene names a model's folder and knows no menu."""
    settings = bpy.context.scene.revision
    settings.engine, settings.model_folder = "svd", "//weights"
    assert not settings.is_property_set("model_choice")
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=False)


def test_a_file_that_names_a_folder_keeps_it(settings, tmp_path: Path, room) -> None:
    _saved_by_an_earlier_version(tmp_path / "old.blend")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "old.blend"))
    opened = bpy.context.scene.revision
    assert (opened.engine, opened.model_choice, opened.model_folder) == ("svd", "folder", "//weights")
    assert room("operators.chosen_model").name_of(opened) == str(tmp_path / "weights")


def test_a_choice_made_since_is_not_overruled(settings, tmp_path: Path) -> None:
    settings.engine, settings.model_folder, settings.model_choice = "svd", "//weights", "folder"
    settings.model_choice = "small"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "new.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "new.blend"))
    assert bpy.context.scene.revision.model_choice == "small"


def test_every_choice_is_a_name_that_requests_know(settings, room) -> None:
    names, chosen = room("revision_blender.video_model.names"), room("operators.chosen_model")
    settings.engine, settings.model_folder = "svd", "/models/mine"
    kinds = {}
    for choice in settings.bl_rna.properties["model_choice"].enum_items:
        settings.model_choice = choice.identifier
        kinds[choice.identifier] = names.kind_of(chosen.name_of(settings))
    assert kinds == {names.BUNDLED: "bundled", names.PUBLISHED[0]: "hub", names.PUBLISHED[1]: "hub", "folder": "folder"}
    settings.engine = "reproject"
    assert chosen.name_of(settings) == ""


def test_the_menu_of_presets_and_modes_is_that_of_the_wire(settings, room) -> None:
    properties = settings.bl_rna.properties
    presets, following = room("revision_blender.video_model.presets"), room("revision_blender.video_model.following")
    assert [item.identifier for item in properties["preset"].enum_items] == [preset.name for preset in presets.PRESETS]
    assert [item.identifier for item in properties["follow_mode"].enum_items] == list(following.MODES)
    assert settings.preset == presets.DEFAULT_PRESET


def test_a_coarse_request_carries_model_and_preset(settings, scene, room, tmp_path: Path) -> None:
    picture = tmp_path / "plaza.png"
    room("revision_blender.wire.png").write_png(picture, np.full((48, 64, 3), 90, np.uint8))
    settings.picture, settings.engine, settings.preset = str(picture), "svd", "draft"
    ticket, build = room("operators.asking").coarse(scene)
    request = build()
    assert (request.engine, request.model, request.preset) == ("svd", "small", "draft")
    assert (ticket.provenance["model"], ticket.provenance["preset"]) == ("small", "draft")
    settings.engine = "reproject"
    ticket, build = room("operators.asking").coarse(scene)
    assert build().model == ""
    assert "model" not in ticket.provenance


def test_depths_come_from_the_slider_until_they_are_set_by_hand(settings, room) -> None:
    chosen, following = room("operators.chosen_model"), room("revision_blender.video_model.following")
    settings.engine, settings.model_choice = "svd", room("revision_blender.video_model.names").PUBLISHED[0]
    depths = chosen.depths(settings)
    assert (depths.weak, depths.strong) == pytest.approx((following.PUBLISHED_DEPTHS.weak, following.PUBLISHED_DEPTHS.strong), rel=1e-6)
    settings.own_depths, settings.sigma_weak, settings.sigma_strong = True, 20.0, 5.0
    assert (chosen.depths(settings).weak, chosen.depths(settings).strong) == (20.0, 5.0)
    settings.sigma_strong = 30.0
    with pytest.raises(room("revision_blender.motion.errors").RevisionError, match="Held Down To"):
        chosen.depths(settings)


def test_without_a_folder_the_button_says_so(settings, scene, room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = tmp_path / "plaza.png"
    room("revision_blender.wire.png").write_png(picture, np.full((48, 64, 3), 90, np.uint8))
    monkeypatch.setattr(room("operators.session").current(), "why_no_backend", lambda: "")
    settings.picture, settings.engine, settings.model_choice = str(picture), "svd", "folder"
    assert room("operators.reasons").why_not_coarse(scene) == "Choose the folder of your video model in Source"


def _model(room, *, conditioned: bool):
    watch, state = room("operators.model_watch"), room("revision_blender.video_model.state")
    facts = room("revision_blender.video_model.facts").ModelFacts(8, (64, 64))
    noise = room("revision_blender.video_model.follow_slider").NoiseSpan(0.01, 40.0)
    found = state.ModelState("small", "found", "there", bytes=8_000_000, facts=facts, conditioned=conditioned)
    return watch.ModelView(found, noise, 16, device="cpu")


@pytest.mark.parametrize(
    ("mode", "conditioned", "holds"),
    [("auto", True, False), ("auto", False, True), ("dual-clock", True, True), ("conditioned", True, False), ("conditioned", False, False)],
)
def test_the_slider_is_there_where_it_means_something(
    settings, scene, room, monkeypatch, mode: str, conditioned: bool, holds: bool
) -> None:
    view = _model(room, conditioned=conditioned)
    monkeypatch.setattr(room("operators.session").current().models, "view", lambda _looked: view)
    settings.engine, settings.follow_mode = "svd", mode
    assert room("operators.chosen_model").may_hold(settings) is holds
    refused = room("operators.reasons")._why_not_followed(settings)
    assert bool(refused) is (mode == "conditioned" and not conditioned)


def test_depths_lie_on_the_models_own_schedule(settings, room, monkeypatch: pytest.MonkeyPatch) -> None:
    view = _model(room, conditioned=False)
    monkeypatch.setattr(room("operators.session").current().models, "view", lambda _looked: view)
    settings.engine = "svd"
    depths = room("operators.chosen_model").depths(settings)
    assert 0.01 < depths.strong < depths.weak < 40.0
    assert bpy.ops.revision.take_depths() == {"FINISHED"}
    assert settings.own_depths
    by_hand = room("operators.chosen_model").depths(settings)
    assert (by_hand.weak, by_hand.strong) == pytest.approx((depths.weak, depths.strong), rel=1e-6)
